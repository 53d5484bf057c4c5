package imageoptim

import (
	"image"
	"image/color"
)

// maxColors is how many colors a palette has at most.
const maxColors = 256

// errorPerQuality is by how much the colors of an image may change for each step of
// quality below 100: the root of the mean square of the differences, each 0 to 255.
const errorPerQuality = 0.25

// withPalette returns the image with a palette, or nil where it has one, or where
// the quality does not allow it.
func withPalette(img image.Image, quality int) *image.Paletted {
	switch img.(type) {
	case *image.Paletted, *image.Gray:
		return nil // as small as they can be
	}
	if deep(img) {
		return nil
	}
	b := img.Bounds()
	pixels := straight(img)
	reduced := image.NewPaletted(image.Rect(0, 0, b.Dx(), b.Dy()), nil)
	if exactly(reduced, pixels) {
		return reduced
	}
	most := float64(100-quality) * errorPerQuality
	if quality < 100 && nearly(reduced, pixels) <= most*most {
		return reduced
	}
	return nil
}

// exactly fills an image where there are no more colors than a palette holds.
func exactly(reduced *image.Paletted, pixels []byte) bool {
	places := make(map[color.NRGBA]uint8)
	for i := range reduced.Pix {
		c := colorAt(pixels, i)
		place, ok := places[c]
		if !ok {
			if len(places) == maxColors {
				return false
			}
			place = uint8(len(places))
			places[c] = place
			reduced.Palette = append(reduced.Palette, c)
		}
		reduced.Pix[i] = place
	}
	return true
}

func colorAt(pixels []byte, i int) color.NRGBA {
	p := pixels[4*i : 4*i+4 : 4*i+4]
	if p[3] == 0 {
		return color.NRGBA{} // nobody sees which color it has
	}
	return color.NRGBA{p[0], p[1], p[2], p[3]}
}

// nearly fills an image with a palette of its own, and returns the mean square of
// the differences.
func nearly(reduced *image.Paletted, pixels []byte) float64 {
	cells := make([]cell, cellCount)
	for i := range reduced.Pix {
		c := colorAt(pixels, i)
		cells[cellOf(c)].add(c)
	}
	var used []*cell
	for i := range cells {
		if cells[i].count > 0 {
			used = append(used, &cells[i])
		}
	}
	reduced.Palette = reduced.Palette[:0]
	for i, box := range divide(used) {
		for _, c := range box.cells {
			c.place = uint8(i)
		}
		reduced.Palette = append(reduced.Palette, box.mean())
	}
	sum := 0.0
	for i := range reduced.Pix {
		c := colorAt(pixels, i)
		place := cells[cellOf(c)].place
		reduced.Pix[i] = place
		sum += difference(c, reduced.Palette[place].(color.NRGBA))
	}
	return sum / float64(len(pixels))
}

// difference is the sum of the squares of what differs between a color and another
// in its place, over the four channels. What is hardly seen counts for less.
func difference(a, b color.NRGBA) float64 {
	square := func(a, b uint8) float64 { return (float64(a) - float64(b)) * (float64(a) - float64(b)) }
	seen := float64(a.A) / 255
	return seen*(square(a.R, b.R)+square(a.G, b.G)+square(a.B, b.B)) + square(a.A, b.A)
}

// cell is the colors of an image that have the same upper bits in each channel.
type cell struct {
	sum   [4]uint32 // of each channel; enough for maxPixels
	count uint32
	place uint8 // in the palette
}

// Cells have five bits of each color, and four of alpha.
const cellCount = 1 << 19

func cellOf(c color.NRGBA) int {
	return int(c.R>>3)<<14 | int(c.G>>3)<<9 | int(c.B>>3)<<4 | int(c.A>>4)
}

func (c *cell) add(n color.NRGBA) {
	for channel, value := range [4]uint8{n.R, n.G, n.B, n.A} {
		c.sum[channel] += uint32(value)
	}
	c.count++
}

// at returns the cell's mean in a channel.
func (c *cell) at(channel int) float64 { return float64(c.sum[channel]) / float64(c.count) }

// box is a part of the colors, for which one stands in the palette.
type box struct {
	cells   []*cell
	channel int     // in which they differ most
	spread  float64 // by how much: the sum of the squares of the distances to middle
	middle  float64
}

func newBox(cells []*cell) box {
	b := box{cells: cells}
	for channel := range 4 {
		var count, sum, squares float64
		for _, c := range cells {
			n, value := float64(c.count), c.at(channel)
			count, sum, squares = count+n, sum+n*value, squares+n*value*value
		}
		if spread := squares - sum*sum/count; channel == 0 || spread > b.spread {
			b.channel, b.spread, b.middle = channel, spread, sum/count
		}
	}
	return b
}

func (b *box) mean() color.NRGBA {
	var sum [4]uint64
	count := uint64(0)
	for _, c := range b.cells {
		for channel := range sum {
			sum[channel] += uint64(c.sum[channel])
		}
		count += uint64(c.count)
	}
	mean := func(channel int) uint8 { return uint8((sum[channel] + count/2) / count) }
	return color.NRGBA{mean(0), mean(1), mean(2), mean(3)}
}

// divide makes up to maxColors boxes of the cells: each time it cuts the one whose
// colors differ most through its middle.
func divide(cells []*cell) []box {
	boxes := []box{newBox(cells)}
	for len(boxes) < min(maxColors, len(cells)) {
		most := 0
		for i := range boxes {
			if boxes[i].spread > boxes[most].spread {
				most = i
			}
		}
		low, high := boxes[most].cut()
		if len(low) == 0 || len(high) == 0 {
			break
		}
		boxes[most] = newBox(low)
		boxes = append(boxes, newBox(high))
	}
	return boxes
}

// cut sorts the cells into those below the middle and the others.
func (b *box) cut() (low, high []*cell) {

	for _, c := range b.cells {
		if c.at(b.channel) < b.middle {
			low = append(low, c)
		} else {
			high = append(high, c)
		}
	}
	return low, high
}

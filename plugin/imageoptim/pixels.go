package imageoptim

import (
	"image"
	"image/color"
	"image/draw"
)

// opaque reports whether nothing shines through an image.
func opaque(img image.Image) bool {
	o, ok := img.(interface{ Opaque() bool })
	return ok && o.Opaque()
}

// premultiplied returns the pixels of an image as RGBA, four bytes each, colors
// multiplied by alpha.
func premultiplied(img image.Image) []byte {
	b := img.Bounds()
	if m, ok := img.(*image.RGBA); ok && m.Stride == 4*b.Dx() {
		return m.Pix
	}
	m := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(m, m.Rect, img, b.Min, draw.Src)
	return m.Pix
}

// straight returns the pixels of an image as RGBA, four bytes each, colors as they
// are.
func straight(img image.Image) []byte {
	if opaque(img) {
		return premultiplied(img) // which is the same, and faster
	}
	b := img.Bounds()
	if m, ok := img.(*image.NRGBA); ok && m.Stride == 4*b.Dx() {
		return m.Pix
	}
	m := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			m.SetNRGBA(x, y, color.NRGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA))
		}
	}
	return m.Pix
}

package imageoptim

import (
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
)

// orientationOf reads the orientation in Exif data, a TIFF file: 1 to 8, or 0 where
// there is none.
func orientationOf(exif []byte) int {
	if len(exif) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(exif[:4]) {
	case "II*\x00":
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 0
	}
	const entry, tag, short = 12, 0x0112, 3
	at := uint64(order.Uint32(exif[4:]))
	if at+2 > uint64(len(exif)) {
		return 0
	}
	entries := exif[at+2:]
	for n := order.Uint16(exif[at:]); n > 0 && len(entries) >= entry; n, entries = n-1, entries[entry:] {
		if order.Uint16(entries) == tag && order.Uint16(entries[2:]) == short {
			if value := order.Uint16(entries[8:]); value <= 8 {
				return int(value)
			}
			return 0
		}
	}
	return 0
}

// upright turns an image as its orientation says: what is encoded has none.
func upright(img image.Image, orientation int) image.Image {
	if orientation < 2 {
		return img
	}
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if orientation >= 5 {
		w, h = h, w
	}
	turned := sameKind(img, image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			fromX, fromY := source(orientation, x, y, b.Dx(), b.Dy())
			turned.Set(x, y, img.At(b.Min.X+fromX, b.Min.Y+fromY))
		}
	}
	return turned
}

// sameKind returns an empty image that can hold what img does.
func sameKind(img image.Image, r image.Rectangle) draw.Image {
	switch img := img.(type) {
	case *image.Paletted:
		return image.NewPaletted(r, img.Palette)
	case *image.Gray:
		return image.NewGray(r)
	case *image.YCbCr:
		return image.NewRGBA(r)
	}
	if deep(img) {
		return image.NewNRGBA64(r)
	}
	return image.NewNRGBA(r)
}

// deep reports whether an image has 16 bits a channel.
func deep(img image.Image) bool {
	switch img.ColorModel() {
	case color.Gray16Model, color.NRGBA64Model, color.RGBA64Model:
		return true
	}
	return false
}

// source tells where the pixel that is to be seen at x, y stands in an image of
// width w and height h (TIFF 6.0, Orientation).
func source(orientation, x, y, w, h int) (fromX, fromY int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	case 8:
		return w - 1 - y, x
	}
	return x, y
}

package imageoptim

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	jpegs "image/jpeg"
	pngs "image/png"
	"io"
	"math"
	"testing"

	webps "golang.org/x/image/webp"
)

// photo is an image with the soft changes of a photo and a little noise.
func photo(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	noise := uint32(1)
	for y := range h {
		for x := range w {
			noise = noise*1664525 + 1013904223
			wave := func(length float64) uint8 {
				return uint8(128 + 60*math.Sin(float64(x)/length) + 50*math.Cos(float64(y)/length/0.7) + float64(noise>>24)/64)
			}
			img.SetRGBA(x, y, color.RGBA{wave(50), wave(91), wave(33), 255})
		}
	}
	return img
}

// drawing is an image of few colors, some of which things shine through.
func drawing(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{uint8(x / 32 * 32), uint8(y / 32 * 32), 200, uint8(55 + 100*((x*x+y*y)/500%3))})
		}
	}
	return img
}

// poster is a photo in 64 colors.
func poster(w, h int) *image.RGBA {
	img := photo(w, h)
	for i := range img.Pix {
		img.Pix[i] |= 0x3f
	}
	return img
}

func pngOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := pngs.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func jpegOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpegs.Encode(&out, img, &jpegs.Options{Quality: 97}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// withChunk puts a chunk behind the header of a PNG.
func withChunk(content []byte, name, data string) []byte {
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	chunk = append(append(chunk, name...), data...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	const header = 8 + 25
	return append(append(bytes.Clone(content[:header]), chunk...), content[header:]...)
}

// withSegment puts a segment at the beginning of a JPEG.
func withSegment(content []byte, marker byte, data string) []byte {
	segment := append([]byte{0xff, 0xd8, 0xff, marker}, byte((len(data)+2)>>8), byte(len(data)+2))
	return append(append(segment, data...), content[2:]...)
}

// exif is Exif data with an orientation.
func exif(orientation byte) string {
	return "MM\x00*\x00\x00\x00\x08\x00\x02" +
		"\x01\x0f\x00\x02\x00\x00\x00\x01\x00\x00\x00\x00" +
		"\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string(rune(orientation)) + "\x00\x00" + "\x00\x00\x00\x00"
}

// profile is a color profile of a name, of the older type or of the newer one.
func profile(name string, newer bool) string {
	tag := "desc\x00\x00\x00\x00\x00\x00\x00" + string(rune(len(name)+1)) + name + "\x00"
	if newer {
		tag = "mluc\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x0cenUS\x00\x00\x00" + string(rune(2*len(name))) + "\x00\x00\x00\x1c"
		for _, r := range name {
			tag += "\x00" + string(r)
		}
	}
	entries := "\x00\x00\x00\x02" + "cprt\x00\x00\x00\x00\x00\x00\x00\x00" + "desc\x00\x00\x00\x9c\x00\x00\x00" + string(rune(len(tag)))
	return string(make([]byte, 128)) + entries + tag
}

// avifSize reads the width and height of an AVIF from its box ispe.
func avifSize(content []byte) (w, h int) {
	at := bytes.Index(content, []byte("ispe"))
	if at < 0 || len(content) < at+16 || !bytes.HasPrefix(content[4:], []byte("ftypavif")) {
		return 0, 0
	}
	return int(binary.BigEndian.Uint32(content[at+8:])), int(binary.BigEndian.Uint32(content[at+12:]))
}

// size decodes content as what its type says, and returns width and height.
func size(t testing.TB, contentType string, content []byte) (w, h int) {
	t.Helper()
	if contentType == "image/avif" {
		return avifSize(content)
	}
	img := opened(t, contentType, content)
	return img.Bounds().Dx(), img.Bounds().Dy()
}

// opened decodes content as what its type says.
func opened(t testing.TB, contentType string, content []byte) image.Image {
	t.Helper()
	decoders := map[string]func(io.Reader) (image.Image, error){"image/png": pngs.Decode, "image/jpeg": jpegs.Decode, "image/webp": webps.Decode}
	img, err := decoders[contentType](bytes.NewReader(content))
	if err != nil {
		t.Fatalf("%d bytes of %s: %v", len(content), contentType, err)
	}
	if lossy, ok := img.(*image.YCbCr); ok && contentType == "image/webp" {
		widen(lossy)
	}
	return img
}

// widen makes the values of a lossy WebP what the type of its image says: the
// decoder leaves them in the narrower range of video (RFC 6386 section 9.2).
func widen(img *image.YCbCr) {
	for i, v := range img.Y {
		img.Y[i] = uint8(max(0, min(255, (int(v)-16)*255/219)))
	}
	for _, plane := range [][]uint8{img.Cb, img.Cr} {
		for i, v := range plane {
			plane[i] = uint8(max(0, min(255, (int(v)-128)*255/224+128)))
		}
	}
}

// apart is by how much two images differ: the root of the mean square over all
// channels, each 0 to 255.
func apart(a, b image.Image) float64 {
	if a.Bounds().Size() != b.Bounds().Size() {
		return math.Inf(1)
	}
	sum, n := 0.0, 0
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			r1, g1, b1, a1 := a.At(a.Bounds().Min.X+x, a.Bounds().Min.Y+y).RGBA()
			r2, g2, b2, a2 := b.At(b.Bounds().Min.X+x, b.Bounds().Min.Y+y).RGBA()
			for _, d := range [4]float64{float64(r1) - float64(r2), float64(g1) - float64(g2), float64(b1) - float64(b2), float64(a1) - float64(a2)} {
				sum, n = sum+d*d/257/257, n+1
			}
		}
	}
	return math.Sqrt(sum / float64(n))
}

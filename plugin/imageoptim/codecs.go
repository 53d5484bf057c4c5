package imageoptim

import (
	_ "embed"
	"image"
)

// The programs come with codecs/README.md, which says from where.
//
//go:generate sh codecs/fetch.sh

//go:embed codecs/avif.wasm.gz
var avifProgram []byte

//go:embed codecs/webp.wasm.gz
var webpProgram []byte

// codecs are the encoders of formats that the standard library does not have. They
// take no memory until they are first used.
type codecs struct{ avif, webp program }

func newCodecs() *codecs {
	return &codecs{avif: program{packed: avifProgram}, webp: program{packed: webpProgram}}
}

func (c *codecs) close() {
	c.avif.close()
	c.webp.close()
}

// maxWebP is the largest width and height that WebP has.
const maxWebP = 16383

// encodeWebP returns the image as WebP, without loss or in a quality of 1 to 100.
func (c *codecs) encodeWebP(img image.Image, lossless bool, quality int) ([]byte, error) {
	b := img.Bounds()
	if max(b.Dx(), b.Dy()) > maxWebP {
		return nil, unfit("is too large for WebP")
	}
	const (
		rgba   = 0 // how colors are given
		method = 4 // how hard it tries, 0 to 6: more takes longer for nothing much
		exact  = 0 // colors of what cannot be seen may change
	)
	mode := uint64(0)
	if lossless {
		mode = 1
	}
	return c.webp.encode(straight(img), b.Dx(), b.Dy(), rgba, uint64(quality), method, mode, exact)
}

// encodeAVIF returns the image as AVIF in a quality of 1 to 100, at a speed of 1 to
// 10.
func (c *codecs) encodeAVIF(img image.Image, quality, speed int) ([]byte, error) {
	// Below 8 the encoder takes up to a minute for a million pixels of a drawing, where
	// at 8 it takes two seconds, and nobody could stop it. Photos get 3 % larger by that.
	const slowest, fastest = 8, 10
	pace := slowest + (speed-1)*(fastest-slowest)/9
	// The ratios of colors to pixels, as the encoder numbers them. Photos lose
	// nothing by fewer colors; edges of drawings and letters do.
	const full, quarter = 1, 3
	ratio := uint64(full)
	if photo, ok := img.(*image.YCbCr); ok && photo.SubsampleRatio == image.YCbCrSubsampleRatio420 {
		ratio = quarter
	}
	b := img.Bounds()
	return c.avif.encode(premultiplied(img), b.Dx(), b.Dy(), uint64(quality), uint64(quality), uint64(pace), ratio)
}

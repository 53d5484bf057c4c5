package imageoptim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	jpegs "image/jpeg"
	pngs "image/png"
	"io"
)

// maxPixels is the size of the largest image that is decoded, that of a screen of
// 3840 by 2160. A few bytes of a file can be very many of an image.
const maxPixels = 3840 * 2160

// errUnfit is the error of content that is no image that can be changed.
var errUnfit = errors.New("unfit")

func unfit(why string) error { return fmt.Errorf("%w: %s", errUnfit, why) }

// make decodes the content and encodes it again.
func (o *optimizer) make(ctx context.Context, j job) ([]byte, error) {
	look, err := lookAt(j.own, j.content)
	if err != nil {
		return nil, err
	}
	if int64(look.width)*int64(look.height) > maxPixels {
		return nil, unfit(fmt.Sprintf("has %d by %d pixels", look.width, look.height))
	}
	img, err := decode(ctx, j)
	if err != nil {
		return nil, err
	}
	return o.encode(ctx, j, upright(img, look.orientation))
}

// decode returns the image in the content.
func decode(ctx context.Context, j job) (img image.Image, err error) {
	content := &bounded{ctx: ctx, Reader: bytes.NewReader(j.content)}
	if j.own == png {
		img, err = pngs.Decode(content)
	} else {
		img, err = jpegs.Decode(content)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errUnfit, err)
	}
	return img, nil
}

// encode returns the image in the job's target format.
func (o *optimizer) encode(ctx context.Context, j job, img image.Image) ([]byte, error) {
	switch j.target {
	case png:
		return encodePNG(ctx, img, o.PngQuality)
	case jpeg:
		var out bytes.Buffer
		err := jpegs.Encode(&bounded{ctx: ctx, Writer: &out}, img, &jpegs.Options{Quality: o.JpegQuality})
		return out.Bytes(), err
	case webp:
		return o.codecs.encodeWebP(img, j.own == png, o.JpegQuality)
	}
	return o.codecs.encodeAVIF(img, o.AvifQuality, o.AvifSpeed)
}

// encodePNG returns the image as a PNG, with a palette where the quality allows it.
func encodePNG(ctx context.Context, img image.Image, quality int) ([]byte, error) {
	if reduced := withPalette(img, quality); reduced != nil {
		img = reduced
	}
	var out bytes.Buffer
	e := pngs.Encoder{CompressionLevel: pngs.BestCompression}
	err := e.Encode(&bounded{ctx: ctx, Writer: &out}, img)
	return out.Bytes(), err
}

// bounded is a reader or a writer that fails when ctx has ended: the codecs of the
// standard library have no other way to be stopped.
type bounded struct {
	ctx context.Context
	io.Reader
	io.Writer
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.Reader.Read(p)
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.Writer.Write(p)
}

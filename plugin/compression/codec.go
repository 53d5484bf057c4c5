package compression

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// pool is a sync.Pool, by a name that says what it is for: what it holds serves
// exchanges of all loops.
type pool = sync.Pool

// encoder is what the encoders of all formats can do.
type encoder interface {
	io.Writer
	Reset(to io.Writer)
	Flush() error // makes all that has been written readable
	Close() error // ends the content
}

// codec is a format at a level.
type codec struct {
	name string // as in Content-Encoding
	// slow is set where a piece takes so long that it is encoded beside the loop.
	slow bool
	// most bounds how many encoders there are in use, and with them the memory
	// that they take. Whoever finds none gets the content as it is.
	most  int64
	inUse atomic.Int64
	spare pool // of *work
}

// encoderMemory is what the encoders of a codec take at most.
const encoderMemory = 512 << 20

// full reports whether take would return nil.
func (c *codec) full() bool { return c.inUse.Load() >= c.most }

// newCodec makes a codec whose encoders take so many bytes each.
func newCodec(name string, slow bool, size int64, make func(to io.Writer) encoder) *codec {
	c := &codec{name: name, slow: slow, most: encoderMemory / size}
	c.spare.New = func() any {
		w := &work{}
		w.encoder = make(&w.out)
		return w
	}
	return c
}

// work is an encoder with what it has produced.
type work struct {
	encoder encoder
	out     output
}

// output takes what an encoder writes.
type output struct{ data []byte }

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.data = append(o.data, p...)
	return len(p), nil
}

// keptOutput is the memory of an output that is kept for the next content.
const keptOutput = 128 << 10

// take returns an encoder for new content, or nil when too many are in use.
func (c *codec) take() *work {
	if c.inUse.Add(1) > c.most {
		c.inUse.Add(-1)
		return nil
	}
	w := c.spare.Get().(*work)
	w.out.data = w.out.data[:0]
	w.encoder.Reset(&w.out)
	return w
}

// give takes an encoder back, wherever it has got to.
func (c *codec) give(w *work) {
	if cap(w.out.data) > keptOutput {
		w.out.data = nil
	}
	c.spare.Put(w)
	c.inUse.Add(-1)
}

// window is how far back brotli and Zstandard look: more takes memory for each
// content that is being sent, and gains little for what is sent over HTTP.
const (
	brotliWindow = 18 // as a power of two
	zstdWindow   = 512 << 10
)

func gzipCodec(level int) *codec {
	if level == 0 {
		return nil
	}
	return newCodec("gzip", false, 2<<20, func(to io.Writer) encoder {
		w, err := gzip.NewWriterLevel(to, level)
		if err != nil {
			panic(err) // the level is one of those there are
		}
		return w
	})
}

// slowBrotli is the first level at which brotli works on so much at a time that
// it would hold the loop up.
const slowBrotli = 9

func brotliCodec(level int) *codec {
	if level == 0 {
		return nil
	}
	size := int64(5 << 20)
	switch level { // measured
	case 7, 8:
		size = 20 << 20
	case 9:
		size = 40 << 20
	case 10, 11:
		size = 10 << 20
	}
	return newCodec("br", level >= slowBrotli, size, func(to io.Writer) encoder {
		return brotli.NewWriterOptions(to, brotli.WriterOptions{Quality: level, LGWin: brotliWindow})
	})
}

func zstdCodec(level int) *codec {
	if level == 0 {
		return nil
	}
	speed := zstd.EncoderLevelFromZstd(level)
	size := int64(5 << 20)
	if speed == zstd.SpeedBestCompression {
		size = 40 << 20
	}
	return newCodec("zstd", speed == zstd.SpeedBestCompression, size, func(to io.Writer) encoder {
		w, err := zstd.NewWriter(to, zstd.WithEncoderLevel(speed), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic(err) // the options are right
		}
		return w
	})
}

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
)

// block is what all test content is cut from: random, so that a byte that is
// lost, doubled or moved shows.
var block = func() []byte {
	b := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(b)
	return b
}()

// content is the first size bytes of the endless repetition of block, in memory.
func content(size int64) []byte {
	b, err := io.ReadAll(newContent(size))
	if err != nil {
		panic(err)
	}
	return b
}

// contentReader streams the same.
type contentReader struct{ at, size int64 }

func newContent(size int64) *contentReader { return &contentReader{size: size} }

func (r *contentReader) Read(p []byte) (int, error) {
	if r.at == r.size {
		return 0, io.EOF
	}
	from := block[r.at%int64(len(block)):]
	n := copy(p, from[:min(int64(len(from)), r.size-r.at)])
	r.at += int64(n)
	return n, nil
}

// wantContent reads r to its end and says how it differs from the content of
// that size.
func wantContent(r io.Reader, size int64) error {
	want := newContent(size)
	got, expected := make([]byte, 128<<10), make([]byte, 128<<10)
	for {
		n, err := r.Read(got)
		m, _ := io.ReadFull(want, expected[:n])
		if m < n {
			return fmt.Errorf("more than %d bytes came", size)
		}
		if !bytes.Equal(got[:n], expected[:n]) {
			return fmt.Errorf("the bytes from %d to %d are not those that were sent", want.at-int64(n), want.at)
		}
		switch {
		case err == io.EOF && want.at == size:
			return nil
		case err != nil:
			return fmt.Errorf("after %d of %d bytes: %w", want.at, size, err)
		}
	}
}

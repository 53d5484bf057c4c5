package http2

import (
	"testing"

	"golang.org/x/net/http2/hpack"

	"pingap/message"
)

// A section of fields that are named again in a byte each: what a frame may cost.
func BenchmarkHeaderBomb(b *testing.B) {
	var section []byte
	section = append(section, 0x40, 1, 'a', 1, 'x')
	for range 16_000 {
		section = append(section, 0x80|62)
	}
	block := newBlock(Limits{}.withDefaults())
	var h message.Header
	b.SetBytes(int64(len(section)))
	for b.Loop() {
		h.Reset()
		if err := block.decode(section, &h); err != nil && err != errLargeSection {
			b.Fatal(err)
		}
	}
}

// What h2load sends, when the tables are filled.
func BenchmarkSection(b *testing.B) {
	block := newBlock(Limits{}.withDefaults())
	var h message.Header
	decode := func(section []byte) {
		h.Reset()
		if err := block.decode(section, &h); err != nil || block.tooLarge || block.malformed != "" {
			b.Fatal(err, block.malformed)
		}
	}
	sections := encodeTwice(usual)
	decode(sections[0])
	b.ReportAllocs()
	for b.Loop() {
		decode(sections[1])
	}
}

// encodeTwice encodes fields as a client does with its first and its second
// request.
func encodeTwice(pairs []string) (sections [2][]byte) {
	var out writer
	encoder := hpack.NewEncoder(&out)
	for i := range sections {
		out = nil
		for j := 0; j < len(pairs); j += 2 {
			encoder.WriteField(hpack.HeaderField{Name: pairs[j], Value: pairs[j+1]})
		}
		sections[i] = out
	}
	return sections
}

type writer []byte

func (w *writer) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}

//go:build !race

// Under the race detector everything costs more.

package http2

import (
	"bufio"
	"io"
	"net"
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

// pipe is a client that asks by what has been encoded before, and reads answers
// without taking them apart, so that it costs next to nothing.
type pipe struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
	out  []byte
	next uint32
}

func newPipe(t testing.TB, h message.Handler) *pipe {
	conn, err := net.Dial("tcp", serve(t, &Server{KeepAliveRequests: 1 << 30, Handler: h}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	io.WriteString(conn, clientPreface)
	// A window that is not used up.
	conn.Write(append(appendFrame(appendFrame(nil, 0, frameSettings, 0, 0), 4, frameWindowUpdate, 0, 0), 0x7f, 0, 0, 0))
	return &pipe{t: t, conn: conn, in: bufio.NewReaderSize(conn, 64<<10), next: 1}
}

// ask sends n requests with this content, if it is any, and reads the answers.
func (p *pipe) ask(n int, section, content []byte) {
	p.out = p.out[:0]
	for range n {
		flags := uint8(flagEndHeaders)
		if len(content) == 0 {
			flags |= flagEndStream
		}
		p.out = append(appendFrame(p.out, len(section), frameHeaders, flags, p.next), section...)
		if len(content) > 0 {
			p.out = append(appendFrame(p.out, len(content), frameData, flagEndStream, p.next), content...)
		}
		p.next += 2
	}
	if _, err := p.conn.Write(p.out); err != nil {
		p.t.Fatal(err)
	}
	for n > 0 {
		head, err := p.in.Peek(frameHeaderSize)
		if err != nil {
			p.t.Fatal(err)
		}
		f := parseFrame(head)
		if f.kind == frameResetStream {
			p.t.Fatal("a stream is reset")
		}
		if f.has(flagEndStream) && f.kind <= frameHeaders {
			n--
		}
		p.in.Discard(frameHeaderSize + f.length)
	}
}

// together is how many streams a connection has at a time.
const together = 32

// warmPipe is a pipe that has been used, and the section to ask with.
func warmPipe(t testing.TB, h message.Handler, content []byte) (p *pipe, section []byte) {
	p = newPipe(t, h)
	sections := encodeTwice(usual)
	p.ask(1, sections[0], content)
	for range 100 {
		p.ask(together, sections[1], content)
	}
	return p, sections[1]
}

var hello = []byte("hello")

// greet answers at once, and allocates nothing.
func greet(x *message.Exchange) error {
	x.Response.Status, x.Response.Length = 200, int64(len(hello))
	x.Response.Body = x.BytesBody(hello)
	return nil
}

// returning answers with the content of the request.
func returning(x *message.Exchange) error {
	x.Response.Status, x.Response.Length, x.Response.Body = 200, message.UnknownLength, x.Request.Body
	return nil
}

func TestServingAStreamTakesNoMemory(t *testing.T) {
	p, section := warmPipe(t, message.HandlerFunc(greet), nil)
	if n := testing.AllocsPerRun(100, func() { p.ask(together, section, nil) }); n != 0 {
		t.Errorf("%v allocations for %d streams", n, together)
	}
}

func TestEchoingContentOfAStreamTakesNoMemory(t *testing.T) {
	p, section := warmPipe(t, message.HandlerFunc(returning), hello)
	if n := testing.AllocsPerRun(100, func() { p.ask(together, section, hello) }); n != 0 {
		t.Errorf("%v allocations for %d streams", n, together)
	}
}

// What a stream costs that is answered at once, by one of 32.
func BenchmarkStream(b *testing.B) {
	p, section := warmPipe(b, message.HandlerFunc(greet), nil)
	b.ReportAllocs()
	b.ResetTimer()
	for n := b.N; n > 0; n -= together {
		p.ask(min(n, together), section, nil)
	}
}

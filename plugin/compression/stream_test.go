package compression

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// pieces is a body that gives texts one by one, and waits before each that is
// empty until somebody calls more.
type pieces struct {
	l      *loop.Loop
	list   []string
	end    error // nil for io.EOF
	parked *loop.Coroutine
	closed bool
}

var errPiecesClosed = errors.New("closed")

func (p *pieces) Next() ([]byte, error) {
	for len(p.list) > 0 && p.list[0] == "" && !p.closed {
		p.parked = p.l.Current()
		err := p.l.Park()
		p.parked = nil
		if err != nil {
			return nil, err
		}
	}
	switch {
	case p.closed:
		return nil, errPiecesClosed
	case len(p.list) > 0:
		piece := p.list[0]
		p.list = p.list[1:]
		return []byte(piece), nil
	case p.end != nil:
		return nil, p.end
	}
	return nil, io.EOF
}

// more ends the present wait.
func (p *pieces) more() {
	if len(p.list) > 0 && p.list[0] == "" {
		p.list = p.list[1:]
	}
	wake(p.parked)
}

func (p *pieces) Close() {
	p.closed = true
	wake(p.parked)
}

// opened decodes what has come so far.
func opened(name string, content []byte) string {
	var r io.Reader = bytes.NewReader(content)
	switch name {
	case "gzip":
		g, err := gzip.NewReader(r)
		if err != nil {
			return ""
		}
		r = g
	case "br":
		r = brotli.NewReader(r)
	case "zstd":
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return ""
		}
		defer d.Close()
		r = d
	}
	all, _ := io.ReadAll(r) // which ends in the middle
	return string(all)
}

// TestAnEventGoesOutWhenNoneFollows: a stream of events stalled while the encoder
// waited for more to compress.
func TestAnEventGoesOutWhenNoneFollows(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, settings := range []string{"gzip_level = 6", "br_level = 6", "zstd_level = 6", "br_level = 11"} {
			name, _, _ := strings.Cut(settings, "_")
			source := &pieces{l: l, list: []string{"data: one\n\n", "", "data: two\n\n", "", "data: three\n\n"}}
			x := served(t, l, settings, answer{accept: name, fields: "Content-Type: text/event-stream", body: source, length: message.UnknownLength})
			var got []byte
			for _, want := range []string{"data: one\n\n", "data: one\n\ndata: two\n\n"} {
				for opened(name, got) != want {
					view, err := x.Response.Body.Next()
					if err != nil {
						t.Errorf("%s: %v after %q", settings, err, opened(name, got))
						return
					}
					got = append(got, view...)
				}
				source.more()
			}
			rest, err := read(x)
			if all := decoded(t, name, append(got, rest...)); err != nil || all != "data: one\n\ndata: two\n\ndata: three\n\n" {
				t.Errorf("%s: %q, %v", settings, all, err)
			}
			finish(x)
		}
	})
}

// TestDecodedEventGoesOutWhenNoneFollows is the same in the other direction.
func TestDecodedEventGoesOutWhenNoneFollows(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []*codec{gzipCodec(6), brotliCodec(6), zstdCodec(6)} {
			w := c.take()
			w.encoder.Write([]byte("data: one\n\n"))
			w.encoder.Flush()
			first := string(w.out.data)
			w.out.data = nil
			w.encoder.Write([]byte("data: two\n\n"))
			w.encoder.Close()
			source := &pieces{l: l, list: []string{first, "", string(w.out.data)}}
			x := served(t, l, "decompression = true", answer{fields: "Content-Type: text/event-stream|Content-Encoding: " + c.name, body: source, length: message.UnknownLength})
			view, err := x.Response.Body.Next()
			if string(view) != "data: one\n\n" || err != nil {
				t.Errorf("%s: the first piece is %q, %v", c.name, view, err)
			}
			source.more()
			if rest, err := read(x); string(rest) != "data: two\n\n" || err != nil {
				t.Errorf("%s: the rest is %q, %v", c.name, rest, err)
			}
			finish(x)
		}
	})
}

func TestContentIsTheSameHoweverItComes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	looptest.Run(t, func(l *loop.Loop) {
		p := made(t, every)
		for range 60 {
			var list []string
			all := ""
			for range random.IntN(20) {
				piece := text[random.IntN(len(text)/2):][:1+random.IntN(len(text)/4)]
				list, all = append(list, piece), all+piece
				if random.IntN(3) == 0 {
					list = append(list, "")
				}
			}
			source := &pieces{l: l, list: list}
			length := int64(message.UnknownLength)
			if all != "" && random.IntN(2) == 0 {
				length = int64(len(all))
			}
			name := []string{"gzip", "br", "zstd"}[random.IntN(3)]
			x := servedBy(p, l, answer{accept: name, fields: isText, body: source, length: length})
			done := false
			l.Go(loop.TaskFunc(func() {
				for !done {
					source.more()
					l.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
				}
			}))
			content, err := read(x)
			done = true
			if got := decoded(t, name, content); got != all || err != nil {
				t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(all), err)
			}
			finish(x)
		}
	})
}

func TestClosingEndsWhoeverPulls(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, list := range [][]string{{text, ""}, {text, text, text, text}, {text}} {
			source := &pieces{l: l, list: list}
			x := served(t, l, every, answer{accept: "gzip", fields: isText, body: source, length: message.UnknownLength})
			if _, err := x.Response.Body.Next(); err != nil {
				t.Error(err)
			}
			finish(x) // Run fails when a coroutine is left
			if !source.closed {
				t.Error("the source has not been closed")
			}
		}
	})
}

func TestClientThatLeavesEndsTheWait(t *testing.T) {
	gone := errors.New("gone")
	looptest.Run(t, func(l *loop.Loop) {
		x := served(t, l, "br_level = 5", answer{accept: "br", fields: isText, body: &pieces{l: l, list: []string{"one", ""}}, length: message.UnknownLength})
		var ended bool
		reading := l.Go(loop.TaskFunc(func() {
			if _, err := read(x); err != gone {
				t.Errorf("ended with %v", err)
			}
			x.Response.Close()
			x.Settle()
			ended = true
		}))
		l.Sleep(50 * time.Millisecond) // sleep: any time is right, at some the reader is parked
		reading.Cancel(gone)
		for !ended {
			l.Yield()
		}
		finish(x)
	})
}

func TestContentIsDecodedForWhoCannot(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		p := made(t, "gzip_level = 6\ndecompression = true")
		for _, c := range []*codec{gzipCodec(6), brotliCodec(6), zstdCodec(6)} {
			for _, again := range []struct{ accept, want string }{{"", ""}, {"deflate", ""}, {c.name + ";q=0", ""}, {c.name, c.name}, {"gzip;q=0.9", "gzip"}, {"*", c.name}} {
				w := c.take()
				w.encoder.Write([]byte(text))
				w.encoder.Close()
				x := servedBy(p, l, answer{accept: again.accept, fields: isText + `|ETag: "x"|Content-Encoding: ` + c.name,
					body: &message.BytesBody{Data: w.out.data}, length: int64(len(w.out.data))})
				content, err := read(x)
				if got := x.Response.Header.Get("Content-Encoding"); got != again.want || err != nil || decoded(t, got, content) != text {
					t.Errorf("%s for %q: coding %q, %d bytes, %v", c.name, again.accept, got, len(content), err)
				}
				if x.Response.Header.Get("Vary") != "Accept-Encoding" {
					t.Errorf("%s for %q: %s", c.name, again.accept, fieldsOf(x))
				}
				finish(x)
			}
		}
	})
}

func TestDamagedContentIsAnError(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		p := made(t, "decompression = true")
		for _, c := range []*codec{gzipCodec(6), brotliCodec(6), zstdCodec(6)} {
			w := c.take()
			w.encoder.Write([]byte(text))
			w.encoder.Close()
			data := w.out.data
			for name, damaged := range map[string][]byte{"cut": data[:len(data)/2], "changed": append([]byte("\x00\xff\x00\xff"), data...)} {
				x := servedBy(p, l, answer{fields: isText + "|Content-Encoding: " + c.name, body: &message.BytesBody{Data: damaged}, length: int64(len(damaged))})
				if content, err := read(x); err == nil {
					t.Errorf("%s, %s: %d bytes and no error", c.name, name, len(content))
				}
				finish(x)
			}
		}
	})
}

// TestBombTakesNoMemory decodes 64 MB that have been some kilobytes.
func TestBombTakesNoMemory(t *testing.T) {
	const size = 64 << 20
	looptest.Run(t, func(l *loop.Loop) {
		p := made(t, "decompression = true")
		for _, c := range []*codec{gzipCodec(6), brotliCodec(3), zstdCodec(3)} {
			w := c.take()
			zeros := make([]byte, 1<<20)
			for range size >> 20 {
				w.encoder.Write(zeros)
			}
			w.encoder.Close()
			x := servedBy(p, l, answer{fields: isText + "|Content-Encoding: " + c.name, body: &message.BytesBody{Data: w.out.data}, length: int64(len(w.out.data))})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			n := 0
			for {
				view, err := x.Response.Body.Next()
				if n += len(view); err != nil || n > size {
					break
				}
			}
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; n != size || used > 32<<20 {
				t.Errorf("%s: %d bytes took %d bytes of memory", c.name, n, used)
			}
			finish(x)
		}
	})
}

// TestLongWorkLetsOthersHaveATurn: a loop that encodes must go on to serve others.
func TestLongWorkLetsOthersHaveATurn(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, settings := range []string{"gzip_level = 9", "br_level = 8", "br_level = 11", "zstd_level = 22"} {
			name, _, _ := strings.Cut(settings, "_")
			data := make([]byte, 256<<10)
			random := rand.New(rand.NewPCG(3, 4))
			for i := range data {
				data[i] = "abcdefgh"[random.IntN(8)]
			}
			x := served(t, l, settings, answer{accept: name, fields: isText, body: &message.BytesBody{Data: data}, length: int64(len(data))})
			turns, done := 0, false
			l.Go(loop.TaskFunc(func() {
				for ; !done; turns++ {
					l.Yield()
				}
			}))
			if _, err := read(x); err != nil {
				t.Error(err)
			}
			done = true
			if turns < 4 {
				t.Errorf("%s: others had %d turns", settings, turns)
			}
			finish(x)
		}
	})
}

func FuzzDecoding(f *testing.F) {
	for _, c := range []*codec{gzipCodec(6), brotliCodec(6), zstdCodec(6)} {
		w := c.take()
		w.encoder.Write([]byte("some text, some text"))
		w.encoder.Close()
		f.Add(c.name, w.out.data)
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if len(data) == 0 {
			return
		}
		looptest.Run(t, func(l *loop.Loop) {
			x := served(t, l, "decompression = true", answer{fields: isText + "|Content-Encoding: " + strings.Map(printable, name), body: &message.BytesBody{Data: data}, length: int64(len(data))})
			for n := 0; n < 1<<20; {
				view, err := x.Response.Body.Next()
				if err != nil {
					break
				}
				n += len(view)
			}
			finish(x)
		})
	})
}

func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return '-'
	}
	return r
}

package http1

import (
	"strings"
	"testing"

	"pingap/message"
)

// decode decodes chunked content that comes in pieces of the given size, as a
// body does: consumed bytes go, what is incomplete stays for the next piece.
func decode(raw string, piece int) (content string, trailer message.Header, rest string, err error) {
	var d chunkDecoder
	limits := Limits{}.withDefaults()
	b := []byte(raw)
	start, end := 0, 0
	for {
		skip, n, err := d.next(b[start:end], &trailer, &limits)
		content += string(b[start+skip : start+skip+n])
		start += skip + n
		switch {
		case err == errIncomplete && end < len(b):
			end = min(end+piece, len(b))
		case err != nil:
			return content, trailer, string(b[start:]), err
		case n == 0:
			return content, trailer, string(b[start:]), nil
		}
	}
}

// RFC 9112 section 7.1.
func TestChunkedContent(t *testing.T) {
	for _, c := range []struct{ raw, content, trailers, rest string }{
		{"0\n\n", "", "", ""},
		{"3\nabc\n0\n\nGET", "abc", "", "GET"},
		{"1\na\n2\nbc\n000\n\n", "abc", "", ""},
		{"A\n0123456789\na\n0123456789\n0\n\n", "01234567890123456789", "", ""},
		{"0000000000000003\nabc\n0\n\n", "abc", "", ""},
		{"2\n\n\n0\n\n", "\r\n", "", ""},
		{"3;x\nabc\n0;last\n\n", "abc", "", ""},
		{"3;x=y;z=\"a;b\"; t\nabc\n0\n\n", "abc", "", ""},
		{"3\nabc\n0\nX-Sum: 1\nx-b:\n\nrest", "abc", "X-Sum=1 x-b=", "rest"},
		// RFC 9110 section 6.5.1: these mean nothing after the content.
		{"0\nContent-Length: x\nTransfer-Encoding: y\nHost: z\nConnection: close\nX: y\n\n", "", "X=y", ""},
	} {
		for _, piece := range []int{1, 2, 3, 1000} {
			content, trailer, rest, err := decode(wire(c.raw), piece)
			var trailers []string
			for _, f := range trailer.Fields() {
				trailers = append(trailers, f.Name+"="+f.Value)
			}
			if err != nil || content != c.content || strings.Join(trailers, " ") != c.trailers || rest != c.rest {
				t.Errorf("%q by %d: %q, trailers %q, rest %q, %v", c.raw, piece, content, trailers, rest, err)
			}
		}
	}
}

func TestChunkedContentIsRefusedWhenItCanBeReadInTwoWays(t *testing.T) {
	long := strings.Repeat("x", maxChunkLine)
	for _, c := range []struct {
		raw string
		err *Error
	}{
		{"\r\n", errChunkSize},
		{" 3\r\nabc\r\n0\r\n\r\n", errChunkSize},
		{"3 \r\nabc\r\n0\r\n\r\n", errChunkSize},
		{"3 ;x\r\nabc\r\n0\r\n\r\n", errChunkSize},
		{"\t3\r\nabc\r\n0\r\n\r\n", errChunkSize},
		{"0x3\r\nabc\r\n0\r\n\r\n", errChunkSize},
		{"+3\r\nabc\r\n0\r\n\r\n", errChunkSize},
		{"-3\r\nabc\r\n0\r\n\r\n", errChunkSize},
		{"3,3\r\nabc\r\n0\r\n\r\n", errChunkSize},
		{"g\r\nabc\r\n0\r\n\r\n", errChunkSize},
		{";x\r\nabc\r\n0\r\n\r\n", errChunkSize},
		{"３\r\nabc\r\n0\r\n\r\n", errChunkSize},
		{"8000000000000000\r\n", errChunkLarge},
		{"ffffffffffffffff\r\n", errChunkLarge},
		{"10000000000000000\r\n", errChunkLarge},
		{"00000000000000003\r\nabc\r\n", errChunkLarge},
		{"3\nabc\r\n0\r\n\r\n", errBareLF},
		{"3\r\r\nabc\r\n0\r\n\r\n", errBareCR},
		{"3;a\rb\r\nabc\r\n0\r\n\r\n", errBareCR},
		{"3;a\x00\r\nabc\r\n0\r\n\r\n", errChunkExtension},
		{"3;" + long + "\r\nabc\r\n0\r\n\r\n", errChunkLine},
		{long, errChunkLine},
		{"3;" + long, errChunkLine},
		{strings.Repeat("1;"+long[:200]+"\r\na\r\n", 30), errChunkLine},
		{"3\r\nabcd\r\n0\r\n\r\n", errChunkEnd},
		{"3\r\nabc0\r\n\r\n", errChunkEnd},
		{"3\r\nabc\n0\r\n\r\n", errChunkEnd},
		{"3\r\nabc\r0\r\n\r\n", errChunkEnd},
		{"3\r\nab\r\n0\r\n\r\n", errChunkEnd},
		{"0\r\nx : y\r\n\r\n", errSpaceColon},
		{"0\r\nx: y\r\n z\r\n\r\n", errFolded},
		{"0\r\nx: y\n\r\n", errBareLF},
		{"0\r\n\n", errBareLF},
		{"0\r\nGET / HTTP/1.1\r\n\r\n", errFieldName},
		{"0\r\nx: " + strings.Repeat("y", 40<<10) + "\r\n\r\n", errLargeTrailer},
		{"0\r\n" + strings.Repeat("x: y\r\n", 200) + "\r\n", errLargeTrailer},
	} {
		for _, piece := range []int{1, 7, 1 << 20} {
			_, _, _, err := decode(c.raw, piece)
			if err != error(c.err) {
				t.Errorf("%.60q by %d: %v, want %v", c.raw, piece, err, c.err)
			}
		}
	}
}

func TestChunkedContentThatEndsEarlyIsIncomplete(t *testing.T) {
	raw := wire("3;x\nabc\n0\nx: y\n\n")
	for n := range len(raw) {
		if _, _, _, err := decode(raw[:n], 1000); err != errIncomplete {
			t.Errorf("%q: %v", raw[:n], err)
		}
	}
}

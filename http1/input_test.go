package http1

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// fieldsAndContent answers with what it read: a digest of the fields, taken
// when all content has been read, the content's length, and the trailers.
func fieldsAndContent(x *message.Exchange) error {
	length := 0
	for {
		view, err := x.Request.Body.Next()
		for i, b := range view {
			if b != pattern(length+i) {
				return fmt.Errorf("byte %d is wrong", length+i)
			}
		}
		length += len(view)
		if err != nil {
			break
		}
	}
	var out strings.Builder
	for _, h := range []*message.Header{&x.Request.Header, &x.Request.Trailer} {
		for _, f := range h.Fields() {
			fmt.Fprintf(&out, "%s=%d*%q ", f.Name, len(f.Value), only(f.Value))
		}
	}
	fmt.Fprintf(&out, "%d", length)
	x.Response.Header.Add("Date", "now")
	text(x, out.String())
	return nil
}

// only returns the character that s is a repetition of, or "".
func only(s string) string {
	if s == "" || strings.Trim(s, s[:1]) != "" {
		return ""
	}
	return s[:1]
}

// Heads, content and trailers of all sizes around those of buffers, so that
// they are moved into larger ones at each place; what is a view must stay.
func TestViewsSurviveWhenBuffersGrow(t *testing.T) {
	c := serve(t, &Server{Handler: message.HandlerFunc(fieldsAndContent)}).dial()
	answer := func(format string, args ...any) {
		t.Helper()
		c.want(ok)
		if got, want := c.restOfMessage(), fmt.Sprintf(format, args...); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	for _, head := range []int{10, 4000, 11_000, headBuffer - 200, headBuffer, 31_000} {
		for _, content := range []int{1, 5000, headBuffer, 200_000} {
			for _, trailer := range []int{2, 5000, 15_000, 31_000} {
				a, u := strings.Repeat("a", head/2), strings.Repeat("u", trailer/2)
				// A part of the head comes behind another message.
				c.send("GET / HTTP/1.1\nHost: h\n\nPOST / HT")
				answer(`Host=1*"h" 0`)
				c.send("TP/1.1\nHost: h\nTE: x\nTransfer-Encoding: chunked\nA: " + a + "\nB: " + a + "\n\n")
				if err := sendPattern(c.conn, content, true); err != nil {
					t.Fatal(err)
				}
				c.send("T: " + u + "\nU: " + u + "\n\n")
				answer(`Host=1*"h" TE=1*"x" Transfer-Encoding=7*"" A=%d*"a" B=%d*"a" T=%d*"u" U=%d*"u" %d`, head/2, head/2, trailer/2, trailer/2, content)
			}
		}
	}
}

func TestBufferFollowsThePaceOfItsReader(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		conn, _ := looptest.Pair(t, l)
		defer conn.Close()
		in := input{conn: conn}
		in.makeRoom()
		for i, c := range []struct {
			filled bool
			ago    time.Duration
			want   int
		}{
			{true, 0, 64 << 10},
			{true, pace - 1, 256 << 10},
			{true, 0, 256 << 10}, // the largest
			{true, 2 * pace, 256 << 10},
			{true, 5 * pace, 64 << 10}, // a slow client
			{false, 0, 16 << 10},       // a slow upstream
			{false, 0, 16 << 10},       // the smallest
			{true, 5 * pace, 16 << 10},
		} {
			in.filled, in.readAt = c.filled, l.Now()-int64(c.ago)
			in.makeRoom()
			if len(in.buf) != c.want {
				t.Errorf("step %d: %d bytes, want %d", i, len(in.buf), c.want)
			}
		}
		in.release()
	})
}

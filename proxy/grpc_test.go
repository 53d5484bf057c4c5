package proxy

import (
	"errors"
	"io"
	"net/url"
	"testing"
	"testing/quick"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

func TestErrorsOfGRPCCallsAreStatuses(t *testing.T) {
	g := compile(t, `
[servers.s]
addr = "127.0.0.1:1"
locations = ["small"]
[locations.small]
path = "/small"
client_max_body_size = "1kb"
upstream = "u"
[upstreams.u]
addrs = ["127.0.0.1:1"]
`)
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []struct {
			path        string
			length      int64
			contentType string
			status      int
			code, word  string
		}{
			{"/nowhere", 0, "application/grpc", 200, "12", "no_location"},
			{"/nowhere", 0, "Application/GRPC+proto", 200, "12", "no_location"},
			{"/nowhere", 0, "application/grpc;x", 200, "12", "no_location"},
			{"/nowhere", 0, "application/grpcx", 404, "", "no_location"},
			{"/nowhere", 0, "application/json", 404, "", "no_location"},
			{"/small", 1001, "application/grpc", 200, "8", "body_too_large"},
			{"/small", 0, "application/grpc", 200, "14", "connect_failed"},
		} {
			x := request(l, "POST", "h", c.path)
			x.Request.Header.Add("content-type", c.contentType)
			x.Request.Length = c.length
			g.Services["s"].Serve(x)
			r := &x.Response
			if r.Status != c.status || r.Header.Get("Grpc-Status") != c.code || r.Header.Get("X-Pingap-EType") != c.word {
				t.Errorf("%s of %s is answered with %d, code %q, %q; want %d, %q, %q", c.path, c.contentType,
					r.Status, r.Header.Get("Grpc-Status"), r.Header.Get("X-Pingap-EType"), c.status, c.code, c.word)
			}
			if c.code != "" && (r.Header.Get("Content-Type") != "application/grpc" || r.Length != 0 || r.Header.Get("Grpc-Message") == "") {
				t.Errorf("%s: %+v is no answer without messages", c.path, r)
			}
			finish(x)
		}
	})
}

func TestOutcomesHaveTheCodesThatGRPCGivesTheirStatuses(t *testing.T) {
	for status, want := range map[int]grpcCode{
		400: 13, 401: 16, 403: 7, 404: 12, 405: 2, 408: 2, 413: 8, 429: 14, 431: 2, 500: 2, 502: 14, 503: 14, 504: 14,
	} {
		if got := grpcCodeOf(Outcome{Status: status}); got != want {
			t.Errorf("%d becomes %d, want %d", status, got, want)
		}
	}
	if got := grpcCodeOf(OutcomeOf(errDeadlinePassed)); got != grpcDeadlineExceeded {
		t.Errorf("a deadline that has passed becomes %d", got)
	}
}

func TestMessagesOfStatusesAreEscapedAndNothingIsLost(t *testing.T) {
	if got := escapeGRPC("100% \t\n ünd ~\x7f"); got != "100%25 %09%0A %C3%BCnd ~%7F" {
		t.Errorf("escaped to %q", got)
	}
	err := quick.Check(func(b []byte) bool {
		escaped := escapeGRPC(string(b))
		for _, c := range []byte(escaped) {
			if c < ' ' || c > '~' {
				return false
			}
		}
		back, err := url.PathUnescape(escaped)
		return err == nil && back == string(b)
	}, nil)
	if err != nil {
		t.Error(err)
	}
}

func TestCallTimeoutsAreReadWithTheirUnits(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1H": time.Hour, "2M": 2 * time.Minute, "3S": 3 * time.Second, "4m": 4 * time.Millisecond,
		"5u": 5 * time.Microsecond, "6n": 6, "0n": 0, "99999999S": 99999999 * time.Second,
		"": -1, "S": -1, "1": -1, "1s": -1, "-1S": -1, "+1S": -1, "1 S": -1, "1_0S": -1, "123456789S": -1, "99999999H": -1,
	} {
		got, ok := parseCallTimeout(text)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q is read as %v, want %v", text, got, want)
		}
	}
}

// call makes a gRPC call that may take so long.
func call(l *loop.Loop, timeout string) *message.Exchange {
	x := request(l, "POST", "h", "/s/m")
	x.Started = l.Now()
	x.Request.Header.Add("content-type", "application/grpc")
	x.Request.Header.Add("grpc-timeout", timeout)
	return x
}

func TestCallIsInterruptedAtItsDeadline(t *testing.T) {
	waiting := message.HandlerFunc(func(x *message.Exchange) error { return x.Loop.Sleep(time.Hour) })
	looptest.Run(t, func(l *loop.Loop) {
		h := newCallDeadlines(waiting)
		for _, timeout := range []string{"20m", "0n"} {
			x := call(l, timeout)
			if err := h.Serve(x); err != errDeadlinePassed {
				t.Errorf("a call with %s ends with %v", timeout, err)
			}
			if err := l.Sleep(1); err != nil {
				t.Errorf("after the call a park returns %v", err)
			}
			finish(x)
		}
	})
}

func TestClientThatLeavesIsNoDeadline(t *testing.T) {
	waiting := message.HandlerFunc(func(x *message.Exchange) error { return x.Loop.Sleep(time.Hour) })
	looptest.Run(t, func(l *loop.Loop) {
		done := false
		co := l.Go(loop.TaskFunc(func() {
			x := call(l, "1H")
			if err := newCallDeadlines(waiting).Serve(x); err != message.ErrClientGone {
				t.Errorf("the call ends with %v", err)
			}
			finish(x)
			done = true
		}))
		l.Yield()
		co.Cancel(message.ErrClientGone)
		for !done {
			l.Yield()
		}
	})
}

// slowBody is a message, then a long wait.
type slowBody struct {
	l      *loop.Loop
	pulled int
	closed bool
}

func (b *slowBody) Next() ([]byte, error) {
	if b.pulled++; b.pulled == 1 {
		return []byte("\x00\x00\x00\x00\x01x"), nil
	}
	return nil, b.l.Sleep(time.Hour)
}

func (b *slowBody) Close() { b.closed = true }

// streaming answers with a slow body.
func streaming(b *slowBody) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		r := &x.Response
		r.Status, r.Length, r.Body = 200, message.UnknownLength, b
		r.Header.Add("Content-Type", "application/grpc")
		return nil
	})
}

func TestStreamEndsWithAStatusAtItsDeadline(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, late := range []bool{false, true} {
			body := &slowBody{l: l}
			x := call(l, "20m")
			if err := newCallDeadlines(streaming(body)).Serve(x); err != nil {
				t.Fatal(err)
			}
			if data, err := x.Response.Body.Next(); len(data) != 6 || err != nil {
				t.Errorf("the first content is %q, %v", data, err)
			}
			if late { // the client takes longer to read than the call may take
				l.Sleep(50 * time.Millisecond)
			}
			for range 2 {
				if _, err := x.Response.Body.Next(); err != io.EOF {
					t.Errorf("at the deadline the content ends with %v", err)
				}
			}
			if code := x.Response.Trailer.Get("Grpc-Status"); code != "4" || x.Response.Trailer.Len() != 2 || !body.closed {
				t.Errorf("the status is %q, the body closed: %v", code, body.closed)
			}
			if wantPulls := 2; late == (body.pulled == wantPulls) {
				t.Errorf("late: %v, pulled %d times", late, body.pulled)
			}
			finish(x)
		}
	})
}

func TestDeadlineOfACallThatIsOverDoesNothing(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		failed := errors.New("failed")
		h := newCallDeadlines(message.HandlerFunc(func(*message.Exchange) error { return failed }))
		x := call(l, "10m")
		if err := h.Serve(x); err != failed {
			t.Errorf("the call ends with %v", err)
		}
		if err := l.Sleep(50 * time.Millisecond); err != nil {
			t.Errorf("long after the call a park returns %v", err)
		}
		finish(x)
	})
}

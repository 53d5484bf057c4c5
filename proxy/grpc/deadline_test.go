package grpc

import (
	"errors"
	"io"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// exchange makes an exchange as the wire would.
func exchange(l *loop.Loop, method string) *message.Exchange {
	x := &message.Exchange{Loop: l}
	x.Reset()
	x.Request.Method, x.Request.Host, x.Request.Path, x.Request.Scheme = method, "h", "/s/m", "http"
	x.Request.Version = message.HTTP2
	x.Started = l.Now()
	return x
}

// finish pulls the answer's content and ends the exchange, as the wire would.
func finish(x *message.Exchange) (string, error) {
	content, err := all(x.Response.Body)
	x.Request.Body.Close()
	x.Response.Body.Close()
	x.End()
	x.Reset()
	return content, err
}

// all is what is left of the content.
func all(b message.Body) (string, error) {
	content, err := io.ReadAll(&message.Reader{Body: b})
	return string(content), err
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
	x := exchange(l, "POST")
	x.Request.Header.Add("content-type", "application/grpc")
	x.Request.Header.Add("grpc-timeout", timeout)
	return x
}

func TestCallIsInterruptedAtItsDeadline(t *testing.T) {
	waiting := message.HandlerFunc(func(x *message.Exchange) error { return x.Loop.Sleep(time.Hour) })
	looptest.Run(t, func(l *loop.Loop) {
		h := Deadlines(waiting)
		for _, timeout := range []string{"20m", "0n"} {
			x := call(l, timeout)
			if err := h.Serve(x); err != ErrDeadline {
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
			if err := Deadlines(waiting).Serve(x); err != message.ErrClientGone {
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
			if err := Deadlines(streaming(body)).Serve(x); err != nil {
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
			if late == (body.pulled == 2) {
				t.Errorf("late: %v, pulled %d times", late, body.pulled)
			}
			finish(x)
		}
	})
}

func TestDeadlineOfACallThatIsOverDoesNothing(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		failed := errors.New("failed")
		h := Deadlines(message.HandlerFunc(func(*message.Exchange) error { return failed }))
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

// The coroutine of a handler that has panicked serves another exchange soon, and
// must not be interrupted in that.
func TestDeadlineForgetsTheCoroutineOfAPanic(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		x := call(l, "20m")
		func() {
			defer func() { recover() }()
			Deadlines(message.HandlerFunc(func(*message.Exchange) error { panic("handler") })).Serve(x)
		}()
		if err := l.Sleep(50 * time.Millisecond); err != nil {
			t.Errorf("after the panic a park returns %v", err)
		}
		finish(x)
	})
}

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

// plainStatus stands for the proxy's table of outcomes.
func plainStatus(err error) (Code, string) {
	if err == ErrDeadline {
		return DeadlineExceeded, "late"
	}
	return Unavailable, err.Error()
}

// all is what is left of the content.
func all(b message.Body) (string, error) {
	content, err := io.ReadAll(&message.Reader{Body: b})
	return string(content), err
}

// newCall makes a gRPC call that may take so long.
func newCall(l *loop.Loop, timeout string) *message.Exchange {
	x := exchange(l, "POST")
	x.Request.Header.Add("content-type", "application/grpc")
	x.Request.Header.Add("grpc-timeout", timeout)
	return x
}

func TestCallIsInterruptedAtItsDeadline(t *testing.T) {
	waiting := message.HandlerFunc(func(x *message.Exchange) error { return x.Loop.Sleep(time.Hour) })
	looptest.Run(t, func(l *loop.Loop) {
		h := Calls(waiting, plainStatus)
		for _, timeout := range []string{"20m", "0n"} {
			x := newCall(l, timeout)
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
			x := newCall(l, "1H")
			if err := Calls(waiting, plainStatus).Serve(x); err != message.ErrClientGone {
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
			x := newCall(l, "20m")
			if err := Calls(streaming(body), plainStatus).Serve(x); err != nil {
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
		h := Calls(message.HandlerFunc(func(*message.Exchange) error { return failed }), plainStatus)
		x := newCall(l, "10m")
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
		x := newCall(l, "20m")
		func() {
			defer func() { recover() }()
			Calls(message.HandlerFunc(func(*message.Exchange) error { panic("handler") }), plainStatus).Serve(x)
		}()
		if err := l.Sleep(50 * time.Millisecond); err != nil {
			t.Errorf("after the panic a park returns %v", err)
		}
		finish(x)
	})
}

func TestAnswerThatFailsBetweenMessagesEndsWithAStatus(t *testing.T) {
	failed := errors.New("failed")
	looptest.Run(t, func(l *loop.Loop) {
		whole := frame(0, "one") + frame(0, "two")
		for n := range len(whole) + 1 {
			u := &upstream{header: header("Content-Type", "application/grpc"), content: []string{whole[:n]}, err: failed}
			x := newCall(l, "1H")
			if err := Calls(u, plainStatus).Serve(x); err != nil {
				t.Fatal(err)
			}
			_, rest := split(whole[:n])
			for range 2 {
				content, err := all(x.Response.Body)
				switch status := x.Response.Trailer.Get("Grpc-Status"); {
				case rest != "" && (err != failed || status != ""):
					t.Errorf("after %d bytes, inside a message: %v, status %q", n, err, status)
				case rest == "" && (err != nil || status != "14" || x.Response.Trailer.Get("Grpc-Message") != "failed" || x.Failed != failed):
					t.Errorf("after %d bytes, between messages: %q, %v, status %q", n, content, err, status)
				}
			}
			finish(x)
		}
	})
}

// Clients look for the status in the header only where that is all there is.
func TestStatusInTheHeaderIsRepeatedBehindContent(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []struct {
			header, trailer message.Header
			want            string
		}{
			{header("Grpc-Status", "5", "Grpc-Message", "none"), header(), "5 none"},
			{header("Grpc-Status", "5"), header("Grpc-Status", "0"), "0 "},
			{header(), header(), "2 the answer ended without a status"},
		} {
			u := &upstream{header: c.header, trailer: c.trailer}
			u.header.Add("Content-Type", "application/grpc")
			x := newCall(l, "1H")
			if err := Calls(u, plainStatus).Serve(x); err != nil {
				t.Fatal(err)
			}
			if _, err := all(x.Response.Body); err != nil {
				t.Error(err)
			}
			h := &x.Response.Trailer
			if got := h.Get("Grpc-Status") + " " + h.Get("Grpc-Message"); got != c.want {
				t.Errorf("header %+v and trailers %+v end with status %q, want %q", &c.header, &c.trailer, got, c.want)
			}
			finish(x)
		}
	})
}

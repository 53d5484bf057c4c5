package http2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

const patience = 30 * time.Second

// serve runs a server on a loop of its own; it returns where it listens.
func serve(t testing.TB, s *Server) string {
	t.Helper()
	return serveOn(t, s, looptest.New(t))
}

func serveOn(t testing.TB, s *Server, l *loop.Loop) string {
	t.Helper()
	accept := s.Acceptor(l)
	addr := looptest.Listen(t, l, func(c *loop.Conn) { accept(c, nil) }).String()
	t.Cleanup(func() {
		s.Close()
		deadline := time.Now().Add(patience)
		for s.Open() > 0 || s.Active() > 0 {
			if time.Now().After(deadline) {
				t.Errorf("%d connections and %d exchanges are left", s.Open(), s.Active())
				return
			}
			looptest.Do(t, l, func() { l.Yield() })
		}
	})
	return addr
}

// client speaks HTTP/2 in clear text.
func client(t testing.TB) *http.Client {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// echo answers with the request's content.
func echo(x *message.Exchange) error {
	x.Response.Status = 200
	x.Response.Length = x.Request.Length
	x.Response.Body = x.Request.Body
	for _, f := range x.Request.Header.Fields() {
		x.Response.Header.Add("X-Got-"+f.Name, f.Value)
	}
	x.Response.Header.Add("X-Target", x.Request.Method+" "+x.Request.Scheme+" "+x.Request.Host+" "+x.Request.Path+"?"+x.Request.Query)
	return nil
}

func TestRequestsAreAnswered(t *testing.T) {
	addr := serve(t, &Server{Handler: message.HandlerFunc(echo)})
	c := client(t)
	r, err := c.Get("http://" + addr + "/a/b?c=d")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if got, want := r.Header.Get("X-Target"), "GET http "+addr+" /a/b?c=d"; got != want || r.StatusCode != 200 {
		t.Errorf("status %d, target %q, want %q", r.StatusCode, got, want)
	}
	if r.Header.Get("Date") == "" {
		t.Error("no Date")
	}
}

func TestContentOfEverySizeComesBack(t *testing.T) {
	addr := serve(t, &Server{Handler: message.HandlerFunc(echo)})
	c := client(t)
	var all sync.WaitGroup
	for _, size := range []int{0, 1, 100, 16384, 16385, 65535, 65536, 1 << 20, 20 << 20} {
		for _, known := range []bool{true, false} {
			all.Go(func() {
				content := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
				var body io.Reader = bytes.NewReader(content)
				if !known {
					body = io.MultiReader(body)
				}
				r, err := c.Post("http://"+addr+"/", "text/plain", body)
				if err != nil {
					t.Error(err)
					return
				}
				defer r.Body.Close()
				got, err := io.ReadAll(r.Body)
				if err != nil || !bytes.Equal(got, content) {
					t.Errorf("%d bytes, length known: %v: %d came back, %v", size, known, len(got), err)
				}
			})
		}
	}
	all.Wait()
}

// announcing reads as much as is asked for, and closes reached once that is so
// much.
type announcing struct {
	left    int
	reached chan struct{}
}

func (a *announcing) Read(p []byte) (int, error) {
	if a.left > 0 {
		if a.left -= len(p); a.left <= 0 {
			close(a.reached)
		}
	}
	return len(p), nil
}

// Requests that a handler is in no hurry to read leave room in the connection's
// window for the others.
func TestRequestsThatNobodyReadsDoNotStopOthers(t *testing.T) {
	addr := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		if x.Request.Path == "/stall" {
			return x.Loop.Park()
		}
		return echo(x)
	})})
	c := client(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	var all sync.WaitGroup
	var bodies []*announcing
	for range 40 {
		a := &announcing{left: 48 << 10, reached: make(chan struct{})}
		bodies = append(bodies, a)
		all.Go(func() {
			r, err := http.NewRequestWithContext(ctx, "POST", "http://"+addr+"/stall", a)
			if err == nil {
				_, err = c.Do(r)
			}
			if err == nil {
				t.Error("an answer to a request that was not read")
			}
		})
	}
	for _, a := range bodies {
		wait(ctx, t, a.reached)
	}
	r, err := c.Post("http://"+addr+"/", "text/plain", io.LimitReader(&announcing{}, 3_000_000))
	if err != nil {
		t.Error(err)
	} else if n, err := io.Copy(io.Discard, r.Body); err != nil || n != 3_000_000 {
		t.Errorf("%d bytes came back, %v", n, err)
	}
	cancel()
	all.Wait()
}

func TestTrailersPassBothWays(t *testing.T) {
	addr := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		for {
			if _, err := x.Request.Body.Next(); err == io.EOF {
				break
			} else if err != nil {
				return err
			}
		}
		x.Response.Status = 200
		x.Response.Length = message.UnknownLength
		x.Response.Body = x.BytesBody([]byte("content"))
		x.Response.Trailer.Add("Grpc-Status", x.Request.Trailer.Get("sum"))
		return nil
	})})
	req, err := http.NewRequest("POST", "http://"+addr+"/", io.MultiReader(strings.NewReader("hello")))
	if err != nil {
		t.Fatal(err)
	}
	req.Trailer = http.Header{"Sum": {"7"}}
	r, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if got, err := io.ReadAll(r.Body); err != nil || string(got) != "content" || r.Trailer.Get("Grpc-Status") != "7" {
		t.Errorf("content %q, trailers %v, %v", got, r.Trailer, err)
	}
}

func TestLargeHeaderSectionsTakeSeveralFrames(t *testing.T) {
	addr := serve(t, &Server{Handler: message.HandlerFunc(echo)})
	req, _ := http.NewRequest("GET", "http://"+addr+"/", nil)
	for i := range 10 {
		req.Header.Set(fmt.Sprintf("Large-%d", i), strings.Repeat("x", 5000))
	}
	r, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	for i := range 10 {
		if n := len(r.Header.Get(fmt.Sprintf("X-Got-large-%d", i))); n != 5000 {
			t.Errorf("field %d came back with %d bytes", i, n)
		}
	}
}

func TestHeaderSectionOverTheLimitIsRefused(t *testing.T) {
	addr := serve(t, &Server{Handler: message.HandlerFunc(echo), Limits: Limits{Head: 8 << 10}})
	// What the client sends compressed is within the limit of a flood.
	for _, size := range []int{100, 10_000} {
		req, _ := http.NewRequest("GET", "http://"+addr+"/", nil)
		for i := range 8 {
			req.Header.Set(fmt.Sprintf("Large-%d", i), strings.Repeat("x", size/8))
		}
		r, err := client(t).Do(req)
		if size > 8<<10 && err != nil {
			continue // the client keeps to our setting
		}
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if want := map[bool]int{true: 431, false: 200}[size > 8<<10]; r.StatusCode != want {
			t.Errorf("%d bytes: status %d, want %d", size, r.StatusCode, want)
		}
	}
}

func TestPanicOfAHandlerEndsItsExchangeAlone(t *testing.T) {
	panics := make(chan any, 1)
	l := looptest.Start(t, loop.Options{OnPanic: func(value any, _ []byte) { panics <- value }})
	addr := serveOn(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		if x.Request.Path == "/panic" {
			panic("as told")
		}
		return echo(x)
	})}, l)
	c := client(t)
	for path, want := range map[string]int{"/before": 200, "/panic": 500, "/after": 200} {
		r, err := c.Get("http://" + addr + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, r.StatusCode, want)
		}
	}
	if got := <-panics; got != "as told" {
		t.Errorf("panic %v", got)
	}
}

func TestClientThatGoesAwayCancelsItsExchange(t *testing.T) {
	canceled := make(chan error, 1)
	entered := make(chan struct{})
	addr := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		close(entered)
		err := x.Loop.Park()
		for err == nil {
			err = x.Loop.Park()
		}
		canceled <- err
		return err
	})})
	ctx, cancel := context.WithCancel(context.Background())
	req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+addr+"/", nil)
	go func() { <-entered; cancel() }()
	if _, err := client(t).Do(req); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := <-canceled; err != message.ErrClientGone {
		t.Errorf("the handler sees %v", err)
	}
}

func TestManyStreamsShareAConnection(t *testing.T) {
	addr := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.Loop.Yield()
		x.Response.Status = 200
		x.Response.Body = x.BytesBody([]byte(x.Request.Path))
		x.Response.Length = int64(len(x.Request.Path))
		return nil
	}), KeepAliveRequests: 1 << 30})
	c := client(t)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			for j := range 40 {
				path := fmt.Sprintf("/%d/%d", i, j)
				r, err := c.Get("http://" + addr + path)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(r.Body)
				r.Body.Close()
				if err != nil || string(got) != path {
					t.Errorf("%q, %v, want %q", got, err, path)
				}
			}
		})
	}
	all.Wait()
}

func TestDrainLetsExchangesFinishAndEndsTheConnection(t *testing.T) {
	release := make(chan struct{})
	entered := make(chan struct{}, 1)
	s := &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		entered <- struct{}{}
		x.Loop.Await(func() { <-release })
		return echo(x)
	})}
	addr := serve(t, s)
	c := client(t)
	status := make(chan int, 1)
	go func() {
		r, err := c.Get("http://" + addr + "/")
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		r.Body.Close()
		status <- r.StatusCode
	}()
	<-entered
	s.Drain(0)
	close(release)
	if got := <-status; got != 200 {
		t.Errorf("status %d", got)
	}
	deadline := time.Now().Add(patience)
	for s.Open() > 0 && time.Now().Before(deadline) {
		// sleep: between two looks at what another goroutine does
		time.Sleep(time.Millisecond)
	}
	if s.Open() > 0 {
		t.Error("the connection is still open")
	}
}

func TestOnlyLiveContentMayPauseForLong(t *testing.T) {
	const timeout = 100 * time.Millisecond
	addr := serve(t, &Server{Timeouts: message.Timeouts{Body: timeout}, Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.Request.Live = x.Request.Path == "/live"
		for {
			if _, err := x.Request.Body.Next(); err == io.EOF {
				x.Response.Status = 200
				return nil
			} else if err != nil {
				return err
			}
		}
	})})
	for path, want := range map[string]int{"/": 408, "/live": 200} {
		in, out := io.Pipe()
		go func() {
			out.Write([]byte("first"))
			// sleep: the pause that only live content may make
			<-time.After(5 * timeout)
			out.Close()
		}()
		r, err := client(t).Post("http://"+addr+path, "text/plain", in)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("a pause in the content for %s is answered with %d, want %d", path, r.StatusCode, want)
		}
	}
}

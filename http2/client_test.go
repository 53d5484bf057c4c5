package http2

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// peer is a server of the standard library that speaks HTTP/2 in clear text.
func peer(t testing.TB, h http.HandlerFunc) netip.AddrPort {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 50}
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().(*net.TCPAddr).AddrPort()
}

// relay is a server of ours that passes everything on to a peer, over one
// connection as long as that lives.
func relay(t testing.TB, to netip.AddrPort, o *ClientOptions) (addr string, dials *atomic.Int32) {
	t.Helper()
	dials = new(atomic.Int32)
	l := looptest.New(t)
	var c *Client
	o.Peer = to.String()
	addr = serveOn(t, &Server{KeepAliveRequests: 1 << 30, Handler: message.HandlerFunc(func(x *message.Exchange) error {
		for c == nil || !c.Lives() {
			raw, err := x.Loop.Dial(loop.Addr{TCP: to}, &loop.DialOptions{Timeout: patience})
			if err != nil {
				return err
			}
			if c == nil || !c.Lives() {
				dials.Add(1)
				c = NewClient(raw, o, func() {}, func() {})
			} else {
				raw.Close()
			}
		}
		for c.Room() <= 0 {
			x.Loop.Yield()
		}
		err := c.RoundTrip(x, func() {})
		if err == nil && x.Request.Query == "stall" {
			err = x.Loop.Park()
		}
		return err
	})}, l)
	t.Cleanup(func() {
		looptest.Do(t, l, func() {
			if c != nil {
				c.Close()
				for !c.closed {
					l.Yield()
				}
			}
		})
	})
	return addr, dials
}

func echoing(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Target", r.Method+" "+r.Host+" "+r.URL.RequestURI())
	w.Header().Set("Trailer", "Sum")
	if r.ContentLength >= 0 {
		w.Header().Set("X-Length", fmt.Sprint(r.ContentLength))
	}
	w.WriteHeader(200)
	n, _ := io.Copy(w, r.Body)
	w.Header().Set("Sum", fmt.Sprint(n, r.Trailer.Get("Sent"), r.Trailer.Get("X-Forwarded-For")))
}

func TestExchangesPassThroughBothSides(t *testing.T) {
	addr, dials := relay(t, peer(t, echoing), &ClientOptions{MaxStreams: 100, IdleTimeout: time.Hour})
	c := client(t)
	var all sync.WaitGroup
	for i := range 20 {
		for _, size := range []int{0, 1, 16384, 100_000, 3_000_000} {
			all.Go(func() {
				content := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
				req, _ := http.NewRequest("POST", fmt.Sprintf("http://%s/%d?size=%d", addr, i, size), io.MultiReader(bytes.NewReader(content)))
				// The second is none that may come behind the content.
				req.Trailer = http.Header{"Sent": {"!"}, "X-Forwarded-For": {"10.0.0.1"}}
				r, err := c.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				defer r.Body.Close()
				got, err := io.ReadAll(r.Body)
				if err != nil || !bytes.Equal(got, content) {
					t.Errorf("%d bytes: %d came back, %v", size, len(got), err)
				}
				if want := fmt.Sprintf("POST %s /%d?size=%d", addr, i, size); r.Header.Get("X-Target") != want {
					t.Errorf("target %q, want %q", r.Header.Get("X-Target"), want)
				}
				if got, want := r.Trailer.Get("Sum"), fmt.Sprint(size, "!"); got != want {
					t.Errorf("trailer %q, want %q", got, want)
				}
			})
		}
	}
	all.Wait()
	if n := dials.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// Lesson: the windows of a shared connection are nobody's alone. A client that
// stops to read a response must not stop those of others.
func TestResponsesThatNobodyReadsDoNotStopOthers(t *testing.T) {
	const stalled = 40
	content := bytes.Repeat([]byte("x"), 48<<10)
	sent := make(chan struct{}, stalled)
	addr, dials := relay(t, peer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write(content)
		w.(http.Flusher).Flush()
		if r.URL.RawQuery == "stall" {
			sent <- struct{}{}
			for r.Context().Err() == nil {
				if _, err := w.Write(content); err != nil {
					return
				}
			}
		}
	}), &ClientOptions{MaxStreams: 100, IdleTimeout: time.Hour})
	c := client(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	var all sync.WaitGroup
	for range stalled {
		all.Go(func() { get(ctx, c, "http://"+addr+"/?stall") })
	}
	for range stalled {
		wait(ctx, t, sent)
	}
	r, err := get(t.Context(), c, "http://"+addr+"/")
	if err != nil {
		t.Error(err)
	} else if got, err := io.ReadAll(r.Body); err != nil || len(got) != len(content) {
		t.Errorf("%d bytes came, %v", len(got), err)
	}
	cancel()
	all.Wait()
	if n := dials.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// wait waits for something on a channel.
func wait(ctx context.Context, t *testing.T, on <-chan struct{}) {
	t.Helper()
	select {
	case <-on:
	case <-ctx.Done():
		t.Error(ctx.Err())
	}
}

func get(ctx context.Context, c *http.Client, url string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return nil, err
	}
	return c.Do(r)
}

func TestLengthsAndMethodsArePassedOn(t *testing.T) {
	addr, _ := relay(t, peer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		w.Header().Set("X-Method", r.Method)
		w.Header().Set("X-Length", fmt.Sprint(r.ContentLength))
		if r.Method != "HEAD" {
			io.WriteString(w, "hello")
		}
	}), &ClientOptions{MaxStreams: 100, IdleTimeout: time.Hour})
	c := client(t)
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PROPFIND"} {
		var body io.Reader
		if method == "PUT" {
			body = strings.NewReader("abc")
		}
		req, _ := http.NewRequest(method, "http://"+addr+"/", body)
		r, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.ContentLength != 5 || r.Header.Get("X-Method") != method || (method != "HEAD") != (string(got) == "hello") {
			t.Errorf("%s: %q, length %d, %v, %v", method, got, r.ContentLength, r.Header, err)
		}
		if want := map[bool]string{true: "3", false: "0"}[method == "PUT"]; r.Header.Get("X-Length") != want {
			t.Errorf("%s: length of the request %s, want %s", method, r.Header.Get("X-Length"), want)
		}
	}
}

func TestResponseThatIsCutIsNotTakenForWhole(t *testing.T) {
	addr, _ := relay(t, peer(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		io.WriteString(w, "half")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}), &ClientOptions{MaxStreams: 100, IdleTimeout: time.Hour})
	r, err := client(t).Get("http://" + addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if got, err := io.ReadAll(r.Body); err == nil {
		t.Errorf("read %q without an error", got)
	}
}

func TestRequestEndsWhenItsClientGoes(t *testing.T) {
	canceled := make(chan struct{})
	reached := make(chan struct{})
	addr, _ := relay(t, peer(t, func(w http.ResponseWriter, r *http.Request) {
		close(reached)
		<-r.Context().Done()
		close(canceled)
	}), &ClientOptions{MaxStreams: 100, IdleTimeout: time.Hour})
	ctx, cancel := context.WithCancel(context.Background())
	req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+addr+"/", nil)
	go func() { <-reached; cancel() }()
	if _, err := client(t).Do(req); err == nil {
		t.Error("no error")
	}
	<-canceled
}

func TestReadTimeoutEndsAResponseThatDoesNotCome(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	addr, _ := relay(t, peer(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}), &ClientOptions{MaxStreams: 100, IdleTimeout: time.Hour, ReadTimeout: 30 * time.Millisecond})
	r, err := client(t).Get("http://" + addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != 500 {
		t.Errorf("status %d", r.StatusCode)
	}
}

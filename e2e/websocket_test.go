package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// largestMessage is what both ends of a WebSocket take.
const largestMessage = 16 << 20

// echoSocket sends back each message, and closes as it is told to.
func echoSocket(t testing.TB) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(largestMessage + 1)
		for {
			kind, message, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if string(message) == "close" {
				c.Close(4001, "as told")
				return
			}
			if err := c.Write(r.Context(), kind, message); err != nil {
				return
			}
		}
	}
}

// frontOf starts a proxy of WebSockets, in clear text or with TLS; it returns
// where it is and a client for it.
func frontOf(t *testing.T, secure bool) (url string, c *http.Client) {
	t.Helper()
	config := proxyTo(serve(t, echoSocket(t)))
	if !secure {
		p := startProxy(t, config)
		return "ws://" + p.addr, newClient(t)
	}
	trust := x509.NewCertPool()
	p := startProxy(t, withTLS(config, selfSigned(t, trust)))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust, ServerName: "proxy.test", NextProtos: []string{"http/1.1"}}}
	t.Cleanup(transport.CloseIdleConnections)
	return "wss://" + p.addr, &http.Client{Transport: transport}
}

func TestWebSocketsPassMessagesOfEverySize(t *testing.T) {
	for _, secure := range []bool{false, true} {
		url, client := frontOf(t, secure)
		ctx, cancel := context.WithTimeout(t.Context(), 6*patience)
		defer cancel()
		c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: client})
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		c.SetReadLimit(largestMessage + 1)
		for _, size := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20, largestMessage} {
			message := bytes.Repeat([]byte("x"), size)
			for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
				if err := c.Write(ctx, kind, message); err != nil {
					t.Fatal(err)
				}
				got, back, err := c.Read(ctx)
				if err != nil || got != kind || !bytes.Equal(back, message) {
					t.Fatalf("%s: %d bytes: %v of %d came back, %v", url, size, got, len(back), err)
				}
			}
		}
		if err := closed(ctx, c); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// closed tells the upstream to close a WebSocket, and waits until it has. The
// library's own way to close one gives up after a few seconds.
func closed(ctx context.Context, c *websocket.Conn) error {
	if err := c.Write(ctx, websocket.MessageText, []byte("close")); err != nil {
		return err
	}
	var end websocket.CloseError
	if _, _, err := c.Read(ctx); !errors.As(err, &end) || end.Code != 4001 || end.Reason != "as told" {
		return fmt.Errorf("the end is %v", err)
	}
	return nil
}

func TestAThousandWebSocketsAtOnce(t *testing.T) {
	for _, secure := range []bool{false, true} {
		url, client := frontOf(t, secure)
		ctx, cancel := context.WithTimeout(t.Context(), 6*patience)
		defer cancel()
		// They come a few at a time, since a handshake may take only so long,
		// and stay until all are there.
		coming := make(chan struct{}, 16)
		var open sync.WaitGroup
		open.Add(1000)
		together(t, 1000, func(i int) error {
			coming <- struct{}{}
			c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: client})
			<-coming
			open.Done()
			if err != nil {
				return err
			}
			defer c.CloseNow()
			open.Wait()
			for range 3 {
				message := fmt.Sprintf("hello %d", i)
				if err := c.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
					return err
				}
				if _, back, err := c.Read(ctx); err != nil || string(back) != message {
					return fmt.Errorf("%q came back, %v", back, err)
				}
			}
			return closed(ctx, c)
		})
	}
}

// An end that is gone without a word ends the other one.
func TestWebSocketEndsWithEitherEnd(t *testing.T) {
	ended := make(chan error, 1)
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		if r.URL.Path == "/drop" {
			c.CloseNow()
			return
		}
		_, _, err = c.Read(r.Context())
		ended <- err
		c.CloseNow()
	})
	p := startProxyTo(t, upstream)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://"+p.addr+"/drop", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("the client reads %v", err)
	}
	c.CloseNow()
	if c, _, err = websocket.Dial(ctx, "ws://"+p.addr+"/stay", nil); err != nil {
		t.Fatal(err)
	}
	c.CloseNow()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the upstream reads on")
		}
	case <-time.After(patience):
		t.Error("the upstream does not hear of the end")
	}
}

// An upstream of which all else is asked over HTTP/2 is asked for a WebSocket over
// HTTP/1.1.
func TestWebSocketFindsItsWayToAnUpstreamThatPrefersHTTP2(t *testing.T) {
	echo := echoSocket(t)
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/echo" {
			echo(w, r)
			return
		}
		io.WriteString(w, r.Proto)
	}))
	upstream.EnableHTTP2 = true
	upstream.StartTLS()
	defer upstream.Close()
	p := startProxyTo(t, upstream.Listener.Addr().String(), `alpn = "h2h1"`, `sni = "example.com"`, "verify_cert = false")
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	for range 2 {
		resp, err := newClient(t).Get(p.url("/"))
		if err != nil {
			t.Fatal(err)
		}
		if proto, err := io.ReadAll(resp.Body); string(proto) != "HTTP/2.0" || err != nil {
			t.Errorf("a request goes over %q, %v", proto, err)
		}
		resp.Body.Close()
		c, _, err := websocket.Dial(ctx, "ws://"+p.addr+"/echo", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		if err := c.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
			t.Error(err)
		}
		if _, got, err := c.Read(ctx); string(got) != "hello" || err != nil {
			t.Errorf("%q comes back, %v", got, err)
		}
	}
}

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
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
		ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
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
		c.Write(ctx, websocket.MessageText, []byte("close"))
		var end websocket.CloseError
		if _, _, err := c.Read(ctx); !errors.As(err, &end) || end.Code != 4001 || end.Reason != "as told" {
			t.Errorf("%s: the end is %v", url, err)
		}
	}
}

func TestAThousandWebSocketsAtOnce(t *testing.T) {
	for _, secure := range []bool{false, true} {
		url, client := frontOf(t, secure)
		ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
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
			return c.Close(websocket.StatusNormalClosure, "")
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

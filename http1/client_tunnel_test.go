package http1

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"pingap/message"
)

func TestClientOpensATunnel(t *testing.T) {
	c := connect(t, ClientOptions{ReadTimeout: time.Second})
	c.done = startTask(t, c.loop, func() {
		c.prepare([]func(*message.Exchange){get, func(x *message.Exchange) { x.Request.Upgrade = "echo" }})
		c.run()
		tunnel := c.x.Response.Tunnel
		if tunnel == nil {
			t.Errorf("no tunnel: %v", c.err)
			return
		}
		for {
			view, err := tunnel.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Errorf("tunnel: %v", err)
			}
			tunnel.Write([]byte(strings.ToUpper(string(view))))
		}
		tunnel.CloseWrite()
		tunnel.Close()
		tunnel.Close()
		if _, err := tunnel.Write([]byte("x")); err == nil {
			t.Error("a closed tunnel takes bytes")
		}
		c.x.End()
		c.x.Reset()
	})
	c.peer.readHead()
	c.peer.send("HTTP/1.1 101 Switching Protocols\nUpgrade: echo\n\nfirst").want("FIRST")
	c.peer.wantSilenceFor(1200 * time.Millisecond).send("second").want("SECOND")
	c.peer.conn.CloseWrite()
	c.peer.wantEnd()
	c.wait().wantReusable(false)
	if c.status != 101 {
		t.Errorf("status is %d", c.status)
	}
}

// What is written may wait for a peer that is slow, not for one that takes nothing.
func TestClientTunnelGivesUpAPeerThatTakesNothing(t *testing.T) {
	c := connect(t, ClientOptions{WriteTimeout: soon, TunnelTimeout: time.Minute})
	c.done = startTask(t, c.loop, func() {
		c.prepare([]func(*message.Exchange){get, func(x *message.Exchange) { x.Request.Upgrade = "echo" }})
		c.run()
		tunnel := c.x.Response.Tunnel
		if tunnel == nil || c.x.Response.TunnelIdle != time.Minute {
			t.Errorf("tunnel %v that may be silent for %v (%v)", tunnel, c.x.Response.TunnelIdle, c.err)
			return
		}
		var err error
		for piece := make([]byte, 1<<20); err == nil; {
			_, err = tunnel.Write(piece)
		}
		if err != os.ErrDeadlineExceeded {
			t.Errorf("writing ends with %v", err)
		}
		tunnel.Abort()
		c.x.End()
		c.x.Reset()
	})
	c.peer.readHead()
	c.peer.send("HTTP/1.1 101 Switching Protocols\nUpgrade: echo\n\n")
	c.wait().wantReusable(false)
}

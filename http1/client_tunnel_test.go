package http1

import (
	"io"
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

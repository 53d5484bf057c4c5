package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// echoTunnel switches to a protocol of its own, sends back what it gets, and
// says goodbye when the other side has finished.
func echoTunnel(conn net.Conn) {
	in := bufio.NewReader(conn)
	r, err := http.ReadRequest(in)
	if err != nil || r.Header.Get("Upgrade") != "echo" || !strings.EqualFold(r.Header.Get("Connection"), "upgrade") {
		io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
		return
	}
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\nhello ")
	io.Copy(conn, in)
	io.WriteString(conn, " bye")
}

func TestUpgradedConnectionsAreTunnels(t *testing.T) { passTunnels(t, clients, 1_000_000) }

// What comes in a rush is moved within the kernel.
func TestTunnelsCarryALot(t *testing.T) { passTunnels(t, 4, 100_000_000) }

// passTunnels sends so many bytes through each of n tunnels, and gets them back.
func passTunnels(t *testing.T, n int, size int64) {
	p := startProxyTo(t, listen(t, echoTunnel))
	before := p.descriptors(t)
	together(t, n, func(int) error {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			return err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		in := bufio.NewReader(conn)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Upgrade") != "echo" {
			return fmt.Errorf("%s, %v", resp.Status, resp.Header)
		}
		go func() {
			io.Copy(conn, newContent(size))
			conn.(*net.TCPConn).CloseWrite()
		}()
		if err := wantText(in, "hello "); err != nil {
			return err
		}
		if err := wantContent(io.LimitReader(in, size), size); err != nil {
			return err
		}
		return wantText(in, " bye")
	})
	p.settlesAt(t, before)
}

// wantText reads exactly text.
func wantText(r io.Reader, text string) error {
	got := make([]byte, len(text))
	if n, err := io.ReadFull(r, got); err != nil || string(got) != text {
		return fmt.Errorf("got %q (%v), want %q", got[:n], err, text)
	}
	return nil
}

package http1

import (
	"io"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A chunk of one byte takes six bytes of its sender; a system call and a segment
// for each would be too much in return.
func TestRelayGathersSmallChunks(t *testing.T) {
	const count = 20_000
	r := startRelay(t, ClientOptions{})
	c := r.dial().send("POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n")
	r.peer.want(wantChunkedPost)
	content := strings.Repeat("1\nx\n", count) + "0\n\n"
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c.conn, wire(content))
		sent <- err
	}()
	r.peer.want(content).send("HTTP/1.1 200 OK\nDate: now\nContent-Length: 2\n\nok")
	c.want(ok + "Content-Length: 2\n\nok")
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if n := r.peer.segments(); n > count/100 {
		t.Errorf("%d chunks came in %d segments", count, n)
	}
}

// segments returns how many segments with content have come.
func (c *client) segments() (n uint32) {
	c.t.Helper()
	raw, err := c.conn.SyscallConn()
	if err != nil {
		c.t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		var info *unix.TCPInfo
		if info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = info.Data_segs_in
		}
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

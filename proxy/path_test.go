//go:build !race && !poison

// Under the race detector, and with poison, everything costs more.

package proxy

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"pingap/http1"
	"pingap/loop"
	"pingap/loop/looptest"
)

const (
	asked    = "GET /api/users?page=2 HTTP/1.1\r\nHost: acme.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36\r\nX-Forwarded-For: 203.0.113.7, 198.51.100.9\r\nAccept: */*\r\n\r\n"
	answered = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
)

// constant answers each request with the same bytes and takes no memory for it.
func constant(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				buffer, answer := make([]byte, 4096), []byte(answered)
				for n := 0; ; {
					read, err := conn.Read(buffer[n:])
					if err != nil {
						return
					}
					if n += read; bytes.HasSuffix(buffer[:n], []byte("\r\n\r\n")) {
						conn.Write(answer)
						n = 0
					}
				}
			}()
		}
	}()
	return ln.Addr().String()
}

// client returns what carries one exchange from the wire to the upstream and
// back, by way of a server with that configuration.
func client(t testing.TB, config string) (exchange func()) {
	t.Helper()
	g := compile(t, config)
	l := looptest.New(t)
	s := g.Services["s"]
	wire := &http1.Server{Handler: s, Refuse: s.Refuse, KeepAliveRequests: 1 << 30}
	accept := wire.Acceptor(l)
	at := looptest.Listen(t, l, func(c *loop.Conn) { accept(c, nil) })
	conn, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		wire.Close()
		for _, u := range g.upstreams.byName {
			u.value.Close()
		}
		looptest.Do(t, l, func() {
			for end := time.Now().Add(time.Minute); wire.Open() > 0 || g.Active() > 0; l.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Error("the connection does not end")
					return
				}
			}
			g.CloseLogs(l)
		})
	})
	request, answer := []byte(asked), make([]byte, 4096)
	return func() {
		if _, err := conn.Write(request); err != nil {
			t.Fatal(err)
		}
		for n := 0; !bytes.HasSuffix(answer[:n], []byte("hello")); {
			read, err := conn.Read(answer[n:])
			if err != nil && err != io.EOF || read == 0 {
				t.Fatalf("%q, %v", answer[:n], err)
			}
			n += read
		}
	}
}

// plain and full are what a server does least and most for a proxied request.
const (
	plain = `
[servers.s]
addr = "127.0.0.1:1"
locations = ["l"]
[locations.l]
upstream = "u"
[upstreams.u]
addrs = ["UPSTREAM"]
`
	full = `
[basic]
trusted_proxies = ["127.0.0.0/8", "198.51.100.0/24"]
[servers.s]
addr = "127.0.0.1:1"
access_log = "{when} {client_ip} {:connection_id} {:upstream_addr} {:upstream_response_time_human} {request_id} {~none} {>X-Own} {<Content-Type} {host} {method} {uri} {status} {size_human} {referer} {user_agent}"
locations = ["l", "other"]
[locations.l]
host = "*.example.com, example.org"
path = "/api"
upstream = "u"
enable_reverse_proxy_headers = true
proxy_set_headers = ["Host: internal.example.com", "X-Peer: $upstream_addr", "X-Agent: $http_user_agent"]
proxy_add_headers = ["X-Connection: :connection_id"]
set_response_headers = ["X-Served-By: $hostname"]
client_max_body_size = "1mb"
max_processing = 1000
max_retries = 2
[locations.other]
path = "/other"
upstream = "u"
match_headers = ["X-Other"]
[upstreams.u]
addrs = ["UPSTREAM"]
`
)

func configured(t testing.TB, config string) string {
	return string(bytes.ReplaceAll([]byte(config), []byte("UPSTREAM"), []byte(constant(t))))
}

// From the client's bytes to the upstream and back, everything on the way.
func TestProxiedExchangeTakesNoMemory(t *testing.T) {
	for name, config := range map[string]string{"plain": plain, "full": full} {
		t.Run(name, func(t *testing.T) {
			exchange := client(t, configured(t, config))
			for range 200 { // until every pool has what it needs
				exchange()
			}
			// Something else may allocate now and then, but not each time.
			if n := testing.AllocsPerRun(1000, exchange); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

func BenchmarkProxiedExchange(b *testing.B) {
	for name, config := range map[string]string{"plain": plain, "full": full} {
		b.Run(name, func(b *testing.B) {
			exchange := client(b, configured(b, config))
			b.ReportAllocs()
			for b.Loop() {
				exchange()
			}
		})
	}
}

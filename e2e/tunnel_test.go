package e2e

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
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
		conn.SetDeadline(time.Now().Add(4 * patience))
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

// duplex is a connection that can end one direction.
type duplex interface {
	net.Conn
	CloseWrite() error
}

// openTunnel asks a proxy for a tunnel, over TLS where there is something to trust.
func openTunnel(t *testing.T, p *proxy, trust *x509.CertPool) (duplex, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(2 * patience))
	both := duplex(conn.(*net.TCPConn))
	if trust != nil {
		both = tls.Client(conn, &tls.Config{RootCAs: trust, ServerName: "proxy.test"})
	}
	io.WriteString(both, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	in := bufio.NewReader(both)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(resp, err)
	}
	return both, in
}

func TestEitherEndOfATunnelMayFinishFirst(t *testing.T) {
	for _, secure := range []bool{false, true} {
		// The upstream has its say, finishes, and listens on.
		heard := make(chan string, 1)
		upstream := listen(t, func(conn net.Conn) {
			in := bufio.NewReader(conn)
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\nall I have")
			conn.(*net.TCPConn).CloseWrite()
			text, err := io.ReadAll(in)
			heard <- fmt.Sprint(string(text), err)
		})
		p, trust := startProxyTo(t, upstream), (*x509.CertPool)(nil)
		if secure {
			trust = x509.NewCertPool()
			p = startProxy(t, withTLS(proxyTo(upstream), selfSigned(t, trust)))
		}
		conn, in := openTunnel(t, p, trust)
		if text, err := io.ReadAll(in); string(text) != "all I have" || err != nil {
			t.Errorf("TLS %v: the client gets %q, %v", secure, text, err)
		}
		io.WriteString(conn, "and all I have")
		conn.CloseWrite()
		if got := <-heard; got != "and all I have<nil>" {
			t.Errorf("TLS %v: the upstream gets %q", secure, got)
		}
	}
}

// withTLS gives a server of proxyTo a certificate.
func withTLS(config, pair string) string {
	return strings.Replace(config, "[locations.all]",
		fmt.Sprintf("enabled_h2 = true\nglobal_certificates = true\n[certificates.own]\ntls_cert = %q\nis_default = true\n[locations.all]", pair), 1)
}

// A guard that an Upgrade field could talk past guarded nothing, elsewhere.
func TestAskingForAnUpgradeOpensNoGuardedDoor(t *testing.T) {
	upstream := listen(t, func(conn net.Conn) { t.Error("the upstream is asked") })
	p := startProxy(t, strings.Replace(proxyTo(upstream), "upstream = \"peer\"",
		"upstream = \"peer\"\nplugins = [\"guard\"]\n[plugins.guard]\ncategory = \"mock\"\nstatus = 403", 1))
	for _, fields := range []string{
		"Connection: Upgrade\r\nUpgrade: websocket\r\n",
		"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
		"Connection: Upgrade\r\nUpgrade: x\r\n",
		"Connection: upgrade\r\n",
		"Upgrade: websocket\r\n",
	} {
		if got, err := statusOf(p.addr, "GET / HTTP/1.1\r\nHost: a\r\n"+fields+"\r\n"); got != 403 || err != nil {
			t.Errorf("%q is answered with %d, %v", fields, got, err)
		}
	}
}

// statusOf returns the status of the answer to a request.
func statusOf(addr, request string) (int, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, request)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, nil
}

func TestATunnelOutlivesTheSignalToEndUntilItsGraceEnds(t *testing.T) {
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) { talkBack(t, w) })
	for _, secure := range []bool{false, true} {
		trust := (*x509.CertPool)(nil)
		config := "[basic]\ngrace_period = \"1s\"\n" + proxyTo(upstream)
		if secure {
			trust = x509.NewCertPool()
			config = withTLS(config, selfSigned(t, trust))
		}
		p := startProxy(t, config)
		conn, in := openTunnel(t, p, trust)
		signaled := time.Now()
		p.signal(t, syscall.SIGTERM)
		err := error(nil)
		for err == nil {
			io.WriteString(conn, "still there")
			err = wantText(in, "still there")
		}
		if lasted := time.Since(signaled); lasted < time.Second || lasted > patience {
			t.Errorf("TLS %v: the tunnel ends after %v, %v", secure, lasted, err)
		}
		if code := p.exitCode(t); code != 0 {
			t.Errorf("TLS %v: exit code %d", secure, code)
		}
	}
}

// How long a tunnel may be silent follows the upstream's read_timeout where that is
// written. Its default is for answers: a conversation may pause for longer.
func TestSilentTunnelsEndAsTheirUpstreamSays(t *testing.T) {
	upstream := listen(t, echoTunnel)
	for _, c := range []struct {
		keys []string
		ends bool
	}{
		{[]string{`read_timeout = "1s"`}, true}, // in which the upstream has to switch, too
		{[]string{`read_timeout = "0s"`, `write_timeout = "300ms"`}, false},
		{nil, false},
	} {
		p := startProxyTo(t, upstream, c.keys...)
		conn, in := openTunnel(t, p, nil)
		if err := wantText(in, "hello "); err != nil {
			t.Fatal(err)
		}
		if !c.ends { // what would end it has had the time to do so
			conn.SetReadDeadline(time.Now().Add(time.Second))
			if b, err := in.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%v: a silent tunnel has %q (%v)", c.keys, b, err)
			}
			continue
		}
		if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
			t.Errorf("%v: a silent tunnel ends with %q (%v)", c.keys, rest, err)
		}
	}
}

package e2e

import (
	"bufio"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// say sends text on a fresh connection and returns the answer's content.
func say(t *testing.T, addr, text string) (string, error) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	io.WriteString(c, text)
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	return string(b), err
}

func TestClientIsWhoATrustedProxySaysInItsHeader(t *testing.T) {
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("X-Real-IP")) })
	const request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	const header = "PROXY TCP4 192.0.2.7 192.0.2.8 1234 80\r\n"
	for _, h2 := range []string{"", "enabled_h2 = true\n"} {
		trusting := startProxy(t, strings.Replace(proxyTo(upstream), "[locations.all]", h2+"proxy_protocol = [\"127.0.0.0/8\"]\n[locations.all]\nenable_reverse_proxy_headers = true", 1))
		if got, err := say(t, trusting.addr, header+request); got != "192.0.2.7" || err != nil {
			t.Errorf("the upstream sees %q, %v", got, err)
		}
		if got, err := say(t, trusting.addr, request); err == nil {
			t.Errorf("a connection without a header is answered with %q", got)
		}
		distrusting := startProxy(t, strings.Replace(proxyTo(upstream), "[locations.all]", h2+"proxy_protocol = [\"10.0.0.0/8\"]\n[locations.all]\nenable_reverse_proxy_headers = true", 1))
		if got, err := say(t, distrusting.addr, request); !strings.HasPrefix(got, "127.") || err != nil {
			t.Errorf("a connection from elsewhere: the upstream sees %q, %v", got, err)
		}
		if got, err := say(t, distrusting.addr, header+request); strings.Contains(got, "192.0.2.7") || err == nil && got != "" && !strings.Contains(got, "400") && !strings.Contains(got, "Bad Request") {
			t.Errorf("a header from elsewhere is believed: %q, %v", got, err)
		}
	}
}

// readHeader reads a header of either version, and returns the address of the
// client in it.
func readHeader(in *bufio.Reader) (string, error) {
	first, err := in.Peek(16)
	if err != nil {
		return "", err
	}
	if first[0] == 'P' {
		line, err := in.ReadString('\n')
		if words := strings.Fields(line); err == nil && len(words) == 6 && words[1] == "TCP4" {
			return words[2], nil
		}
		return line, err
	}
	header := make([]byte, 16+int(first[14])<<8+int(first[15]))
	if _, err := io.ReadFull(in, header); err != nil {
		return "", err
	}
	return net.IP(header[16:20]).String(), nil
}

func TestUpstreamIsToldForWhomAConnectionIsMade(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		told := make(chan string, 10)
		upstream := listen(t, func(c net.Conn) {
			in := bufio.NewReader(c)
			source, err := readHeader(in)
			if err != nil {
				return
			}
			told <- source
			if _, err := http.ReadRequest(in); err == nil {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}
		})
		p := startProxyTo(t, upstream, fmt.Sprintf("proxy_protocol = %q", version))
		client := newClient(t)
		for range 3 {
			r, err := client.Get(p.url("/"))
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, r.Body)
			r.Body.Close()
			if got := <-told; !strings.HasPrefix(got, "127.") {
				t.Errorf("%s: the upstream is told %q", version, got)
			}
		}
	}
}

// chain starts a proxy that knows its clients from a field of a proxy that it
// trusts, and introduces them in a version of the protocol to a second proxy, in
// front of upstream.
func chain(t *testing.T, upstream, version string, secure bool) *proxy {
	t.Helper()
	behind := proxyTo(upstream)
	keys := []string{fmt.Sprintf("proxy_protocol = %q", version)}
	if secure {
		behind = withTLS(behind, selfSigned(t, x509.NewCertPool()))
		keys = append(keys, `alpn = "h2"`, `sni = "proxy.test"`, "verify_cert = false")
	}
	second := startProxy(t, strings.NewReplacer(
		"[servers.main]", "[servers.main]\nproxy_protocol = [\"127.0.0.1\"]",
		"[locations.all]", "[locations.all]\nenable_reverse_proxy_headers = true").Replace(behind))
	return startProxy(t, "[basic]\ntrusted_proxies = [\"127.0.0.0/8\"]\n"+proxyTo(second.addr, keys...))
}

func TestClientIsKnownBehindTwoProxies(t *testing.T) {
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("X-Real-IP")) })
	for _, version := range []string{"v1", "v2"} {
		for _, secure := range []bool{false, true} {
			p := chain(t, upstream, version, secure)
			// Connections must not be shared by clients, whatever carries them.
			for _, client := range []string{"203.0.113.9", "2001:db8::9", "203.0.113.10"} {
				request := "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + client + "\r\nConnection: close\r\n\r\n"
				if got, err := say(t, p.addr, request); got != client || err != nil {
					t.Errorf("%s, TLS %v: the upstream sees %q, %v; want %q", version, secure, got, err, client)
				}
			}
		}
	}
}

func TestCurlIntroducesItsClientAheadOfTLS(t *testing.T) {
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	p := startProxy(t, strings.Replace(withTLS(proxyTo(upstream), selfSigned(t, x509.NewCertPool())), "enabled_h2", "proxy_protocol = [\"127.0.0.1\"]\nenabled_h2", 1))
	for option, want := range map[string]string{"--haproxy-protocol": "hello 2", "--no-haproxy-protocol": ""} {
		out, err := exec.Command("curl", "-sk", "--interface", "127.0.0.1", "--noproxy", "*", "-w", " %{http_version}", option, "https://"+p.addr+"/").Output()
		if want == "" && err == nil || want != "" && string(out) != want {
			t.Errorf("%s: %q, %v", option, out, err)
		}
	}
}

func TestNginxIsToldForWhomAConnectionIsMade(t *testing.T) {
	n := &nginx{addr: freeAddr(t), root: t.TempDir(), listen: "proxy_protocol"}
	n.run(t, `return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr:$proxy_protocol_server_port";`)
	for _, version := range []string{"v1", "v2"} {
		p := startProxyTo(t, n.addr, fmt.Sprintf("proxy_protocol = %q", version))
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r.Body)
		host, port, _ := net.SplitHostPort(c.LocalAddr().String())
		if want := host + " " + port + " " + p.addr; string(got) != want || err != nil {
			t.Errorf("%s: nginx is told %q, %v; want %q", version, got, err, want)
		}
	}
}

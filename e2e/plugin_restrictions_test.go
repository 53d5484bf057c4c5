package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

const restricted = `
[basic]
trusted_proxies = ["127.0.0.2"]
[servers.main]
addr = "<ADDR>"
locations = ["ip", "no-ip", "referer", "ua"]
enabled_h2 = true
[locations.ip]
path = "/ip"
plugins = ["ip"]
upstream = "peer"
[locations.no-ip]
path = "/no-ip"
plugins = ["no-ip"]
upstream = "peer"
[locations.referer]
path = "/referer"
plugins = ["referer"]
upstream = "peer"
[locations.ua]
path = "/ua"
plugins = ["ua"]
upstream = "peer"
[plugins.ip]
category = "ip_restriction"
ip_list = ["127.0.0.1", "192.0.2.0/24"]
message = "not you"
[plugins.no-ip]
category = "ip_restriction"
ip_list = ["127.0.0.1"]
type = "Deny"
[plugins.referer]
category = "referer_restriction"
referer_list = ["example.com"]
[plugins.ua]
category = "ua_restriction"
ua_list = ["^Go-http-client/", "evil"]
type = "deny"
[upstreams.peer]
addrs = [%q]
`

func TestRestrictionsRefuse(t *testing.T) {
	peer := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "passed") })
	p := startProxy(t, fmt.Sprintf(restricted, peer))
	for version, c := range bothVersions(t) {
		for _, visit := range []struct {
			path, field string
			status      int
			content     string
		}{
			{"/ip", "", 200, "passed"},
			{"/ip", "X-Forwarded-For: 10.0.0.1", 200, "passed"},
			{"/no-ip", "", 403, "Request is forbidden"},
			// Nobody talks their way out, as with Pingap's first element of it.
			{"/no-ip", "X-Forwarded-For: 192.0.2.1", 403, "Request is forbidden"},
			{"/no-ip", "X-Real-IP: 192.0.2.1", 403, "Request is forbidden"},
			{"/referer", "", 403, "Request is forbidden"},
			{"/referer", "Referer: https://example.com/page", 200, "passed"},
			{"/referer", "Referer: https://example.com@evil.net/", 403, "Request is forbidden"},
			{"/ua", "", 403, "Request is forbidden"},
			{"/ua", "User-Agent: curl/8", 200, "passed"},
		} {
			var fields []string
			if visit.field != "" {
				fields = append(fields, visit.field)
			}
			response, content := answerTo(t, c, p.url(visit.path), fields...)
			if response.StatusCode != visit.status || content != visit.content {
				t.Errorf("%s: %s with %q: %s %q, want %d", version, visit.path, visit.field, response.Status, content, visit.status)
			}
			if kept := response.Header.Get("Cache-Control"); visit.status == 403 && kept != "private, no-cache" {
				t.Errorf("a refusal may be kept: %q", kept)
			}
		}
	}
}

func TestAddressOfATrustedProxyIsNotThatOfTheClient(t *testing.T) {
	peer := serve(t, func(w http.ResponseWriter, r *http.Request) {})
	p := startProxy(t, fmt.Sprintf(restricted, peer))
	trusted := newClient(t)
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	trusted.Transport.(*http.Transport).DialContext = dialer.DialContext
	for forwarded, want := range map[string]int{"192.0.2.9": 200, "10.0.0.1": 403, "192.0.2.9, 10.0.0.1": 403, "10.0.0.1, 192.0.2.9": 200} {
		if response, _ := answerTo(t, trusted, p.url("/ip"), "X-Forwarded-For: "+forwarded); response.StatusCode != want {
			t.Errorf("%s: %s, want %d", forwarded, response.Status, want)
		}
	}
}

// Pingap once skipped all plugins of a request with an Upgrade field.
func TestUpgradeIsNoWayAroundRestrictions(t *testing.T) {
	p := startProxy(t, fmt.Sprintf(restricted, freeAddr(t)))
	for _, path := range []string{"/no-ip", "/referer"} {
		refusesUpgrades(t, p, path, 403)
	}
}

// refusesUpgrades asks for other protocols at a path, where nobody may pass.
func refusesUpgrades(t *testing.T, p *proxy, path string, status int) {
	t.Helper()
	for _, fields := range []string{
		"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
		"Upgrade: x\r\nConnection: upgrade", "Connection: upgrade", "Upgrade: websocket",
	} {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", path, fields)
		line, err := bufio.NewReader(conn).ReadString('\n')
		conn.Close()
		if err != nil || !strings.HasPrefix(line, fmt.Sprintf("HTTP/1.1 %d ", status)) {
			t.Errorf("%s with %q: %q, %v", path, fields, line, err)
		}
	}
}

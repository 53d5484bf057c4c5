package http1

import (
	"testing"

	"pingap/message"
)

// A matrix of host forms: with port, address literals, empty and broken ones.
func TestHostForms(t *testing.T) {
	accepted := []string{
		"a", "example.com", "EXAMPLE.com.", "a-b_c~d", "xn--bcher-kva.example", "1.2.3.4", "256.1.1.1", "a!$&'()*+;=",
		"a:1", "a:80", "example.com:65535", "1.2.3.4:8080", "[::1]", "[::1]:8080", "[2001:DB8::1]", "[::ffff:1.2.3.4]:1", "a:00080",
	}
	refused := []string{
		// empty
		"", ":80", "[]", "[]:80",
		// port
		"a:", "a:0", "a:65536", "a:123456", "a:8x", "a:+80", "a:-1", "a: 80", "a:80:80", "a:80/", "[::1]:", "[::1]80", "[::1]x",
		// IPv6
		"::1", "[::1", "::1]", "[1.2.3.4]", "[::1%25eth0]", "[fe80::1%eth0]", "[v1.x]", "[a]", "[::g]", "[::1]]", "[[::1]]",
		// what could be read as more than a host
		"a,b", "a, b", "a b", "a\tb", "a/b", "a?b", "a#b", "a\\b", "u@a", "u:p@a", "u@a:80", "a@", "@a", "http://a", "a\"b", "<a>", "a|b", "{a}", "a^b", "a`b",
		// encodings
		"%", "%4", "%41b", "%zz", "a%", "ä", "a\x80", "a\x00", "a\x7f", "a\x1f",
	}
	for _, host := range accepted {
		if err := message.CheckAuthority(host); err != nil {
			t.Errorf("%q: %v", host, err)
		}
		if req, _, _, err := parseRequest("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"); err != nil || req.Host != host {
			t.Errorf("Host %q: %v", host, err)
		}
		if req, _, _, err := parseRequest("GET http://" + host + "/ HTTP/1.1\r\nHost: " + host + "\r\n\r\n"); err != nil || req.Host != host {
			t.Errorf("target with %q: %v", host, err)
		}
	}
	for _, host := range refused {
		if err := message.CheckAuthority(host); err == nil {
			t.Errorf("%q is accepted", host)
		}
		for _, version := range []string{"1.0", "1.1"} {
			if _, _, _, err := parseRequest("GET / HTTP/" + version + "\r\nHost: " + host + "\r\n\r\n"); err == nil {
				t.Errorf("Host %q is accepted in HTTP/%s", host, version)
			}
		}
	}
}

func TestUserInformationIsNamedAsSuch(t *testing.T) {
	for _, host := range []string{"u@a", "u:p@a", "u:1@a:80", "a@"} {
		if err := message.CheckAuthority(host); err != message.ErrUserInfo {
			t.Errorf("%q: %v", host, err)
		}
	}
}

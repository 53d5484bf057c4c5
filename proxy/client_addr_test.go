package proxy

import (
	"net/netip"
	"testing"

	"pingap/message"
)

func TestClientAddrBelievesOnlyWhatTrustedProxiesWrote(t *testing.T) {
	trusted := trustedProxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		name      string
		trusted   trustedProxies
		peer      string
		forwarded []string
		realIP    string
		want      string
	}{
		{"no proxies are trusted: the field is anybody's", nil, "10.0.0.1:1", []string{"1.1.1.1"}, "", "10.0.0.1"},
		{"the peer is not trusted", trusted, "203.0.113.9:1", []string{"1.1.1.1"}, "2.2.2.2", "203.0.113.9"},
		{"one trusted hop", trusted, "10.0.0.1:1", []string{"1.1.1.1"}, "", "1.1.1.1"},
		{"what the client wrote stands to the left", trusted, "10.0.0.1:1", []string{"6.6.6.6, 1.1.1.1"}, "", "1.1.1.1"},
		{"several trusted hops", trusted, "10.0.0.1:1", []string{"6.6.6.6, 1.1.1.1, 192.0.2.1, 10.9.9.9"}, "", "1.1.1.1"},
		{"several fields are one list", trusted, "10.0.0.1:1", []string{"6.6.6.6", "1.1.1.1", "10.2.2.2"}, "", "1.1.1.1"},
		{"all hops are trusted: the first of them", trusted, "10.0.0.1:1", []string{"10.3.3.3, 10.2.2.2"}, "", "10.3.3.3"},
		{"nothing left of rubbish is believed", trusted, "10.0.0.1:1", []string{"1.1.1.1, unknown, 10.2.2.2"}, "", "10.2.2.2"},
		{"with port and brackets", trusted, "10.0.0.1:1", []string{"[2001:db8::1]:443"}, "", "2001:db8::1"},
		{"IPv4 with port", trusted, "10.0.0.1:1", []string{"1.1.1.1:443"}, "", "1.1.1.1"},
		{"brackets alone", trusted, "10.0.0.1:1", []string{"[2001:db8::1]"}, "", "2001:db8::1"},
		{"brackets that do not end", trusted, "10.0.0.1:1", []string{"1.1.1.1, [2001:db8::1"}, "", "10.0.0.1"},
		{"brackets and rubbish", trusted, "10.0.0.1:1", []string{"1.1.1.1, [2001:db8::1]x"}, "", "10.0.0.1"},
		{"IPv4 in IPv6", trusted, "10.0.0.1:1", []string{"::ffff:1.1.1.1"}, "", "1.1.1.1"},
		{"X-Real-IP without X-Forwarded-For", trusted, "10.0.0.1:1", nil, "2.2.2.2", "2.2.2.2"},
		{"X-Forwarded-For before X-Real-IP", trusted, "10.0.0.1:1", []string{"1.1.1.1"}, "2.2.2.2", "1.1.1.1"},
		{"trusted IPv6 peer", trusted, "[fd00::1]:1", []string{"1.1.1.1"}, "", "1.1.1.1"},
		{"empty field", trusted, "10.0.0.1:1", []string{""}, "", "10.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := &message.Exchange{Facts: message.Facts{Client: netip.MustParseAddrPort(c.peer)}}
			for _, f := range c.forwarded {
				x.Request.Header.Add("x-forwarded-for", f)
			}
			if c.realIP != "" {
				x.Request.Header.Add("X-Real-IP", c.realIP)
			}
			got, behindProxy := c.trusted.client(x)
			if got.String() != c.want || behindProxy != c.trusted.holds(x.Client.Addr()) {
				t.Errorf("client is %v (behind a proxy: %v), want %s", got, behindProxy, c.want)
			}
		})
	}
}

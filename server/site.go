package server

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"slices"

	"pingap/http1"
	"pingap/loop"
	"pingap/message"
)

// Site is one configured server: addresses, and what answers there. It does not
// change once Apply has it; a later Apply puts another in its place.
type Site struct {
	Name   string
	Place  string // where Addrs are written, for errors; may be ""
	Addrs  []loop.Addr
	Listen loop.ListenOptions
	Loops  int // how many of the loops serve it; 0 for all
	// Wire holds the settings of HTTP/1 and who answers; it takes no
	// connections itself.
	Wire *http1.Server
	// TLS is how connections are secured; nil for clear text. Its
	// NextProtos say whether HTTP/2 is offered.
	TLS *tls.Config
	// HTTP2 is set where clients may speak it in clear text, by prior
	// knowledge (RFC 9113 section 3.3).
	HTTP2 bool
	// ProxyProtocol are the networks whose connections begin with a header of
	// the PROXY protocol, which says who the client is. Nobody else's does, and
	// would be believed.
	ProxyProtocol []netip.Prefix
	// MaxStreams is how many exchanges an HTTP/2 connection may have at a
	// time; see http2.Server.
	MaxStreams int

	entrances []*entrance
}

// Listening returns where a site listens, with the ports that the system has
// chosen for those that were 0. It is empty when the site does not listen.
func (site *Site) Listening() []loop.Addr {
	var addrs []loop.Addr
	for _, e := range site.entrances {
		if len(e.listeners) > 0 {
			addrs = append(addrs, e.listeners[0].Addr())
		}
	}
	return addrs
}

// asksAnew reports whether site asks clients for certificates, and not for the
// same as before: who has come in there might not be let in here.
func (site *Site) asksAnew(before *Site) bool {
	switch {
	case site.TLS == nil || site.TLS.ClientAuth == tls.NoClientCert:
		return false
	case before.TLS == nil || before.TLS.ClientAuth != site.TLS.ClientAuth:
		return true
	}
	return !site.TLS.ClientCAs.Equal(before.TLS.ClientCAs)
}

// loopsOf returns on how many of the loops the site is served.
func (site *Site) loopsOf(loops int) int {
	if site.Loops > 0 {
		return min(loops, site.Loops)
	}
	return loops
}

// proxied reports whether a connection from addr begins with a header of the
// PROXY protocol.
func (site *Site) proxied(addr netip.Addr) bool {
	return slices.ContainsFunc(site.ProxyProtocol, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// serve lets the site answer an exchange.
func (site *Site) serve(x *message.Exchange) error { return site.Wire.Handler.Serve(x) }

// refuse lets the site answer a request that the wire has refused.
func (site *Site) refuse(x *message.Exchange, why *message.Refusal) {
	if site.Wire.Refuse == nil {
		message.ShortPage(x, why)
		return
	}
	site.Wire.Refuse(x, why)
}

func inServer(site *Site, err error) error {
	if site.Place != "" {
		return fmt.Errorf("%s: %w", site.Place, err)
	}
	return fmt.Errorf("server %q: %w", site.Name, err)
}

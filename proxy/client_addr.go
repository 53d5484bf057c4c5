package proxy

import (
	"net/netip"
	"strings"

	"pingap/message"
)

// trustedProxies are the peers whose forwarded fields are believed.
type trustedProxies []netip.Prefix

func (t trustedProxies) holds(addr netip.Addr) bool {
	for _, p := range t {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// clientAddr returns the address of the client that the exchange is for. It is
// the connection's peer, unless that is a trusted proxy: then it is the first
// address from the right of X-Forwarded-For that is not one, since everything
// to the left of that can be written by whoever sits there; X-Real-IP stands
// in where there is no X-Forwarded-For.
func (t trustedProxies) clientAddr(x *message.Exchange) netip.Addr {
	peer := x.Client.Addr()
	if len(t) == 0 || !t.holds(peer) {
		return peer
	}
	client, found := peer, false
	fields := x.Request.Header.Fields()
	for i := len(fields) - 1; i >= 0; i-- {
		if !message.EqualFold(fields[i].Name, "X-Forwarded-For") {
			continue
		}
		for rest := fields[i].Value; rest != ""; {
			var last string
			rest, last = cutLast(rest)
			addr, err := parseForwardedAddr(last)
			if err != nil {
				// What cannot be read cannot be trusted, nor can what stands
				// to its left.
				return client
			}
			client, found = addr, true
			if !t.holds(addr) {
				return client
			}
		}
	}
	if !found {
		if addr, err := parseForwardedAddr(x.Request.Header.Get("X-Real-IP")); err == nil {
			return addr
		}
	}
	return client
}

// cutLast splits a comma-separated list before its last element.
func cutLast(list string) (rest, last string) {
	i := strings.LastIndexByte(list, ',')
	if i < 0 {
		return "", message.TrimBlanks(list)
	}
	return list[:i], message.TrimBlanks(list[i+1:])
}

// parseForwardedAddr takes an address as proxies write it: bare, in brackets,
// or with a port.
func parseForwardedAddr(s string) (netip.Addr, error) {
	if addrPort, err := netip.ParseAddrPort(s); err == nil {
		return addrPort.Addr().Unmap(), nil
	}
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		s = s[1 : len(s)-1]
	}
	addr, err := netip.ParseAddr(s)
	return addr.Unmap(), err
}

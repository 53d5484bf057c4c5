package proxy

import (
	"errors"
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

// client returns the address of the client that the exchange is for, and whether
// it has come by way of a trusted proxy. It is the connection's peer, unless that
// is such a proxy: then it is the first address from the right of
// X-Forwarded-For that is not one, since everything to the left of that can be
// written by whoever sits there; X-Real-IP stands in where there is no
// X-Forwarded-For.
func (t trustedProxies) client(x *message.Exchange) (client netip.Addr, behindProxy bool) {
	client = x.Client.Addr()
	if !t.holds(client) {
		return client, false
	}
	found := false
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
				return client, true
			}
			client, found = addr, true
			if !t.holds(addr) {
				return client, true
			}
		}
	}
	if !found {
		if addr, err := parseForwardedAddr(x.Request.Header.Get("X-Real-IP")); err == nil {
			return addr, true
		}
	}
	return client, true
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
// or with a port. What it could be is seen first, since trying would take memory
// for each thing that it is not.
func parseForwardedAddr(s string) (netip.Addr, error) {
	if inside, ok := strings.CutPrefix(s, "["); ok {
		var port string
		if s, port, ok = strings.Cut(inside, "]"); !ok || port != "" && port[0] != ':' {
			return netip.Addr{}, errNotForwarded
		}
	} else if colon := strings.IndexByte(s, ':'); colon == strings.LastIndexByte(s, ':') && colon >= 0 {
		s = s[:colon]
	}
	addr, err := netip.ParseAddr(s)
	return addr.Unmap(), err
}

var errNotForwarded = errors.New("no address stands in brackets")

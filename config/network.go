package config

import (
	"fmt"
	"net/netip"
)

// Network is a range of addresses, or a single one, written "10.0.0.0/8" or
// "10.0.0.1".
type Network struct{ netip.Prefix }

// UnmarshalText reads an address or a network in CIDR notation. Bits behind the
// network's own are set to zero.
func (n *Network) UnmarshalText(text []byte) error {
	if addr, err := netip.ParseAddr(string(text)); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		n.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	prefix, err := netip.ParsePrefix(string(text))
	if err != nil {
		return &ValueError{Message: fmt.Sprintf("%q is neither an address nor a network", text), Hint: `write it as "10.0.0.1" or "10.0.0.0/8"`}
	}
	if addr := prefix.Addr(); addr.Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96) // as the addresses of clients are
	}
	n.Prefix = prefix.Masked()
	return nil
}

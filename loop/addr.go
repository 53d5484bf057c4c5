package loop

import (
	"fmt"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// Addr is where to listen or connect: a TCP address, or the path of a Unix
// socket.
type Addr struct {
	TCP  netip.AddrPort
	Path string // of a Unix socket; a leading @ means the abstract namespace (Linux)
}

// String returns the address as it is written in the configuration.
func (a Addr) String() string {
	if a.Path != "" {
		return "unix:" + a.Path
	}
	return a.TCP.String()
}

func (a Addr) family() int {
	switch {
	case a.Path != "":
		return unix.AF_UNIX
	case a.TCP.Addr().Is4() || a.TCP.Addr().Is4In6():
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func (a Addr) sockaddr() (unix.Sockaddr, error) {
	switch a.family() {
	case unix.AF_UNIX:
		return &unix.SockaddrUnix{Name: a.Path}, nil
	case unix.AF_INET:
		return &unix.SockaddrInet4{Port: int(a.TCP.Port()), Addr: a.TCP.Addr().As4()}, nil
	}
	zone, err := zoneID(a.TCP.Addr().Zone())
	if err != nil {
		return nil, err
	}
	return &unix.SockaddrInet6{Port: int(a.TCP.Port()), Addr: a.TCP.Addr().As16(), ZoneId: zone}, nil
}

// zoneID takes the zone of a link-local address as a number; names of
// interfaces are resolved by whoever made the address.
func zoneID(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	id, err := strconv.ParseUint(zone, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("IPv6 zone %q is not the number of an interface", zone)
	}
	return uint32(id), nil
}

// addrPortOf returns the TCP address in sa, or the zero AddrPort.
func addrPortOf(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

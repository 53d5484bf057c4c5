package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"pingap/loop"
)

// resolveTimeout bounds the looking up of an upstream's host names.
const resolveTimeout = 5 * time.Second

// found is an address that a PeerSpec stands for.
type found struct {
	addr   loop.Addr
	weight int
}

// resolve looks up the addresses of all peers, at the same time. They come in
// the order of the specs, and an address that is named twice only once. There
// is an error for each spec that has no usable address.
func resolve(ctx context.Context, specs []PeerSpec, ipv4Only bool) (all []found, failed []error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	addrs := make([][]loop.Addr, len(specs))
	errs := make([]error, len(specs))
	var wg sync.WaitGroup
	for i := range specs {
		wg.Go(func() { addrs[i], errs[i] = specs[i].resolve(ctx, ipv4Only) })
	}
	wg.Wait()
	seen := map[loop.Addr]bool{}
	for i := range specs {
		if errs[i] != nil {
			failed = append(failed, errs[i])
		}
		for _, a := range addrs[i] {
			if !seen[a] {
				seen[a] = true
				all = append(all, found{a, max(specs[i].Weight, 1)})
			}
		}
	}
	return all, failed
}

// resolve returns the addresses of one peer.
func (s *PeerSpec) resolve(ctx context.Context, ipv4Only bool) ([]loop.Addr, error) {
	if s.Path != "" {
		return []loop.Addr{{Path: s.Path}}, nil
	}
	ips, err := LookUp(ctx, s.Host, ipv4Only)
	if err != nil {
		return nil, err
	}
	var addrs []loop.Addr
	for _, ip := range ips {
		ip = ip.Unmap()
		if err = usable(ip); err == nil {
			addrs = append(addrs, loop.Addr{TCP: netip.AddrPortFrom(ip, s.Port)})
		}
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("host %q: %w", s.Host, err)
	}
	return addrs, nil
}

// LookUp returns the addresses of a host, at least one.
func LookUp(ctx context.Context, host string, ipv4Only bool) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, nil
	}
	network := "ip"
	if ipv4Only {
		network = "ip4"
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, network, host)
	if err != nil {
		return nil, lookUpError(host, err)
	}
	// The order of answers changes from one to the next; ours should not.
	slices.SortFunc(ips, netip.Addr.Compare)
	return ips, nil
}

func lookUpError(host string, err error) error {
	dns, ok := errors.AsType[*net.DNSError](err)
	switch {
	case ok && dns.IsNotFound:
		return fmt.Errorf("host %q is not known to the system's resolver", host)
	case ok && dns.IsTimeout:
		return fmt.Errorf("host %q: the system's resolver gave no answer within %v", host, resolveTimeout)
	}
	return fmt.Errorf("look up host %q: %w", host, err)
}

// usable refuses addresses that no single server can have, or that reach what
// belongs to the machine's own link, such as a cloud's metadata service.
func usable(ip netip.Addr) error {
	kind := ""
	switch {
	case ip.IsUnspecified():
		kind = "unspecified"
	case ip.IsMulticast():
		kind = "multicast"
	case ip.IsLinkLocalUnicast():
		kind = "link-local"
	case ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		kind = "broadcast"
	default:
		return nil
	}
	return fmt.Errorf("%s is the %s address, not that of a server", ip, kind)
}

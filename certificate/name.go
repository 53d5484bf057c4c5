package certificate

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// parseDomains reads names as Spec.Domains has them.
func parseDomains(domains []string) (names []string, addrs []netip.Addr, err error) {
	for _, d := range domains {
		d = strings.ToLower(strings.TrimSpace(d))
		if addr, err := netip.ParseAddr(strings.Trim(d, "[]")); err == nil {
			addrs = append(addrs, addr.Unmap().WithZone(""))
			continue
		}
		switch name := strings.TrimPrefix(d, "*."); {
		case d == "":
			return nil, nil, fmt.Errorf("a name is empty: leave the key out to serve the names in the certificate")
		case strings.Contains(name, "*"):
			return nil, nil, fmt.Errorf(`%q: a wildcard stands for the whole first label, such as *.example.com`, d)
		case strings.ContainsFunc(name, func(r rune) bool { return r > 0x7f }):
			return nil, nil, fmt.Errorf("%q is not in ASCII: clients send the encoded form of such names, which begins with xn--", d)
		case !validHost(name):
			return nil, nil, fmt.Errorf("%q is no host name: write names such as example.com or *.example.com", d)
		}
		names = append(names, d)
	}
	return unique(names), unique(addrs), nil
}

// namesOf returns the names and addresses that a certificate lists (RFC 6125
// section 6.4.4: its common name counts only when it lists none).
func namesOf(leaf *x509.Certificate) (names []string, addrs []netip.Addr) {
	listed := leaf.DNSNames
	if len(listed) == 0 && len(leaf.IPAddresses) == 0 {
		listed = []string{leaf.Subject.CommonName}
	}
	for _, name := range listed {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		if validHost(strings.TrimPrefix(name, "*.")) {
			names = append(names, name)
		}
	}
	for _, ip := range leaf.IPAddresses {
		if addr, ok := netip.AddrFromSlice(ip); ok {
			addrs = append(addrs, addr.Unmap())
		}
	}
	return unique(names), unique(addrs)
}

// unique leaves out what has been there before.
func unique[T comparable](list []T) (once []T) {
	for _, x := range list {
		if !slices.Contains(once, x) {
			once = append(once, x)
		}
	}
	return once
}

// validHost reports whether name is a host's in lower case: labels of letters,
// digits, hyphens and underscores (which are no letters of the DNS, but in use),
// not longer than the DNS allows (RFC 1035 section 2.3.4), and not an address.
func validHost[T string | []byte](name T) bool {
	if len(name) == 0 || len(name) > 253 {
		return false
	}
	label, numeric := 0, true
	for i := range len(name) {
		switch b := name[i]; {
		case b == '.':
			if label == 0 || name[i-1] == '-' {
				return false
			}
			label, numeric = 0, true
			continue
		case 'a' <= b && b <= 'z', b == '_', b == '-' && label > 0:
			numeric = false
		case '0' <= b && b <= '9':
		default:
			return false
		}
		if label++; label > 63 {
			return false
		}
	}
	return label > 0 && !numeric && name[len(name)-1] != '-'
}

// describe names a certificate in a message.
func describe(cert *x509.Certificate) string {
	switch {
	case len(cert.DNSNames) > 0:
		return fmt.Sprintf("%.100q", cert.DNSNames[0])
	case cert.Subject.CommonName != "":
		return fmt.Sprintf("%.100q", cert.Subject.CommonName)
	case len(cert.IPAddresses) > 0:
		return cert.IPAddresses[0].String()
	}
	return fmt.Sprintf("%.200q", DistinguishedName(cert.RawSubject))
}

package certificate

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Store is an immutable set of certificates, and chooses one for each client.
// It is safe for concurrent use.
//
// A client gets the certificate of the exact name that it asks for (SNI, RFC
// 6066 section 3), else that of the wildcard one label up, else one that an
// authority without a list of domains issues, else the default. One that names
// no server gets the certificate of the address that it connected to, else the
// default. Among several for one name it gets the first that it can use and
// that is valid now, with its staple if it demands one: ECDSA comes before RSA, what expires later before what
// expires sooner.
type Store struct {
	exact       map[string][]*Certificate
	wildcard    map[string][]*Certificate // by what follows "*."
	addrs       map[netip.Addr][]*Certificate
	authorities []*Certificate // those that issue for any name
	fallback    []*Certificate
	all         []*Certificate
	now         func() time.Time
}

// ErrNoCertificate is what Get ends with when nothing matches and there is no
// default.
var ErrNoCertificate = errors.New("no certificate matches, and none has is_default")

// NewStore returns the set of certs, and warnings about those that are never
// chosen.
func NewStore(certs []*Certificate) (*Store, []string) {
	s := &Store{
		exact: map[string][]*Certificate{}, wildcard: map[string][]*Certificate{}, addrs: map[netip.Addr][]*Certificate{},
		all: slices.SortedFunc(slices.Values(certs), preference), now: time.Now,
	}
	var warnings []string
	for _, c := range s.all {
		warnings = append(warnings, s.enter(c)...)
	}
	return s, warnings
}

// enter puts c into the indexes, behind those that are preferred to it.
func (s *Store) enter(c *Certificate) (warnings []string) {
	add := func(list *[]*Certificate, what string) {
		if i := slices.IndexFunc(*list, c.alike); i >= 0 {
			warnings = append(warnings, conflict((*list)[i], c, what))
		}
		*list = append(*list, c)
	}
	for _, name := range c.Domains {
		if parent, ok := strings.CutPrefix(name, "*."); ok {
			addTo(s.wildcard, parent, name, add)
		} else {
			addTo(s.exact, name, name, add)
		}
	}
	for _, addr := range c.Addrs {
		addTo(s.addrs, addr, addr.String(), add)
	}
	limited := len(c.Domains)+len(c.Addrs) > 0
	if c.CA && !limited {
		add(&s.authorities, "all names")
	}
	switch {
	case c.Default && c.CA && limited:
		warnings = append(warnings, fmt.Sprintf("certificate %q issues for its domains alone: is_default has no effect", c.Name))
	case c.Default:
		add(&s.fallback, "clients for whom no other matches")
	}
	return warnings
}

// addTo adds to the list of a key.
func addTo[K comparable](index map[K][]*Certificate, key K, what string, add func(*[]*Certificate, string)) {
	list := index[key]
	add(&list, what)
	index[key] = list
}

// alike reports whether two certificates can be used by the same clients.
func (c *Certificate) alike(other *Certificate) bool {
	return c.algorithm == other.algorithm && c.CA == other.CA
}

// conflict says which of two certificates for the same is chosen.
func conflict(first, second *Certificate, what string) string {
	why := "comes first by name"
	if first.Leaf.NotAfter.After(second.Leaf.NotAfter) {
		why = "expires later"
	}
	return fmt.Sprintf("certificates %q and %q both serve %s: %q is chosen while it is valid, since it %s", first.Name, second.Name, what, first.Name, why)
}

// preference orders certificates for the same name: one of its own before one
// that an authority has yet to issue, then by the kind of key, then what is
// valid longer, then by name, so that the order never depends on chance.
func preference(a, b *Certificate) int {
	return cmp.Or(
		compareBool(a.CA, b.CA),
		cmp.Compare(a.algorithm, b.algorithm),
		b.Leaf.NotAfter.Compare(a.Leaf.NotAfter),
		cmp.Compare(a.Name, b.Name),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// Certificates returns those in the set, in the order in which they are
// preferred. The slice must not be changed.
func (s *Store) Certificates() []*Certificate { return s.all }

// Get returns the certificate for a client: it can be the GetCertificate of a
// tls.Config, and it neither waits nor, unless an authority has to issue one,
// allocates. Its error is ErrNoCertificate, or that of an authority.
func (s *Store) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return s.get(hello, anything, inPlace)
}

// anything are the limits of a server with the settings of crypto/tls.
var anything = limitsOf(tls.VersionTLS13, nil)

// get is Get within the limits of a server; what takes long is left to away.
func (s *Store) get(hello *tls.ClientHelloInfo, l *limits, away offload) (*tls.Certificate, error) {
	var space [maxName]byte
	name := lowerName(&space, hello.ServerName)
	c := s.find(hello, name, l)
	switch {
	case c == nil:
		return nil, ErrNoCertificate
	case c.authority == nil:
		return c.current.Load(), nil
	case len(name) == 0:
		return c.authority.issueFor(localAddr(hello.Conn), hello.Conn, away)
	}
	return c.authority.issue(name, hello.Conn, away)
}

// find chooses a certificate; nil if there is none.
func (s *Store) find(hello *tls.ClientHelloInfo, name []byte, l *limits) *Certificate {
	if len(name) == 0 {
		if len(s.addrs) == 0 {
			return s.pick(hello, l, s.fallback)
		}
		return s.pick(hello, l, s.addrs[localAddr(hello.Conn)], s.fallback)
	}
	var above []*Certificate
	if dot := slices.Index(name, '.'); dot > 0 {
		above = s.wildcard[string(name[dot+1:])]
	}
	if c := s.pick(hello, l, s.exact[string(name)], above); c != nil {
		return c
	}
	if len(s.authorities) > 0 && validHost(name) {
		return s.authorities[0]
	}
	return s.pick(hello, l, s.fallback)
}

// pick returns the first certificate in lists that the client can use and that
// is valid now. If there is none such, one that the client does not like is
// better than none: it will say why.
func (s *Store) pick(hello *tls.ClientHelloInfo, l *limits, lists ...[]*Certificate) *Certificate {
	var first, usable *Certificate
	now := s.now()
	for _, list := range lists {
		for _, c := range list {
			first = cmp.Or(first, c)
			if c.authority == nil && !l.serves(hello, c.algorithm) {
				continue
			}
			if !now.Before(c.Leaf.NotBefore) && !now.After(c.Leaf.NotAfter) && !c.lacksStaple() {
				return c
			}
			usable = cmp.Or(usable, c)
		}
	}
	return cmp.Or(usable, first)
}

// lacksStaple reports whether clients refuse c for want of a staple.
func (c *Certificate) lacksStaple() bool {
	return c.mustStaple && len(c.current.Load().OCSPStaple) == 0
}

// maxName is how long the name of a host can be (RFC 1035 section 2.3.4), with
// a dot behind it.
const maxName = 254

// lowerName writes name into space in lower case and without a dot behind it.
// What is too long to be a name becomes "?", which is none either.
func lowerName(space *[maxName]byte, name string) []byte {
	if len(name) > len(space) {
		space[0] = '?'
		return space[:1]
	}
	n := copy(space[:], name)
	if n > 0 && space[n-1] == '.' {
		n--
	}
	for i, b := range space[:n] {
		if 'A' <= b && b <= 'Z' {
			space[i] = b + 'a' - 'A'
		}
	}
	return space[:n]
}

// localAddr is the address that the client connected to, as far as it is known.
func localAddr(conn net.Conn) netip.Addr {
	if conn == nil {
		return netip.Addr{}
	}
	if tcp, ok := conn.LocalAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// access decides who may use an admin.
type access struct {
	users  []User
	maxAge time.Duration
	now    func() time.Time

	mu     sync.Mutex
	failed map[netip.Addr]failures
}

// failures are the wrong credentials that came from an address.
type failures struct {
	first time.Time
	count int
}

const (
	// maxFailures is how many wrong credentials an address may show within
	// failureTime of the first. Showing none is no failure.
	maxFailures = 10
	failureTime = 5 * time.Minute
	// maxFailing bounds how many addresses are remembered.
	maxFailing = 4096
)

func newAccess(a Address) *access {
	return &access{users: a.Users, maxAge: a.MaxAge, now: time.Now, failed: map[netip.Addr]failures{}}
}

// guard lets requests pass whose user is known, and those that are local where
// no user is needed.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		peer := peerOf(r)
		if len(s.access.users) == 0 {
			// A page of another site can make a browser ask a name of its own
			// that leads here; the name gives it away.
			if host := hostOf(r.Host); !isLoopback(host) {
				refuse(w, http.StatusForbidden, "the admin without a user answers to the names and addresses of the loopback interface alone, not to "+strconv.Quote(host))
				return
			}
			next.ServeHTTP(w, r)
			return
		}
		if s.access.locked(peer) {
			refuse(w, http.StatusForbidden, "Forbidden, too many failures")
			return
		}
		user, shown := s.access.user(r)
		if user == "" {
			if shown {
				s.access.fail(peer)
				s.logger.Warn("wrong credentials were shown to the admin", "from", peer.String())
			}
			h.Set("WWW-Authenticate", `Basic realm="pingap", charset="UTF-8"`)
			refuse(w, http.StatusUnauthorized, "the admin needs a user and a password")
			return
		}
		next.ServeHTTP(w, r.WithContext(withUser(r.Context(), user)))
	})
}

// user returns the name of the user whose credentials a request shows, "" when
// they are wrong; shown is false when there are none.
func (a *access) user(r *http.Request) (name string, shown bool) {
	credentials := r.Header.Get("Authorization")
	if credentials == "" {
		return "", false
	}
	if name, password, ok := r.BasicAuth(); ok {
		return a.find(func(u User) bool { return same(u.Name+"\x00"+u.Password, name+"\x00"+password) }), true
	}
	token, at, _ := strings.Cut(credentials, ":")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || a.now().Sub(time.Unix(seconds, 0)).Abs() > a.maxAge {
		return "", true
	}
	return a.find(func(u User) bool { return same(tokenOf(u, at), token) }), true
}

// tokenOf is what a user shows in the place of the password, at a time in
// seconds since 1970.
func tokenOf(u User, at string) string {
	sum := sha256.Sum256([]byte(u.Name + ":" + u.Password + ":" + at))
	return hex.EncodeToString(sum[:])
}

// find returns the name of the user who fits. It asks about all, so that the
// time it takes tells nothing.
func (a *access) find(fits func(User) bool) (name string) {
	for _, u := range a.users {
		if fits(u) {
			name = u.Name
		}
	}
	return name
}

// same compares secrets in a time that tells nothing of them, not even how long
// they are.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// locked reports whether an address has shown too many wrong credentials.
func (a *access) locked(peer netip.Addr) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	f, ok := a.failed[peer]
	if ok && a.now().Sub(f.first) > failureTime {
		delete(a.failed, peer)
		return false
	}
	return f.count >= maxFailures
}

func (a *access) fail(peer netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f, ok := a.failed[peer]
	if !ok {
		a.makeRoom()
		f.first = a.now()
	}
	f.count++
	a.failed[peer] = f
}

// makeRoom forgets the address that has been remembered longest when there are
// too many.
func (a *access) makeRoom() {
	if len(a.failed) < maxFailing {
		return
	}
	var oldest netip.Addr
	for peer, f := range a.failed {
		if !oldest.IsValid() || f.first.Before(a.failed[oldest].first) {
			oldest = peer
		}
	}
	delete(a.failed, oldest)
}

// peerOf returns the address that a request's connection comes from. Nothing
// that the request says about itself counts.
func peerOf(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr().Unmap()
}

// hostOf returns the host of a Host field without its port and brackets.
func hostOf(hostPort string) string {
	if host, _, err := net.SplitHostPort(hostPort); err == nil {
		return host
	}
	return strings.Trim(hostPort, "[]")
}

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

	"pingap/config"
	"pingap/plugin"
)

// access decides who may use an entry.
type access struct {
	users       []config.Credentials
	maxAge      time.Duration
	maxFailures int
	now         func() time.Time

	mu     sync.Mutex
	failed map[netip.Addr]failures
}

// failures are the wrong credentials that came from an address.
type failures struct {
	first time.Time
	count int
}

const (
	// failureTime is for how long after the first wrong credentials of an address
	// they count. Showing none is no failure.
	failureTime = 5 * time.Minute
	// maxFailing bounds how many addresses are remembered.
	maxFailing = 4096
)

func newAccess(e plugin.AdminEntry) *access {
	return &access{users: e.Users, maxAge: e.MaxAge, maxFailures: e.FailLimit, now: time.Now, failed: map[netip.Addr]failures{}}
}

// admit lets a request pass whose user is known, and one that is local where no
// user is needed. It returns the request with its user, or nil when it has refused
// it.
func (e *Entry) admit(w http.ResponseWriter, r *http.Request) *http.Request {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	from := clientOf(r)
	if len(e.access.users) == 0 {
		if why := notLocal(from, r.Host); why != "" {
			refuse(w, http.StatusForbidden, "the admin without a user answers "+why)
			return nil
		}
		return r
	}
	if e.access.locked(from) {
		refuse(w, http.StatusForbidden, "Forbidden, too many failures")
		return nil
	}
	user, shown := e.access.user(r)
	if user == "" {
		if shown {
			e.access.fail(from)
			e.logger.Warn("wrong credentials were shown to the admin", "from", from.String())
		}
		h.Set("WWW-Authenticate", `Basic realm="pingap", charset="UTF-8"`)
		refuse(w, http.StatusUnauthorized, "the admin needs a user and a password")
		return nil
	}
	return r.WithContext(withUser(r.Context(), user))
}

// notLocal says what is wrong with a request that needs no user, "" for nothing. A
// page of another site can make a browser ask a name of its own that leads here;
// the name gives it away.
func notLocal(from netip.Addr, hostPort string) string {
	if !from.IsLoopback() {
		return "programs on its own machine alone, by the loopback interface"
	}
	if host := hostOf(hostPort); !isLoopback(host) {
		return "to the names and addresses of the loopback interface alone, not to " + strconv.Quote(host)
	}
	return ""
}

// user returns the name of the user whose credentials a request shows, "" when
// they are wrong; shown is false when there are none.
func (a *access) user(r *http.Request) (name string, shown bool) {
	credentials := r.Header.Get("Authorization")
	if credentials == "" {
		return "", false
	}
	if name, password, ok := r.BasicAuth(); ok {
		return a.find(func(u config.Credentials) bool { return same(string(u), name+":"+password) }), true
	}
	token, at, _ := strings.Cut(credentials, ":")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || a.now().Sub(time.Unix(seconds, 0)).Abs() > a.maxAge {
		return "", true
	}
	return a.find(func(u config.Credentials) bool { return same(tokenOf(u, at), token) }), true
}

// tokenOf is what a user shows in the place of the password, at a time in
// seconds since 1970.
func tokenOf(u config.Credentials, at string) string {
	sum := sha256.Sum256([]byte(string(u) + ":" + at))
	return hex.EncodeToString(sum[:])
}

// find returns the name of the user who fits. It asks about all, so that the
// time it takes tells nothing.
func (a *access) find(fits func(config.Credentials) bool) (name string) {
	for _, u := range a.users {
		if fits(u) {
			name = u.Name()
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
func (a *access) locked(from netip.Addr) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	f, ok := a.failed[from]
	if ok && a.now().Sub(f.first) > failureTime {
		delete(a.failed, from)
		return false
	}
	return f.count >= a.maxFailures
}

func (a *access) fail(from netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f, ok := a.failed[from]
	if !ok {
		a.makeRoom()
		f.first = a.now()
	}
	f.count++
	a.failed[from] = f
}

// makeRoom forgets the address that has been remembered longest when there are
// too many.
func (a *access) makeRoom() {
	if len(a.failed) < maxFailing {
		return
	}
	var oldest netip.Addr
	first := true
	for from, f := range a.failed {
		if first || f.first.Before(a.failed[oldest].first) {
			oldest, first = from, false
		}
	}
	delete(a.failed, oldest)
}

// clientOf returns the address of whoever asks: that of the connection, or what a
// trusted proxy has reported. Nothing else that the request says about itself
// counts.
func clientOf(r *http.Request) netip.Addr {
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

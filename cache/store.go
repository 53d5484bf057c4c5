package cache

import (
	"strings"
	"time"

	"pingap/message"
)

// Policy is what an operator says about how long answers are kept.
type Policy struct {
	// MaxTTL caps how long an answer is fresh; 0 for no cap.
	MaxTTL time.Duration
	// Declared is set where only answers with Cache-Control are stored.
	Declared bool
}

// undeclared is how long an answer is fresh that says nothing about it, and for
// how long any may be used after that unless it says so itself.
const undeclared = time.Second

// NewEntry returns the entry that the answer to a GET becomes, without its
// content, or nil when a shared cache must not store it, or had better not (RFC
// 9111 section 3). asked is when the request went to the upstream, now when the
// answer came. Strings are cloned.
func (p *Policy) NewEntry(q *message.Request, r *message.Response, asked, now time.Time) *Entry {
	d := DirectivesOf(&r.Header)
	if !storable(q, r, &d) || p.Declared && !d.Present {
		return nil
	}
	e := &Entry{Status: r.Status, Received: now, Age: ageOf(&r.Header, asked, now)}
	var ok bool
	if e.Fresh, ok = lifetime(q, r, &d, now); !ok {
		return nil
	}
	if p.MaxTTL > 0 {
		e.Fresh = min(e.Fresh, p.MaxTTL)
	}
	e.StaleRevalidate, e.StaleError = stale(&d)
	if e.Fresh <= 0 {
		return nil
	}
	e.Fields = keptFields(&r.Header, now)
	return e
}

// storable tells what no lifetime can make up for.
func storable(q *message.Request, r *message.Response, d *Directives) bool {
	switch {
	case r.Tunnel != nil, r.Status < 200, r.Status == 206, r.Status == 304:
		return false
	case d.NoStore, d.Private, d.NoCache:
		return false
	case DirectivesOf(&q.Header).NoStore:
		return false
	case r.Header.Has("Set-Cookie"): // what is in it is for one client
		return false
	case r.Header.Has("Content-Range"), r.Header.HasToken("Vary", "*"):
		return false
	}
	// RFC 9111 section 3.5.
	return !q.Header.Has("Authorization") || d.Public || d.MustRevalidate || d.SharedMaxAge >= 0
}

// lifetime is how long the answer is fresh after its making (RFC 9111 section
// 4.2.1), and false where nobody has said it and it is not to be guessed.
func lifetime(q *message.Request, r *message.Response, d *Directives, now time.Time) (time.Duration, bool) {
	switch {
	case d.SharedMaxAge >= 0:
		return d.SharedMaxAge, true
	case d.MaxAge >= 0:
		return d.MaxAge, true
	case r.Header.Has("Expires"):
		// A value that is no date, such as 0, is in the past (section 5.3).
		return dateOf(&r.Header, "Expires", time.Time{}).Sub(dateOf(&r.Header, "Date", now)), true
	}
	return undeclared, !d.Present && guessable(r.Status) && !q.Header.Has("Cookie")
}

// guessable are the statuses of answers that can be repeated for a moment although
// nobody has said so (RFC 9110 section 15.1), without those of errors.
func guessable(status int) bool {
	switch status {
	case 200, 203, 204, 300, 301, 308:
		return true
	}
	return false
}

// ageOf is the age of an answer that comes in (RFC 9111 section 4.2.3).
func ageOf(h *message.Header, asked, now time.Time) time.Duration {
	apparent := max(0, now.Sub(dateOf(h, "Date", now)))
	value, _ := cutElement(h.Get("Age"))
	return max(apparent, deltaSeconds(value)+now.Sub(asked))
}

// stale is how long an entry may be used when it is not fresh any more. That
// s-maxage alone forbids it (RFC 9111 section 5.2.2.10) does not hold against an
// origin that allows it in the same breath.
func stale(d *Directives) (revalidate, onError time.Duration) {
	if d.MustRevalidate || d.ProxyRevalidate {
		return 0, 0
	}
	fallback := undeclared
	if d.SharedMaxAge >= 0 {
		fallback = 0
	}
	revalidate, onError = fallback, fallback
	if d.StaleRevalidate >= 0 {
		revalidate = d.StaleRevalidate
	}
	if d.StaleError >= 0 {
		onError = d.StaleError
	}
	return revalidate, onError
}

// keptFields clones what is stored of h (RFC 9111 section 3.1). An answer without
// a date gets that of its coming (RFC 9110 section 6.6.1).
func keptFields(h *message.Header, now time.Time) []message.Field {
	kept := make([]message.Field, 0, h.Len()+1)
	for _, f := range h.Fields() {
		if !ofConnection(h, f.Name) {
			kept = append(kept, message.Field{Name: strings.Clone(f.Name), Value: strings.Clone(f.Value)})
		}
	}
	if !h.Has("Date") {
		kept = append(kept, message.Field{Name: "Date", Value: FormatDate(now)})
	}
	return kept
}

// ofConnection are fields that are not stored: those of one connection, those that
// the codec makes, and the age, which is counted.
func ofConnection(h *message.Header, name string) bool {
	for _, n := range [...]string{"Age", "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate",
		"Proxy-Authentication-Info", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length"} {
		if message.EqualFold(n, name) {
			return true
		}
	}
	return h.HasToken("Connection", name)
}

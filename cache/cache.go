// Package cache holds the semantics of a shared HTTP cache (RFC 9111), and where
// it keeps answers. What decides is in functions of a request, an answer and the
// time; nothing here knows how it is configured or who asks the upstream.
package cache

import (
	"time"

	"pingap/message"
)

// Entry is a stored answer, or what says by which fields of the request answers
// are told apart. It never changes once it is stored: loops share it.
type Entry struct {
	Status int
	// Fields are those of the answer, without what only its connection was about.
	Fields []message.Field
	Body   []byte
	// Vary are the names of the request's fields that the choice depended on, in
	// lower case, and Generation tells the entries behind this one from those
	// behind an earlier one. Such an entry has no Status.
	Vary       []string
	Generation uint64

	// Received is when the answer came, and Age how old it was then.
	Received time.Time
	Age      time.Duration
	// Fresh is how long after its making it can be used without asking again.
	Fresh time.Duration
	// StaleRevalidate and StaleError are for how long after that it can be used
	// while somebody asks again, and where the upstream fails (RFC 5861).
	StaleRevalidate, StaleError time.Duration
}

// AgeAt returns how long ago the origin made or confirmed the answer (RFC 9111
// section 4.2.3).
func (e *Entry) AgeAt(now time.Time) time.Duration {
	return e.Age + max(0, now.Sub(e.Received))
}

// FreshAt reports whether the entry can be used without asking anybody.
func (e *Entry) FreshAt(now time.Time) bool { return e.AgeAt(now) < e.Fresh }

// WhileRevalidatedAt reports whether the entry can be used while another
// exchange asks whether it is still right.
func (e *Entry) WhileRevalidatedAt(now time.Time) bool {
	return e.AgeAt(now) < e.Fresh+e.StaleRevalidate
}

// OnErrorAt reports whether the entry can be used in place of a failure.
func (e *Entry) OnErrorAt(now time.Time) bool { return e.AgeAt(now) < e.Fresh+e.StaleError }

// Field returns the value of the first field called name, or "".
func (e *Entry) Field(name string) string {
	for i := range e.Fields {
		if message.EqualFold(e.Fields[i].Name, name) {
			return e.Fields[i].Value
		}
	}
	return ""
}

// overhead is about what an entry takes beside its bytes: its struct, its place
// in the table and in a queue.
const overhead = 512

// size is what the entry takes of memory, in bytes.
func (e *Entry) size(key string) int64 {
	n := overhead + len(key) + cap(e.Body)
	for _, f := range e.Fields {
		n += len(f.Name) + len(f.Value) + 32
	}
	for _, name := range e.Vary {
		n += len(name) + 16
	}
	return int64(n)
}

package message

import "time"

// Timeouts bound how long a client may take; the zero value stands for the
// defaults.
type Timeouts struct {
	// Head is for a whole request head, from its first byte to its last, and
	// for the first byte of a new connection; in HTTP/2 for what a connection
	// begins with. Default 60 s.
	Head time.Duration
	// Idle is how long a connection may be without a request.
	// Default 75 s.
	Idle time.Duration
	// Body is the time between two reads of a request's content.
	// Default 60 s.
	Body time.Duration
	// Write is the time in which a client must take something of its
	// response. Default 60 s.
	Write time.Duration
	// Tunnel is how long what has switched protocols may be silent in both
	// directions. Default 10 minutes.
	Tunnel time.Duration
}

// WithDefaults returns t with the defaults in place of zeros.
func (t Timeouts) WithDefaults() Timeouts {
	orDefault := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	orDefault(&t.Head, 60*time.Second)
	orDefault(&t.Idle, 75*time.Second)
	orDefault(&t.Body, 60*time.Second)
	orDefault(&t.Write, 60*time.Second)
	orDefault(&t.Tunnel, 10*time.Minute)
	return t
}

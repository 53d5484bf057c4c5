package http2

import "time"

// debt bounds the work that a peer can make without asking for anything: each
// frame that does nothing for an exchange adds to it, and time and useful frames
// take off. Rapid resets, floods of pings, settings, priorities, empty frames and
// tiny windows are all the same to it.
type debt struct {
	owed int
	at   int64 // loop time when owed was right
}

const (
	// mostDebt is how much a peer may owe: a page that is left makes a browser
	// reset some hundred streams at once.
	mostDebt = 1000
	// forgiven is how much of the debt is let off each second.
	forgiven = 200
)

// What frames cost, or pay back.
const (
	costOfControl = 1   // PING, SETTINGS, PRIORITY, a small WINDOW_UPDATE, empty DATA
	costOfReset   = 4   // of a stream, by the peer or for what it has done
	worthOfUse    = -10 // an exchange that went to its end
)

// add takes in a cost. It reports false when the peer owes too much.
func (d *debt) add(cost int, now int64) bool {
	if since := now - d.at; since > int64(time.Second)/forgiven {
		d.owed -= int(min(since/(int64(time.Second)/forgiven), mostDebt))
		d.at = now
	}
	d.owed = max(d.owed, 0) + cost
	return d.owed <= mostDebt
}

var (
	errDebt   = &connError{EnhanceYourCalm, "too many frames that are of no use"}
	errUnread = &connError{EnhanceYourCalm, "too many frames that want an answer, and no answer is read"}
)

package georestriction

import (
	"log/slog"
	"sync/atomic"
	"time"

	"pingap/geo"
)

// reportInterval is how often at most the log has a line on a country.
const reportInterval = time.Minute

// report tells the log from which countries requests come: at once of the first,
// then once per interval how many there were.
type report struct {
	logger    *slog.Logger
	listed    *geo.Set
	countries [256]tally
}

// tally is of a country.
type tally struct {
	untold atomic.Int64 // requests that the log does not know of
	told   atomic.Int64 // when it was told last, in ns of the wall clock
}

// note counts a request from a country.
func (r *report) note(c geo.Country, now time.Time) {
	t := &r.countries[c]
	t.untold.Add(1)
	told := t.told.Load()
	if now.UnixNano()-told >= int64(reportInterval) && t.told.CompareAndSwap(told, now.UnixNano()) {
		r.tell(c)
	}
}

func (r *report) tell(c geo.Country) {
	if n := r.countries[c].untold.Swap(0); n > 0 {
		r.logger.Info("requests from a country", "country", c.String(), "listed", r.listed.Has(c), "requests", n)
	}
}

// flush tells all that the log has not been told.
func (r *report) flush() {
	for c := range r.countries {
		r.tell(geo.Country(c))
	}
}

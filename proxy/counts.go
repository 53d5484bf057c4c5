package proxy

import (
	"sync/atomic"

	"pingap/config"
	"pingap/loop"
)

// counts are what goes on from one graph to the next, whatever else changes:
// the exchanges in flight are still there after a reload, and so are the limits
// that they count for.
type counts struct {
	servers   map[string]*traffic
	locations map[string]*locationCounts
}

// locationCounts are those of one location.
type locationCounts struct {
	traffic
	// limited is the exchanges in flight that began when the location had a
	// limit: one number for all loops, so that the limit is exact.
	limited atomic.Int64
}

// next returns the counts for another configuration: those of the same names,
// and fresh ones for what is new.
func (c *counts) next(to *config.Config, loops int) counts {
	n := counts{servers: make(map[string]*traffic), locations: make(map[string]*locationCounts)}
	var fresh []*traffic
	for _, s := range to.Servers {
		if n.servers[s.Name] = c.servers[s.Name]; n.servers[s.Name] == nil {
			n.servers[s.Name] = new(traffic)
			fresh = append(fresh, n.servers[s.Name])
		}
	}
	for _, l := range to.Locations {
		if n.locations[l.Name] = c.locations[l.Name]; n.locations[l.Name] == nil {
			n.locations[l.Name] = new(locationCounts)
			fresh = append(fresh, &n.locations[l.Name].traffic)
		}
	}
	openTraffics(fresh, loops)
	return n
}

// traffic counts exchanges. Each loop counts for itself, in memory that it
// shares with no other: a number that all cores write would be the most
// expensive thing that an exchange touches.
type traffic struct {
	onLoop [][]passed // by loop ID; within it those of several traffics lie side by side
	index  int
}

// passed is how many exchanges a loop has begun and ended. Only the loop writes.
type passed struct{ begun, ended atomic.Int64 }

// openTraffics gives traffics their memory.
func openTraffics(fresh []*traffic, loops int) {
	if len(fresh) == 0 {
		return
	}
	const perCacheLine = 4
	onLoop := make([][]passed, loops)
	for i := range onLoop {
		onLoop[i] = make([]passed, (len(fresh)+perCacheLine-1)&^(perCacheLine-1))
	}
	for i, t := range fresh {
		t.onLoop, t.index = onLoop, i
	}
}

// begin and end are called on the loop.
func (t *traffic) begin(l *loop.Loop) { increment(&t.onLoop[l.ID()][t.index].begun) }
func (t *traffic) end(l *loop.Loop)   { increment(&t.onLoop[l.ID()][t.index].ended) }

func increment(n *atomic.Int64) { n.Store(n.Load() + 1) }

// processing returns how many exchanges are in flight.
func (t *traffic) processing() (n int64) {
	// Those that end while this adds up count as in flight, never as less than
	// none.
	for _, all := range t.onLoop {
		n -= all[t.index].ended.Load()
	}
	return n + t.accepted()
}

// accepted returns how many exchanges have begun.
func (t *traffic) accepted() (n int64) {
	for _, all := range t.onLoop {
		n += all[t.index].begun.Load()
	}
	return n
}

// tell returns how many exchanges are in flight, and how many there have been.
func (c *locationCounts) tell() (processing, accepted int64) {
	return c.limited.Load() + c.processing(), c.accepted()
}

// admit counts an exchange in, unless there are max in flight already. Those
// that began before there was a limit count too.
func (c *locationCounts) admit(l *loop.Loop, max int64) bool {
	if c.limited.Add(1)+c.processing() > max {
		c.limited.Add(-1)
		return false
	}
	// limited holds it; here it has only been.
	c.begin(l)
	c.end(l)
	return true
}

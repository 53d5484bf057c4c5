package proxy

import (
	"sync/atomic"

	"pingap/config"
)

// counts are what goes on from one graph to the next, whatever else changes:
// the exchanges in flight are still there after a reload, and so are the limits
// that they count for.
type counts struct {
	servers   map[string]*serverCounts
	locations map[string]*atomic.Int64 // exchanges in flight
}

// serverCounts are those of one server.
type serverCounts struct {
	processing atomic.Int64 // exchanges in flight
	accepted   atomic.Int64
}

// next returns the counts for another configuration: those of the same names,
// and fresh ones for what is new.
func (c *counts) next(to *config.Config) counts {
	n := counts{servers: make(map[string]*serverCounts), locations: make(map[string]*atomic.Int64)}
	for _, s := range to.Servers {
		if n.servers[s.Name] = c.servers[s.Name]; n.servers[s.Name] == nil {
			n.servers[s.Name] = new(serverCounts)
		}
	}
	for _, l := range to.Locations {
		if n.locations[l.Name] = c.locations[l.Name]; n.locations[l.Name] == nil {
			n.locations[l.Name] = new(atomic.Int64)
		}
	}
	return n
}

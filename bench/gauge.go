package main

import (
	"context"
	"net"
	"time"
)

// gauge is one figure of a process that has just been started.
type gauge struct {
	measure func(context.Context, *process) (float64, error)
	unit    string
}

// startTime returns how long the process took to its first answer, in ms.
func startTime(_ context.Context, p *process) (float64, error) {
	return microseconds(p.toReady) / 1000, nil
}

// idleConnections is how many connections the memory of one is measured with.
const idleConnections = 10_000

// idleMemory returns by how many bytes the process grows for each idle
// connection that has carried one request.
func idleMemory(ctx context.Context, p *process) (float64, error) {
	// The first connections make it allocate what it needs in any case.
	first, err := openIdle(ctx, p, 100)
	defer closeAll(first)
	if err != nil {
		return 0, err
	}
	before, err := p.settledMemory(ctx)
	if err != nil {
		return 0, err
	}
	rest, err := openIdle(ctx, p, idleConnections)
	defer closeAll(rest)
	if err != nil {
		return 0, err
	}
	after, err := p.settledMemory(ctx)
	return (after - before) / idleConnections, err
}

// openIdle opens connections on which one request has been answered.
func openIdle(ctx context.Context, p *process, n int) ([]net.Conn, error) {
	var conns []net.Conn
	for range n {
		if err := ctx.Err(); err != nil {
			return conns, err
		}
		conn, err := p.dial("/ping")
		if err != nil {
			return conns, err
		}
		conns = append(conns, conn)
	}
	return conns, nil
}

// closeAll resets connections, so that none waits in the system's tables.
func closeAll(conns []net.Conn) {
	for _, c := range conns {
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
}

// settledMemory waits until the memory no longer changes, for a few seconds at
// most, and returns it.
func (p *process) settledMemory(ctx context.Context) (float64, error) {
	again := time.NewTicker(500 * time.Millisecond)
	defer again.Stop()
	last, err := p.memory()
	for range 6 {
		if err != nil {
			return 0, err
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-again.C:
		}
		now, err := p.memory()
		if err != nil || now == last {
			return now, err
		}
		last = now
	}
	return last, nil
}

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// bed is what the scenarios run on: an upstream, and a directory for
// configurations.
type bed struct {
	ctx          context.Context
	dir          string
	binary       string
	upstream     *process
	upstreamPort int
}

func newBed(ctx context.Context, dir, binary string) (*bed, error) {
	b := &bed{ctx: ctx, dir: dir, binary: binary, upstreamPort: freePort()}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	if err := writeFiles(dir); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "upstream.conf")
	if err := os.WriteFile(config, []byte(upstreamConfig(b)), 0o644); err != nil {
		return nil, err
	}
	var err error
	b.upstream, err = start(ctx, dir, "upstream", otherCore, b.upstreamPort, []string{"nginx", "-c", config})
	return b, err
}

func (b *bed) close() { b.upstream.stop() }

// freePort returns a port that nobody listens on at the moment.
func freePort() int {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// startPeer starts a proxy with its configuration.
func (b *bed) startPeer(p peer, logs bool) (*process, error) {
	port := freePort()
	config := filepath.Join(b.dir, p.file)
	if err := os.WriteFile(config, []byte(p.config(b, port, logs)), 0o644); err != nil {
		return nil, err
	}
	return start(b.ctx, b.dir, p.name, proxyCore, port, p.command(b, config))
}

// sample is what one measurement of one peer found.
type sample struct {
	Requests float64 // a second
	P50, P99 float64 // ms
	CPU      cpu     // microseconds a request
	Memory   float64 // bytes
	Errors   string
	Figure   float64 // of a kind without load
}

// cost is what is compared between peers.
func (s *sample) cost() float64 {
	if s.Figure > 0 {
		return s.Figure
	}
	return s.CPU.total()
}

// measure runs a scenario: all peers started anew, then rounds in which each
// has its turn.
func (b *bed) measure(ctx context.Context, s scenario, o *options) (*result, error) {
	r := &result{Name: s.name, About: s.about, Unit: "µs CPU/request", samples: make(map[string][]sample), budget: s.budget, limit: s.limit}
	if s.kind != nil {
		r.Unit = s.unit
		return r, b.measureKind(s, o, r)
	}
	running := make(map[string]*process)
	for _, p := range peers {
		proc, err := b.startPeer(p, s.logs)
		if err != nil {
			return nil, err
		}
		defer proc.stop()
		running[p.name] = proc
	}
	for round := range o.rounds + 1 {
		for _, p := range peers {
			duration := o.duration
			if round == 0 {
				duration = time.Second // to warm up, not counted
			}
			one, err := b.load(ctx, s, running[p.name], duration)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
			if round > 0 {
				r.samples[p.name] = append(r.samples[p.name], one)
			}
		}
	}
	return r, nil
}

func (b *bed) measureKind(s scenario, o *options, r *result) error {
	for range o.rounds {
		for _, p := range peers {
			proc, err := b.startPeer(p, s.logs)
			if err != nil {
				return err
			}
			figure, err := s.kind(b, proc)
			proc.stop()
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			r.samples[p.name] = append(r.samples[p.name], sample{Figure: figure})
		}
	}
	return nil
}

// idleConnections is how many connections the memory of one is measured with;
// HAProxy's limit of descriptors allows no more.
const idleConnections = 9_500

// idleMemory returns how much the process grows for each idle connection that
// has carried one request.
func (b *bed) idleMemory(p *process) (float64, error) {
	open := func(n int) ([]net.Conn, error) {
		var conns []net.Conn
		buffer := make([]byte, 4096)
		for range n {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
			if err != nil {
				return conns, err
			}
			conns = append(conns, c)
			if _, err := c.Write([]byte(request)); err != nil {
				return conns, err
			}
			if _, err := c.Read(buffer); err != nil {
				return conns, err
			}
		}
		return conns, nil
	}
	first, err := open(100)
	defer closeAll(first)
	if err != nil {
		return 0, err
	}
	before, err := p.settled()
	if err != nil {
		return 0, err
	}
	rest, err := open(idleConnections)
	defer closeAll(rest)
	if err != nil {
		return 0, err
	}
	after, err := p.settled()
	return (after - before) / idleConnections, err
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		c.Close()
	}
}

// settled waits until the memory no longer changes, for a few seconds at most,
// and returns it.
func (p *process) settled() (float64, error) {
	last, err := p.memory()
	for range 10 {
		time.Sleep(300 * time.Millisecond)
		now, err := p.memory()
		if err != nil || now == last {
			return now, err
		}
		last = now
	}
	return last, err
}

// startTime returns how long the process took to its first answer, in ms.
func (b *bed) startTime(p *process) (float64, error) { return p.ready, nil }

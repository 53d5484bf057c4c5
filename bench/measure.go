package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"
)

// bed is what scenarios run on: the upstreams, the cores, and a directory for
// configurations and logs.
type bed struct {
	ctx      context.Context // ends the measuring
	dir      string
	options  *options
	cores    cores
	nextPort int
	files    *process // the upstream that answers from memory and files
	sink     *process // the upstream that reads bodies
}

// firstPort lies below the ports that the system gives to clients, which would
// take ours otherwise.
const firstPort = 18_000

func newBed(ctx context.Context, dir string, o *options) (*bed, error) {
	b := &bed{ctx: ctx, dir: dir, options: o, nextPort: firstPort}
	// nginx's workers have a user of their own, who reads files here.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	var err error
	if b.cores, err = divideCores(); err != nil {
		return nil, err
	}
	if err := writeCertificate(dir); err != nil {
		return nil, err
	}
	if err := b.startUpstreams(); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bed) close() {
	b.files.stop()
	b.sink.stop()
}

// freePort returns a port that nobody listens on, a new one each time: closed
// connections to the last one may still be in the system's tables.
func (b *bed) freePort() int {
	for {
		b.nextPort++
		if ln, err := net.Listen("tcp", address(b.nextPort)); err == nil {
			ln.Close()
			return b.nextPort
		}
	}
}

func (b *bed) writeConfig(name string, config *template.Template, with setting) (file string, err error) {
	var text bytes.Buffer
	if err := config.Execute(&text, with); err != nil {
		return "", err
	}
	file = filepath.Join(b.dir, name+".conf")
	if name == ours || name == "baseline" {
		file = filepath.Join(b.dir, name+".toml")
	}
	return file, os.WriteFile(file, text.Bytes(), 0o644)
}

// startPeer starts a proxy, set up for a scenario, on its core.
func (b *bed) startPeer(p peer, s scenario) (*process, error) {
	port := b.freePort()
	tlsPort := 0
	if s.tls {
		tlsPort = b.freePort()
	}
	config, err := b.writeConfig(p.name, p.config, setting{
		Dir: b.dir, Port: port, TLSPort: tlsPort, Upstream: b.files.port, Sink: b.sink.port,
		Logs: s.logs, Splice: s.splice, Kilobyte: strings.Repeat("x", 1000),
	})
	if err != nil {
		return nil, err
	}
	command := []string{p.program}
	if p.program == "" {
		command[0] = b.options.binary
	}
	var env []string
	if b.options.profile != "" {
		env = append(env, "PINGAP_CPU_PROFILE="+filepath.Join(b.options.profile, s.name+".prof"))
	}
	command = append(append(command, p.args...), config)
	proc, err := b.start(program{name: p.name, command: command, env: env, cores: []int{b.cores.proxy}, port: port, probe: "/ping"})
	if proc != nil {
		proc.tlsPort = tlsPort
	}
	return proc, err
}

// measure runs a scenario: rounds in which each proxy has its turn.
func (b *bed) measure(s scenario) (*result, error) {
	r := newResult(s, s.among(b.options.peers))
	measure := b.measureLoad
	if s.gauge != nil {
		measure = b.measureGauge
	}
	if err := measure(s, r); err != nil {
		return nil, err
	}
	r.compare()
	return r, nil
}

// measureLoad starts each proxy once.
func (b *bed) measureLoad(s scenario, r *result) error {
	running := make(map[string]*process)
	for _, p := range s.among(b.options.peers) {
		proc, err := b.startPeer(p, s)
		if err != nil {
			return err
		}
		defer proc.stop()
		running[p.name] = proc
	}
	if err := sameAnswers(s.load, running); err != nil {
		return err
	}
	const warmUp = time.Second
	for _, p := range s.among(b.options.peers) {
		if _, err := b.turn(s, running[p.name], warmUp); err != nil {
			return err
		}
	}
	for round := range s.rounds(b.options.rounds) {
		for _, p := range inTurn(s.among(b.options.peers), round) {
			found, err := b.turn(s, running[p.name], b.options.duration)
			if err != nil {
				return err
			}
			r.add(p.name, found)
		}
	}
	return nil
}

// inTurn returns the peers in the order of a round. Each round begins with
// another, so that none always follows the same one.
func inTurn(all []peer, round int) []peer {
	first := round % len(all)
	return slices.Concat(all[first:], all[:first])
}

// turn is one measurement of one proxy under load.
func (b *bed) turn(s scenario, p *process, duration time.Duration) (sample, error) {
	before, err := p.usage()
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w%s", p.name, err, p.lastWords())
	}
	coreBefore, err := coreBusy(b.cores.proxy)
	if err != nil {
		return sample{}, err
	}
	begin := time.Now()
	out, err := b.generate(s, p, duration)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", p.name, err)
	}
	took := time.Since(begin)
	after, err := p.usage()
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w%s", p.name, err, p.lastWords())
	}
	coreAfter, err := coreBusy(b.cores.proxy)
	if err != nil {
		return sample{}, err
	}
	memory, err := p.memory()
	user, system := after.since(before)
	return sample{
		Rate: out.rate, P50: out.p50, P99: out.p99, Errors: out.errors, Memory: memory,
		User: microseconds(user) / out.requests, System: microseconds(system) / out.requests,
		Busy:   float64(user+system) / float64(took),
		Others: max(0, float64(coreAfter-coreBefore-user-system)/float64(took)),
	}, err
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// measureGauge starts each proxy anew in each round.
func (b *bed) measureGauge(s scenario, r *result) error {
	for round := range (b.options.rounds + 3) / 4 {
		for _, p := range inTurn(s.among(b.options.peers), round) {
			proc, err := b.startPeer(p, s)
			if err != nil {
				return err
			}
			figure, err := s.gauge.measure(b.ctx, proc)
			proc.stop()
			if err != nil {
				return fmt.Errorf("%s: %w%s", p.name, err, proc.lastWords())
			}
			r.add(p.name, sample{Figure: figure})
		}
	}
	return nil
}

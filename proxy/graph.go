// Package proxy makes of a configuration what serves exchanges: an immutable
// Graph of services (one for each configured server), their locations, plugins
// and upstreams. An exchange passes through it as
//
//	Service.Serve -> route.Table.Match -> Location.Serve -> plugins -> upstream
//
// and every error on that way becomes an answer in one place, see OutcomeOf.
//
// The package knows nothing of flags, signals, listeners or the wire.
package proxy

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"pingap/accesslog"
	"pingap/config"
	"pingap/loop"
	"pingap/plugin"
	"pingap/route"
	"pingap/upstream"
)

// Graph is a configuration that can serve. Graphs follow each other: the next
// takes over the parts that are the same in both, and each is closed when its
// own exchanges have ended.
type Graph struct {
	Config   *config.Config
	Services map[string]*Service // by name of the server

	upstreams *parts[upstream.Spec, *upstream.Upstream]
	logs      *parts[accesslog.Target, *accesslog.Log] // by path; "" is the log output
	plugins   *parts[*config.Plugin, plugin.Placed]
	counts    counts
	patience  time.Duration // for the disk, when a log is closed
}

// Environment is what a graph needs of the process it runs in.
type Environment struct {
	Version   string
	Logger    *slog.Logger
	LogOutput io.Writer // for access logs without a file
	Loops     int       // how many loops there are
	// Previous is the graph whose parts are taken over where the configuration
	// says the same of them: upstreams with their connections, access logs,
	// plugins, and what servers and locations have counted. It may be nil.
	Previous *Graph
	// Admin and OwnAdmin are what plugins are offered, see plugin.Environment.
	Admin    func(plugin.AdminEntry) *plugin.Admin
	OwnAdmin *plugin.Admin
	// WithAdmin reports whether a server has OwnAdmin before its locations.
	WithAdmin func(*config.Server) bool
}

// Check finds all that is wrong with a configuration, without touching
// anything outside: what Compile would refuse, it reports.
func Check(c *config.Config) config.Problems {
	k := newCompiler(c)
	k.checking = true
	k.compile()
	defer k.plugins.release()
	return append(checkUpstreams(c), c.Check(config.Checks{
		Categories: plugin.Categories(),
		ReadyMade:  plugin.ReadyMade(),
		Upstreams:  plugin.Upstreams(),
		Server:     func(s *config.Server) []config.Problem { return k.problems[&s.Item] },
		Location:   func(l *config.Location) []config.Problem { return k.problems[&l.Item] },
		Plugin:     func(p *config.Plugin) []config.Problem { return k.problems[&p.Item] },
	})...)
}

// Routes returns, by name of the server, its locations in the order in which
// they are chosen. The configuration is one that Check has found right.
func Routes(c *config.Config) map[string][]route.Candidate {
	routes := make(map[string][]route.Candidate)
	k := newCompiler(c)
	defer k.plugins.release()
	for name, service := range k.compile() {
		routes[name] = service.table.Candidates()
	}
	return routes
}

// Compile makes a graph of a configuration that Check has found right. It
// resolves the names of upstreams and opens log files; on error nothing is left
// open. What is wrong with a key are config.Problems.
func Compile(ctx context.Context, c *config.Config, env Environment) (*Graph, error) {
	g := &Graph{Config: c}
	g.upstreams = newParts(sameSpec, (*upstream.Upstream).Close)
	g.logs = newParts(sameTarget, func(log *accesslog.Log) { log.Close(g.patience) })
	if err := g.build(ctx, env); err != nil {
		g.Close(time.Second)
		return nil, err
	}
	return g, nil
}

func (g *Graph) build(ctx context.Context, env Environment) error {
	if env.Previous == nil {
		env.Previous = &Graph{}
	}
	k := newCompiler(g.Config)
	g.plugins = k.plugins
	if err := g.makeUpstreams(ctx, env); err != nil {
		return err
	}
	k.upstreams, k.previous = g.upstreams, env.Previous
	k.version, k.logger, k.loops = env.Version, env.Logger, env.Loops
	k.admin, k.ownAdmin, k.withAdmin = env.Admin, env.OwnAdmin, env.WithAdmin
	g.Services, g.counts = k.compile(), k.counts
	for _, problems := range k.problems {
		if wrong := problems.Errors(); len(wrong) > 0 {
			return wrong
		}
	}
	for _, section := range g.Config.Servers { // in order: the first to name a file says how it is kept
		s := g.Services[section.Name]
		if s.format == nil {
			continue
		}
		if err := g.openLog(s, env); err != nil {
			return config.Problems{unwritable(section, err)}
		}
	}
	return nil
}

// lookUps is how many upstreams are made at the same time: those with names
// wait for the resolver.
const lookUps = 64

// makeUpstreams makes the upstreams that cannot be taken over.
func (g *Graph) makeUpstreams(ctx context.Context, env Environment) error {
	type result struct {
		section *config.Upstream
		spec    upstream.Spec
		made    *upstream.Upstream
		err     error
	}
	var results []*result
	for _, u := range g.Config.Upstreams {
		spec := upstreamSpec(u, &g.Config.Basic, env.Loops)
		var err error
		if spec.TLS, spec.TLSDigest, err = upstreamTLS(u); err != nil {
			return fmt.Errorf("%s: upstreams.%s: %w", u.Source, u.Name, err)
		}
		if g.upstreams.carry(env.Previous.upstreams, u.Name, spec) {
			continue
		}
		results = append(results, &result{section: u, spec: spec})
	}
	lookUpEach(results, func(r *result) { r.made, r.err = upstream.New(ctx, r.spec) })
	var failed config.Problems
	for _, r := range results {
		if r.err != nil {
			failed = append(failed, unreachable(r.section, r.err))
			continue
		}
		for _, err := range r.made.Unresolved() {
			env.Logger.Warn("upstream address is left out", "upstream", r.section.Name, "error", err)
		}
		g.upstreams.add(r.section.Name, r.spec, r.made)
	}
	if len(failed) > 0 {
		return failed
	}
	return nil
}

// lookUpEach calls f for each of a list, lookUps of them at a time.
func lookUpEach[T any](list []T, f func(T)) {
	var working sync.WaitGroup
	room := make(chan struct{}, lookUps)
	for _, item := range list {
		room <- struct{}{}
		working.Go(func() {
			f(item)
			<-room
		})
	}
	working.Wait()
}

// unreachable says that an upstream has no peer.
func unreachable(u *config.Upstream, err error) config.Problem {
	return u.Problem("addrs", err.Error(), "write addresses that exist, or see that this machine's resolver knows the name")
}

func sameSpec(a, b upstream.Spec) bool {
	a.TLS, b.TLS = nil, nil
	return reflect.DeepEqual(a, b)
}

func sameTarget(a, b accesslog.Target) bool { return a == b }

// openLog opens the log of a service; services that name the same file share
// it.
func (g *Graph) openLog(s *Service, env Environment) error {
	path := s.target.Path
	if _, ok := g.logs.get(path); !ok && !g.logs.carry(env.Previous.logs, path, s.target) {
		opened, err := accesslog.Open(s.target, env.LogOutput, env.Logger)
		if err != nil {
			return err
		}
		g.logs.add(path, s.target, opened)
	}
	s.log, _ = g.logs.get(path)
	return nil
}

// ReopenLogs opens the files of the access logs anew.
func (g *Graph) ReopenLogs() {
	for _, held := range g.logs.byName {
		held.value.Reopen()
	}
}

// Active returns how many exchanges are in flight that began with this graph.
// It may be 0 for a moment while one is about to begin, until each loop has
// taken a turn after the graph was replaced.
func (g *Graph) Active() (n int64) {
	for _, s := range g.Services {
		n += s.active()
	}
	return n
}

// CloseLogs hands over the lines that a loop still holds, for Close to write.
// It is called on each loop when no exchange is in flight there.
func (g *Graph) CloseLogs(l *loop.Loop) {
	for _, s := range g.Services {
		if held := g.logs.byName[s.target.Path]; held != nil && s.format != nil {
			s.closeLane(l, held.holders.Load() == 1)
		}
	}
}

// Close lets go of what the graph holds, when no exchange is in flight. Of what
// no other graph holds, idle connections to upstreams are closed, and log lines
// written, for which the disk gets timeout.
func (g *Graph) Close(timeout time.Duration) {
	g.patience = timeout
	g.upstreams.release()
	g.logs.release()
	if g.plugins != nil {
		g.plugins.release()
	}
}

// upstreamSpec says in the upstream's own terms what the configuration says.
func upstreamSpec(u *config.Upstream, basic *config.Basic, loops int) upstream.Spec {
	s := upstream.Spec{
		Name:                u.Name,
		IPv4Only:            u.IPv4Only,
		ConnectTimeout:      u.ConnectionTimeout,
		TotalConnectTimeout: u.TotalConnectionTimeout,
		ReadTimeout:         u.ReadTimeout,
		WriteTimeout:        u.WriteTimeout,
		TunnelTimeout:       u.TunnelTimeout(),
		MaxIdle:             (basic.UpstreamKeepalivePoolSize + loops - 1) / max(loops, 1),
		IdleTimeout:         u.IdleTimeout,
		Socket: loop.SocketOptions{
			KeepAliveIdle:     u.TCPIdle,
			KeepAliveInterval: u.TCPInterval,
			KeepAliveProbes:   u.TCPProbeCount,
			UserTimeout:       u.TCPUserTimeout,
			ReceiveBuffer:     int(u.TCPRecvBuf),
		},
	}
	switch u.ALPN {
	case "h2":
		s.Protocol = upstream.HTTP2
	case "h2h1":
		s.Protocol = upstream.HTTP2OrHTTP1
	}
	s.MaxStreams = u.MaxH2Streams
	switch u.ProxyProtocol {
	case "v1":
		s.ProxyProtocol = 1
	case "v2":
		s.ProxyProtocol = 2
	}
	if u.TCPFastOpen {
		s.Socket.FastOpen = 1
	}
	if u.Undiscovered() {
		s.NoPeers = fmt.Sprintf("this version does not have discovery %q yet", u.Discovery)
	}
	for _, a := range u.Addrs {
		s.Peers = append(s.Peers, upstream.PeerSpec{Host: a.Host, Port: a.Port, Path: a.Path, Weight: a.Weight})
	}
	return s
}

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
	"time"

	"pingap/accesslog"
	"pingap/config"
	"pingap/loop"
	"pingap/plugin"
	"pingap/route"
	"pingap/upstream"
)

// Graph is a configuration that can serve.
type Graph struct {
	Config    *config.Config
	Services  map[string]*Service // by name of the server
	upstreams map[string]*upstream.Upstream
	logs      map[string]*accesslog.Log // by path; "" is the log output
}

// Environment is what a graph needs of the process it runs in.
type Environment struct {
	Version   string
	Logger    *slog.Logger
	LogOutput io.Writer // for access logs without a file
	Loops     int       // how many loops there are
}

// Check finds all that is wrong with a configuration, without touching
// anything outside: what Compile would refuse, it reports.
func Check(c *config.Config) config.Problems {
	k := newCompiler(c)
	k.compile()
	return c.Check(config.Checks{
		Categories: plugin.Categories(),
		ReadyMade:  plugin.ReadyMade(),
		Server:     func(s *config.Server) []config.Problem { return k.problems[&s.Item] },
		Location:   func(l *config.Location) []config.Problem { return k.problems[&l.Item] },
		Plugin:     func(p *config.Plugin) []config.Problem { return k.problems[&p.Item] },
	})
}

// Routes returns, by name of the server, its locations in the order in which
// they are chosen. The configuration is one that Check has found right.
func Routes(c *config.Config) map[string][]route.Candidate {
	routes := make(map[string][]route.Candidate)
	for name, service := range newCompiler(c).compile() {
		routes[name] = service.table.Candidates()
	}
	return routes
}

// Compile makes a graph of a configuration that Check has found right. It
// resolves the names of upstreams and opens log files; on error nothing is left
// open.
func Compile(ctx context.Context, c *config.Config, env Environment) (*Graph, error) {
	g := &Graph{
		Config:    c,
		Services:  make(map[string]*Service),
		upstreams: make(map[string]*upstream.Upstream),
		logs:      make(map[string]*accesslog.Log),
	}
	if err := g.build(ctx, env); err != nil {
		g.Close(time.Second)
		return nil, err
	}
	return g, nil
}

func (g *Graph) build(ctx context.Context, env Environment) error {
	for _, u := range g.Config.Upstreams {
		made, err := upstream.New(ctx, upstreamSpec(u, &g.Config.Basic, env.Loops))
		if err != nil {
			return fmt.Errorf("%s: upstreams.%s: %w", u.Source, u.Name, err)
		}
		for _, err := range made.Unresolved() {
			env.Logger.Warn("upstream address is left out", "upstream", u.Name, "error", err)
		}
		g.upstreams[u.Name] = made
	}
	k := newCompiler(g.Config)
	k.upstreams = g.upstreams
	k.version = env.Version
	k.logger = env.Logger
	g.Services = k.compile()
	for _, problems := range k.problems {
		return problems
	}
	for _, s := range g.Services {
		if s.format == nil {
			continue
		}
		if err := g.openLog(s, env); err != nil {
			return fmt.Errorf("servers.%s: %w", s.name, err)
		}
	}
	return nil
}

// openLog opens the log of a service; services that name the same file share
// it.
func (g *Graph) openLog(s *Service, env Environment) error {
	log := g.logs[s.target.Path]
	if log == nil {
		var err error
		if log, err = accesslog.Open(s.target, env.LogOutput, env.Logger); err != nil {
			return err
		}
		g.logs[s.target.Path] = log
	}
	s.logTo(log, env.Loops)
	return nil
}

// ReopenLogs opens the files of the access logs anew.
func (g *Graph) ReopenLogs() {
	for _, log := range g.logs {
		log.Reopen()
	}
}

// CloseLogs hands over the lines that a loop still holds, for Close to write.
// It is called on each loop when no exchange is in flight there.
func (g *Graph) CloseLogs(l *loop.Loop) {
	for _, s := range g.Services {
		s.closeLog(l)
	}
}

// Close lets go of what the graph holds, when no exchange is in flight: idle
// connections to upstreams are closed, and log lines written, for which the
// disk gets timeout.
func (g *Graph) Close(timeout time.Duration) {
	for _, u := range g.upstreams {
		u.Close()
	}
	for _, log := range g.logs {
		log.Close(timeout)
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
	if u.TCPFastOpen {
		s.Socket.FastOpen = 1
	}
	for _, a := range u.Addrs {
		s.Peers = append(s.Peers, upstream.PeerSpec{Host: a.Host, Port: a.Port, Path: a.Path, Weight: a.Weight})
	}
	return s
}

package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"pingap/admin"
	"pingap/certificate"
	"pingap/config"
	"pingap/http1"
	"pingap/loop"
	_ "pingap/plugin/all" // every kind of plugin
	"pingap/proxy"
	"pingap/server"
	"pingap/telemetry"
)

// Process returns the System of this process. Signals are caught from now on.
func Process() System {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	return System{Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Signals: signals, pacer: paceCollections()}
}

// run serves the configuration until a signal ends it.
func run(c *loaded, f *flags, system System) error {
	start, err := prepare(c, f, system)
	if err != nil {
		return err
	}
	defer start.abandon() // what it still has then
	system = start.daemon.outputs(system)
	log, err := openLog(c.Config, f, system)
	if err != nil {
		return err
	}
	defer log.Close()
	logger := log.Logger

	threads := loops(c.Config, f)
	panics := new(atomic.Int64)
	ls, err := server.StartLoops(threads, func(value any, stack []byte) {
		panics.Add(1)
		logger.Error("panic, recovered: the exchange has ended", "panic", value, "stack", string(stack))
	})
	if err != nil {
		return err
	}
	defer ls.Stop()
	watchdog := loop.Watch(0, func(s loop.Stall) {
		logger.Warn("an event loop is held up: its connections wait", "loop", s.Loop.ID(), "for", s.For, "stack", string(s.Stack))
	}, ls.All()...)
	defer watchdog.Stop()

	tickets, err := certificate.NewTicketKeys(certificate.TicketSpec{File: c.Basic.TicketKeyFile, Logger: logger})
	if err != nil {
		return spread(system.Stderr, c, noTickets(c, err))
	}
	defer tickets.Close()
	stapler := certificate.NewStapler(logger)
	defer stapler.Close()
	srv := server.New(ls, logger)
	srv.Inherit(start.take())
	live := (&reloader{
		flags: f, server: srv, loops: ls, log: log, systemd: start.systemd, tickets: tickets, stapler: stapler, panics: panics,
		pacer: system.pacer,
		environment: proxy.Environment{
			Version: Version, Logger: logger, LogOutput: log.Output(system.Stdout), Loops: threads,
		},
	}).ready()
	life, replaced := context.WithCancelCause(context.Background())
	next := newSuccession(live, srv, logger, replaced)
	live.offer(admin.New(adminProcess(live, next, c.from), logger))
	sites, err := live.put(c)
	if err != nil {
		srv.Disinherit()
		return spread(system.Stderr, c, err)
	}
	for _, addr := range srv.Disinherit() {
		logger.Info("no server listens there any more", "address", addr.String())
	}
	announce(logger, c, sites, threads)
	told := &signals{from: system.Signals, logger: logger, handle: map[os.Signal]func(){
		syscall.SIGHUP: func() { live.ask("SIGHUP") },
		syscall.SIGUSR1: func() {
			logger.Info("opening the log files again")
			live.reopenLogs()
			if err := start.daemon.reopen(); err != nil {
				logger.Error(err.Error())
			}
		},
		syscall.SIGQUIT: next.offer,
		syscall.SIGUSR2: func() { next.restart("SIGUSR2") },
	}}
	quiet := time.Duration(0)
	if err = live.front.open(f); err == nil {
		err = start.serving(logger)
	}
	if err == nil {
		if f.autorestart {
			live.restart = next.restart
			defer watchProgram(func() time.Duration { return live.config().Basic.AutoRestartCheckInterval }, next, logger)()
		}
		live.start(f.autoreload || f.autorestart)
		defer compressLogs(live.config, log.Series(), logger)()
		quiet = start.leaving(told.wait(life), life, srv, logger)
	}
	next.close()
	live.front.close()
	live.close()
	stop(srv, live, told, logger, quiet)
	start.ended()
	return err
}

// loops says how many event loops there are to be.
func loops(c *config.Config, f *flags) int {
	switch {
	case f.threads > 0:
		return f.threads
	case c.Basic.Threads > 0:
		return c.Basic.Threads
	}
	return runtime.NumCPU()
}

func openLog(c *config.Config, f *flags, system System) (*telemetry.Log, error) {
	log, err := telemetry.Open(telemetry.LogOptions{
		Target: f.log, Stderr: system.Stderr, Level: logLevel(c, f), JSON: c.Basic.LogFormatJSON, Gather: int(c.Basic.LogBufferedSize),
	})
	return log, f.logError(err)
}

// logLevel says from which level on is logged.
func logLevel(c *config.Config, f *flags) string {
	return cmp.Or(f.logLevel, string(c.Basic.LogLevel), f.rustLog)
}

// sitesOf makes the sites of a graph's services.
func sitesOf(g *proxy.Graph, certificates *certificate.Store, tickets *certificate.TicketKeys) ([]*server.Site, error) {
	sites := bareSites(g.Config)
	for i, site := range sites {
		s := g.Config.Servers[i]
		var err error
		site.Wire = wireOf(s, g.Services[site.Name])
		site.HTTP2, site.MaxStreams = s.EnabledH2, s.H2MaxStreams
		for _, n := range s.ProxyProtocol {
			site.ProxyProtocol = append(site.ProxyProtocol, n.Prefix)
		}
		if site.TLS, err = secureServer(s, certificates, tickets); err != nil {
			return nil, fmt.Errorf("server %q: %w", s.Name, err)
		}
	}
	return sites, nil
}

// bareSites makes the sites of a configuration, without what answers there.
func bareSites(c *config.Config) (sites []*server.Site) {
	for _, s := range c.Servers {
		site := &server.Site{
			Name:  s.Name,
			Place: fmt.Sprintf("%s: servers.%s: addr", s.At("addr"), s.Name),
			Loops: s.Threads,
			Listen: loop.ListenOptions{
				Backlog:   s.Backlog,
				ReusePort: s.ReusePort,
				Socket: loop.SocketOptions{
					Delay:             !s.TCPNoDelay,
					KeepAliveIdle:     s.TCPIdle,
					KeepAliveInterval: s.TCPInterval,
					KeepAliveProbes:   s.TCPProbeCount,
					UserTimeout:       s.TCPUserTimeout,
					FastOpen:          s.TCPFastOpen,
				},
			},
		}
		for _, a := range s.Addr {
			site.Addrs = append(site.Addrs, listenAddr(a))
		}
		sites = append(sites, site)
	}
	return sites
}

// wireOf makes the HTTP/1 side of a server.
func wireOf(s *config.Server, service *proxy.Service) *http1.Server {
	requests := s.KeepaliveRequests
	switch {
	case s.KeepaliveTimeout == 0:
		requests = 1
	case requests == 0:
		requests = math.MaxInt
	}
	return &http1.Server{
		Handler: service,
		Refuse:  service.Refuse,
		Limits:  http1.Limits{Head: int(s.ClientHeaderBufferSize), Fields: s.MaxHeaderFields},
		Timeouts: http1.Timeouts{
			Head: s.ClientHeaderTimeout, Idle: s.KeepaliveTimeout,
			Body: s.DownstreamReadTimeout, Write: s.DownstreamWriteTimeout,
		},
		KeepAliveRequests: requests,
	}
}

// listenAddr is where a server listens, when names have been looked up.
func listenAddr(a config.ListenAddr) loop.Addr {
	switch {
	case a.Path != "":
		return loop.Addr{Path: a.Path}
	case a.Host == "":
		return loop.Addr{TCP: netip.AddrPortFrom(anyAddress(), a.Port)}
	}
	return loop.Addr{TCP: netip.AddrPortFrom(a.IP, a.Port)}
}

// anyAddress returns the address that stands for all of the machine's: that of
// IPv6, which takes IPv4 connections too, unless the system has no IPv6.
func anyAddress() netip.Addr {
	fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_STREAM, 0)
	if err != nil {
		return netip.IPv4Unspecified()
	}
	syscall.Close(fd)
	return netip.IPv6Unspecified()
}

// announce says that the proxy is there, and where.
func announce(logger *slog.Logger, c *loaded, sites []*server.Site, threads int) {
	logger.Info("pingap "+Version+" is running", "configuration", c.from.name, "loops", threads, "pid", os.Getpid())
	for _, site := range sites {
		for _, a := range site.Listening() {
			logger.Info("listening on "+a.String(), "server", site.Name)
		}
	}
	logNotes(logger, c)
	if c.from.builtIn() {
		logger.Info("this is the built-in configuration: see http://127.0.0.1:6188/ for how to write your own")
	}
}

// signals are what the process is told from outside while it runs.
type signals struct {
	from   <-chan os.Signal
	logger *slog.Logger
	handle map[os.Signal]func() // those that do not end it
}

// wait returns the next signal that tells to stop; nil when the context has
// ended before there was one.
func (g *signals) wait(ctx context.Context) os.Signal {
	for {
		select {
		case s := <-g.from:
			handle, ok := g.handle[s]
			if !ok {
				return s
			}
			handle()
		case <-ctx.Done():
			return nil
		}
	}
}

// stop drains the server and closes what is left; a second signal cuts that
// short. Connections without an exchange end after the time quiet.
func stop(srv *server.Server, live *reloader, told *signals, logger *slog.Logger, quiet time.Duration) {
	basic := &live.current.Basic
	ctx, cancel := context.WithTimeout(context.Background(), basic.GracePeriod)
	var listening sync.WaitGroup
	listening.Go(func() {
		if s := told.wait(ctx); s != nil {
			logger.Warn("stopping at once", "signal", s.String())
			cancel()
		}
	})
	if err := srv.Drain(ctx, quiet); err != nil {
		logger.Warn("connections are cut", "error", err)
		srv.Close()
		last, cancelLast := context.WithTimeout(context.Background(), basic.GracefulShutdownTimeout)
		if err := srv.Drain(last, 0); err != nil {
			logger.Warn("exchanges do not end: their last lines in the access log are lost", "error", err)
		}
		cancelLast()
	}
	cancel()
	listening.Wait() // the logs are not opened again while they are closed
	live.finish()
	logger.Info("stopped")
}

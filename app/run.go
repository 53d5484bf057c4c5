package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

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
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1)
	return System{Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Signals: signals}
}

// run serves the configuration until a signal ends it.
func run(c *loaded, f *flags, system System) error {
	log, err := openLog(c.Config, f, system)
	if err != nil {
		return err
	}
	defer log.Close()
	logger := log.Logger

	threads := loops(c.Config, f)
	ls, err := server.StartLoops(threads, func(value any, stack []byte) {
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

	graph, err := proxy.Compile(context.Background(), c.Config, proxy.Environment{
		Version: Version, Logger: logger, LogOutput: log.Output(system.Stdout), Loops: threads,
	})
	if err != nil {
		return err
	}
	srv := server.New(ls, logger)
	sites, err := sitesOf(graph)
	if err == nil {
		err = srv.Apply(sites)
	}
	if err != nil {
		graph.Close(time.Second)
		return err
	}
	if err := writePid(c.Basic.PidFile); err != nil {
		logger.Error("cannot write the pid file", "error", err)
	} else if c.Basic.PidFile != "" {
		defer os.Remove(c.Basic.PidFile)
	}
	announce(logger, c, sites, threads)
	told := &signals{from: system.Signals, logger: logger, reopen: func() { graph.ReopenLogs(); log.Reopen() }}
	s := told.wait(context.Background())
	logger.Info("stopping: no new connections, those in use may end", "signal", s.String())
	stop(srv, ls, graph, &c.Basic, told, logger)
	return nil
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
	level := string(c.Basic.LogLevel)
	if f.logLevel != "" {
		level = f.logLevel
	}
	return telemetry.Open(telemetry.LogOptions{Path: f.log, Stderr: system.Stderr, Level: level, JSON: c.Basic.LogFormatJSON})
}

// sitesOf makes the sites of a graph's services.
func sitesOf(g *proxy.Graph) ([]*server.Site, error) {
	var sites []*server.Site
	for _, s := range g.Config.Servers {
		addrs, err := listenAddrs(s)
		if err != nil {
			return nil, fmt.Errorf("server %q: %w", s.Name, err)
		}
		service := g.Services[s.Name]
		requests := s.KeepaliveRequests
		switch {
		case s.KeepaliveTimeout == 0:
			requests = 1
		case requests == 0:
			requests = math.MaxInt
		}
		sites = append(sites, &server.Site{
			Name:  s.Name,
			Addrs: addrs,
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
			Wire: &http1.Server{
				Handler: service,
				Refuse:  service.Refuse,
				Limits:  http1.Limits{Head: int(s.ClientHeaderBufferSize), Fields: s.MaxHeaderFields},
				Timeouts: http1.Timeouts{
					Head: s.ClientHeaderTimeout, Idle: s.KeepaliveTimeout,
					Body: s.DownstreamReadTimeout, Write: s.DownstreamWriteTimeout,
				},
				KeepAliveRequests: requests,
			},
		})
	}
	return sites, nil
}

// lookUpTimeout bounds how long the names of listening addresses may take.
const lookUpTimeout = 5 * time.Second

// listenAddrs resolves where a server listens.
func listenAddrs(s *config.Server) ([]loop.Addr, error) {
	var addrs []loop.Addr
	for _, a := range s.Addr {
		if a.Path != "" {
			addrs = append(addrs, loop.Addr{Path: a.Path})
			continue
		}
		ip, err := netip.ParseAddr(a.Host)
		switch {
		case a.Host == "":
			ip = anyAddress()
		case err != nil:
			ctx, cancel := context.WithTimeout(context.Background(), lookUpTimeout)
			found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", a.Host)
			cancel()
			if err != nil {
				return nil, fmt.Errorf("look up the address %s: %w", a, err)
			}
			ip = found[0].Unmap()
		}
		addrs = append(addrs, loop.Addr{TCP: netip.AddrPortFrom(ip, a.Port)})
	}
	return addrs, nil
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
	logger.Info("pingap "+Version+" is running", "configuration", c.from, "loops", threads, "pid", os.Getpid())
	for _, site := range sites {
		for _, a := range site.Listening() {
			logger.Info("listening on "+a.String(), "server", site.Name)
		}
	}
	if c.builtIn {
		logger.Info("this is the built-in configuration: see http://127.0.0.1:6188/ for how to write your own")
	}
}

// signals are what the process is told from outside while it runs.
type signals struct {
	from   <-chan os.Signal
	logger *slog.Logger
	reopen func() // the log files, on SIGUSR1
}

// wait returns the next signal that tells to stop; nil when the context has
// ended before there was one.
func (g *signals) wait(ctx context.Context) os.Signal {
	for {
		select {
		case s := <-g.from:
			if s != syscall.SIGUSR1 {
				return s
			}
			g.logger.Info("opening the log files again")
			g.reopen()
		case <-ctx.Done():
			return nil
		}
	}
}

// stop drains the server and closes what is left; a second signal cuts that
// short.
func stop(srv *server.Server, ls *server.Loops, graph *proxy.Graph, basic *config.Basic, told *signals, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), basic.GracePeriod)
	var listening sync.WaitGroup
	listening.Go(func() {
		if s := told.wait(ctx); s != nil {
			logger.Warn("stopping at once", "signal", s.String())
			cancel()
		}
	})
	if err := srv.Drain(ctx, 0); err != nil {
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
	ls.On(len(ls.All()), graph.CloseLogs)
	graph.Close(max(basic.GracefulShutdownTimeout, time.Second))
	logger.Info("stopped")
}

// writePid writes the number of the process to path, unless that is "".
func writePid(path string) error {
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644)
}

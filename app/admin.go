package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"pingap/admin"
	"pingap/config"
	"pingap/config/store"
	"pingap/plugin"
)

// defaultAdmin is where the admin of the built-in configuration listens: only
// programs on the same machine reach it.
const defaultAdmin = "127.0.0.1:3018"

// readAdmin finds out where the admin is to listen, and who may use it.
func (f *flags) readAdmin(getenv func(string) string) error {
	text := f.admin
	if text == "" && f.conf == "" && f.simple.upstream == "" {
		text = defaultAdmin
	}
	if text == "" {
		return nil
	}
	address, err := admin.ParseAddress(text)
	if err != nil {
		return err
	}
	if err := address.AddUser(getenv("PINGAP_ADMIN_USER"), getenv("PINGAP_ADMIN_PASSWORD")); err != nil {
		return err
	}
	f.adminAddress = &address
	return nil
}

const (
	// frontPatience is how long an admin waits for the address that the process
	// before it still has.
	frontPatience = 30 * time.Second
	frontRetry    = 50 * time.Millisecond
	// frontGrace is how long its requests may take to end.
	frontGrace = 2 * time.Second
)

// front is the entry to the admin that the process was started with, if any: a
// part of the server that has the same address, or else at that address by itself.
// Which of both, every configuration says anew.
type front struct {
	own    *plugin.Admin // nil for none, and then all else is
	addr   admin.Address
	logger *slog.Logger

	mu       sync.Mutex // held to change what follows
	server   *admin.Server
	config   *config.Config     // that in force, or about to be
	at       string             // the server of the proxy that it is a part of, "" for none
	opened   bool               // and not yet closed
	end      context.CancelFunc // of arrive, nil when that is not at work
	arriving sync.WaitGroup
}

func newFront(f *flags, of *admin.Admin, logger *slog.Logger) *front {
	if f.adminAddress == nil {
		return &front{}
	}
	entry := of.Entry(f.adminAddress.AdminEntry)
	return &front{own: entry.Plugin(), addr: *f.adminAddress, logger: logger, server: admin.NewServer(*f.adminAddress, entry)}
}

// partOf reports whether the admin is a part of a server: whether they have the
// same address, as it is written.
func (a *front) partOf(s *config.Server) bool {
	return a.own != nil && slices.ContainsFunc(s.Addr, func(l config.ListenAddr) bool { return l.String() == a.addr.HostPort })
}

// open begins to listen, unless there is a server to be a part of. A process that
// replaces another does so as soon as that has let go of the address. That of the
// built-in configuration is nobody's wish, so it is no error when it is taken.
func (a *front) open(f *flags) error {
	if a.own == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.opened = true
	err := a.settle()
	if errors.Is(err, syscall.EADDRINUSE) && f.upgrade {
		ctx, cancel := context.WithTimeout(context.Background(), frontPatience)
		a.end = cancel
		a.arriving.Go(func() { a.arrive(ctx) })
		return nil
	}
	if err != nil && f.admin == "" {
		a.logger.Warn("there is no admin", "error", err)
		return nil
	}
	return err
}

// settle makes the admin what the configuration has it be. Its caller holds mu.
func (a *front) settle() error {
	i := slices.IndexFunc(a.config.Servers, a.partOf)
	if i < 0 {
		a.at = ""
		return a.server.Listen()
	}
	at := a.config.Servers[i].Name
	if at == a.at {
		return nil
	}
	a.at = at
	a.logger.Info("the admin is a part of server "+at, "below", a.own.Prefix+"/")
	if a.own.Prefix == "" {
		a.logger.Warn("the admin takes all requests of server " + at + ", so that none reaches its locations: write a path behind the address, such as --admin " + a.addr.HostPort + "/pingap")
	}
	return nil
}

// makeWay gives up the address where a configuration that is about to be in force
// has a server there.
func (a *front) makeWay(c *config.Config) {
	if a.own == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.config = c
	if slices.ContainsFunc(c.Servers, a.partOf) {
		a.server.Leave()
	}
}

// follow makes the admin what a configuration that is in force has it be.
func (a *front) follow(c *config.Config) {
	if a.own == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.config = c
	if !a.opened {
		return
	}
	if err := a.settle(); err != nil && a.end == nil {
		a.logger.Error("there is no admin", "error", err)
	}
}

// arrive listens as soon as the address is free.
func (a *front) arrive(ctx context.Context) {
	tick := time.NewTicker(frontRetry)
	defer tick.Stop()
	var err error
	for ctx.Err() == nil {
		a.mu.Lock()
		err = a.settle()
		a.mu.Unlock()
		if err == nil {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.end()
	a.end = nil
	if err != nil {
		a.logger.Error("there is no admin", "error", err)
	}
}

// close ends the admin, and leaves the address to the next process. As a part of a
// server it ends with that.
func (a *front) close() {
	if a.own == nil {
		return
	}
	a.mu.Lock()
	a.opened = false
	if a.end != nil {
		a.end()
	}
	a.mu.Unlock()
	a.arriving.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), frontGrace)
	defer cancel()
	a.server.Close(ctx)
}

// offer makes the admin a part of what is put from now on.
func (r *reloader) offer(a *admin.Admin) {
	r.front = newFront(r.flags, a, r.log.Logger)
	r.environment.Admin, r.environment.OwnAdmin, r.environment.WithAdmin = a.Mount, r.front.own, r.front.partOf
}

// adminProcess is what an admin knows of this process.
func adminProcess(live *reloader, next *succession, from *source) admin.Process {
	began := time.Now()
	return admin.Process{
		Store: from.store,
		Check: func(ctx context.Context, s *store.Snapshot) ([]config.Change, config.Problems) {
			now := live.inForce()
			c, problems := from.decode(ctx, s, now, rehearsed)
			return c.Changes(now.Config), problems
		},
		Reload:  live.reloadNow,
		Restart: next.restart,
		Status: func() admin.Status {
			now := live.inForce()
			return admin.Status{
				Name: now.Basic.Name, Version: Version, GoVersion: runtime.Version(), PID: os.Getpid(), StartTime: began,
				Configuration: from.name, ConfigHash: now.hash(), Threads: len(live.loops.All()),
				Connections: live.server.Open(), Processing: live.server.Active(), Panics: live.panics.Load(), Plugins: plugin.Categories(),
			}
		},
		Certificates: func() (list []admin.Certificate) {
			for _, c := range live.inForce().certificates.Certificates() {
				list = append(list, admin.Certificate{
					Name: c.Name, Domains: c.Domains, Issuer: c.Leaf.Issuer.String(), NotBefore: c.Leaf.NotBefore, NotAfter: c.Leaf.NotAfter,
				})
			}
			return list
		},
	}
}

// inForce returns the configuration in force. Any goroutine may call it.
func (r *reloader) inForce() *loaded {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current
}

// hash names the configuration; a built-in one has its version.
func (c *loaded) hash() string {
	if c.revision != "" {
		return c.revision
	}
	sum := sha256.Sum256([]byte(Version))
	return hex.EncodeToString(sum[:8])
}

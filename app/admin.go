package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"runtime"
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

// front is the admin of the process, if it is to have one.
type front struct {
	admin    *admin.Server // nil for none
	flags    *flags
	logger   *slog.Logger
	end      context.CancelFunc
	arriving sync.WaitGroup
}

func newFront(live *reloader, next *succession) *front {
	a := &front{flags: live.flags, logger: live.log.Logger}
	if a.flags.adminAddress != nil {
		a.admin = admin.New(*a.flags.adminAddress, adminProcess(live, next), a.logger)
	}
	return a
}

// open begins to listen. A process that replaces another does so as soon as that
// has let go of the address. That of the built-in configuration is nobody's
// wish, so it is no error when it is taken.
func (a *front) open() error {
	if a.admin == nil {
		return nil
	}
	err := a.admin.Listen()
	if errors.Is(err, syscall.EADDRINUSE) && a.flags.upgrade {
		ctx, cancel := context.WithTimeout(context.Background(), frontPatience)
		a.end = cancel
		a.arriving.Go(func() { a.arrive(ctx) })
		return nil
	}
	if err != nil && a.flags.admin == "" {
		a.logger.Warn("there is no admin", "error", err)
		return nil
	}
	return err
}

// arrive listens as soon as the address is free.
func (a *front) arrive(ctx context.Context) {
	tick := time.NewTicker(frontRetry)
	defer tick.Stop()
	for {
		err := a.admin.Listen()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			a.logger.Error("there is no admin", "error", err)
			return
		}
	}
}

// close ends the admin, and leaves the address to the next process.
func (a *front) close() {
	if a.admin == nil {
		return
	}
	if a.end != nil {
		a.end()
	}
	a.arriving.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), frontGrace)
	defer cancel()
	a.admin.Close(ctx)
}

// adminProcess is what an admin knows of this process.
func adminProcess(live *reloader, next *succession) admin.Process {
	from := live.current.from
	began := time.Now()
	return admin.Process{
		Store: from.store,
		Check: func(_ context.Context, s *store.Snapshot) ([]config.Change, config.Problems) {
			now := live.inForce()
			c, problems := from.decode(s, now)
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

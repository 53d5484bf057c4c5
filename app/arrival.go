package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pingap/loop"
	"pingap/server"
	"pingap/server/handover"
	"pingap/server/systemd"
)

// arrival is the way of a process from its start to the moment at which it
// serves: what is done while it still has its first user's rights, and who
// hears that it has arrived.
type arrival struct {
	listeners []*loop.Listener // open already
	old       *handover.Taken  // what is replaced; nil when nothing is
	fromOld   []*loop.Listener // those of listeners that the old process had
	systemd   *systemd.Manager
	daemon    *daemon
	pid       *pidFile
	warnings  []error // to be logged when there is a log
	arrived   bool    // the process serves
}

// takePatience is how long a process started with --upgrade waits for the old
// one.
const takePatience = 30 * time.Second

// prepare does what comes before the log is opened and before anything is
// served. What fails here leaves an old process as it is.
func prepare(c *loaded, f *flags, system System) (a *arrival, err error) {
	a = &arrival{systemd: systemd.FromEnvironment(), daemon: system.daemon}
	defer func() {
		if err != nil {
			a.abandon()
		}
	}()
	if err := a.inherit(c, f, c.who, system); err != nil {
		return a, err
	}
	if a.pid, err = openPidFile(pidPath(c.Basic.PidFile, a.daemon != nil), c.who); err != nil {
		a.warnings = append(a.warnings, err) // it is not worth an outage
	}
	if err := a.daemon.openErrorLog(c.Basic.ErrorLog, c.who, f, system); err != nil {
		return a, err
	}
	return a, a.become(c, f)
}

// inherit collects the listeners that are open already.
func (a *arrival) inherit(c *loaded, f *flags, who *identity, system System) error {
	fds, err := systemd.Sockets()
	if err != nil {
		return err
	}
	if a.listeners, err = adopt(fds); err != nil {
		return fmt.Errorf("the sockets of systemd: %w", err)
	}
	if !f.upgrade {
		return nil
	}
	fmt.Fprintf(system.Stderr, "pingap: waiting up to %v for the listeners of the old process, at %s\n", takePatience, c.Basic.UpgradeSock)
	ctx, cancel := untilSignal(system.Signals, takePatience)
	defer cancel()
	if a.old, err = handover.Take(ctx, c.Basic.UpgradeSock, who.users()...); err != nil {
		return err
	}
	if a.fromOld, err = adopt(a.old.Descriptors); err != nil {
		return fmt.Errorf("the sockets of process %d: %w", a.old.From, err)
	}
	a.listeners = append(a.listeners, a.fromOld...)
	return nil
}

// untilSignal returns a context that ends after a time, or with a signal to end.
func untilSignal(signals <-chan os.Signal, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	go func() {
		for {
			select {
			case s := <-signals:
				if s == syscall.SIGINT || s == syscall.SIGTERM {
					cancel()
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, cancel
}

// adopt makes listeners of sockets. With an error all are closed.
func adopt(fds []int) (listeners []*loop.Listener, err error) {
	for i, fd := range fds {
		ln, err := loop.Inherit(fd)
		if err != nil {
			for _, ln := range listeners {
				ln.Close()
			}
			for _, fd := range fds[i:] {
				unix.Close(fd)
			}
			return nil, err
		}
		listeners = append(listeners, ln)
	}
	return listeners, nil
}

// become opens the listeners that are missing and turns into the user of the
// configuration.
func (a *arrival) become(c *loaded, f *flags) error {
	who := c.who
	if who == nil || who.present() {
		return nil
	}
	open, err := server.Open(bareSites(c.Config), loops(c.Config, f), a.listeners)
	if err != nil {
		a.listeners = nil // closed
		return err
	}
	a.listeners = open
	keptPorts, err := who.assume()
	switch {
	case errors.Is(err, errNotRoot):
		a.warnings = append(a.warnings, err)
		return nil
	case err == nil && !keptPorts:
		a.warnings = append(a.warnings, fmt.Errorf("as %s, the process cannot open more ports below 1024 when the configuration changes: that needs a start as root", who.name))
	}
	return err
}

// serving gives word that the process serves: to the old one, which stops, to
// systemd, and to whoever started it. With an error the old process serves on,
// and this one has to end.
func (a *arrival) serving(logger *slog.Logger) error {
	for _, w := range a.warnings {
		logger.Warn(w.Error())
	}
	// The old process may be gone as soon as it has heard: whoever reads the
	// file then is to find this one.
	if err := a.pid.write(os.Getpid()); err != nil {
		logger.Error(err.Error())
	}
	if a.old != nil {
		if err := a.old.Ready(); err != nil {
			a.pid.write(a.old.From)
			return err
		}
		for _, ln := range a.fromOld[a.old.Kept:] {
			ln.KeepPath(false) // the paths are this process's now
		}
		logger.Info("took over from the old process", "process", a.old.From, "listeners", len(a.fromOld))
	}
	a.arrived = true
	if err := a.systemd.Ready("serving"); err != nil {
		logger.Error("systemd does not know that this process serves", "error", err)
	}
	if err := a.daemon.serving(); err != nil {
		logger.Error("whoever started this daemon does not know that it serves", "error", err)
	}
	return nil
}

// take returns the listeners, which are the caller's from then on.
func (a *arrival) take() []*loop.Listener {
	listeners := a.listeners
	a.listeners = nil
	return listeners
}

// abandon lets go of what the process has not made use of.
func (a *arrival) abandon() {
	for _, ln := range a.take() {
		ln.Close()
	}
	if a.old != nil {
		a.old.Close()
	}
	if !a.arrived {
		a.pid.abandon()
	}
}

// quietTime is how long a process that has been replaced waits on connections
// for another request, which it answers as the last.
const quietTime = 5 * time.Second

// leaving says why the process ends, to the log and to systemd, and returns how
// long its connections may still be quiet: after a signal not at all.
func (a *arrival) leaving(s os.Signal, life context.Context, srv *server.Server, logger *slog.Logger) (quiet time.Duration) {
	if s != nil {
		logger.Info("stopping: no new connections, those in use may end", "signal", s.String())
		if err := a.systemd.Stopping(); err != nil {
			logger.Error("systemd does not know that this process ends", "error", err)
		}
		return 0
	}
	var by replacedBy
	errors.As(context.Cause(life), &by)
	logger.Info("another process serves: this one ends with its connections", "process", int(by))
	srv.KeepPaths()
	if err := a.systemd.MainPID(int(by)); err != nil {
		logger.Error("systemd does not know of the new process", "error", err)
	}
	a.pid.close()
	return quietTime
}

// ended clears up when the process has served.
func (a *arrival) ended() { a.pid.remove() }

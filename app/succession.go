package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"pingap/server"
	"pingap/server/handover"
)

// offerPatience is how long a process waits, after SIGQUIT, for another to take
// its place.
const offerPatience = time.Minute

// succession is how a running process is replaced by a new one: it offers its
// listeners, and may start the new one itself. Until that has become ready
// nothing changes.
type succession struct {
	path        func() string // basic.upgrade_sock, as it is now
	patience    time.Duration
	descriptors handover.Listeners
	program     string
	runs        version  // of the program
	args        []string // of the new process
	logger      *slog.Logger
	replaced    context.CancelCauseFunc // called when another process serves

	mu      sync.Mutex
	cancel  context.CancelCauseFunc // of the offer that stands; nil when none does
	ended   bool
	working sync.WaitGroup
}

// replacedBy is why a process ends whose place another has taken: its number.
type replacedBy int

func (by replacedBy) Error() string { return fmt.Sprintf("process %d serves", int(by)) }

func newSuccession(live *reloader, srv *server.Server, logger *slog.Logger, replaced context.CancelCauseFunc) *succession {
	program, err := os.Executable()
	if err != nil {
		program = os.Args[0]
	}
	return &succession{
		path: func() string { return live.config().Basic.UpgradeSock }, patience: offerPatience, descriptors: srv.Descriptors,
		program: program, runs: versionOf(program), args: successorArgs(live.flags), logger: logger, replaced: replaced,
	}
}

// Why an offer ends.
var (
	errTaken     = errors.New("another process serves")
	errWithdrawn = errors.New("this process ends")
)

// offer offers the listeners to a process that somebody else starts.
func (s *succession) offer() {
	s.begin("a new process may take over: start it with the same configuration and --upgrade", nil)
}

// restart starts the program anew, to take over. Nothing happens when that is
// not possible, or fails.
func (s *succession) restart(why string) {
	if os.Getpid() == 1 {
		s.logger.Error("cannot be replaced by a new process: as the first process of its container it would end all others. Replace the container", "reason", why)
		return
	}
	s.begin("starting a new process: "+why, s.start)
}

// begin makes an offer, and then lets with begin the new process.
func (s *succession) begin(what string, with func(ctx context.Context, withdraw context.CancelCauseFunc)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		s.logger.Info("this process ends: no other can take over from it")
		return
	case s.cancel != nil:
		s.logger.Info("a new process is being waited for already")
		return
	}
	path := s.path()
	offer, err := handover.Open(path)
	if err != nil {
		s.logger.Error("no other process can take over", "error", err)
		return
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	s.cancel = cancel
	s.logger.Info(what, "within", s.patience, "socket", path)
	s.working.Go(func() { s.wait(ctx, offer) })
	if with != nil {
		with(ctx, cancel)
	}
}

// wait waits until a process has taken over, or nobody does.
func (s *succession) wait(ctx context.Context, offer *handover.Offer) {
	pid, err := offer.Wait(ctx, s.patience, s.descriptors, func(err error) {
		s.logger.Error("a new process did not become ready: this one stays", "error", err)
	})
	offer.Close()
	s.mu.Lock()
	withdraw := s.cancel
	s.cancel = nil
	s.ended = s.ended || err == nil
	s.mu.Unlock()
	if err == nil {
		withdraw(errTaken)
		s.replaced(replacedBy(pid))
		return
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	withdraw(err)
	if !errors.Is(err, errWithdrawn) {
		s.logger.Error("no other process serves: this one stays", "error", err)
	}
}

// close withdraws the offer that stands.
func (s *succession) close() {
	s.mu.Lock()
	s.ended = true
	cancel := s.cancel
	s.mu.Unlock()
	if cancel != nil {
		cancel(errWithdrawn)
	}
	s.working.Wait()
}

// start starts the new process, and withdraws the offer when that ends without
// having taken over. When the offer ends otherwise, so does the process.
func (s *succession) start(ctx context.Context, withdraw context.CancelCauseFunc) {
	cmd := exec.Command(s.program, s.args...)
	said := &tail{}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr // the new one keeps them
	if slices.Contains(s.args, "--daemon") {
		cmd.Stdout, cmd.Stderr = said, said // it turns to its error log
	}
	if err := cmd.Start(); err != nil {
		withdraw(fmt.Errorf("start %s: %w", s.program, err))
		return
	}
	go func() { // for as long as that lives, or this
		err := cmd.Wait()
		withdraw(said.explain(fmt.Errorf("the new process has ended: %v", err)))
	}()
	s.working.Go(func() {
		<-ctx.Done()
		if context.Cause(ctx) != errTaken {
			cmd.Process.Kill()
		}
	})
}

// successorArgs are the arguments with which a program takes the place of this
// one: its own, and those that make it take over, in the background if this one
// is there.
func successorArgs(f *flags) []string {
	args := slices.DeleteFunc(slices.Clone(f.args), func(arg string) bool { return arg == "--daemon" || arg == "--upgrade" })
	if f.daemon {
		args = append(args, "--daemon")
	}
	return append(args, "--upgrade")
}

// tail keeps the last of what a process writes.
type tail struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// tailSize is how many bytes are kept.
const tailSize = 4 << 10

// Write keeps the bytes, and forgets older ones.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(p)
	if over := t.text.Len() - tailSize; over > 0 {
		t.text.Next(over)
	}
	return len(p), nil
}

// explain adds what the process wrote to an error.
func (t *tail) explain(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := strings.TrimSpace(t.text.String()); text != "" {
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}

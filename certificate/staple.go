package certificate

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

const (
	// asking is how many responders are asked at once.
	asking = 4
	// The pause after a failure doubles from retryFirst to retryLast; to
	// retryUrgent when clients refuse the certificate without a staple.
	retryFirst, retryLast, retryUrgent = time.Minute, time.Hour, 5 * time.Minute
)

// Stapler keeps OCSP staples (RFC 6066 section 8) on certificates whose issuer
// names a responder, so that clients need not ask it. Staples are fetched in the
// background and renewed in the middle of the time for which they hold; one that
// cannot be renewed is served until it expires. It belongs to the process and is
// safe for concurrent use.
type Stapler struct {
	client *http.Client
	logger *slog.Logger
	slots  chan struct{} // holds one for each responder that is asked
	ctx    context.Context
	stop   context.CancelFunc
	wait   sync.WaitGroup

	mu    sync.Mutex
	tasks map[[sha256.Size]byte]*stapling // by the leaf
}

// stapling is what is done for one leaf.
type stapling struct {
	cert  *Certificate // what is stapled is that of the leaf, so any of its certificates will do
	end   context.CancelFunc
	tried chan struct{} // closed after the first attempt

	mu      sync.Mutex
	targets []*Certificate
	staple  *staple // nil when there is none that holds
}

// NewStapler returns one that has nothing to do until Use. Failures go to
// logger.
func NewStapler(logger *slog.Logger) *Stapler {
	// Connections are not kept: hours pass between two requests.
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, MaxResponseHeaderBytes: maxStaple}
	ctx, stop := context.WithCancel(context.Background())
	return &Stapler{
		client: &http.Client{Transport: transport}, logger: logger, slots: make(chan struct{}, asking),
		ctx: ctx, stop: stop, tasks: map[[sha256.Size]byte]*stapling{},
	}
}

// Use makes certs those that get staples, and leaves those that had them before.
// One with the same leaf as one before it gets the staple of that at once. It
// does not wait.
func (s *Stapler) Use(certs []*Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := map[[sha256.Size]byte][]*Certificate{}
	for _, c := range certs {
		if c.canStaple() {
			leaf := sha256.Sum256(c.Leaf.Raw)
			wanted[leaf] = append(wanted[leaf], c)
		}
	}
	for leaf, task := range s.tasks {
		if wanted[leaf] == nil {
			task.end()
			delete(s.tasks, leaf)
		}
	}
	for leaf, targets := range wanted {
		task := s.tasks[leaf]
		if task == nil {
			task = &stapling{cert: targets[0], tried: make(chan struct{})}
			task.targets = targets
			s.begin(task)
			s.tasks[leaf] = task
		}
		task.aim(targets)
	}
}

// begin starts the work for one leaf, unless s has been closed.
func (s *Stapler) begin(task *stapling) {
	ctx, end := context.WithCancel(s.ctx)
	task.end = end
	if s.ctx.Err() == nil {
		s.wait.Go(func() { s.run(ctx, task) })
	}
}

// Ready waits until each certificate that clients refuse without a staple has
// got one, or failed to once, or until ctx ends: for before listening.
func (s *Stapler) Ready(ctx context.Context) {
	s.mu.Lock()
	var pending []*stapling
	for _, task := range s.tasks {
		if task.cert.mustStaple {
			pending = append(pending, task)
		}
	}
	s.mu.Unlock()
	for _, task := range pending {
		select {
		case <-task.tried:
		case <-ctx.Done():
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// Close ends all work. Staples stay where they are.
func (s *Stapler) Close() {
	s.mu.Lock()
	s.stop()
	s.mu.Unlock()
	s.wait.Wait()
}

// canStaple reports whether there is whom to ask, and whose answer to trust.
func (c *Certificate) canStaple() bool {
	return !c.CA && len(c.Leaf.OCSPServer) > 0 && len(c.Chain) > 0
}

// run fetches staples for one leaf until ctx ends.
func (s *Stapler) run(ctx context.Context, task *stapling) {
	failures := 0
	for ctx.Err() == nil {
		found, err := s.fetch(ctx, task.cert)
		if ctx.Err() != nil {
			return
		}
		pause := time.Duration(0)
		if err == nil {
			task.put(found)
			failures, pause = 0, found.middle(time.Now())
		} else {
			s.report(task, err)
			pause = retryAfter(failures, task.cert.mustStaple)
			failures++
		}
		select {
		case <-task.tried:
		default:
			close(task.tried)
		}
		// A tenth by chance keeps many certificates from asking together.
		s.pause(ctx, task, pause+rand.N(pause/10+1))
	}
}

// fetch asks for a staple when its turn has come.
func (s *Stapler) fetch(ctx context.Context, c *Certificate) (*staple, error) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.slots }()
	return fetchStaple(ctx, s.client, c.Leaf, c.Chain[0], time.Now)
}

// report tells of a failure, and takes the staple away when it does not hold any
// more.
func (s *Stapler) report(task *stapling, err error) {
	held := task.held()
	revoked := errors.Is(err, errRevoked)
	if revoked {
		task.put(nil)
	}
	attrs := []any{"certificate", task.cert.Name, "error", err}
	switch {
	case held != nil && !revoked:
		s.logger.Warn("OCSP staple could not be renewed; the one that is there is served on", append(attrs, "until", held.until)...)
	case task.cert.mustStaple && !revoked:
		s.logger.Error("OCSP staple could not be fetched, and clients refuse this certificate without one", attrs...)
	default:
		s.logger.Warn("OCSP staple could not be fetched", attrs...)
	}
}

// pause waits for d, and takes the staple away if it expires meanwhile.
func (s *Stapler) pause(ctx context.Context, task *stapling, d time.Duration) {
	wake := time.Now().Add(d)
	for ctx.Err() == nil {
		until := wake
		if held := task.held(); held != nil && held.until.Before(wake) {
			until = held.until
		}
		// Timers stand still while a machine sleeps, so the clock is asked again.
		timer := time.NewTimer(min(time.Until(until), time.Minute))
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
		now := time.Now()
		if held := task.held(); held != nil && !now.Before(held.until) {
			task.put(nil)
		}
		if !now.Before(wake) {
			return
		}
	}
}

// retryAfter is the pause after so many failures before this one.
func retryAfter(failures int, urgent bool) time.Duration {
	longest := retryLast
	if urgent {
		longest = retryUrgent
	}
	return min(retryFirst<<min(failures, 10), longest)
}

// middle is how long it is to the middle of the time for which the staple holds,
// or to that of what is left when it is late already.
func (s *staple) middle(now time.Time) time.Duration {
	at := s.from.Add(s.until.Sub(s.from) / 2)
	if !at.After(now) {
		at = now.Add(s.until.Sub(now) / 2)
	}
	return max(at.Sub(now), retryFirst)
}

// aim makes targets those that have the staple.
func (t *stapling) aim(targets []*Certificate) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.targets = targets
	for _, c := range targets {
		c.setStaple(t.staple)
	}
}

// put makes s the staple of all targets; nil for none.
func (t *stapling) put(s *staple) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.staple = s
	for _, c := range t.targets {
		c.setStaple(s)
	}
}

func (t *stapling) held() *staple {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.staple
}

// setStaple puts a certificate with s in the place of the one that is served.
func (c *Certificate) setStaple(s *staple) {
	t := *c.current.Load()
	t.OCSPStaple = nil
	if s != nil {
		t.OCSPStaple = s.der
	}
	c.current.Store(&t)
}

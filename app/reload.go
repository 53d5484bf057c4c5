package app

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"pingap/admin"
	"pingap/certificate"
	"pingap/config"
	"pingap/proxy"
	"pingap/server"
	"pingap/server/systemd"
	"pingap/telemetry"
)

// reloader keeps a configuration in force, and puts another in its place when
// it is told to: beside the old one, so that nothing changes when the new one
// is wrong, and no exchange is lost when it is right.
type reloader struct {
	flags       *flags
	server      *server.Server
	loops       *server.Loops
	log         *telemetry.Log
	systemd     *systemd.Manager
	environment proxy.Environment
	tickets     *certificate.TicketKeys // of the process, whatever is in force
	stapler     *certificate.Stapler    // that too
	watcher     *certificate.Watcher    // of the files that certificates are read from; nil before start
	panics      *atomic.Int64           // of exchanges, which have ended with them
	pacer       *pacer                  // nil in tests
	front       *front

	restart  func(why string) // starts a new process for what this one cannot follow; nil to leave that to people
	started  *loaded          // [basic] of what the process was started with
	wanted   chan string
	demanded chan demand // by somebody who waits
	renewed  chan string // the path of a file of a certificate that has changed
	life     context.Context
	end      context.CancelFunc
	working  sync.WaitGroup // run
	retiring sync.WaitGroup // graphs whose exchanges have not ended
	abandon  chan struct{}  // closed when they are not waited for any more

	mu      sync.Mutex // held to change what follows
	current *loaded
	graph   *proxy.Graph
}

// ready makes a reloader with its first fields set ready for put.
func (r *reloader) ready() *reloader {
	r.wanted, r.renewed, r.abandon = make(chan string, 1), make(chan string, 1), make(chan struct{})
	r.demanded = make(chan demand)
	r.life, r.end = context.WithCancel(context.Background())
	return r
}

// stapleTime is how long a new configuration waits for OCSP staples without
// which clients refuse its certificates.
const stapleTime = 5 * time.Second

// put makes c the configuration in force. With an error nothing has changed.
func (r *reloader) put(c *loaded) ([]*server.Site, error) {
	env := r.environment
	env.Previous = r.graph
	graph, err := proxy.Compile(r.life, c.Config, env)
	if err != nil {
		return nil, err
	}
	r.stapler.Use(c.certificates.Certificates())
	ctx, cancel := context.WithTimeout(r.life, stapleTime)
	r.stapler.Ready(ctx)
	cancel()
	old := r.graph
	sites, err := sitesOf(graph, c.certificates, r.tickets)
	if err == nil {
		err = r.replace(c, graph, sites)
	}
	if err != nil {
		graph.Close(time.Second)
		if r.current != nil {
			r.stapler.Use(r.current.certificates.Certificates())
		}
		return nil, err
	}
	r.watch(c)
	c.keep(r.life, r.log.Logger)
	if old == nil {
		r.started = &loaded{Config: &config.Config{Basic: c.Basic}}
		return sites, nil
	}
	r.retiring.Go(func() { r.retire(old) })
	return sites, nil
}

// replace puts c into force, which graph and sites were made of. Whoever asks by
// way of them what is in force waits until they are.
func (r *reloader) replace(c *loaded, graph *proxy.Graph, sites []*server.Site) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.front.makeWay(c.Config)
	err := r.server.Apply(sites)
	if err == nil {
		r.graph, r.current = graph, c
	}
	if r.current != nil {
		r.front.follow(r.current.Config)
	}
	return err
}

// retirePoll is how often a graph that has been replaced is asked whether its
// exchanges have ended.
const retirePoll = 50 * time.Millisecond

// retire closes a graph when its exchanges have ended.
func (r *reloader) retire(g *proxy.Graph) {
	tick := time.NewTicker(retirePoll)
	defer tick.Stop()
	for waiting := true; waiting && g.Active() > 0; {
		select {
		case <-tick.C:
		case <-r.abandon:
			waiting = false
		}
	}
	r.letGo(g)
}

// letGo closes a graph that serves nothing any more.
func (r *reloader) letGo(g *proxy.Graph) {
	r.loops.On(len(r.loops.All()), g.CloseLogs)
	g.Close(max(g.Config.Basic.GracefulShutdownTimeout, time.Second))
}

// start begins to reload: whenever ask is called and, if it is to watch, when
// the stored configuration is another one.
func (r *reloader) start(watch bool) {
	r.watcher = certificate.NewWatcher(r.noteRenewed)
	r.watch(r.current)
	var changes <-chan struct{}
	if watch {
		changes = r.current.from.watch(r.life, r.current, r.log.Logger)
	}
	r.working.Go(func() {
		for {
			select {
			case <-r.life.Done():
				return
			case why := <-r.wanted:
				r.reload(why)
			case d := <-r.demanded:
				d.done <- r.reload(d.why)
			case path := <-r.renewed:
				r.renew(path)
			case <-changes:
				r.follow()
			}
		}
	})
}

// follow reloads when the stored configuration is another one than that in force:
// a change that was made by way of this process is there already.
func (r *reloader) follow() {
	stored, err := r.current.from.store.Read(r.life)
	if err == nil && stored.Revision() == r.current.revision {
		return
	}
	r.reload("the stored configuration has changed")
}

// ask tells to reload; one that is asked for already is enough.
func (r *reloader) ask(why string) {
	select {
	case r.wanted <- why:
	default:
	}
}

// demand is a reload that somebody waits for.
type demand struct {
	why  string
	done chan admin.Outcome // takes one
}

// reloadNow is ask for somebody who waits until it has been done, or until ctx ends.
func (r *reloader) reloadNow(ctx context.Context, why string) admin.Outcome {
	d := demand{why, make(chan admin.Outcome, 1)}
	select {
	case r.demanded <- d:
	case <-ctx.Done():
		return admin.Outcome{Err: ctx.Err()}
	case <-r.life.Done():
		return admin.Outcome{Err: errEnding}
	}
	select {
	case o := <-d.done:
		return o
	case <-ctx.Done():
		return admin.Outcome{Err: ctx.Err()}
	}
}

// errEnding is why a process does not reload that is told to stop.
var errEnding = errors.New("the process is ending")

// reload reads the configuration again and puts it into force.
func (r *reloader) reload(why string) (o admin.Outcome) {
	logger := r.log.Logger
	if r.current.from.builtIn() {
		logger.Info("the built-in configuration does not change", "reason", why)
		return o
	}
	if err := r.systemd.Reloading(); err != nil {
		logger.Error("systemd does not know that the configuration is read again", "error", err)
	}
	began := time.Now()
	before := r.current
	var c *loaded
	r.pacer.spare(func() {
		modestly(func() {
			if c, o.Problems, o.Err = r.readAndPut(before); o.Err == nil {
				o.Took = time.Since(began)
				o.Changes = c.Changes(before.Config)
			}
		})
	})
	if o.Err != nil {
		logger.Error("the configuration stays as it was: "+o.Err.Error(), "reason", why)
	} else {
		o.Restart = r.settle(before)
		logNotes(logger, c)
		logChanges(logger, o.Changes, why, o.Took)
	}
	if err := r.systemd.Ready("serving"); err != nil {
		logger.Error("systemd does not know that this process serves", "error", err)
	}
	return o
}

// readAndPut reads what is stored and puts it into force. What nobody has
// thought of must not end a process that serves: a panic is an error here.
func (r *reloader) readAndPut(before *loaded) (c *loaded, problems config.Problems, err error) {
	defer func() {
		if p := recover(); p != nil {
			r.log.Logger.Error("panic, recovered", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("the program could not deal with the new one: %v", p)
		}
	}()
	c, problems, err = before.from.read(r.life, before, toServe)
	logProblems(r.log.Logger, problems)
	if err != nil {
		return c, problems, err
	}
	_, err = r.put(c)
	if found := problemsIn(err); found != nil {
		logProblems(r.log.Logger, found)
		problems, err = append(problems, found...), c.from.wrong(found)
	}
	return c, problems, err
}

// settle makes that part of [basic] hold which is the process's own. It returns
// the keys that have changed and wait for the next process.
func (r *reloader) settle(before *loaded) (waiting []string) {
	if err := r.log.SetLevel(logLevel(r.current.Config, r.flags)); err != nil {
		r.log.Logger.Error("the log level stays as it was", "error", err)
	}
	keys := restartKeys(before, r.current, r.started, r.flags)
	if len(keys) > 0 && r.restart != nil {
		r.restart("basic." + strings.Join(keys, ", basic.") + " has changed")
		return keys
	}
	for _, key := range keys {
		r.log.Logger.Warn(fmt.Sprintf("basic.%s has changed, which takes effect with the next start of the process: SIGUSR2 starts it anew without losing a request", key))
	}
	return keys
}

// reopenLogs opens the files of all logs anew.
func (r *reloader) reopenLogs() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.graph.ReopenLogs()
	r.log.Reopen()
}

// close ends the reloading; what is in force stays until finish.
func (r *reloader) close() {
	r.end()
	r.working.Wait()
	if r.watcher != nil {
		r.watcher.Close()
	}
}

// finish closes what is left when the server has been drained, or given up.
func (r *reloader) finish() {
	close(r.abandon)
	r.retiring.Wait()
	r.letGo(r.graph)
}

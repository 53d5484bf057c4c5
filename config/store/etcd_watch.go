package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// etcdProbe is how often a watch asks etcd something: a connection that is
	// gone may look as if nothing happened.
	etcdProbe = 30 * time.Second
	// followAfter and followMax bound the pauses between attempts to watch.
	followAfter = 250 * time.Millisecond
	followMax   = 15 * time.Second
)

// watch follows the changes below the prefix, from the revision where it was
// when it was interrupted.
func (e *etcd) watch(ctx context.Context, changed func(), report reporter) {
	w := &etcdWatch{etcd: e, changed: changed, report: report, pause: followAfter}
	for ctx.Err() == nil {
		err := w.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !w.lost {
			w.lost = true
			report("etcd is out of reach; the configuration stays as it is until it is back", err)
		}
		// Many proxies lose the same etcd at the same moment.
		pause := time.NewTimer(w.pause/2 + rand.N(w.pause))
		w.pause = min(2*w.pause, followMax)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// etcdWatch is the state of a watch that outlives connections.
type etcdWatch struct {
	*etcd
	changed  func()
	report   reporter
	revision int64         // up to which all changes have been seen; 0 when unknown
	lost     bool          // etcd has been reported to be out of reach
	pause    time.Duration // before the next attempt
}

// follow watches until something goes wrong. What has happened before it
// begins is found by comparing.
func (w *etcdWatch) follow(ctx context.Context) error {
	if err := w.ask(ctx); err != nil {
		return err
	}
	// Without a leader a member knows of no changes; it says so when asked to.
	watching, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	answers := w.client.Watch(watching, w.key(""), clientv3.WithPrefix(), clientv3.WithRev(w.revision+1))
	tick := time.NewTicker(w.probe)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := w.ask(ctx); err != nil {
				return err
			}
		case answer, ok := <-answers:
			if !ok {
				return errors.New("the watch has ended")
			}
			if done, err := w.take(answer); done {
				return err
			}
		}
	}
}

// ask makes sure that etcd answers, learns of its revision, and has the stored
// configuration compared.
func (w *etcdWatch) ask(ctx context.Context) error {
	answer, err := w.get(ctx, w.key(""), clientv3.WithCountOnly())
	if err != nil {
		return err
	}
	if w.revision == 0 || answer.Header.Revision < w.revision { // the latter of an etcd restored from a backup
		w.revision = answer.Header.Revision
	}
	w.pause = followAfter
	if w.lost {
		w.lost = false
		w.report("etcd is back", nil)
	}
	w.changed()
	return nil
}

// take looks at an answer of the watch, and reports whether the watch is over.
func (w *etcdWatch) take(answer clientv3.WatchResponse) (done bool, err error) {
	switch {
	case answer.CompactRevision != 0:
		// What lies between is gone: begin at what there is now.
		w.revision = 0
		return true, nil
	case answer.Err() != nil:
		return true, w.explain(context.Background(), "watch", answer.Err())
	}
	for _, event := range answer.Events {
		w.revision = max(w.revision, event.Kv.ModRevision)
	}
	if len(answer.Events) > 0 {
		w.changed()
	}
	return false, nil
}

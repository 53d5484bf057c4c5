package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// etcdProbe is how often a watch asks etcd something small: that a connection
	// hangs shows only when what is sent on it is not confirmed.
	etcdProbe = 2 * time.Second
	// etcdCompare is how often the stored configuration is compared although
	// nobody told of a change.
	etcdCompare = 30 * time.Second
	// askWait bounds how long an answer is waited for until etcd counts as lost.
	// A restart of etcd may take as long without being told of.
	askWait = 3 * time.Second
	// followAfter and followMax bound the pauses between attempts to watch.
	followAfter = 125 * time.Millisecond
	followMax   = 500 * time.Millisecond
)

// watch follows the changes below the prefix. Whenever it has been interrupted
// the stored configuration is compared, so it does not matter what has become of
// the changes in between: they may be compacted, or of an etcd that has been put
// back to an earlier state.
func (e *etcd) watch(ctx context.Context, changed func(), report reporter) {
	w := &etcdWatch{etcd: e, changed: changed, report: report, pause: followAfter}
	for ctx.Err() == nil {
		err := w.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !w.lost {
			w.lost = true
			w.report(w.loss(), e.explain(ctx, "follow the configuration in", err))
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
	revision int64         // the newest of etcd that is known
	heard    time.Time     // when etcd answered last; zero before that
	lost     bool          // etcd has been reported to be out of reach
	pause    time.Duration // before the next attempt
}

// loss says what the loss of etcd means.
func (w *etcdWatch) loss() string {
	if w.heard.IsZero() {
		return "etcd is out of reach; the configuration stays as it is until it is back"
	}
	return fmt.Sprintf("etcd is out of reach; the configuration stays as it was %s ago, at %s, until it is back",
		time.Since(w.heard).Round(time.Millisecond), w.heard.Format(time.RFC3339))
}

// follow watches until a connection ends or something else goes wrong. What has
// happened before it begins is found by comparing. The error says that etcd is
// lost.
func (w *etcdWatch) follow(ctx context.Context) error {
	// The client would go on with another connection as if nothing had happened.
	interrupted := w.interruptions.next()
	if _, err := w.ask(ctx, w.key(""), clientv3.WithPrefix()); err != nil {
		return err
	}
	w.pause = followAfter
	w.changed()
	return w.listen(ctx, interrupted)
}

// listen is the part of follow that waits for changes after the known revision.
func (w *etcdWatch) listen(ctx context.Context, interrupted <-chan struct{}) error {
	client, err := w.connect()
	if err != nil {
		return err
	}
	// Without a leader a member knows of no changes; it says so when asked to.
	watching, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	answers := client.Watch(watching, w.key(""), clientv3.WithPrefix(), clientv3.WithRev(w.revision+1))
	probe, compare := time.NewTicker(w.probe), time.NewTicker(etcdCompare)
	defer probe.Stop()
	defer compare.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-interrupted:
			return nil
		case <-probe.C:
			if earlier, err := w.ask(ctx, w.key("basic"+extension)); err != nil || earlier {
				return err
			}
		case <-compare.C:
			w.changed()
		case answer, ok := <-answers:
			switch {
			case !ok:
				return errors.New("the watch has ended")
			case answer.CompactRevision != 0:
				return nil
			case answer.Err() != nil:
				return answer.Err()
			case len(answer.Events) > 0:
				w.changed()
			}
		}
	}
}

// ask learns of etcd's revision, and reports whether that is an earlier one than
// before, as of an etcd that was restored from a backup.
func (w *etcdWatch) ask(ctx context.Context, key string, options ...clientv3.OpOption) (earlier bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, min(w.timeout, askWait))
	defer cancel()
	answer, err := w.request(ctx, key, append(options, clientv3.WithCountOnly())...)
	if err != nil {
		return false, err
	}
	if w.lost {
		w.lost = false
		w.report(w.end(), nil)
	}
	w.heard = time.Now()
	if w.failed.Swap(false) {
		w.changed() // who asked in vain may have been told of a change
	}
	earlier = answer.Header.Revision < w.revision
	w.revision = answer.Header.Revision
	return earlier, nil
}

// end says that etcd is back.
func (w *etcdWatch) end() string {
	if w.heard.IsZero() {
		return "etcd is back"
	}
	return fmt.Sprintf("etcd is back after %s", time.Since(w.heard).Round(time.Millisecond))
}

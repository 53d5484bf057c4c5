package upstream

import (
	"crypto/tls"
	"io"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// outcomes are those of n exchanges that are in flight at once.
func outcomes(t *testing.T, l *loop.Loop, h message.Handler, n int) []outcome {
	t.Helper()
	all := make([]outcome, 0, n)
	looptest.Do(t, l, func() {
		for range n {
			l.Go(loop.TaskFunc(func() { all = append(all, exchange(l, h)) }))
		}
		eventually(t, l, func() bool { return len(all) == n })
	})
	return all
}

// silentPeer takes connections and says nothing.
func silentPeer(t *testing.T) *backend {
	return listen(t, func(c *peerConn, _ int) { io.Copy(io.Discard, c.r) })
}

// If each of them tried for itself, the last would wait ten times as long as a
// connection may take.
func TestExchangesThatWaitForAConnectionShareItsFailure(t *testing.T) {
	b := silentPeer(t)
	u, l := newUpstream(t, func(s *Spec) {
		s.TLS, s.Protocol, s.MaxStreams = &tls.Config{ServerName: "a.test"}, HTTP2, 10
		s.TotalConnectTimeout = 50 * time.Millisecond
	}, b.spec())
	for _, o := range outcomes(t, l, u, 10) {
		o.wantFailure(t, message.ConnectTimeout)
	}
	if n := b.accepted.Load(); n != 1 {
		t.Errorf("%d connections were tried, want 1", n)
	}
}

func TestPeerThatNeverSpeaksHTTP2IsNotWaitedForLong(t *testing.T) {
	b := silentPeer(t)
	u, l := newUpstream(t, func(s *Spec) {
		s.Protocol, s.MaxStreams = HTTP2, 10
		s.TotalConnectTimeout, s.ReadTimeout = 50*time.Millisecond, 200*time.Millisecond
	}, b.spec())
	failures := map[message.UpstreamFailure]int{}
	for _, o := range outcomes(t, l, u, 5) {
		failed, ok := o.err.(*message.UpstreamError)
		if !ok {
			t.Fatalf("error is %v", o.err)
		}
		failures[failed.Failure]++
	}
	// One has sent its request; the others were not to send theirs yet.
	if failures[message.ReadTimeout] != 1 || failures[message.ConnectTimeout] != 4 {
		t.Errorf("failures are %v", failures)
	}
}

func TestExchangesThatWaitForAConnectionAndLeaveGiveTheirRoomBack(t *testing.T) {
	u, l := newUpstream(t, func(s *Spec) {
		s.Protocol, s.MaxStreams, s.ReadTimeout = HTTP2, 2, time.Minute
	}, silentPeer(t).spec())
	looptest.Do(t, l, func() {
		running := 0
		begin := func() *loop.Coroutine {
			running++
			return l.Go(loop.TaskFunc(func() { exchange(l, u); running-- }))
		}
		first := begin()
		eventually(t, l, func() bool { return u.Open() == 1 })
		for range 3 {
			co := begin()
			l.Sleep(time.Millisecond)
			co.Cancel(message.ErrClientGone)
			eventually(t, l, func() bool { return running == 1 })
			if n := u.Open(); n != 1 {
				t.Errorf("%d connections for one exchange and one that waits, want 1", n)
			}
		}
		first.Cancel(message.ErrClientGone)
		eventually(t, l, func() bool { return running == 0 })
	})
}

// Without that, a peer that has gone without a word would time out all exchanges
// until the system gives its connection up, which takes a quarter of an hour.
func TestConnectionOnWhichAnAnswerIsLateTakesNoMoreExchanges(t *testing.T) {
	w, peer, _ := serveSite(t)
	u, l := newUpstream(t, func(s *Spec) {
		s.Protocol, s.MaxStreams, s.ReadTimeout = HTTP2, 10, 100*time.Millisecond
	}, peer)
	hold := func(x *message.Exchange) { x.Request.Path = "/hold" }
	ask(t, l, u, hold).wantFailure(t, message.ReadTimeout)
	ask(t, l, u).want(t, "HTTP/2.0")
	if n := w.conns.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
	close(w.hold)
}

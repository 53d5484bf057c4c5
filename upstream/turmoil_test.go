package upstream

import (
	"math/rand/v2"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// Peers that close, reset, stall, answer early, answer too much and refuse: each
// exchange still gets a whole answer or an error that says what was wrong, none
// hangs, and nothing is left.
func TestExchangesEndWhateverPeersDo(t *testing.T) {
	rude := listen(t, func(c *peerConn, number int) {
		random := rand.New(rand.NewPCG(uint64(number), 0))
		for {
			_, content, ok := c.request()
			if !ok || !misbehave(c, content, random.IntN(12)) {
				return
			}
		}
	})
	polite := listen(t, func(c *peerConn, _ int) {
		for {
			_, content, ok := c.request()
			if !ok {
				return
			}
			c.answer(content)
		}
	})
	u := build(t, func(s *Spec) {
		s.MaxIdle = 8
		s.IdleTimeout = 20 * time.Millisecond
		s.ReadTimeout = 100 * time.Millisecond
		s.ConnectTimeout = time.Second
	}, rude.spec(), polite.spec(), dead(t))
	first, second := looptest.Start(t, loop.Options{ID: 0}), looptest.Start(t, loop.Options{ID: 1})
	closeWith(t, u, first, second)
	const coroutines, each = 20, 50
	var whole [2]int
	for i, l := range []*loop.Loop{first, second} {
		looptest.Do(t, l, func() {
			left := coroutines
			for n := range coroutines {
				l.Go(loop.TaskFunc(func() {
					defer func() { left-- }()
					whole[i] += turmoil(t, l, u, rand.New(rand.NewPCG(uint64(n), uint64(i))), each)
				}))
			}
			eventually(t, l, func() bool { return left == 0 })
		})
	}
	if whole[0] < coroutines*each/4 || whole[1] < coroutines*each/4 {
		t.Errorf("only %v of %d exchanges on each loop were answered", whole, coroutines*each)
	}
}

// misbehave answers in one of many ways; false means that the connection is to
// be closed.
func misbehave(c *peerConn, content string, how int) bool {
	switch how {
	case 0:
		return false // in silence
	case 1:
		c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut"))
		return false
	case 2:
		c.answer(content)
		return false // just when it may be used again
	case 3:
		c.answer(content + "HTTP/1.1 200 OK\r\n\r\n")
		c.Write([]byte("unasked"))
	case 4:
		c.Write([]byte("garbage\r\n\r\n"))
		return false
	case 5:
		c.r.ReadByte() // until the proxy has had enough
		return false
	default:
		c.answer(content)
	}
	return true
}

// turmoil runs exchanges and returns how many were answered.
func turmoil(t *testing.T, l *loop.Loop, u *Upstream, random *rand.Rand, n int) (whole int) {
	h := u.Handler(Asking{Retry: Retry{Max: 1}})
	for range n {
		content := string(rune('a' + random.IntN(26)))
		method := []string{"GET", "POST", "PUT"}[random.IntN(3)]
		o := exchange(l, h, send(method, content))
		if _, known := o.err.(*message.UpstreamError); o.err != nil && !known {
			t.Errorf("%s: error is %v", method, o.err)
		}
		if o.err != nil {
			continue
		}
		whole++
		if len(o.content) == 0 || o.content[:1] != content {
			t.Errorf("%s of %q was answered with %q", method, content, o.content)
		}
	}
	return whole
}

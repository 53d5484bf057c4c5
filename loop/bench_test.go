package loop_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
)

// pinger answers on its connection as often as it is asked: a server's part
// without a protocol.
type pinger struct {
	c    *loop.Conn
	busy bool
}

func (p *pinger) ConnEvent(c *loop.Conn, e loop.Event) {
	if e == loop.Readable && !p.busy {
		p.busy = true
		c.Loop().Start(p)
	}
}

func (p *pinger) Run() {
	l := p.c.Loop()
	b := l.Buffer(4096)
	defer func() {
		l.Release(b)
		p.busy = false
	}()
	for {
		n, err := p.c.TryRead(b)
		if err == loop.ErrWouldBlock {
			return
		}
		if err != nil {
			p.c.Close()
			return
		}
		p.c.Append(b[:n])
	}
}

// BenchmarkRoundTrip is a request and its answer over loopback, both ends on
// one loop.
func BenchmarkRoundTrip(b *testing.B) {
	l, _ := loop.New(loop.Options{})
	l.Post(func() {
		l.Go(loop.TaskFunc(func() {
			defer l.Stop()
			ln, _ := loop.Listen(looptest.Loopback, loop.ListenOptions{})
			a, _ := l.Accept(ln, func(c *loop.Conn) { c.SetWatcher(&pinger{c: c}) }, nil)
			c, _ := l.Dial(ln.Addr(), &loop.DialOptions{})
			buffer := make([]byte, 4096)
			for b.Loop() {
				c.Append(buffer[:200])
				c.Read(buffer)
			}
			c.Close()
			a.Close()
			ln.Close()
		}))
	})
	l.Run()
}

// BenchmarkRearm pushes the timers of ten thousand connections back, one after
// the other, as each request does.
func BenchmarkRearm(b *testing.B) {
	l, _ := loop.New(loop.Options{})
	defer l.Close()
	timers := make([]struct {
		loop.Timer
		other [64]byte
	}, 10_000)
	order := rand.Perm(len(timers))
	for _, i := range order {
		l.Arm(&timers[i].Timer, time.Minute)
	}
	for i := 0; b.Loop(); i++ {
		l.Arm(&timers[order[i%len(order)]].Timer, time.Minute+time.Duration(i))
	}
}

package loop_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pingap/loop"
	"pingap/loop/looptest"
)

// Deadlines fall where bytes come in, again and again: a read ends with one or
// the other, and no byte is lost or read twice.
func TestDeadlinesThatRaceWithBytesLoseNone(t *testing.T) {
	const (
		conns = 50
		each  = 20
	)
	looptest.Run(t, func(l *loop.Loop) {
		ended := 0
		for i := range conns {
			near, far := looptest.Pair(t, l)
			go func() {
				rng := rand.New(rand.NewPCG(uint64(i), 0))
				for b := range byte(each) {
					time.Sleep(time.Duration(rng.IntN(25)) * time.Millisecond) // sleep: until about the deadline
					far.Write([]byte{b})
				}
			}()
			l.Go(loop.TaskFunc(func() {
				defer near.Close()
				defer func() { ended++ }()
				for next := byte(0); next < each; {
					var buffer [each]byte
					near.SetReadDeadlineAt(l.Now() + int64(10*time.Millisecond))
					n, err := near.Read(buffer[:])
					if err != nil && err != os.ErrDeadlineExceeded {
						t.Errorf("read: %v", err)
						return
					}
					for _, b := range buffer[:n] {
						if b != next {
							t.Errorf("got byte %d, want %d", b, next)
						}
						next++
					}
				}
			}))
		}
		for ended < conns {
			l.Sleep(10 * time.Millisecond)
		}
	})
}

// inTheMiddle is what a coroutine is doing when its peer resets the connection,
// and what the peer has done until then. other is a connection that is well.
var inTheMiddle = []struct {
	name         string
	reads, sends bool // the peer, some bytes
	do           func(l *loop.Loop, c, other *loop.Conn) error
}{
	{"read", false, true, func(_ *loop.Loop, c, _ *loop.Conn) error { return readOn(c) }},
	{"write", true, false, func(_ *loop.Loop, c, _ *loop.Conn) error { return writeOn(c) }},
	{"append", true, false, func(l *loop.Loop, c, _ *loop.Conn) error {
		for piece := make([]byte, 1000); ; {
			for range 100 {
				if _, err := c.Append(piece); err != nil {
					return err
				}
			}
			l.Yield()
		}
	}},
	{"read and write", true, true, func(l *loop.Loop, c, _ *loop.Conn) error {
		co, written := l.Current(), error(nil)
		l.Go(loop.TaskFunc(func() { written = writeOn(c); co.Wake() }))
		err := readOn(c)
		for written == nil {
			l.Park()
		}
		return errors.Join(err, written)
	}},
	{"splice from", false, true, func(l *loop.Loop, c, other *loop.Conn) error {
		_, err := l.Splice(other, c, -1, loop.SpliceLimits{})
		return err
	}},
}

// readOn reads until an error.
func readOn(c *loop.Conn) error {
	for buffer := make([]byte, 10_000); ; {
		if _, err := c.Read(buffer); err != nil {
			return err
		}
	}
}

// writeOn writes until an error.
func writeOn(c *loop.Conn) error {
	for block := make([]byte, 300_000); ; {
		if _, err := c.Write(block); err != nil {
			return err
		}
	}
}

func TestResetsInTheMiddleOfEverythingEndWhatTheyHitAlone(t *testing.T) {
	const each = 20
	looptest.Run(t, func(l *loop.Loop) {
		well, wellFar := looptest.Both(t, l)
		l.Go(&echo{wellFar})
		ended, started := 0, 0
		for i, m := range inTheMiddle {
			for j := range each {
				near, far := looptest.Pair(t, l)
				other, drain := looptest.Pair(t, l)
				go io.Copy(io.Discard, drain)
				go leaveInTheMiddle(far, m.reads, m.sends, rand.New(rand.NewPCG(uint64(i), uint64(j))))
				started++
				l.Go(loop.TaskFunc(func() {
					err := m.do(l, near, other)
					if !errors.Is(err, unix.ECONNRESET) && !errors.Is(err, unix.EPIPE) && !errors.Is(err, errors.ErrUnsupported) {
						t.Errorf("%s: %v, want what a reset gives", m.name, err)
					}
					near.Close()
					other.Close()
					ended++
				}))
			}
		}
		buffer := make([]byte, 10)
		for pings := byte(0); ended < started; pings++ {
			well.Write([]byte{pings})
			if n, err := well.Read(buffer); n != 1 || buffer[0] != pings || err != nil {
				t.Errorf("the connection that is well answered %v, %v to %d", buffer[:n], err, pings)
				break
			}
		}
		well.Close()
	})
}

// leaveInTheMiddle reads and sends some bytes and resets the connection.
func leaveInTheMiddle(c net.Conn, reads, sends bool, rng *rand.Rand) {
	in, out := rng.Int64N(2<<20), rng.Int64N(2<<20)
	var both sync.WaitGroup
	if reads {
		both.Go(func() { io.CopyN(io.Discard, c, in) })
	}
	if sends {
		both.Go(func() { io.CopyN(c, zeros{}, out) })
	}
	both.Wait()
	reset(c)
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

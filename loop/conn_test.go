package loop_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pingap/loop"
	"pingap/loop/looptest"
)

// reset closes a connection so that the peer gets RST.
func reset(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// events is a watcher that remembers.
type events struct{ seen []loop.Event }

func (w *events) ConnEvent(_ *loop.Conn, e loop.Event) { w.seen = append(w.seen, e) }

func (w *events) saw(e loop.Event) bool {
	for _, s := range w.seen {
		if s == e {
			return true
		}
	}
	return false
}

func TestHalfClosedPeerGetsItsAnswer(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Pair(t, l)
		l.Await(func() { far.Write([]byte("question")); far.(*net.TCPConn).CloseWrite() })
		buffer := make([]byte, 100)
		if n, err := near.Read(buffer); string(buffer[:n]) != "question" || err != nil {
			t.Errorf("read %q, %v", buffer[:n], err)
		}
		for range 2 {
			if _, err := near.Read(buffer); err != io.EOF {
				t.Errorf("want the end, again and again, got %v", err)
			}
		}
		if !near.PeerClosed() || near.Failed() {
			t.Error("half-closed is closed by the peer and not failed")
		}
		near.Write([]byte("answer"))
		near.Close()
		var got []byte
		l.Await(func() { got, _ = io.ReadAll(far) })
		if string(got) != "answer" {
			t.Errorf("the peer got %q", got)
		}
	})
}

func TestCloseWriteSendsWhatIsPendingAndTheEnd(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Both(t, l)
		near.Append([]byte("last words"))
		if err := near.CloseWrite(); err != nil {
			t.Error(err)
		}
		buffer := make([]byte, 100)
		n, _ := far.Read(buffer)
		if _, err := far.Read(buffer); string(buffer[:n]) != "last words" || err != io.EOF {
			t.Errorf("read %q, %v", buffer[:n], err)
		}
		far.Write([]byte("answer"))
		if n, err := near.Read(buffer); string(buffer[:n]) != "answer" || err != nil {
			t.Errorf("read %q, %v", buffer[:n], err)
		}
		near.Close()
		far.Close()
	})
}

// Sending what is pending may use up the share of the turn. Whoever runs then may
// close the connection, and its descriptor is somebody else's by the next turn.
func TestCloseWriteLeavesTheHeirOfItsDescriptorAlone(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Both(t, l)
		other, otherFar := looptest.Both(t, l)
		var heirs []int
		l.Go(loop.TaskFunc(func() {
			fd := near.FD()
			near.Close()
			for heir := -1; heir != fd; heirs = append(heirs, heir) {
				var err error
				if heir, err = unix.Dup(other.FD()); err != nil {
					t.Error(err)
					return
				}
			}
		}))
		l.Spend(share - 1)
		near.Append([]byte("x"))
		if err := near.CloseWrite(); err != net.ErrClosed {
			t.Errorf("got %v", err)
		}
		if _, err := other.Write([]byte("x")); err != nil {
			t.Errorf("the other connection can write no more: %v", err)
		}
		for _, fd := range heirs {
			unix.Close(fd)
		}
		for _, c := range []*loop.Conn{far, other, otherFar} {
			c.Close()
		}
	})
}

func TestResetEndsAParkedReadAndAParkedWrite(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Pair(t, l)
		ended := 0
		l.Go(loop.TaskFunc(func() {
			if _, err := near.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNRESET) {
				t.Errorf("read: %v", err)
			}
			ended++
		}))
		l.Yield()
		l.Await(func() { reset(far) })
		for ended == 0 {
			l.Sleep(time.Millisecond)
		}
		near.Close()

		near, far = looptest.Pair(t, l)
		l.Go(loop.TaskFunc(func() {
			n, err := near.Write(make([]byte, 64<<20))
			if !errors.Is(err, unix.ECONNRESET) && !errors.Is(err, unix.EPIPE) || n == 64<<20 {
				t.Errorf("write: %d bytes, %v", n, err)
			}
			if _, again := near.Write([]byte("x")); again == nil {
				t.Error("a write after one that failed succeeded")
			}
			ended++
		}))
		for !near.Stuck() {
			l.Sleep(time.Millisecond)
		}
		l.Await(func() { reset(far) })
		for ended == 1 {
			l.Sleep(time.Millisecond)
		}
		near.Close()
	})
}

// The kernel reports a reset once. If a corked write is told, a read that
// follows finds the end of the stream; were it taken for a clean one, a body
// that ends with the connection would pass for whole.
func TestResetThatAWriteWasToldOfIsNoCleanEnd(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Pair(t, l)
		l.Await(func() { reset(far) })
		for !near.Failed() {
			l.Sleep(time.Millisecond)
		}
		if _, err := near.Write([]byte("x")); !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("write: %v", err)
		}
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("read after that: %v", err)
		}
		near.Close()
	})
}

func TestFailureOfACorkedWriteShowsAtTheNext(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Pair(t, l)
		l.Await(func() { reset(far) })
		for !near.Failed() {
			l.Sleep(time.Millisecond)
		}
		near.Append([]byte("lost"))
		l.Yield() // sends it
		if near.Pending() != 0 {
			t.Errorf("%d bytes are kept for a peer that is gone", near.Pending())
		}
		if err := near.Flush(); err != nil {
			t.Errorf("there is nothing to send: %v", err)
		}
		if _, err := near.Write([]byte("x")); err == nil {
			t.Error("bytes were lost and the next write does not say so")
		}
		near.Close()
	})
}

func TestAbortResetsThePeer(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Pair(t, l)
		near.Append([]byte("never sent"))
		near.Abort()
		near.Abort()
		var err error
		l.Await(func() { _, err = far.Read(make([]byte, 100)) })
		if !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("the peer got %v", err)
		}
	})
}

func TestCloseEndsParkedUsersWithErrClosed(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Both(t, l)
		ended := 0
		l.Go(loop.TaskFunc(func() {
			if _, err := near.Read(make([]byte, 1)); err != net.ErrClosed {
				t.Errorf("read: %v", err)
			}
			ended++
		}))
		l.Go(loop.TaskFunc(func() {
			if _, err := near.Write(make([]byte, 64<<20)); err != net.ErrClosed {
				t.Errorf("write: %v", err)
			}
			ended++
		}))
		for !near.Stuck() {
			l.Sleep(time.Millisecond)
		}
		near.Close()
		for ended < 2 {
			l.Yield()
		}
		for name, err := range map[string]error{
			"close": near.Close(), "flush": near.Flush(), "wait": near.WaitReadable(), "detach": near.Detach(),
		} {
			if err != net.ErrClosed {
				t.Errorf("%s on a closed connection: %v", name, err)
			}
		}
		if _, err := near.Append([]byte("x")); err != net.ErrClosed {
			t.Errorf("append on a closed connection: %v", err)
		}
		near.SetOutput(append(near.Output(10), "dropped"...))
		near.SetIdleTimeout(time.Hour)
		far.Close()
	})
}

func TestSecondReaderOrWriterPanics(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Both(t, l)
		l.Go(loop.TaskFunc(func() { near.Read(make([]byte, 1)) }))
		l.Go(loop.TaskFunc(func() { near.Write(make([]byte, 64<<20)) }))
		for !near.Stuck() {
			l.Sleep(time.Millisecond)
		}
		for name, f := range map[string]func(){
			"read":   func() { near.Read(make([]byte, 1)) },
			"write":  func() { near.Write([]byte("x")) },
			"append": func() { near.Append([]byte("x")) },
			"detach": func() { near.Detach() },
		} {
			if !panics(f) {
				t.Errorf("a second %s did not panic", name)
			}
		}
		near.Close()
		far.Close()
	})
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

func TestWatcherHearsOfReadinessHangupAndIdleness(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Both(t, l)
		w := &events{}
		near.SetWatcher(w)
		near.SetIdleTimeout(20 * time.Millisecond)
		for !w.saw(loop.Expired) {
			l.Sleep(time.Millisecond)
		}
		near.SetIdleTimeout(20 * time.Millisecond)
		near.SetIdleTimeout(0)
		far.Write([]byte("x"))
		for !w.saw(loop.Readable) {
			l.Sleep(time.Millisecond)
		}
		if w.saw(loop.Hangup) {
			t.Error("the peer is there and was said to have left")
		}
		far.Close()
		for !w.saw(loop.Hangup) {
			l.Sleep(time.Millisecond)
		}
		l.Sleep(50 * time.Millisecond)
		expired := 0
		for _, e := range w.seen {
			if e == loop.Expired {
				expired++
			}
		}
		if expired != 1 {
			t.Errorf("expired %d times, the second timeout was canceled", expired)
		}
		near.Close()
	})
}

// Both connections are readable in one turn. Whichever is first closes the
// other and puts a new one in its place: the event that is on its way must not
// reach that.
func TestEventForAClosedConnectionReachesNobody(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		a, aFar := looptest.Both(t, l)
		b, bFar := looptest.Both(t, l)
		spare, spareFar := looptest.Both(t, l)
		l.Sleep(time.Millisecond) // no events are left
		if err := spare.Detach(); err != nil {
			t.Error(err)
		}
		heir := &events{}
		replace := func(other *loop.Conn) {
			other.Close()
			spare.SetWatcher(heir)
			if err := l.Attach(spare); err != nil {
				t.Error(err)
			}
		}
		hit := 0
		a.SetWatcher(onReadable(func() { hit++; replace(b) }))
		b.SetWatcher(onReadable(func() { hit++; replace(a) }))
		aFar.Write([]byte("x"))
		bFar.Write([]byte("x"))
		l.Sleep(20 * time.Millisecond)
		if hit != 1 {
			t.Errorf("%d of two connections were told, one had been closed", hit)
		}
		if len(heir.seen) != 0 {
			t.Errorf("its successor was told %v", heir.seen)
		}
		for _, c := range []*loop.Conn{a, b, spare, aFar, bFar, spareFar} {
			c.Close()
		}
	})
}

// onReadable is a watcher that calls a function.
type onReadable func()

func (f onReadable) ConnEvent(_ *loop.Conn, e loop.Event) {
	if e == loop.Readable {
		f()
	}
}

func TestConnMovesToAnotherLoopWithWhatHasCome(t *testing.T) {
	second := looptest.New(t)
	got := make(chan string, 1)
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Pair(t, l)
		l.Await(func() { far.Write([]byte("before ")) })
		// The output is gone, and the loop that is left must not touch the
		// connection when it flushes what its coroutines have appended.
		near.Append([]byte("x"))
		near.Flush()
		near.SetIdleTimeout(time.Hour)
		if err := near.Detach(); err != nil {
			t.Error(err)
		}
		second.Post(func() {
			near.SetWatcher(onReadable(func() {
				near.SetWatcher(nil)
				second.Start(loop.TaskFunc(func() {
					all, err := io.ReadAll(near)
					if err != nil {
						t.Error(err)
					}
					got <- string(all)
					near.Close()
				}))
			}))
			if err := second.Attach(near); err != nil {
				t.Error(err)
			}
		})
		l.Await(func() {
			far.Read(make([]byte, 1))
			far.Write([]byte("and after"))
			far.Close()
		})
	})
	if all := <-got; all != "before and after" {
		t.Errorf("read %q on the second loop", all)
	}
}

func TestAttachReportsAnEndThatTheFirstLoopSaw(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Both(t, l)
		far.Close()
		for !near.PeerClosed() {
			l.Sleep(time.Millisecond)
		}
		near.Detach()
		w := &events{}
		near.SetWatcher(w)
		l.Attach(near)
		l.Sleep(time.Millisecond)
		if !w.saw(loop.Hangup) {
			t.Error("the new watcher did not hear that the peer has left")
		}
		near.Close()
	})
}

func TestDeadlinesOfNetConnAreInWallTime(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Both(t, l)
		var c net.Conn = near
		c.SetDeadline(time.Now().Add(20 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); err != os.ErrDeadlineExceeded {
			t.Errorf("read: %v", err)
		}
		if _, err := c.Write(make([]byte, 64<<20)); err != os.ErrDeadlineExceeded {
			t.Errorf("write: %v", err)
		}
		c.SetDeadline(time.Time{})
		far.Write([]byte("x"))
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Errorf("without a deadline: %v", err)
		}
		if near.RemoteAddr().String() != far.LocalAddr().String() || near.LocalAddr().String() != far.RemoteAddr().String() {
			t.Error("addresses of the two ends do not match")
		}
		near.Close()
		far.Close()
	})
}

func TestDialTellsWhomItCouldNotReachAndWhy(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		ln, err := loop.Listen(looptest.Loopback, loop.ListenOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		ln.Close()
		_, err = l.Dial(ln.Addr(), &loop.DialOptions{Timeout: time.Second})
		if !errors.Is(err, unix.ECONNREFUSED) || !strings.Contains(err.Error(), ln.Addr().String()) {
			t.Errorf("refused: %v", err)
		}
		_, err = l.Dial(loop.Addr{Path: "/nowhere/socket"}, nil)
		if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "unix:/nowhere/socket") {
			t.Errorf("no such socket: %v", err)
		}
	})
}

func TestDialEndsByItsTimeoutAndByCancel(t *testing.T) {
	gone := errors.New("gone")
	looptest.Run(t, func(l *loop.Loop) {
		// Nobody accepts, so once the backlog is full connections wait.
		ln, err := loop.Listen(looptest.Loopback, loop.ListenOptions{Backlog: 1})
		if err != nil {
			t.Error(err)
			return
		}
		defer ln.Close()
		for range 2 {
			c, err := l.Dial(ln.Addr(), nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
		}
		if _, err := l.Dial(ln.Addr(), &loop.DialOptions{Timeout: 30 * time.Millisecond}); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("at the timeout: %v", err)
		}
		var canceled error
		co := l.Go(loop.TaskFunc(func() { _, canceled = l.Dial(ln.Addr(), nil) }))
		l.Sleep(time.Millisecond)
		co.Cancel(gone)
		l.Yield()
		if !errors.Is(canceled, gone) {
			t.Errorf("canceled: %v", canceled)
		}
	})
}

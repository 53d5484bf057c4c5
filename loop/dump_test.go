package loop_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
)

func TestDumpTellsTheStateOfEachConnection(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		ln, err := loop.Listen(looptest.Loopback, loop.ListenOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		defer ln.Close()
		near, far := looptest.Connect(t, l, ln, nil)
		a, err := l.Accept(ln, func(*loop.Conn) {}, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer a.Close()
		near.SetWatcher(&events{})
		near.SetIdleTimeout(time.Hour)
		far.CloseWrite()
		l.Go(loop.TaskFunc(func() {
			near.SetWriteDeadlineAt(l.Now() + int64(time.Minute))
			near.Write(make([]byte, 64<<20))
		}))
		for !near.Stuck() || !near.PeerClosed() {
			l.Sleep(time.Millisecond)
		}
		want := fmt.Sprintf("connection %d with %s, readable, closed by peer, in the middle of a write, idle timeout armed, writer parked for up to ",
			near.FD(), near.RemoteAddrPort())
		if got := near.String(); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, ", watched by *loop_test.events") {
			t.Errorf("got  %s\nwant %s...", got, want)
		}
		var dump strings.Builder
		l.Dump(&dump, 10)
		for _, want := range []string{"2 connections, 2 coroutines", near.String(), far.String(), "acceptor of " + ln.Addr().String() + ", accepting"} {
			if !strings.Contains(dump.String(), want) {
				t.Errorf("%q is missing in:\n%s", want, dump.String())
			}
		}
		dump.Reset()
		l.Dump(&dump, 1)
		if lines := strings.Count(dump.String(), "\n"); lines != 3 || !strings.Contains(dump.String(), "and 2 more") {
			t.Errorf("with room for one:\n%s", dump.String())
		}
		near.Close()
		far.Close()
		if got := near.String(); !strings.Contains(got, "closed") {
			t.Errorf("closed: %s", got)
		}
	})
}

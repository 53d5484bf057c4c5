package loop_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"pingap/loop"
	"pingap/loop/looptest"
)

// Of the loops that share a listener a connection is to wake one. How many woke
// in vain cannot be seen, since the kernel lets them sleep on when another was
// quicker; what it was told can.
func TestLoopsThatShareAListenerAskForOneToBeWoken(t *testing.T) {
	ln, err := loop.Listen(looptest.Loopback, loop.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	var accepted atomic.Int64
	for range 2 {
		acceptOn(t, looptest.New(t), ln, &accepted)
	}
	connect(t, ln.Addr().TCP, 30) // enough to queue up anew
	infos, err := filepath.Glob("/proc/self/fdinfo/*")
	if err != nil {
		t.Fatal(err)
	}
	waiting := 0
	for _, name := range infos {
		info, _ := os.ReadFile(name) // a descriptor may have been closed meanwhile
		for line := range strings.Lines(string(info)) {
			var fd int
			var events uint32
			if n, _ := fmt.Sscanf(line, "tfd: %d events: %x", &fd, &events); n == 2 && fd == ln.Descriptor() {
				waiting++
				if events&unix.EPOLLEXCLUSIVE == 0 {
					t.Errorf("%s: events %x without EPOLLEXCLUSIVE", name, events)
				}
			}
		}
	}
	if waiting != 2 {
		t.Errorf("%d loops wait for the listener, want 2", waiting)
	}
}

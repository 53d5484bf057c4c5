package app

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// modestNice is how much a thread yields that does what nobody waits for. It
// still gets a tenth of a processor that others want as a whole: the runtime
// stops all threads now and then, and waits for each.
const modestNice = 10

// modestly runs work on a thread that gives way to those of the event loops, and
// returns when it is done: a new configuration takes its time rather than that of
// the exchanges.
func modestly(work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// The thread ends with the goroutine, and its priority with it: no other
		// thread and no other process comes from it.
		runtime.LockOSThread()
		unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), modestNice)
		work()
	}()
	<-done
}

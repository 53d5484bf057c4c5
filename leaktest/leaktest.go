// Package leaktest fails a package's tests when they leave goroutines,
// coroutines or file descriptors behind. A package uses it in one line:
//
//	func TestMain(m *testing.M) { leaktest.Main(m) }
package leaktest

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// grace is how long goroutines may take to end after the last test: a loaded
// machine under the race detector needs seconds, and only a leak waits it out.
const grace = 10 * time.Second

// Main runs the tests of m and ends the process with what Run returns.
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run runs the tests of m and returns the exit code: theirs, or 1 when they
// passed and something that was not there before is left. It is for packages
// that have something to clean up before they exit.
func Run(m *testing.M) int {
	before := take()
	code := m.Run()
	if code == 0 && !fuzzing() {
		code = report(os.Stderr, settle(before, grace))
	}
	return code
}

// fuzzing reports whether this run fuzzes: workers then live on by design.
func fuzzing() bool {
	f := flag.Lookup("test.fuzz")
	return f != nil && f.Value.String() != ""
}

// report writes what is left, one paragraph each, and returns the exit code.
func report(w io.Writer, left []string) int {
	for _, l := range left {
		fmt.Fprintf(w, "left behind by the tests: %s\n\n", strings.TrimSpace(l))
	}
	return min(len(left), 1)
}

// settle waits until nothing is left that before does not hold, or until the
// limit, and returns what is left then. It asks at growing intervals.
func settle(before snapshot, limit time.Duration) []string {
	deadline := time.Now().Add(limit)
	for pause := time.Millisecond; ; pause = min(2*pause, limit/20) {
		left := take().since(before)
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		time.Sleep(pause)
	}
}

// snapshot describes what a process holds at one moment, by a key that tells
// one thing from a later one of the same kind.
type snapshot map[string]string

// take lists the goroutines, coroutines among them, and the descriptors.
func take() snapshot {
	wakeNetpoller()
	s := snapshot{}
	for _, g := range strings.Split(stacks(), "\n\n") {
		if id, _, ok := strings.Cut(g, " ["); ok && !lives(g) {
			s[id] = g
		}
	}
	for name, target := range descriptors() {
		s["descriptor "+name+" "+target] = "descriptor " + name + ", " + target
	}
	return s
}

// since returns the descriptions of what s holds and before does not, in order.
func (s snapshot) since(before snapshot) []string {
	var left []string
	for key, description := range s {
		if _, was := before[key]; !was {
			left = append(left, description)
		}
	}
	slices.Sort(left)
	return left
}

// lives reports whether a goroutine belongs to the process rather than to a
// test: the runtime's, the testing package's, and the one that takes signals.
func lives(stack string) bool {
	for _, of := range []string{"\ntesting.(*M).", "\nos/signal.signal_recv", "\nos/signal.loop", "created by runtime", "leaktest.take("} {
		if strings.Contains(stack, of) {
			return true
		}
	}
	return false
}

// stacks returns the stacks of all goroutines, however many they are.
func stacks() string {
	for b := make([]byte, 1<<20); ; b = make([]byte, 2*len(b)) {
		if n := runtime.Stack(b, true); n < len(b) {
			return string(b[:n])
		}
	}
}

// wakeNetpoller makes the runtime open the descriptors of its own poller,
// which it does at the first use of a socket and never undoes.
func wakeNetpoller() {
	if ln, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		ln.Close()
	}
}

// descriptors maps the open ones to what they lead to, as far as the system
// tells. The one that lists them is not among them.
func descriptors() map[string]string {
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	open := map[string]string{}
	for _, e := range entries {
		if target, err := os.Readlink(dir + "/" + e.Name()); err == nil {
			open[e.Name()] = target
		}
	}
	return open
}

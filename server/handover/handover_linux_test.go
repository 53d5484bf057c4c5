package handover

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pingap/leaktest"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// role says in a process started by a test what it is to do there.
const role = "HANDOVER_ROLE"

func TestMain(m *testing.M) {
	if run := roles[os.Getenv(role)]; run != nil {
		run(os.Args[len(os.Args)-1])
		os.Exit(0)
	}
	leaktest.Main(m)
}

// roles are new processes of several kinds; each is given the path.
var roles = map[string]func(path string){
	"serve": func(path string) {
		t, err := Take(context.Background(), path)
		if err != nil {
			fmt.Println("failed:", err)
			return
		}
		fmt.Println("took", len(t.Descriptors))
		fmt.Scanln() // the test lets it go on
		if err := t.Ready(); err != nil {
			fmt.Println("failed:", err)
			return
		}
		fmt.Println("ready")
		for _, fd := range t.Descriptors {
			answer(fd)
		}
		fmt.Println("answered")
	},
	"crash": func(path string) {
		if _, err := Take(context.Background(), path); err != nil {
			fmt.Println("failed:", err)
		}
	},
}

// answer accepts one connection and sends this process's number.
func answer(fd int) {
	f := os.NewFile(uintptr(fd), "listener")
	ln, err := net.FileListener(f)
	if err != nil {
		fmt.Println("failed:", err)
		return
	}
	f.Close()
	defer ln.Close()
	c, err := ln.Accept()
	if err != nil {
		fmt.Println("failed:", err)
		return
	}
	fmt.Fprint(c, os.Getpid())
	c.Close()
}

// child is a process in a role.
type child struct {
	*exec.Cmd
	said    *bufio.Scanner
	proceed func()
}

func spawn(t *testing.T, as, path string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0], path)
	cmd.Env = append(os.Environ(), role+"="+as)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{Cmd: cmd, said: bufio.NewScanner(out), proceed: func() { in.Close() }}
	t.Cleanup(func() {
		in.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	return c
}

// says expects the next line of the child.
func (c *child) says(t *testing.T, want string) {
	t.Helper()
	if !c.said.Scan() || !strings.Contains(c.said.Text(), want) {
		t.Fatalf("the process says %q (%v), want %q", c.said.Text(), c.said.Err(), want)
	}
}

// place is where a test offers: short enough for a socket everywhere.
func place(t *testing.T) string {
	dir, err := os.MkdirTemp("", "handover")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

func open(t *testing.T, path string) *Offer {
	t.Helper()
	o, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

// sockets are n listeners on ports of their own, and their descriptors.
func sockets(t *testing.T, n int) (lns []net.Listener, fds []int) {
	t.Helper()
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		f, err := ln.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close(); f.Close() })
		lns, fds = append(lns, ln), append(fds, int(f.Fd()))
	}
	return lns, fds
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// outcome is what Wait returns.
type outcome struct {
	pid int
	err error
}

// waiting calls Wait; the errors of candidates go to failed.
func waiting(ctx context.Context, o *Offer, fds []int) (done chan outcome, failed chan error) {
	done, failed = make(chan outcome, 1), make(chan error, 10)
	go func() {
		pid, err := o.Wait(ctx, patience, func() ([]int, int, error) { return copies(fds) }, func(err error) { failed <- err })
		done <- outcome{pid, err}
	}()
	return done, failed
}

// copies returns duplicates of descriptors.
func copies(fds []int) (all []int, kept int, err error) {
	for _, fd := range fds {
		if fd, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0); err != nil {
			return nil, 0, err
		}
		all = append(all, fd)
	}
	return all, len(all) / 2, nil
}

func TestNewProcessServesOnTheListenersOfTheOld(t *testing.T) {
	for _, offerFirst := range []bool{true, false} {
		path := place(t)
		lns, fds := sockets(t, 3)
		var o *Offer
		if offerFirst {
			o = open(t, path)
		}
		c := spawn(t, "serve", path)
		if !offerFirst {
			o = open(t, path)
		}
		done, _ := waiting(within(t), o, fds)
		c.says(t, "took 3")
		select {
		case got := <-done:
			t.Fatalf("the old process is to stop before the new is ready: %v", got)
		default:
		}
		c.proceed()
		if got := <-done; got.err != nil || got.pid != c.Process.Pid {
			t.Errorf("taken by %d, %v, want %d", got.pid, got.err, c.Process.Pid)
		}
		c.says(t, "ready")
		for i, ln := range lns {
			addr := ln.Addr().String()
			ln.Close() // the new one's is still open
			conn, err := net.DialTimeout("tcp", addr, patience)
			if err != nil {
				t.Fatalf("listener %d: %v", i, err)
			}
			defer conn.Close()
			var pid int
			if fmt.Fscan(conn, &pid); pid != c.Process.Pid {
				t.Errorf("listener %d is answered by process %d", i, pid)
			}
		}
		c.says(t, "answered")
	}
}

func TestMoreDescriptorsThanOneMessageCarriesAreHandedOver(t *testing.T) {
	for _, n := range []int{0, 1, batch, batch + 1, 3*batch - 1} {
		path := place(t)
		o := open(t, path)
		_, some := sockets(t, min(n, 1))
		var fds []int
		for range n {
			fds = append(fds, some[0])
		}
		done, _ := waiting(within(t), o, fds)
		taken, err := Take(within(t), path)
		if err != nil {
			t.Fatal(err)
		}
		if len(taken.Descriptors) != n || taken.Kept != n/2 || taken.From != os.Getpid() {
			t.Errorf("%d descriptors, %d kept, from process %d, want %d", len(taken.Descriptors), taken.Kept, taken.From, n)
		}
		for _, fd := range taken.Descriptors {
			if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("descriptor %d would be inherited: %#x, %v", fd, flags, err)
			}
		}
		if err := taken.Ready(); err != nil {
			t.Error(err)
		}
		closeAll(taken.Descriptors)
		if got := <-done; got.err != nil {
			t.Error(got.err)
		}
	}
}

// Once the old process was told to go before the new one had started; when
// that failed, both were gone.
func TestOldProcessStaysWhenTheNewOneEnds(t *testing.T) {
	path := place(t)
	_, fds := sockets(t, 1)
	o := open(t, path)
	ctx, cancel := context.WithCancel(within(t))
	done, failed := waiting(ctx, o, fds)
	c := spawn(t, "crash", path)
	if err := <-failed; !strings.Contains(err.Error(), fmt.Sprint("process ", c.Process.Pid)) || !strings.Contains(err.Error(), "ended") {
		t.Errorf("error %q", err)
	}
	// The next attempt succeeds.
	c = spawn(t, "serve", path)
	c.says(t, "took 1")
	// And it is called off: both know.
	cancel()
	if got := <-done; !errors.Is(got.err, context.Canceled) {
		t.Errorf("taken by %d, %v", got.pid, got.err)
	}
	c.proceed()
	c.says(t, "failed: take over from process "+fmt.Sprint(os.Getpid()))
}

func TestOfferEndsWhenNobodyComes(t *testing.T) {
	o := open(t, place(t))
	if _, err := o.Wait(t.Context(), time.Millisecond, nil, nil); !errors.Is(err, ErrNobody) {
		t.Errorf("error %v", err)
	}
}

// One that has come in time may take longer to become ready.
func TestProcessThatPreparesIsWaitedFor(t *testing.T) {
	path := place(t)
	o := open(t, path)
	taken, err := dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	c := &Taken{conn: channel{taken}, step: patience}
	done := make(chan outcome, 1)
	go func() {
		pid, err := o.Wait(t.Context(), 50*time.Millisecond, func() ([]int, int, error) { return nil, 0, nil }, func(err error) { t.Error(err) })
		done <- outcome{pid, err}
	}()
	if err := c.take(nil); err != nil {
		t.Fatal(err)
	}
	// sleep: longer than the first step may take, which is over
	<-time.After(100 * time.Millisecond)
	if err := c.Ready(); err != nil {
		t.Error(err)
	}
	if got := <-done; got.err != nil {
		t.Error(got.err)
	}
}

func TestProcessThatSaysNothingIsGivenUp(t *testing.T) {
	path := place(t)
	o := open(t, path)
	o.step = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	done, failed := waiting(ctx, o, nil)
	dumb, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	defer dumb.Close()
	if err := <-failed; !errors.Is(err, errSilent) || !strings.Contains(err.Error(), "greeting") {
		t.Errorf("error %q", err)
	}
	cancel()
	<-done
}

func TestProcessThatDoesNotBecomeReadyIsGivenUp(t *testing.T) {
	path := place(t)
	o := open(t, path)
	o.ready = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	done, failed := waiting(ctx, o, nil)
	taken, err := Take(within(t), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !errors.Is(err, errSilent) || !strings.Contains(err.Error(), "ready") {
		t.Errorf("error %q", err)
	}
	if err := taken.Ready(); err == nil {
		t.Error("ready for an offer that has been withdrawn")
	}
	cancel()
	<-done
}

func TestMessagesThatMakeNoSenseAreRefused(t *testing.T) {
	path := place(t)
	o := open(t, path)
	ctx, cancel := context.WithCancel(context.Background())
	done, failed := waiting(ctx, o, nil)
	good := message{version, hello, 0, 0}.bytes()
	for text, want := range map[string]string{
		"GET / HTTP/1.1\r\n\r\n":  "does not hand over",
		"x":                       "does not hand over",
		string(append(good, 'x')): "makes no sense",
		string(message{version, hello, 1 << 30, 0}.bytes()): "makes no sense",
		string(message{version, hello, 1, 2}.bytes()):       "makes no sense",
		string(message{version, farewell, 0, 0}.bytes()):    "something else",
		string(message{version + 1, hello, 0, 0}.bytes()):   "speaks version 2",
	} {
		c, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(c, text)
		if err := <-failed; !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %q, want %q", text, err, want)
		}
		c.Close()
	}
	cancel()
	<-done
}

func TestDescriptorsSentByACandidateAreNotKept(t *testing.T) {
	path := place(t)
	o := open(t, path)
	_, fds := sockets(t, 1)
	ctx, cancel := context.WithCancel(context.Background())
	done, failed := waiting(ctx, o, nil)
	conn, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	c := channel{conn}
	if err := c.send(message{version, farewell, 0, 0}, []int{fds[0], fds[0]}, patience); err != nil {
		t.Fatal(err)
	}
	<-failed
	c.Close()
	cancel()
	<-done // what is left open is reported at the end of all tests
}

func TestTakeSaysWhatToDoWhenNobodyOffers(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := Take(ctx, place(t))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "SIGQUIT") || !strings.Contains(err.Error(), "without --upgrade") {
		t.Errorf("error %v", err)
	}
}

func TestOfferReplacesASocketLeftBehindAndNothingElse(t *testing.T) {
	path := place(t)
	old, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "another process offers") {
		t.Errorf("error %v", err)
	}
	old.SetUnlinkOnClose(false)
	old.Close()
	o := open(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has mode %v, %v", info.Mode(), err)
	}
	o.Close()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("error %v", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "precious" {
		t.Errorf("the file holds %q", text)
	}
}

func TestProcessOfAnotherUserIsRefused(t *testing.T) {
	if os.Getuid() != 0 {
		// skip: only root can start a process as another user, and CI is root.
		t.Skip("only root can start a process as another user")
	}
	const nobody = 65534
	// Where anybody may look, and run the test.
	dir := place(t)
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(filepath.Dir(dir), "test")
	if err := os.WriteFile(exe, program, 0o755); err != nil {
		t.Fatal(err)
	}
	o := open(t, dir)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(within(t))
	done, failed := waiting(ctx, o, nil)
	cmd := exec.Command(exe, dir)
	cmd.Env = append(os.Environ(), role+"=serve")
	cmd.SysProcAttr = as(nobody)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := <-failed; !strings.Contains(err.Error(), "belongs to user 65534") {
		t.Errorf("error %q", err)
	}
	if !strings.Contains(string(out), "failed:") {
		t.Errorf("the other process says %s", out)
	}
	cancel()
	<-done
}

func FuzzParse(f *testing.F) {
	f.Add(message{version, hello, 0, 0}.bytes())
	f.Add(message{version, descriptors, maxDescriptors, 1}.bytes())
	f.Add([]byte(magic))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := parse(b); err == nil && string(m.bytes()) != string(b) {
			t.Errorf("%x becomes %+v, which is written %x", b, m, m.bytes())
		}
	})
}

// as makes a process run as a user.
func as(uid uint32) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
}

package systemd

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pingap/leaktest"
)

func TestMain(m *testing.M) {
	if os.Getenv("SYSTEMD_CHILD") != "" {
		answerOnActivatedSocket()
		os.Exit(0)
	}
	leaktest.Main(m)
}

// answerOnActivatedSocket is what a service does.
func answerOnActivatedSocket() {
	os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid())) // systemd forks, and knows it
	fds, err := Sockets()
	if err != nil || len(fds) != 1 {
		fmt.Println(fds, err)
		return
	}
	ln, err := net.FileListener(os.NewFile(uintptr(fds[0]), "socket"))
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := ln.Accept()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprintf(c, "%s%s", os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_PID"))
	fmt.Fprint(c, "activated")
	c.Close()
}

func TestServiceAnswersOnTheSocketThatItWasActivatedWith(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	file, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SYSTEMD_CHILD=1", "LISTEN_FDS=1", "LISTEN_FDNAMES=web")
	cmd.ExtraFiles = []*os.File{file}
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v: %s", err, out)
	}
	answer := make([]byte, 100)
	n, _ := conn.Read(answer)
	if got := string(answer[:n]); !strings.HasPrefix("activated", got) || n == 0 {
		t.Errorf("answer %q", got)
	}
}

func TestSocketsOfAnotherProcessAreLeftAlone(t *testing.T) {
	for _, pid := range []string{"", "1", "x"} {
		t.Setenv("LISTEN_PID", pid)
		t.Setenv("LISTEN_FDS", "2")
		if fds, err := Sockets(); fds != nil || err != nil || os.Getenv("LISTEN_FDS") != "" {
			t.Errorf("LISTEN_PID=%s: %v, %v", pid, fds, err)
		}
	}
}

func TestWrongNumberOfSocketsIsExplained(t *testing.T) {
	for _, count := range []string{"many", "-1", "1000000"} {
		t.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
		t.Setenv("LISTEN_FDS", count)
		if fds, err := Sockets(); err == nil || !strings.Contains(err.Error(), count) {
			t.Errorf("%v, %v", fds, err)
		}
	}
}

// manager is systemd's side.
func manager(t *testing.T, address string) *net.UnixConn {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(30 * time.Second))
	t.Setenv("NOTIFY_SOCKET", address)
	return c
}

func hear(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	b := make([]byte, 4096)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestManagerHearsWhatTheProcessIsAbout(t *testing.T) {
	for _, address := range []string{filepath.Join(t.TempDir(), "notify"), fmt.Sprintf("@pingap-test-%d", os.Getpid())} {
		c := manager(t, address)
		m := FromEnvironment()
		for _, say := range []struct {
			do   func() error
			want string
		}{
			{func() error { return m.Ready("serving\nREADY=0") }, "READY=1\nSTATUS=serving READY=0\n"},
			{m.Stopping, "STOPPING=1\n"},
			{func() error { return m.MainPID(42) }, "MAINPID=42\n"},
			{func() error { return m.Status("x") }, "STATUS=x\n"},
		} {
			if err := say.do(); err != nil {
				t.Error(err)
			}
			if got := hear(t, c); got != say.want {
				t.Errorf("heard %q, want %q", got, say.want)
			}
		}
		before, _ := monotonic()
		if err := m.Reloading(); err != nil {
			t.Error(err)
		}
		after, _ := monotonic()
		var usec int64
		got := hear(t, c)
		if _, err := fmt.Sscanf(got, "RELOADING=1\nMONOTONIC_USEC=%d\n", &usec); err != nil || usec < before.Microseconds() || usec > after.Microseconds() {
			t.Errorf("heard %q between %v and %v", got, before, after)
		}
	}
}

func TestWithoutManagerNothingIsSaid(t *testing.T) {
	for _, address := range []string{"", "vsock:2:1", "relative"} {
		t.Setenv("NOTIFY_SOCKET", address)
		if m := FromEnvironment(); m != nil || m.Ready("") != nil || m.Stopping() != nil {
			t.Errorf("there is a manager at %q", address)
		}
	}
}

func TestManagerThatIsGoneIsNamed(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/nowhere/notify")
	if err := FromEnvironment().Ready(""); err == nil || !strings.Contains(err.Error(), "/nowhere/notify") {
		t.Errorf("error %v", err)
	}
}

package app

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manager is systemd's side of a service.
type manager struct {
	*net.UnixConn
	address string
}

func newManager(t *testing.T, p *place) *manager {
	t.Helper()
	address := filepath.Join(p.dir, "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &manager{c, address}
}

// hears waits for a message that begins so.
func (m *manager) hears(t *testing.T, want string) {
	t.Helper()
	b := make([]byte, 4096)
	n, err := m.Read(b)
	if err != nil || !strings.HasPrefix(string(b[:n]), want) {
		t.Fatalf("systemd hears %q, %v, want %q", b[:n], err, want)
	}
}

func TestSystemdHearsOfStartReloadUpgradeAndEnd(t *testing.T) {
	p := newPlace(t)
	m := newManager(t, p)
	cmd := p.command()
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+m.address)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m.hears(t, "READY=1\n")
	cmd.Process.Signal(syscall.SIGHUP)
	m.hears(t, "RELOADING=1\nMONOTONIC_USEC=")
	m.hears(t, "READY=1\n")
	cmd.Process.Signal(syscall.SIGUSR2)
	heard := map[string]bool{}
	b := make([]byte, 4096)
	for range 2 { // in either order
		n, err := m.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(string(b[:n]), "\n")
		heard[line] = true
	}
	next := p.pid(t)
	if !heard["READY=1"] || !heard["MAINPID="+itoa(next)] || next == cmd.Process.Pid {
		t.Errorf("systemd hears %v, of process %d", heard, next)
	}
	cmd.Wait() // without a word that the service ends
	kill(t, next, syscall.SIGTERM)
	m.hears(t, "STOPPING=1\n")
	gone(t, next)
}

func TestSocketsOfSystemdAreServedAndStay(t *testing.T) {
	p := newPlace(t)
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: p.addr, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	file, err := ln.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	// A connection that was made before the service was there.
	early, err := net.Dial("unix", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close()
	program := p.command()
	cmd := exec.Command("/bin/sh", append([]string{"-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"`}, program.Args...)...)
	cmd.Env, cmd.ExtraFiles = program.Env, []*os.File{file}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	early.SetDeadline(time.Now().Add(patience))
	if _, err := early.Write([]byte("GET /ping HTTP/1.0\r\n\r\n")); err != nil {
		t.Error(err)
	}
	b := make([]byte, 12)
	if _, err := early.Read(b); string(b) != "HTTP/1.1 200" {
		t.Errorf("answer %q, %v", b, err)
	}
	if err := p.answers(); err != nil {
		t.Error(err)
	}
	// A process that takes over has no part in systemd's paths either.
	cmd.Process.Signal(syscall.SIGUSR2)
	cmd.Wait()
	if err := p.answers(); err != nil {
		t.Error(err)
	}
	next := p.pid(t)
	kill(t, next, syscall.SIGTERM)
	gone(t, next)
	if _, err := os.Lstat(p.addr); err != nil {
		t.Errorf("the socket of systemd was removed: %v", err)
	}
}

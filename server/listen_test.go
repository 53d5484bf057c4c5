package server

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pingap/loop"
)

func TestWhatCannotBeListenedOnIsExplainedBeforeAndAtTheStart(t *testing.T) {
	dir, err := os.MkdirTemp("", "server") // t.TempDir is too long for a socket on some systems
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		addr loop.Addr
		want string
	}{
		{loop.Addr{Path: file}, "a file that is no socket is in the way at " + file},
		{loop.Addr{Path: filepath.Join(dir, "none", "s")}, "there is no directory " + filepath.Join(dir, "none")},
		{loop.Addr{Path: filepath.Join(file, "s")}, "not a directory"},
		{loop.Addr{TCP: netip.MustParseAddrPort("192.0.2.1:6188")}, "this machine has no such address"},
	} {
		_, atStart := Open([]*Site{{Name: "web", Addrs: []loop.Addr{c.addr}}}, 1, nil)
		for when, err := range map[string]error{"at the start": atStart, "before": Try(c.addr)} {
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "listen on "+c.addr.String()) {
				t.Errorf("%s: %v, want %s", when, err, c.want)
			}
		}
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the file in the way: %v", err)
	}
}

// Whoever tries an address must not disturb who has it.
func TestAddressThatIsTakenCanBeTried(t *testing.T) {
	dir, err := os.MkdirTemp("", "server")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	socket, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, addr := range []loop.Addr{{Path: path}, {Path: filepath.Join(dir, "new")}, {TCP: taken.Addr().(*net.TCPAddr).AddrPort()}} {
		if err := Try(addr); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if left, err := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("there are %v, %v", left, err)
	}
}

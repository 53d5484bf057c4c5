package server

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pingap/loop"
)

func TestWhoeverHoldsAnAddressIsNamed(t *testing.T) {
	me := os.Getpid()
	for _, at := range []string{"127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"} {
		ln, err := net.Listen("tcp", at)
		if at[0] == '[' && (errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)) {
			continue // a machine without IPv6
		}
		if err != nil {
			t.Fatal(err)
		}
		taken := ln.Addr().(*net.TCPAddr).AddrPort()
		for _, wanted := range []netip.AddrPort{taken, netip.AddrPortFrom(netip.IPv6Unspecified(), taken.Port())} {
			if name, pid := holder(loop.Addr{TCP: wanted}); pid != me || name == "" {
				t.Errorf("%s is held by %q, %d, want %d", wanted, name, pid, me)
			}
		}
		ln.Close()
		// Another process may have got the port meanwhile.
		if _, pid := holder(loop.Addr{TCP: taken}); pid == me {
			t.Errorf("%s is free and held by this process", taken)
		}
	}
	path := filepath.Join(t.TempDir(), "with a blank")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if name, pid := holder(loop.Addr{Path: path}); pid != me {
		t.Errorf("%s is held by %q, %d, want %d", path, name, pid, me)
	}
}

// The proxy may hold the address itself, by another of its servers.
func TestHolderThatIsThisProcessIsNotAnother(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	site := &Site{Name: "web", Place: "a.toml:2: servers.web: addr", Addrs: []loop.Addr{{TCP: ln.Addr().(*net.TCPAddr).AddrPort()}}}
	_, err = Open([]*Site{site}, 1, nil)
	if err == nil || !strings.HasPrefix(err.Error(), site.Place+": listen on ") || !strings.Contains(err.Error(), "this process itself listens there") ||
		strings.Contains(err.Error(), "another process") {
		t.Errorf("the error is %v", err)
	}
}

func TestAddressesOfTheKernelAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:1538":                         "127.0.0.1:5432",
		"00000000:0050":                         "0.0.0.0:80",
		"00000000000000000000000001000000:01BB": "[::1]:443",
		"B80D01200000000000000000010000FF:FFFF": "[2001:db8::ff00:1]:65535",
		"0000000000000000FFFF00000100007F:0001": "127.0.0.1:1",
		"":                                      "",
		"0100007F":                              "",
		"01:0050":                               "",
		"0100007F:10000":                        "",
	} {
		got, err := parseTableAddr(text)
		if want == "" && err == nil || want != "" && got.String() != want {
			t.Errorf("%q is %s, %v, want %s", text, got, err, want)
		}
	}
}

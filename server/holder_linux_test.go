package server

import (
	"errors"
	"fmt"
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
	me := fmt.Sprintf("(process %d)", os.Getpid())
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
			if got := holder(loop.Addr{TCP: wanted}); !strings.HasSuffix(got, me) || strings.HasPrefix(got, " ") {
				t.Errorf("%s is held by %q, want %s", wanted, got, me)
			}
		}
		ln.Close()
		// Another process may have got the port meanwhile.
		if got := holder(loop.Addr{TCP: taken}); strings.HasSuffix(got, me) {
			t.Errorf("%s is free and held by %q", taken, got)
		}
	}
	path := filepath.Join(t.TempDir(), "with a blank")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if got := holder(loop.Addr{Path: path}); !strings.HasSuffix(got, me) {
		t.Errorf("%s is held by %q, want %s", path, got, me)
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

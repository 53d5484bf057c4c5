package server

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"pingap/loop"
)

// holder returns a process that listens where addr cannot be had, as far as this
// one may see it; "" when it may not.
func holder(addr loop.Addr) (name string, pid int) {
	var inodes []string
	if addr.Path != "" {
		inodes = unixListeners(addr.Path)
	} else {
		inodes = append(tcpListeners("/proc/net/tcp", addr.TCP), tcpListeners("/proc/net/tcp6", addr.TCP)...)
	}
	for _, inode := range inodes {
		if name, pid = ownerOf(inode); name != "" {
			return name, pid
		}
	}
	return "", 0
}

// tcpListeners returns the inodes of the sockets in a table of the kernel that
// keep others from listening on addr. A line is: number, local address, remote
// address, state, and at the tenth place the inode.
func tcpListeners(table string, addr netip.AddrPort) (inodes []string) {
	const listening = "0A"
	text, err := os.ReadFile(table)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 10 || f[3] != listening {
			continue
		}
		if local, err := parseTableAddr(f[1]); err == nil && overlap(local, addr) {
			inodes = append(inodes, f[9])
		}
	}
	return inodes
}

// overlap reports whether two sockets cannot listen at both.
func overlap(a, b netip.AddrPort) bool {
	return a.Port() == b.Port() &&
		(a.Addr() == b.Addr().WithZone("") || a.Addr().IsUnspecified() || b.Addr().IsUnspecified())
}

// parseTableAddr reads an address such as 0100007F:1538, which is
// 127.0.0.1:5432: words of four bytes in the order of the machine.
func parseTableAddr(text string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(text, ":")
	b, err := hex.DecodeString(host)
	if err != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, fmt.Errorf("%q is no address", text)
	}
	for i := 0; i < len(b); i += 4 {
		b[i], b[i+1], b[i+2], b[i+3] = b[i+3], b[i+2], b[i+1], b[i]
	}
	ip, ok := netip.AddrFromSlice(b)
	n, err := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is no address", text)
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(n)), nil
}

// unixListeners returns the inodes of the sockets at a path. A line ends in the
// inode and the path.
func unixListeners(path string) (inodes []string) {
	text, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 8 && strings.HasSuffix(strings.TrimSpace(line), " "+path) {
			inodes = append(inodes, f[6])
		}
	}
	return inodes
}

// ownerOf returns a process that has a socket open.
func ownerOf(inode string) (name string, pid int) {
	want := "socket:[" + inode + "]"
	descriptors, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, d := range descriptors {
		if target, err := os.Readlink(d); err != nil || target != want {
			continue
		}
		dir := filepath.Dir(filepath.Dir(d))
		comm, _ := os.ReadFile(filepath.Join(dir, "comm"))
		pid, _ = strconv.Atoi(filepath.Base(dir))
		return strings.TrimSpace(string(comm)), pid
	}
	return "", 0
}

// Command generate writes the database of countries that package geo embeds. Its
// argument is the file. The data is that of Debian's package tor-geoipdb, which has
// what Tor makes of the Location database of IPFire; the command takes the newest
// version that this machine can get, so it needs Debian and lists of packages that
// are up to date. See NOTICE for the licence of the data.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"pingap/geo"
)

const debianPackage = "tor-geoipdb"

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate FILE")
		os.Exit(2)
	}
	if err := renew(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// renew writes the file anew.
func renew(name string) error {
	dir, err := os.MkdirTemp("", "countries")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	version, err := unpack(dir)
	if err != nil {
		return err
	}
	data, err := convert(filepath.Join(dir, "usr/share/tor"), debianPackage+" "+version)
	if err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o644)
}

// unpack gets the package and unpacks it below dir; it returns its version.
func unpack(dir string) (version string, err error) {
	if _, err := run(dir, "apt-get", "download", "-q", debianPackage); err != nil {
		return "", err
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("apt-get has left %d packages: %v", len(found), err)
	}
	if _, err := run(dir, "dpkg-deb", "-x", found[0], "."); err != nil {
		return "", err
	}
	return run(dir, "dpkg-deb", "-f", found[0], "Version")
}

// run returns what a command writes.
func run(dir, name string, arguments ...string) (string, error) {
	command := exec.Command(name, arguments...)
	command.Dir, command.Stderr = dir, os.Stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return string(bytes.TrimSpace(out)), nil
}

// convert makes the database of the files in a directory, geoip and geoip6.
func convert(dir, source string) ([]byte, error) {
	var b geo.Builder
	var day string
	for _, name := range []string{"geoip", "geoip6"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		day, err = add(&b, f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return b.Bytes(day + " " + source), nil
}

// add adds the ranges of a file: lines of first address, last address and code. It
// returns the day of the data, which a comment has.
func add(b *geo.Builder, r io.Reader) (day string, err error) {
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if comment, ok := strings.CutPrefix(line, "# Generated: "); ok {
			when, err := time.Parse(time.RFC1123, comment)
			if err != nil {
				return "", fmt.Errorf("line %d: %w", n, err)
			}
			day = when.Format(time.DateOnly)
		}
		if line == "" || line[0] == '#' {
			continue
		}
		if err := addRange(b, line); err != nil {
			return "", fmt.Errorf("line %d: %w", n, err)
		}
	}
	if lines.Err() == nil && day == "" {
		return "", errors.New("it does not say of which day it is")
	}
	return day, lines.Err()
}

// addRange adds the range of a line. Codes that no country has any more, or has
// not yet, stand for Unknown.
func addRange(b *geo.Builder, line string) error {
	parts := strings.Split(line, ",")
	if len(parts) != 3 {
		return fmt.Errorf("%q is no range", line)
	}
	first, err := address(parts[0])
	if err != nil {
		return err
	}
	last, err := address(parts[1])
	if err != nil {
		return err
	}
	if first.Is4() != last.Is4() || last.Less(first) {
		return fmt.Errorf("%q is no range", line)
	}
	code := parts[2]
	if code == "UK" { // as some networks write it
		code = "GB"
	}
	country, _ := geo.Parse(code)
	b.Add(first, last, country)
	return nil
}

// address reads an address: one of IPv4 is a number.
func address(text string) (netip.Addr, error) {
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}), nil
	}
	return netip.ParseAddr(text)
}

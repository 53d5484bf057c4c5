package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const logged = `
[servers.main]
addr = "ADDR"
locations = ["ping"]
access_log = 'DIR/access.log?rolling=never&flush_timeout=10ms {method} "{path}" "{user_agent}" "{>X-Note}" {status} end'

[locations.ping]
plugins = ["pingap:ping"]
path = "/ping"
`

// logLines waits until a log has n lines, and returns them.
func logLines(t *testing.T, path string, n int) []string {
	t.Helper()
	var lines []string
	eventually(t, "write to "+path, func() error {
		text, err := os.ReadFile(path)
		lines = strings.SplitAfter(string(text), "\n")
		lines = lines[:len(lines)-1]
		if err == nil && len(lines) != n {
			err = fmt.Errorf("%d lines, want %d: %q", len(lines), n, lines)
		}
		return err
	})
	return lines
}

func TestNoFieldForgesALineOfTheAccessLog(t *testing.T) {
	// Once, values were written raw: whoever sent a header wrote the log.
	p := startProxy(t, logged)
	raw(t, p.addr, "GET /ping HTTP/1.1\r\nHost: a\r\nUser-Agent: x\" 200 end\r\nX-Note: \\\x80\xe2\x80\xa8\t\r\n\r\n")
	raw(t, p.addr, "GET /%0aGET\" HTTP/1.1\r\nHost: a\r\n\r\n")
	raw(t, p.addr, "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: a\nb\r\n\r\n")
	lines := logLines(t, filepath.Join(p.dir, "access.log"), 3)
	for i, line := range lines {
		if strings.Count(line, `"`) != 6 || !strings.HasSuffix(line, " end\n") || strings.Count(line, " end") != 1+strings.Count(line, ` 200 end"`) {
			t.Errorf("line %d can be read in two ways: %q", i, line)
		}
		for _, r := range strings.TrimSuffix(line, "\n") {
			if r < ' ' || r > '~' {
				t.Errorf("line %d holds %q: %q", i, r, line)
			}
		}
	}
}

func TestALogThatWasMovedAwayIsOpenedAgain(t *testing.T) {
	p := startProxy(t, logged)
	c := newClient(t)
	ping := func() {
		t.Helper()
		if got, err := status(c, http.MethodGet, p.url("/ping"), nil, 0); err != nil || got != 200 {
			t.Fatalf("status %d (%v)", got, err)
		}
	}
	path := filepath.Join(p.dir, "access.log")
	ping()
	logLines(t, path, 1)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	p.signal(t, syscall.SIGUSR1)
	eventually(t, "open the log again", func() error {
		_, err := os.Stat(path)
		return err
	})
	ping()
	ping()
	logLines(t, path, 2)
	logLines(t, path+".1", 1)
}

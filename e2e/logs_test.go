package e2e

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const logged = `
[servers.main]
addr = "<ADDR>"
locations = ["ping"]
access_log = '<DIR>/access.log?rolling=never&flush_timeout=10ms {method} "{path}" "{user_agent}" "{>X-Note}" {status} end'

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

// expected are all tags of the access log, with what they are for the second
// exchange of a connection: a POST of 5 bytes that gets 3, 20 ms late.
var expected = map[string]string{
	"host": `example\.com`, "method": "POST", "path": "/a", "query": "b=1", "uri": `/a\?b=1`, "proto": `HTTP/1\.1`, "scheme": "http",
	"remote": `127\.0\.0\.1`, "client_ip": `127\.0\.0\.1`, "referer": "http://from/", "user_agent": "tester/1",
	"when": `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)`, "when_utc_iso": `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`, "when_unix": `\d{13}`,
	"size": "3", "size_human": "3B", "payload_size": "5", "payload_size_human": "5B", "status": "201",
	"latency": late, "latency_human": human(late), "request_id": "-",
	"~session": "abc", "~none": "", ">X-Own": "x", ">Host": `example\.com:80`, "<X-Peer": "y", "<X-None": "-", "$NOT_SET_HERE": "", "$hostname": ".+",
	":connection_id": `\d+`, ":connection_reused": "true", ":connection_time": late, ":connection_time_human": human(late),
	":tls_version": "", ":tls_cipher": "", ":tls_handshake_time": "", ":tls_handshake_time_human": "",
	":processing": "1", ":location": "all", ":upstream_addr": `127(\.\d+){3}:\d+`, ":upstream_status": "201", ":upstream_reused": "true", ":upstream_connected": "1",
	":upstream_connect_time": "", ":upstream_connect_time_human": "", ":upstream_tcp_connect_time": "", ":upstream_tcp_connect_time_human": "",
	":upstream_tls_handshake_time": "", ":upstream_tls_handshake_time_human": "",
	":upstream_processing_time": late, ":upstream_processing_time_human": human(late), ":upstream_response_time": `\d+`, ":upstream_response_time_human": human(`\d+`),
	":upstream_connection_time": late, ":upstream_connection_time_human": human(late),
	":compression_time": "", ":compression_time_human": "", ":compression_ratio": "", ":cache_lookup_time": "", ":cache_lookup_time_human": "",
	":cache_lock_time": "", ":cache_lock_time_human": "", ":service_time": `\d+`, ":service_time_human": human(`\d+`),
}

// late is a time of 20 ms or more.
const late = `([2-9]\d|\d{3,})`

// human is a time in milliseconds for people, or a longer one.
func human(ms string) string { return "(" + ms + `ms|\d+(\.\d)?[smh])` }

func TestEveryTagTellsOfAnExchange(t *testing.T) {
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		// sleep: there has to be a time to be told
		time.Sleep(25 * time.Millisecond)
		w.Header().Set("X-Peer", "y")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, "abc")
	})
	names := slices.Sorted(maps.Keys(expected))
	format := "{" + strings.Join(names, "}|{") + "}"
	config := strings.Replace(proxyTo(upstream), "[servers.main]", "[servers.main]\naccess_log = \"<DIR>/log?rolling=never&flush_timeout=10ms "+format+"\"", 1)
	p := startProxy(t, config+"\n[basic]\nthreads = 1\n")
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for range 2 {
		io.WriteString(conn, "POST /a?b=1 HTTP/1.1\r\nHost: example.com:80\r\nReferer: http://from/\r\nUser-Agent: tester/1\r\nX-Own: x\r\n"+
			"Cookie: a=1; session=abc\r\nContent-Length: 5\r\n\r\n12345")
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Fatal(err)
		}
	}
	first := maps.Clone(expected)
	maps.Copy(first, map[string]string{
		":connection_reused": "false", ":upstream_reused": "false",
		":upstream_connect_time": `\d+`, ":upstream_connect_time_human": human(`\d+`), ":upstream_tcp_connect_time": `\d+`, ":upstream_tcp_connect_time_human": human(`\d+`),
	})
	lines := logLines(t, filepath.Join(p.dir, "log"), 2)
	for i, want := range []map[string]string{first, expected} {
		values := strings.Split(strings.TrimSuffix(lines[i], "\n"), "|")
		if len(values) != len(names) {
			t.Fatalf("%d values for %d tags: %s", len(values), len(names), lines[i])
		}
		for j, name := range names {
			if !regexp.MustCompile("^" + want[name] + "$").MatchString(values[j]) {
				t.Errorf("exchange %d: {%s} is %q, want %s", i, name, values[j], want[name])
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

package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAnOrderlyEndLetsExchangesFinish(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			reached, release := make(chan struct{}), make(chan struct{})
			p := startProxyTo(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				close(reached)
				<-release
				io.WriteString(w, "finished")
			}))
			type answer struct {
				text string
				err  error
			}
			c := newClient(t)
			got := make(chan answer, 1)
			go func() {
				resp, err := c.Get(p.url("/"))
				if err != nil {
					got <- answer{"", err}
					return
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				got <- answer{string(body), err}
			}()
			<-reached
			p.signal(t, signal)
			eventually(t, "stop accepting", func() error {
				conn, err := net.DialTimeout("tcp", p.addr, time.Second)
				if err != nil {
					return nil
				}
				conn.Close()
				return fmt.Errorf("%s still accepts", p.addr)
			})
			close(release)
			if a := <-got; a.err != nil || a.text != "finished" {
				t.Errorf("the exchange in flight ended with %q, %v", a.text, a.err)
			}
			if code := p.exitCode(t); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

func TestAnIdleConnectionDoesNotHoldUpTheEnd(t *testing.T) {
	p := startProxyTo(t, serve(t, func(http.ResponseWriter, *http.Request) {}))
	c := newClient(t)
	resp, err := c.Get(p.url("/"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	began := time.Now()
	p.stop(t)
	if took := time.Since(began); took > patience/4 {
		t.Errorf("the end took %v although nothing was in flight", took)
	}
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	reached, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	p := startProxyTo(t, serve(t, func(http.ResponseWriter, *http.Request) {
		close(reached)
		<-release
	}))
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-reached
	p.signal(t, syscall.SIGTERM)
	eventually(t, "stop accepting", func() error {
		conn, err := net.DialTimeout("tcp", p.addr, time.Second)
		if err != nil {
			return nil
		}
		conn.Close()
		return fmt.Errorf("%s still accepts", p.addr)
	})
	p.signal(t, syscall.SIGTERM)
	p.exitCode(t)
}

func TestTheAccessLogIsCompleteAtTheEnd(t *testing.T) {
	// Once, lines of exchanges that finished after the signal were lost, and
	// others cut in the middle.
	const requests = 2000
	log := "access.log"
	p := startProxy(t, `
[servers.main]
addr = "<ADDR>"
locations = ["ping"]
access_log = "<DIR>/`+log+`?rolling=never {method} {path} {query} {status} end"

[locations.ping]
plugins = ["ping"]

[plugins.ping]
category = "ping"
path = "/ping"
`)
	c := newClient(t)
	together(t, 20, func(i int) error {
		for j := range requests / 20 {
			resp, err := c.Get(p.url(fmt.Sprintf("/ping?%d-%d", i, j)))
			if err != nil {
				return err
			}
			resp.Body.Close()
		}
		return nil
	})
	p.stop(t)
	lines := strings.Split(strings.TrimSuffix(readFile(t, filepath.Join(p.dir, log)), "\n"), "\n")
	seen := map[string]bool{}
	for _, line := range lines {
		if !strings.HasPrefix(line, "GET /ping ") || !strings.HasSuffix(line, " 200 end") {
			t.Errorf("line %q", line)
		}
		seen[line] = true
	}
	if len(lines) != requests || len(seen) != requests {
		t.Errorf("%d lines, %d different ones, for %d requests", len(lines), len(seen), requests)
	}
}

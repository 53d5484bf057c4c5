package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// startFor starts a command that need not listen: a server of the test's own
// answers for it.
func startFor(t *testing.T, command ...string) (*process, error) {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	port, err := strconv.Atoi(server.URL[strings.LastIndexByte(server.URL, ':')+1:])
	if err != nil {
		t.Fatal(err)
	}
	cores, err := availableCores()
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{ctx: t.Context(), dir: t.TempDir()}
	return b.start(program{name: "test", command: command, cores: cores[:1], port: port, probe: "/"})
}

func TestStopEndsChildrenThatOutliveTheirParent(t *testing.T) {
	p, err := startFor(t, "sh", "-c", "sleep 1000 & wait")
	if err != nil {
		t.Fatal(err)
	}
	for len(p.pids()) < 2 {
		runtime.Gosched()
	}
	pids := p.pids()
	p.stop()
	for _, pid := range pids {
		// Whoever inherited it may still have to collect it.
		for stat := "R"; stat != "" && stat != "Z"; runtime.Gosched() {
			text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
			_, rest, _ := strings.Cut(string(text), ") ")
			stat, _, _ = strings.Cut(rest, " ")
		}
	}
}

func TestAProcessRunsOnItsCores(t *testing.T) {
	p, err := startFor(t, "sleep", "1000")
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	cores, err := availableCores()
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pids()[0]), "status"))
	if want := "Cpus_allowed_list:\t" + strconv.Itoa(cores[0]) + "\n"; err != nil || !strings.Contains(string(status), want) {
		t.Errorf("lacks %q, %v:\n%s", want, err, status)
	}
}

func TestStartTellsWhatAProgramSaidThatEnded(t *testing.T) {
	ctx := t.Context()
	cores, err := availableCores()
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{ctx: ctx, dir: t.TempDir(), nextPort: firstPort}
	_, err = b.start(program{name: "test", command: []string{"sh", "-c", "echo no such directive >&2"}, cores: cores, port: b.freePort(), probe: "/"})
	if err == nil || !strings.Contains(err.Error(), "start test: it ended; it said:\nno such directive") {
		t.Errorf("error %v", err)
	}
}

func TestUsageAndMemoryOfAProcessCanBeRead(t *testing.T) {
	p, err := startFor(t, "sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 1000")
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	for {
		used, err := p.usage()
		if err != nil {
			t.Fatal(err)
		}
		if used.total > 0 {
			break
		}
	}
	if memory, err := p.memory(); err != nil || memory < 4096 {
		t.Errorf("memory %v, %v", memory, err)
	}
}

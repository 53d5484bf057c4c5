package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pingap/config/store/etcdtest"
)

// store writes a configuration to etcd, as an operator does.
func store(t *testing.T, server *etcdtest.Server, addr, answer string) {
	t.Helper()
	text := fmt.Sprintf("[servers.main]\naddr = %q\nlocations = [\"all\"]\n[locations.all]\nplugins = [\"answer\"]\n[plugins.answer]\ncategory = \"mock\"\ndata = %q\n", addr, answer)
	out, err := exec.Command(binary, "-c", writeFile(t, t.TempDir(), "pingap.toml", text), "--sync", "etcd://"+server.Host+"/pingap").CombinedOutput()
	if err != nil {
		t.Fatalf("--sync: %v\n%s", err, out)
	}
}

func TestProxyServesThroughTheLossOfEtcdAndConverges(t *testing.T) {
	server := etcdtest.Start(t)
	p := &proxy{addr: freeAddr(t), dir: t.TempDir()}
	store(t, server, p.addr, "one")
	kept := filepath.Join(p.dir, "copy.json")
	url := "etcd://" + server.Host + "/pingap?timeout=1s&connect_timeout=1s&cache=" + kept
	p.process = start(t, binary, "-c", url, "--autoreload")
	p.answers(t, p.addr)

	var asked, failed atomic.Int64
	end, ended := make(chan struct{}), make(chan struct{})
	client := &http.Client{Transport: &http.Transport{}, Timeout: patience}
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-time.After(pollEvery):
			}
			asked.Add(1)
			answer, err := client.Get(p.url("/"))
			if err != nil || answer.StatusCode != http.StatusOK {
				failed.Add(1)
				continue
			}
			io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
	}()
	says := func(want string) {
		t.Helper()
		eventually(t, "answer "+want, func() error {
			answer, err := client.Get(p.url("/"))
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			if text, _ := io.ReadAll(answer.Body); string(text) != want {
				return fmt.Errorf("the answer is %s", text)
			}
			return nil
		})
	}
	says("one")
	store(t, server, p.addr, "two")
	says("two")
	server.Kill()
	server.Start()
	store(t, server, p.addr, "three")
	says("three")
	eventually(t, "keep a copy", func() error {
		text, err := os.ReadFile(kept)
		if err == nil && !strings.Contains(string(text), "three") {
			err = fmt.Errorf("it holds %s", text)
		}
		return err
	})
	server.Kill()
	says("three")
	close(end)
	<-ended
	if failed.Load() > 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), asked.Load())
	}
	p.stop(t)

	p.process = start(t, binary, "-c", url, "--autoreload")
	p.answers(t, p.addr)
	says("three")
	if text := p.output.String(); !strings.Contains(text, "connection refused; this is the copy of 2") {
		t.Errorf("the log does not tell that it runs with the copy:\n%s", text)
	}
	server.Start()
	store(t, server, p.addr, "four")
	says("four")
	client.CloseIdleConnections()
	p.stop(t)
}

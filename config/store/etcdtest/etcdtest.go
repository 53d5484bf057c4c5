// Package etcdtest runs real etcd servers for tests: alone or in a cluster,
// killed and started again at the same place.
package etcdtest

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pingap/addresstest"
)

const (
	// patience is how long a server may take that needs a second on a machine
	// with nothing else to do.
	patience = time.Minute
	// pollEvery is the pause between two questions whether it answers.
	pollEvery = 5 * time.Millisecond
	// answerWait is how long an answer is waited for: who listens need not serve.
	answerWait = time.Second
	// shown bounds how much of a server's log a failure shows, in bytes.
	shown = 4 << 10
)

// Server is a real etcd, or a place for one. What it keeps outlives its
// processes, but not the test.
type Server struct {
	Host string // and port, that clients connect to

	t         testing.TB
	peer      string      // URL that other members find it at
	client    *tls.Config // of clients; nil for clear text
	arguments []string
	data, log string // paths

	members []*Server // of its cluster, itself among them
	command *exec.Cmd // nil when it does not run
	exited  chan struct{}
}

// New prepares an etcd that speaks clear text.
func New(t testing.TB) *Server {
	t.Helper()
	return newServer(t, nil, nil)
}

// NewTLS prepares an etcd that speaks TLS with clients such as client, and
// arguments say how.
func NewTLS(t testing.TB, client *tls.Config, arguments ...string) *Server {
	t.Helper()
	return newServer(t, client, arguments)
}

// Start starts an etcd that speaks clear text.
func Start(t testing.TB) *Server {
	t.Helper()
	s := New(t)
	s.Start()
	return s
}

// StartCluster starts several as one cluster.
func StartCluster(t testing.TB, size int) []*Server {
	t.Helper()
	members := make([]*Server, size)
	for i := range members {
		members[i] = New(t)
	}
	for _, s := range members {
		s.members = members
		s.launch()
	}
	for _, s := range members {
		s.mustAnswer()
	}
	return members
}

func newServer(t testing.TB, client *tls.Config, arguments []string) *Server {
	directory := t.TempDir()
	s := &Server{t: t, Host: addresstest.Free(t), peer: "http://" + addresstest.Free(t), client: client,
		data: filepath.Join(directory, "data"), log: filepath.Join(directory, "log")}
	s.members = []*Server{s}
	s.arguments = append(arguments, "--name="+s.Host, "--data-dir="+s.data,
		"--logger=zap", "--log-level=warn", "--auto-compaction-retention=0",
		"--listen-client-urls="+s.url(), "--advertise-client-urls="+s.url(),
		"--listen-peer-urls="+s.peer, "--initial-advertise-peer-urls="+s.peer)
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("the log of etcd at %s ends with\n%s", s.Host, s.lastWords())
		}
	})
	return s
}

// url returns where clients find the server.
func (s *Server) url() string {
	if s.client != nil {
		return "https://" + s.Host
	}
	return "http://" + s.Host
}

// Start starts it, and returns when it answers.
func (s *Server) Start() {
	s.t.Helper()
	s.launch()
	s.mustAnswer()
}

// mustAnswer ends the test when the server does not come to answer.
func (s *Server) mustAnswer() {
	s.t.Helper()
	if err := s.await(); err != nil {
		s.t.Fatal(err)
	}
}

// Kill ends it as a loss of power would.
func (s *Server) Kill() {
	if s.command != nil {
		_ = s.command.Process.Kill()
		<-s.exited
		s.command = nil
	}
}

// Backup copies what a server that does not run has kept. What it returns puts
// that in the place of what the server has kept since; it does not run then
// either.
func (s *Server) Backup() (restore func()) {
	s.t.Helper()
	backup := s.t.TempDir()
	if err := os.CopyFS(backup, os.DirFS(s.data)); err != nil {
		s.t.Fatal(err)
	}
	return func() {
		s.t.Helper()
		s.Forget()
		if err := os.CopyFS(s.data, os.DirFS(backup)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// Forget removes what a server that does not run has kept.
func (s *Server) Forget() {
	s.t.Helper()
	if err := os.RemoveAll(s.data); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) launch() {
	s.t.Helper()
	log, err := os.OpenFile(s.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	var cluster []string
	for _, m := range s.members {
		cluster = append(cluster, m.Host+"="+m.peer)
	}
	command := exec.Command("etcd", append([]string{"--initial-cluster=" + strings.Join(cluster, ",")}, s.arguments...)...)
	command.Stdout, command.Stderr = log, log
	command.Env = append(os.Environ(), "ETCD_UNSUPPORTED_ARCH=arm64")
	command.SysProcAttr = dying()
	if err := command.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.command, s.exited = command, make(chan struct{})
	go func() {
		_ = command.Wait()
		close(s.exited)
	}()
}

// await waits until the server has elected itself or another, and answers. The
// error says why it does not.
func (s *Server) await() error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for begin := time.Now(); ; {
		err := s.healthy()
		if err == nil {
			return nil
		}
		if time.Since(begin) > patience {
			return fmt.Errorf("etcd at %s does not answer: %w; its log ends with\n%s", s.Host, err, s.lastWords())
		}
		select {
		case <-s.exited:
			return fmt.Errorf("etcd at %s has ended instead of answering; its log ends with\n%s", s.Host, s.lastWords())
		case <-tick.C:
		}
	}
}

// healthy returns why the server does not serve.
func (s *Server) healthy() error {
	transport := &http.Transport{TLSClientConfig: s.client, DisableKeepAlives: true}
	answer, err := (&http.Client{Transport: transport, Timeout: answerWait}).Get(s.url() + "/health")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && !strings.Contains(string(text), `"true"`) {
		err = fmt.Errorf("it says %s", text)
	}
	return err
}

// lastWords returns the end of the server's log.
func (s *Server) lastWords() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-shown):])
}

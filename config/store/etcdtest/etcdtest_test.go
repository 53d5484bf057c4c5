package etcdtest

import (
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"pingap/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestServerThatEndsSaysWhy(t *testing.T) {
	s := New(t)
	taken, err := net.Listen("tcp", s.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s.launch()
	if err := s.await(); err == nil || !strings.Contains(err.Error(), "has ended instead of answering") || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("it says %v", err)
	}
}

func TestServerKeepsItsPlaceWhenItIsKilled(t *testing.T) {
	s := Start(t)
	s.Kill()
	if s.healthy() == nil {
		t.Error("it answers although it has been killed")
	}
	s.Start()
}

func TestServerKnowsWhatABackupOfItKnew(t *testing.T) {
	s := Start(t)
	s.Kill()
	restore := s.Backup()
	s.Forget()
	if _, err := os.Stat(s.data); err == nil {
		t.Error("something is left of what it kept")
	}
	restore()
	s.Start()
}

func TestFrozenServerDoesNotAnswer(t *testing.T) {
	s := Start(t)
	s.Freeze()
	if s.healthy() == nil {
		t.Error("it answers although it is frozen")
	}
	s.Thaw()
	s.mustAnswer()
}

func TestLinkIsCutAndMended(t *testing.T) {
	l := NewLink(t, Start(t))
	ask := func() error {
		transport := &http.Transport{DisableKeepAlives: true}
		answer, err := (&http.Client{Transport: transport, Timeout: patience}).Get("http://" + l.Host + "/health")
		if err == nil {
			answer.Body.Close()
		}
		return err
	}
	if err := ask(); err != nil {
		t.Error(err)
	}
	l.Cut()
	if ask() == nil {
		t.Error("it answers although the link is cut")
	}
	l.Mend()
	if err := ask(); err != nil {
		t.Error(err)
	}
}

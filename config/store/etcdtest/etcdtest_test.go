package etcdtest

import (
	"net"
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

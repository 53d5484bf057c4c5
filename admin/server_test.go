package admin

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestServerListensAndCloses(t *testing.T) {
	d := newDesk(t)
	s := NewServer(Address{HostPort: "127.0.0.1:0"}, d.Entry)
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	s.Close(t.Context())
	s = NewServer(Address{HostPort: "192.0.2.1:1"}, d.Entry)
	if err := s.Listen(); err == nil || !strings.Contains(err.Error(), "192.0.2.1:1") {
		t.Errorf("error %v", err)
	}
}

// A server of the proxy may take over the address: that must not cut off the one
// who has just asked for it.
func TestServerThatLeavesItsAddressKeepsItsConnections(t *testing.T) {
	d := newDesk(t)
	s := NewServer(Address{HostPort: "127.0.0.1:0"}, d.Entry)
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	addr := s.listener.Addr().String()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	get := func() error {
		r, err := client.Get("http://" + addr + "/")
		if err == nil {
			_, err = io.Copy(io.Discard, r.Body)
			r.Body.Close()
		}
		return err
	}
	if err := get(); err != nil {
		t.Fatal(err)
	}
	s.Leave()
	other, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("the address is still taken: %v", err)
	}
	other.Close()
	if err := get(); err != nil {
		t.Errorf("a connection that is open: %v", err)
	}
	if err := s.Listen(); err != nil {
		t.Errorf("to come back: %v", err)
	}
}

// Whoever waits for a change that somebody else is making does not wait for ever.
func TestAnswerThatTakesTooLongIsGivenUp(t *testing.T) {
	d := newDesk(t)
	d.saving <- struct{}{}
	r := httptest.NewRequest("DELETE", "/api/configs/upstreams/app", nil)
	r.SetPathValue("category", "upstreams")
	r.SetPathValue("name", "app")
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	w := httptest.NewRecorder()
	answering(d.remove).ServeHTTP(w, r.WithContext(ctx))
	want(t, w, 504, "takes more than")
	<-d.saving
}

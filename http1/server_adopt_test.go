package http1

import (
	"testing"

	"pingap/loop/looptest"
	"pingap/message"
)

func TestServerAdoptsSettingsForTheNextRequestsOfOpenConnections(t *testing.T) {
	reached, release := make(chan struct{}), make(chan struct{})
	s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		close(reached)
		x.Loop.Await(func() { <-release })
		x.Response.Header.Add("Date", "now")
		text(x, "old")
		return nil
	})})
	idle, busy := s.dial(), s.dial()
	busy.send("GET / HTTP/1.1\nHost: a\n\n")
	<-reached
	s.Adopt(&Server{
		Handler: message.HandlerFunc(func(x *message.Exchange) error {
			x.Response.Header.Add("Date", "now")
			text(x, "new")
			return nil
		}),
		Limits:            Limits{Fields: 2},
		KeepAliveRequests: 2,
	})
	looptest.Do(t, s.loop, func() {}) // the loop has followed
	idle.send("GET / HTTP/1.1\nHost: a\n\n").want(ok + "Content-Length: 3\n\nnew")
	close(release)
	busy.want(ok + "Content-Length: 3\n\nold")
	busy.send("GET / HTTP/1.1\nHost: a\n\n").want(ok + "Content-Length: 3\nConnection: close\n\nnew").wantEnd()
	got := idle.send("GET / HTTP/1.1\nHost: a\nB: 1\nC: 2\n\n").all()
	if len(got) < 12 || got[9:12] != "431" {
		t.Errorf("a head beyond the new limit is answered with %q", got)
	}
}

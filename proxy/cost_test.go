package proxy

import (
	"testing"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// Being counted by the graph and by its location, and being logged, is part of
// every exchange.
func TestServiceDoesNotAllocate(t *testing.T) {
	g := compile(t, `
[servers.s]
addr = "127.0.0.1:1"
locations = ["l"]
access_log = "{method} {path} {status}"
[locations.l]
path = "/ping"
plugins = ["pingap:ping"]
max_processing = 10
client_max_body_size = "1mb"
`)
	looptest.Run(t, func(l *loop.Loop) {
		x := request(l, "GET", "a", "/ping")
		serve := func() {
			x.Request.Method, x.Request.Host, x.Request.Path = "GET", "a", "/ping"
			x.Request.Length = message.UnknownLength // content that is not known to fit
			if err := g.Services["s"].Serve(x); err != nil {
				t.Error(err)
			}
			x.Response.Body.Close()
			x.End()
			x.Reset()
		}
		serve()
		if n := testing.AllocsPerRun(100, serve); n > 0 {
			t.Errorf("an exchange allocates %v times", n)
		}
	})
}

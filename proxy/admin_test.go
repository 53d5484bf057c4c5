package proxy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"pingap/config"
	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
	"pingap/plugin"
)

func TestAdminOfAServerComesBeforeItsLocations(t *testing.T) {
	c, problems := config.Parse("test.toml", []byte(`
[servers.with]
addr = "127.0.0.1:1"
locations = ["all"]
[servers.without]
addr = "127.0.0.1:2"
locations = ["all"]
[locations.all]
plugins = ["answer"]
[plugins.answer]
category = "mock"
data = "location"
`))
	if problems = append(problems, Check(c)...); len(problems) > 0 {
		t.Fatal(problems)
	}
	own := &plugin.Admin{Prefix: "/desk", Handler: message.HandlerFunc(func(x *message.Exchange) error {
		if x.Request.Path == "/desk/fails" {
			return errors.New("no hope")
		}
		x.Response.Status = 200
		x.Response.Body = x.BytesBody([]byte("admin for " + x.ClientIP.String()))
		return nil
	})}
	g, err := Compile(context.Background(), c, Environment{
		Logger: slog.New(slog.DiscardHandler), LogOutput: io.Discard, Loops: 1,
		OwnAdmin: own, WithAdmin: func(s *config.Server) bool { return s.Name == "with" },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close(time.Second)
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []struct{ server, path, want string }{
			{"with", "/desk/a", "admin for 192.0.2.7"}, {"with", "/desk", "admin for 192.0.2.7"}, {"with", "/deskx", "location"}, {"without", "/desk/a", "location"},
		} {
			x := request(l, "GET", "example.com", c.path)
			if err := g.Services[c.server].Serve(x); err != nil {
				t.Error(err)
			}
			if got := finish(x); got != c.want {
				t.Errorf("%s of server %s: %q, want %q", c.path, c.server, got, c.want)
			}
		}
		x := request(l, "GET", "example.com", "/desk/fails")
		if err := g.Services["with"].Serve(x); err == nil || x.Response.Status != 500 {
			t.Errorf("error %v, status %d", err, x.Response.Status)
		}
		finish(x)
		if n := g.Active(); n != 0 {
			t.Errorf("%d exchanges are in flight", n)
		}
	})
}

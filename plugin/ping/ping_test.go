package ping

import (
	"testing"

	"pingap/config"
	"pingap/message"
)

func serve(t *testing.T, settings, method, path string) *message.Exchange {
	t.Helper()
	p, problems := build(config.TableOf("test", settings), nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	x := &message.Exchange{}
	x.Reset()
	x.Request.Method, x.Request.Path = method, path
	next := message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status = 299
		return nil
	})
	if err := p.Wrap(next).Serve(x); err != nil {
		t.Fatal(err)
	}
	return x
}

func TestPingAnswersItsPathWhateverTheMethod(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "POST"} {
		x := serve(t, `path = "/up"`, method, "/up")
		data, err := x.Response.Body.Next()
		if x.Response.Status != 200 || string(data) != "pong" || err != nil || x.Response.Length != 4 {
			t.Errorf("%s: %d %q %v", method, x.Response.Status, data, err)
		}
		if got := x.Response.Header.Get("Cache-Control"); got != "private, no-cache" {
			t.Errorf("Cache-Control is %q", got)
		}
	}
}

func TestPingPassesOtherPathsOn(t *testing.T) {
	for settings, path := range map[string]string{`path = "/up"`: "/up/", ``: "/up"} {
		if x := serve(t, settings, "GET", path); x.Response.Status != 299 {
			t.Errorf("%q with %q was answered with %d", path, settings, x.Response.Status)
		}
	}
}

func TestPingDoesNotAllocate(t *testing.T) {
	p, _ := build(config.TableOf("test", `path = "/up"`), nil)
	h := p.Wrap(nil)
	x := &message.Exchange{}
	run := func() {
		x.Reset()
		x.Request.Path = "/up"
		h.Serve(x)
	}
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

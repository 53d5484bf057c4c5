package proxy

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pingap/config"
	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
	"pingap/plugin"
)

// follow makes the graph of a configuration that follows another.
func follow(t *testing.T, previous *Graph, text string) *Graph {
	t.Helper()
	c, problems := config.Parse("next.toml", []byte(text))
	problems = append(problems, Check(c)...)
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	g, err := Compile(context.Background(), c, Environment{
		Version: "test", Logger: slog.New(slog.DiscardHandler), LogOutput: io.Discard, Loops: 1, Previous: previous,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close(time.Second) })
	return g
}

// counting is a plugin that counts what it sees, and whether it was closed.
type counting struct {
	seen, closed int
}

func (c *counting) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		c.seen++
		plugin.Answer(x, 200, &plugin.Content{})
		return nil
	})
}

func (c *counting) Close() error {
	c.closed++
	return nil
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "counting",
		Steps:    []plugin.Step{plugin.Request},
		New: func(settings *config.Table, _ *plugin.Environment) (plugin.Plugin, config.Problems) {
			var s struct {
				Label string `config:"label"`
			}
			return &counting{}, settings.Decode(&s)
		},
		ReadyMade: map[string]string{"pingap:counting": ""},
	})
}

func TestUpstreamThatStaysTheSameKeepsItsConnections(t *testing.T) {
	const text = `
[servers.s]
addr = "127.0.0.1:1"
locations = ["l"]
[locations.l]
upstream = "u"
[upstreams.u]
addrs = ["ADDR"]
[upstreams.v]
addrs = ["127.0.0.1:1"]
`
	first := strings.Replace(text, "ADDR", echo(t), 1)
	g := compile(t, first)
	looptest.Run(t, func(l *loop.Loop) {
		serve := func(g *Graph, wantReused bool) {
			x := request(l, "GET", "a", "/")
			if err := g.Services["s"].Serve(x); err != nil {
				t.Error(err)
			}
			if x.Upstream.Reused != wantReused {
				t.Errorf("the connection was used before: %v", x.Upstream.Reused)
			}
			finish(x)
		}
		serve(g, false)
		next := follow(t, g, strings.Replace(first, "127.0.0.1:1\"]", "127.0.0.1:2\"]", 1)+"remark = \"v has changed\"")
		if next.upstreams.byName["v"] == g.upstreams.byName["v"] {
			t.Error("the upstream that has changed was taken over")
		}
		serve(next, true)
		serve(g, true) // the old graph still serves
		g.Close(time.Second)
		l.Yield()
		serve(next, true)

		last := follow(t, next, strings.Replace(text, "ADDR", echo(t), 1))
		left := next.upstreams.byName["u"].value
		next.Close(time.Second)
		for left.Open() > 0 {
			l.Yield()
		}
		serve(last, false)
		closeIdle(t, l, last)
	})
}

func TestLogThatStaysTheSameIsNotOpenedTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	text := `
[servers.s]
addr = "127.0.0.1:1"
access_log = "` + path + `?rolling=never {path}"
`
	g := compile(t, text)
	next := follow(t, g, strings.Replace(text, "{path}", "new {path}", 1))
	if next.logs.byName[path] != g.logs.byName[path] {
		t.Error("the log was opened again")
	}
	looptest.Run(t, func(l *loop.Loop) {
		for _, g := range []*Graph{g, next, g} {
			x := request(l, "GET", "a", "/a")
			g.Services["s"].Serve(x)
			if g.Active() != 1 {
				t.Errorf("%d exchanges are in flight, want 1", g.Active())
			}
			finish(x)
			if g.Active() != 0 {
				t.Errorf("%d exchanges are in flight, want none", g.Active())
			}
		}
		for _, g := range []*Graph{g, next} {
			g.CloseLogs(l)
			g.Close(time.Second)
		}
	})
	if got, err := os.ReadFile(path); string(got) != "/a\n/a\nnew /a\n" {
		t.Errorf("the log holds %q, %v", got, err)
	}
}

func TestLocationCountsTheExchangesOfEarlierGraphs(t *testing.T) {
	const text = `
[servers.s]
addr = "127.0.0.1:1"
locations = ["l"]
[locations.l]
plugins = ["pingap:ping"]
max_processing = 1
path = "/"
`
	g := compile(t, text)
	next := follow(t, g, strings.Replace(text, `"/"`, `"/ping"`, 1))
	looptest.Run(t, func(l *loop.Loop) {
		old, x := request(l, "GET", "a", "/ping"), request(l, "GET", "a", "/ping")
		if err := g.Services["s"].Serve(old); err != nil {
			t.Error(err)
		}
		if err := next.Services["s"].Serve(x); err == nil || x.Response.Status != 429 {
			t.Errorf("beyond max_processing: status %d, error %v", x.Response.Status, err)
		}
		if s := next.Services["s"]; s.Processing() != 2 || s.Accepted() != 2 || x.Processing() != 2 {
			t.Errorf("%d exchanges are in flight of %d", s.Processing(), s.Accepted())
		}
		finish(x)
		finish(old)
		x = request(l, "GET", "a", "/ping")
		if err := next.Services["s"].Serve(x); err != nil {
			t.Error(err)
		}
		finish(x)
	})
}

// Before the reload the location had no limit, and none could be told how many
// it has in flight but for its counts.
func TestNewLimitCountsWhatBeganWithoutOne(t *testing.T) {
	const text = `
[servers.s]
addr = "127.0.0.1:1"
locations = ["l"]
[locations.l]
plugins = ["pingap:ping"]
path = "/ping"
`
	g := compile(t, text)
	limited := follow(t, g, text+"max_processing = 2\n")
	free := follow(t, limited, text)
	looptest.Run(t, func(l *loop.Loop) {
		var open []*message.Exchange
		ask := func(g *Graph, want int) {
			t.Helper()
			x := request(l, "GET", "a", "/ping")
			g.Services["s"].Serve(x)
			if open = append(open, x); x.Response.Status != want {
				t.Errorf("exchange %d is answered with %d, want %d", len(open), x.Response.Status, want)
			}
		}
		ask(g, 200)
		ask(limited, 200)
		ask(limited, 429)
		ask(free, 200)
		ask(limited, 429)
		for _, x := range open {
			finish(x)
		}
		open = nil
		ask(limited, 200)
		ask(limited, 200)
		ask(limited, 429)
		for _, x := range open {
			finish(x)
		}
		c := free.counts.locations["l"]
		if in, n := c.limited.Load()+c.processing(), c.accepted(); in != 0 || n != 5 {
			t.Errorf("the location has %d in flight and has accepted %d, want 0 and 5", in, n)
		}
		if s := free.Services["s"]; s.Processing() != 0 || s.Accepted() != 8 {
			t.Errorf("the server has %d in flight and has accepted %d, want 0 and 8", s.Processing(), s.Accepted())
		}
	})
}

func TestCountsOfLoopsAddUp(t *testing.T) {
	c, problems := config.Parse("test.toml", []byte("[servers.a]\naddr=\":1\"\n[servers.b]\naddr=\":2\"\n[locations.l]\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	n := (&counts{}).next(c, 3)
	var working sync.WaitGroup
	for id := range 3 {
		l, err := loop.New(loop.Options{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		working.Go(func() {
			for i := range 1000 {
				n.servers["a"].begin(l)
				if p := n.servers["a"].processing(); p < 1 {
					t.Errorf("%d in flight, and one is", p)
				}
				if i > 0 {
					n.servers["a"].end(l)
				}
				if n.locations["l"].admit(l, 1) {
					n.locations["l"].limited.Add(-1)
				}
			}
		})
	}
	working.Wait()
	if a := n.servers["a"]; a.processing() != 3 || a.accepted() != 3000 {
		t.Errorf("%d in flight of %d, want 3 of 3000", a.processing(), a.accepted())
	}
	if b := n.servers["b"]; b.processing() != 0 || b.accepted() != 0 {
		t.Errorf("another server counts %d in flight of %d", b.processing(), b.accepted())
	}
}

func TestPluginThatStaysTheSameKeepsWhatItKnows(t *testing.T) {
	const text = `
[servers.s]
addr = "127.0.0.1:1"
locations = ["a", "b"]
[locations.a]
path = "/a"
plugins = ["same", "changes"]
[locations.b]
path = "/b"
plugins = ["pingap:counting"]
[plugins.same]
category = "counting"
label = "x"
[plugins.changes]
category = "counting"
label = "y"
`
	g := compile(t, text)
	next := follow(t, g, `# another line
`+strings.NewReplacer(`"y"`, `"z"`, `path = "/b"`, `path = "/c"`).Replace(text))
	instance := func(g *Graph, name string) *counting { return g.plugins.byName[name].value.Plugin.(*counting) }
	looptest.Run(t, func(l *loop.Loop) {
		for _, path := range []string{"/a", "/c"} {
			for _, g := range []*Graph{g, next} {
				x := request(l, "GET", "a", path)
				g.Services["s"].Serve(x)
				finish(x)
			}
		}
	})
	if n := instance(next, "same").seen; n != 2 {
		t.Errorf("the plugin that stays the same has seen %d exchanges, want those of both graphs", n)
	}
	if instance(g, "pingap:counting") != instance(next, "pingap:counting") {
		t.Error("the ready-made plugin was made again")
	}
	old := instance(g, "changes")
	if old == instance(next, "changes") {
		t.Error("the plugin that has changed was taken over")
	}
	g.Close(time.Second)
	if old.closed != 1 || instance(next, "same").closed != 0 {
		t.Errorf("closed: %d times the one that has changed, %d times the other", old.closed, instance(next, "same").closed)
	}
	same := instance(next, "same")
	next.Close(time.Second)
	if same.closed != 1 {
		t.Errorf("the plugin was closed %d times when nobody had it any more", same.closed)
	}
}

func TestGraphThatCannotBeMadeLeavesThePreviousOneAsItWas(t *testing.T) {
	dir := t.TempDir()
	text := `
[servers.s]
addr = "127.0.0.1:1"
access_log = "` + dir + `/a.log?rolling=never {path}"
locations = ["l"]
[locations.l]
plugins = ["p"]
[plugins.p]
category = "counting"
[upstreams.u]
addrs = ["127.0.0.1:1"]
`
	g := compile(t, text)
	c, _ := config.Parse("next.toml", []byte(text+`
[servers.t]
addr = "127.0.0.1:2"
access_log = "`+dir+`/a.log/b.log?rolling=never {path}"
`))
	_, err := Compile(context.Background(), c, Environment{Logger: slog.New(slog.DiscardHandler), Loops: 1, Previous: g})
	if err == nil || !strings.Contains(err.Error(), "servers.t") {
		t.Errorf("error %v", err)
	}
	for _, holders := range []int32{
		g.logs.byName[dir+"/a.log"].holders.Load(), g.upstreams.byName["u"].holders.Load(), g.plugins.byName["p"].holders.Load(),
	} {
		if holders != 1 {
			t.Errorf("%d graphs hold a part of the one that goes on", holders)
		}
	}
}

func TestLimitGoesOnCountingAfterAReload(t *testing.T) {
	const text = `
[servers.s]
addr = "127.0.0.1:1"
locations = ["l"]
[locations.l]
plugins = ["limit", "answer"]
[plugins.limit]
category = "limit"
max = 2
interval = "1h"
[plugins.answer]
category = "mock"
data = "DATA"
`
	first := compile(t, text)
	second := follow(t, first, strings.Replace(text, "DATA", "other", 1))
	third := follow(t, second, strings.Replace(text, "max = 2", "max = 3", 1))
	looptest.Run(t, func(l *loop.Loop) {
		for i, step := range []struct {
			graph *Graph
			want  int
		}{{first, 200}, {second, 200}, {second, 429}, {first, 429}, {third, 200}} {
			x := request(l, "GET", "example.com", "/")
			if err := step.graph.Services["s"].Serve(x); err != nil || x.Response.Status != step.want {
				t.Errorf("request %d: %d, %v; want %d", i+1, x.Response.Status, err, step.want)
			}
			finish(x)
		}
	})
}

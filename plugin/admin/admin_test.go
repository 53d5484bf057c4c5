package admin

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pingap/config"
	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
	"pingap/plugin"
	"pingap/plugin/plugintest"
)

// desk is what stands for the admin of a process. It notes the entries to it.
type desk struct{ entries []plugin.AdminEntry }

func (d *desk) mount(e plugin.AdminEntry) *plugin.Admin {
	d.entries = append(d.entries, e)
	return &plugin.Admin{Prefix: e.Prefix, Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status = 200
		x.Response.Body = x.BytesBody([]byte("admin"))
		return nil
	})}
}

func TestSettingsMakeAnEntry(t *testing.T) {
	d := &desk{}
	p, problems := build(config.TableOf("test", `
path = "/pingap/"
authorizations = ["bWU6c2VjcmV0", "eW91Om86dGhlcg"]
max_age = "3h"
ip_fail_limit = 4`), &plugin.Environment{Admin: d.mount})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	e := d.entries[0]
	if e.Prefix != "/pingap" || len(e.Users) != 2 || e.Users[0] != "me:secret" || e.Users[1] != "you:o:ther" || e.MaxAge != 3*time.Hour || e.FailLimit != 4 {
		t.Errorf("the entry is %+v", e)
	}
	looptest.Run(t, func(l *loop.Loop) {
		for path, want := range map[string]string{"/pingap": "admin", "/pingap/": "admin", "/pingap/api/basic?x": "admin", "/": "passed", "/api/basic": "passed", "/pinga": "passed"} {
			if a := plugintest.Ask(t, l, p, "GET", path); a.Text != want {
				t.Errorf("%s: %q, want %q", path, a.Text, want)
			}
		}
	})
}

// Pingap compares the text alone, and answers for others' paths too.
func TestPathIsWholeSegments(t *testing.T) {
	p, _ := build(config.TableOf("test", `path = "/pingap"`), &plugin.Environment{Admin: new(desk).mount})
	looptest.Run(t, func(l *loop.Loop) {
		for _, path := range []string{"/pingapx", "/pingap-old/", "/pingap.js", "/PINGAP/"} {
			if a := plugintest.Ask(t, l, p, "GET", path); !a.Passed {
				t.Errorf("%s is answered by the admin", path)
			}
		}
	})
}

func TestWhatIsLeftOutIsAsInPingap(t *testing.T) {
	for _, settings := range []string{``, `path = "/"`} {
		d := &desk{}
		build(config.TableOf("test", settings), &plugin.Environment{Admin: d.mount})
		if e := d.entries[0]; e.Prefix != "" || e.MaxAge != 48*time.Hour || e.FailLimit != 10 || e.Users != nil {
			t.Errorf("%q: the entry is %+v", settings, e)
		}
	}
}

func TestWrongSettingsAreReported(t *testing.T) {
	const users = "authorizations = [\"bWU6c2VjcmV0\"]\n"
	for settings, want := range map[string]string{
		users + `path = "pingap"`:              "path: does not begin with /",
		users + `path = "/{x}"`:                "path: holds other characters",
		users + `path = "/a/../b"`:             "path: holds other characters",
		users + `path = "/a//b"`:               "path: holds other characters",
		users + "path = \"/\u00fc\"":           "path: holds other characters",
		users + `ip_fail_limit = 0`:            "ip_fail_limit: 0 is too small",
		users + `max_age = "soon"`:             "max_age: ",
		users + `ip_fail_limt = 1`:             `unknown key "ip_fail_limt"`,
		`authorizations = ["me:secret"]`:       "authorizations: is not",
		`authorizations = ["bWU="]`:            "authorizations: is not",
		`authorizations = ["bWU6", "OnNlY3I"]`: "authorizations: holds one with an empty name or password",
		`path = "/pingap"`:                     "authorizations: has no entries, so only programs on the same machine",
	} {
		if got := plugintest.Problems(build, settings); !strings.Contains(got, want) {
			t.Errorf("%s\nsays %q, want %q", settings, got, want)
		}
	}
}

func TestReadyMadeIsThatOfTheProcess(t *testing.T) {
	own := new(desk).mount(plugin.AdminEntry{Prefix: "/own"})
	if got := readyMade(t, &plugin.Environment{OwnAdmin: own}); got != own {
		t.Errorf("it is %+v", got)
	}
	var log bytes.Buffer
	p := readyMade(t, &plugin.Environment{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	looptest.Run(t, func(l *loop.Loop) {
		if a := plugintest.Ask(t, l, p, "GET", "/"); !a.Passed {
			t.Error("without one it answers")
		}
	})
	if !strings.Contains(log.String(), "started without --admin") {
		t.Errorf("the log says %q", log.String())
	}
}

func readyMade(t *testing.T, env *plugin.Environment) plugin.Plugin {
	t.Helper()
	p, ok := plugin.NewReadyMade("pingap:admin", env)
	if !ok || p.Step != plugin.Request {
		t.Fatalf("%v, at %v", ok, p.Step)
	}
	return p.Plugin
}

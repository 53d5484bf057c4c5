package app

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"pingap/config"
	"pingap/plugin"
)

// replaceFile puts another text in a file by a rename: who watches it is never
// to find half of it.
func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	err := os.WriteFile(path+".new", []byte(text), 0o755)
	if err = errors.Join(err, os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
}

// rewrite puts another text in the place of the configuration and tells the
// process; it returns the line that says what came of it.
func (p *process) rewrite(t *testing.T, text, mark string) string {
	t.Helper()
	if err := os.WriteFile(p.conf, []byte(strings.ReplaceAll(text, "%ADDR%", "unix:"+p.addr)), 0o644); err != nil {
		t.Fatal(err)
	}
	before := strings.Count(p.stderr.String(), mark)
	p.signals <- syscall.SIGHUP
	line := p.stderr.afterNth(mark, before+1)
	if line == "" {
		t.Fatalf("the log does not say %q:\n%s", mark, p.stderr)
	}
	return line
}

const answering = `
[basic]
log_level = "info"
[servers.web]
addr = "%ADDR%"
locations = ["all"]
[locations.all]
plugins = ["answer"]
[plugins.answer]
category = "mock"
data = "first"
`

func TestHangupReloadsTheConfiguration(t *testing.T) {
	p := launch(t, answering)
	if got := p.get(t, "/"); got != "first" {
		t.Errorf("before: %q", got)
	}
	said := p.rewrite(t, strings.Replace(answering, "first", "second", 1)+"[upstreams.u]\naddrs=[\"127.0.0.1:1\"]", "configuration reloaded: ")
	if !strings.HasPrefix(said, "plugin answer changed, upstream u added reason=SIGHUP took=") {
		t.Errorf("the log says %q", said)
	}
	for _, line := range []string{"\n- data = \"first\"\n+ data = \"second\"\n", "upstream u added\n+ addrs = [\"127.0.0.1:1\"]\n"} {
		if !p.stderr.holds(line) {
			t.Errorf("the log does not show %q:\n%s", line, p.stderr)
		}
	}
	if got := p.get(t, "/"); got != "second" {
		t.Errorf("after: %q", got)
	}
	p.signals <- syscall.SIGTERM
	p.exit(t)
}

func TestConfigurationThatIsWrongChangesNothing(t *testing.T) {
	p := launch(t, answering)
	said := p.rewrite(t, strings.Replace(answering, "data =", "dta =", 1), "the configuration stays as it was: ")
	if !strings.HasPrefix(said, "the configuration is wrong: 1 problem in "+p.conf) {
		t.Errorf("the log says %q", said)
	}
	if problem := p.conf + `:11: plugins.answer: unknown key "dta"`; !strings.Contains(p.stderr.String(), problem) {
		t.Errorf("the log does not say %q:\n%s", problem, p.stderr)
	}
	said = p.rewrite(t, answering+"[servers.two]\naddr = \"192.0.2.1:1\"\n", "the configuration stays as it was: "+p.conf)
	if !strings.Contains(said, "no such address") {
		t.Errorf("the log says %q", said)
	}
	if err := os.Remove(p.conf); err != nil {
		t.Fatal(err)
	}
	p.signals <- syscall.SIGHUP
	if p.stderr.after("does not exist") == "" {
		t.Errorf("the log does not say that the file is gone:\n%s", p.stderr)
	}
	if got := p.get(t, "/"); got != "first" {
		t.Errorf("after all of that: %q", got)
	}
	p.signals <- syscall.SIGTERM
	p.exit(t)
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "defective",
		Steps:    []plugin.Step{plugin.Request},
		New:      func(*config.Table, *plugin.Environment) (plugin.Plugin, config.Problems) { panic("a defect") },
	})
}

func TestReloadThatPanicsChangesNothing(t *testing.T) {
	p := launch(t, answering)
	said := p.rewrite(t, answering+"[plugins.p]\ncategory = \"defective\"\n", "the configuration stays as it was: ")
	if !strings.Contains(said, "a defect") || !strings.Contains(p.stderr.String(), "reload_test.go") {
		t.Errorf("the log says neither what nor where: %q\n%s", said, p.stderr)
	}
	if got := p.get(t, "/"); got != "first" {
		t.Errorf("after it: %q", got)
	}
	p.rewrite(t, strings.Replace(answering, "first", "second", 1), "configuration reloaded: ")
	p.signals <- syscall.SIGTERM
	p.exit(t)
}

func TestReloadSetsTheLogLevelAndNamesWhatNeedsARestart(t *testing.T) {
	p := launch(t, answering)
	said := p.rewrite(t, strings.Replace(answering, `"info"`, "\"info\"\npid_file = \"/nowhere\"\nthreads = 7", 1), "basic.")
	if !strings.HasPrefix(said, "pid_file has changed, which takes effect with the next start") {
		t.Errorf("the log says %q", said)
	}
	if strings.Contains(p.stderr.String(), "basic.threads") {
		t.Error("basic.threads is named, though --threads holds in its place")
	}
	quiet := strings.NewReplacer(`"info"`, `"error"`, "first", "second").Replace(answering)
	if err := os.WriteFile(p.conf, []byte(strings.ReplaceAll(quiet, "%ADDR%", "unix:"+p.addr)), 0o644); err != nil {
		t.Fatal(err)
	}
	p.signals <- syscall.SIGHUP
	for p.get(t, "/") != "second" { // which is not logged
	}
	said = p.rewrite(t, answering, "configuration reloaded: ")
	if !strings.HasPrefix(said, "basic changed, plugin answer changed reason=") || !p.stderr.holds("- log_level = \"error\"\n") {
		t.Errorf("the log says %q:\n%s", said, p.stderr)
	}
	p.signals <- syscall.SIGTERM
	p.exit(t)
}

func TestAutoreloadFollowsTheStoredConfiguration(t *testing.T) {
	for _, flag := range []string{"--autoreload", "--autorestart"} {
		p := launch(t, answering, flag)
		for i, want := range []string{"second", "third"} {
			text := strings.ReplaceAll(strings.Replace(answering, "first", want, 1), "%ADDR%", "unix:"+p.addr)
			replaceFile(t, p.conf, text)
			said := p.stderr.afterNth("configuration reloaded: ", i+1)
			if !strings.HasPrefix(said, `plugin answer changed reason="the stored configuration has changed"`) {
				t.Errorf("%s: the log says %q", flag, said)
			}
			if got := p.get(t, "/"); got != want {
				t.Errorf("%s: %q, want %q", flag, got, want)
			}
		}
		p.signals <- syscall.SIGTERM
		p.exit(t)
	}
}

package app

import (
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// adminOf waits for the admin of a process and returns its address.
func (p *process) adminOf(t *testing.T) string {
	t.Helper()
	url := p.stderr.after("the admin listens on ")
	if url == "" {
		t.Fatalf("no admin listens:\n%s", p.stderr)
	}
	return url
}

// tell sends a request to an admin and returns the answer's status and content.
func tell(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("me", "secret")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestAdminChangesTheConfigurationInForce(t *testing.T) {
	p := launch(t, answering, "--admin", "me:secret@127.0.0.1:0", "--autoreload")
	url := p.adminOf(t)
	status, text := tell(t, "POST", url+"api/configs/plugins/answer", `{"category": "mock", "data": "by the admin"}`)
	if status != 200 || !strings.Contains(text, `"in_force": true`) {
		t.Errorf("status %d: %s", status, text)
	}
	if got := p.get(t, "/"); got != "by the admin" {
		t.Errorf("after: %q", got)
	}
	if stored, err := os.ReadFile(p.conf); err != nil || !strings.Contains(string(stored), `data = "by the admin"`) {
		t.Errorf("stored is %s, %v", stored, err)
	}
	if line := p.stderr.after("configuration reloaded: "); !strings.HasPrefix(line, `plugin answer changed reason="saved by me"`) {
		t.Errorf("the log says %q", line)
	}
	status, text = tell(t, "POST", url+"api/configs/plugins/answer", `{"category": "mock", "dta": "x"}`)
	if status != 422 || !strings.Contains(text, p.conf) {
		t.Errorf("status %d: %s", status, text)
	}
	status, text = tell(t, "DELETE", url+"api/configs/plugins/answer", "")
	if status != 422 || !strings.Contains(text, "locations.all") {
		t.Errorf("deleting what is in use: status %d: %s", status, text)
	}
	if status, text = tell(t, "GET", url+"api/basic", ""); status != 200 || !strings.Contains(text, p.conf) {
		t.Errorf("status %d: %s", status, text)
	}
	if got := p.get(t, "/"); got != "by the admin" {
		t.Errorf("after what was refused: %q", got)
	}
	p.signals <- syscall.SIGTERM
	p.exit(t)
	if n := strings.Count(p.stderr.String(), "configuration reloaded"); n != 1 {
		t.Errorf("%d reloads for one change:\n%s", n, p.stderr)
	}
}

// Lesson 42: who has broken the configuration needs the admin to repair it.
func TestProcessWithAnAdminStartsWithAWrongConfiguration(t *testing.T) {
	text := strings.Replace(listening(t, answering), "data =", "dta =", 1)
	p := &process{signals: make(chan os.Signal, 1), stdout: newRecord(), stderr: newRecord(), exited: make(chan int, 1)}
	p.conf = conf(t, text)
	_, p.addr, _ = strings.Cut(text, `addr = "unix:`)
	p.addr, _, _ = strings.Cut(p.addr, `"`)
	go func() {
		args := []string{"--threads", "1", "-c", p.conf, "--admin", "127.0.0.1:0"}
		p.exited <- Main(args, System{Stdout: p.stdout, Stderr: p.stderr, Getenv: environ([]string{"PINGAP_ADMIN_USER=me", "PINGAP_ADMIN_PASSWORD=secret"}), Signals: p.signals})
	}()
	url := p.adminOf(t)
	if said := p.stderr.String(); !strings.Contains(said, p.conf+`:11: plugins.answer: unknown key "dta"`) || !strings.Contains(said, "starting without a configuration") {
		t.Errorf("it says\n%s", said)
	}
	if status, text := tell(t, "GET", url+"api/configs/plugins/answer", ""); status != 200 || !strings.Contains(text, `"dta"`) {
		t.Errorf("status %d: %s", status, text)
	}
	if status, text := tell(t, "POST", url+"api/configs/plugins/answer", `{"category": "mock", "data": "repaired"}`); status != 200 {
		t.Errorf("status %d: %s", status, text)
	}
	if got := p.get(t, "/"); got != "repaired" {
		t.Errorf("after: %q", got)
	}
	p.signals <- syscall.SIGTERM
	p.exit(t)
}

func TestAdminThatCannotListenEndsTheStart(t *testing.T) {
	p := launch(t, answering, "--admin", "me:secret@127.0.0.1:0")
	taken := strings.TrimSuffix(strings.TrimPrefix(p.adminOf(t), "http://"), "/")
	code, _, stderr := call([]string{"--threads", "1", "-c", conf(t, listening(t, answering)), "--admin", "me:secret@" + taken})
	if code != 1 || !strings.Contains(stderr, taken) || !strings.Contains(stderr, "address already in use") {
		t.Errorf("exit code %d, error %q", code, stderr)
	}
	p.signals <- syscall.SIGTERM
	p.exit(t)
}

func TestAdminWhoseAddressIsWrongIsAWrongCommandLine(t *testing.T) {
	for _, c := range []struct{ address, says string }{
		{"0.0.0.0:3018", "anybody"},
		{"127.0.0.1:x", "port"},
	} {
		code, _, stderr := call([]string{"-c", "x.toml", "--admin", c.address})
		if code != 2 || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: exit code %d, error %q", c.address, code, stderr)
		}
	}
}

// hopeless panics with each exchange.
type hopeless struct{}

func (hopeless) Wrap(message.Handler) message.Handler {
	return message.HandlerFunc(func(*message.Exchange) error { panic("no hope") })
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "hopeless",
		Steps:    []plugin.Step{plugin.Request},
		New:      func(*config.Table, *plugin.Environment) (plugin.Plugin, config.Problems) { return hopeless{}, nil },
	})
}

func TestPanicEndsItsExchangeAloneAndIsCounted(t *testing.T) {
	p := launch(t, strings.Replace(answering, "category = \"mock\"\ndata = \"first\"", "category = \"hopeless\"", 1), "--admin", "me:secret@127.0.0.1:0")
	url := p.adminOf(t)
	for range 3 {
		if got := p.get(t, "/"); !strings.Contains(got, "500") {
			t.Errorf("the answer is %q", got)
		}
	}
	if _, text := tell(t, "GET", url+"api/basic", ""); !strings.Contains(text, `"panics": 3`) {
		t.Errorf("the admin says %s", text)
	}
	if !p.stderr.holds("no hope", "admin_test.go") {
		t.Errorf("the log says neither what nor where:\n%s", p.stderr)
	}
	p.signals <- syscall.SIGTERM
	p.exit(t)
}

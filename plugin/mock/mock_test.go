package mock

import (
	"strings"
	"testing"
	"time"

	"pingap/config"
	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

func serve(t *testing.T, l *loop.Loop, settings, path string) *message.Exchange {
	t.Helper()
	p, problems := build(config.TableOf("test", settings), nil)
	if len(problems) > 0 {
		t.Error(problems)
		return nil
	}
	x := &message.Exchange{Loop: l}
	x.Reset()
	x.Request.Path = path
	next := message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status = 299
		return nil
	})
	if err := p.Wrap(next).Serve(x); err != nil {
		t.Error(err)
	}
	return x
}

func TestMockGivesItsAnswer(t *testing.T) {
	x := serve(t, nil, `status = 418
headers = ["X-A: 1", "X-A: 2", "Cache-Control: max-age=5"]
data = "teapot"`, "/any")
	data, _ := x.Response.Body.Next()
	if x.Response.Status != 418 || string(data) != "teapot" || x.Response.Length != 6 {
		t.Errorf("answer is %d %q", x.Response.Status, data)
	}
	var fields []string
	for _, f := range x.Response.Header.Fields() {
		fields = append(fields, f.Name+": "+f.Value)
	}
	if got := strings.Join(fields, ", "); got != "X-A: 1, X-A: 2, Cache-Control: max-age=5" {
		t.Errorf("fields are %s", got)
	}
}

func TestMockWithAPathPassesOthersOn(t *testing.T) {
	if x := serve(t, nil, `path = "/a"`, "/b"); x.Response.Status != 299 {
		t.Errorf("answer is %d", x.Response.Status)
	}
	if x := serve(t, nil, `path = "/a"`, "/a"); x.Response.Status != 200 {
		t.Errorf("answer is %d", x.Response.Status)
	}
}

func TestMockWaitsForItsDelay(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		begin := time.Now()
		serve(t, l, `delay = "30ms"`, "/")
		if waited := time.Since(begin); waited < 30*time.Millisecond {
			t.Errorf("waited %v", waited)
		}
	})
}

func TestWrongSettingsAreProblems(t *testing.T) {
	for settings, want := range map[string]string{
		`status = 99`: "too small", `status = "200"`: "integer", `delay = 3`: "duration", `headers = ["x"]`: "colon", `dta = ""`: `did you mean "data"?`,
	} {
		_, problems := build(config.TableOf("test", settings), nil)
		if len(problems) != 1 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want a problem with %q", settings, problems, want)
		}
	}
}

// A status that has no content leaves the data out, and whoever wrote both is
// told.
func TestDataThatNoAnswerCanCarryIsAWarning(t *testing.T) {
	for status, lost := range map[string]bool{"200": false, "204": true, "205": true, "206": false, "304": true, "404": false} {
		p, problems := build(config.TableOf("plugins.m", "status = "+status+"\ndata = \"some\""), nil)
		if warned := len(problems.Warnings()) == 1; warned != lost || len(problems.Errors()) > 0 {
			t.Errorf("status %s: %v", status, problems)
		}
		if lost && (!strings.Contains(problems.Error(), "plugins.m: data: warning:") || !strings.Contains(problems.Error(), status)) {
			t.Errorf("status %s: the warning is %v", status, problems)
		}
		x := &message.Exchange{}
		x.Reset()
		if err := p.Wrap(nil).Serve(x); err != nil || (x.Response.Length == 0) != lost {
			t.Errorf("status %s: content of %d bytes (%v)", status, x.Response.Length, err)
		}
	}
	if _, problems := build(config.TableOf("plugins.m", "status = 204"), nil); len(problems) > 0 {
		t.Error(problems)
	}
}

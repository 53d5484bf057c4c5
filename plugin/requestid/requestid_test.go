package requestid

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"pingap/config"
	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// serve asks a plugin with these settings, and returns the exchange and the id
// that the upstream sees in a field.
func serve(t *testing.T, l *loop.Loop, settings, field string, given ...string) (x *message.Exchange, seen string) {
	t.Helper()
	p, problems := build(config.TableOf("test", settings), nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	x = &message.Exchange{Loop: l}
	x.Reset()
	for _, id := range given {
		x.Request.Header.Add(field, id)
	}
	err := p.Wrap(message.HandlerFunc(func(x *message.Exchange) error {
		seen = x.Request.Field(field)
		x.Response.Status = 200
		x.Response.Header.Add("x-request-id", "that of the upstream")
		return nil
	})).Serve(x)
	if err != nil || x.RequestID != seen {
		t.Errorf("%v; the log has %q, the upstream %q", err, x.RequestID, seen)
	}
	return x, seen
}

func TestIDsAreUUIDsOfVersion7(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		_, first := serve(t, l, ``, "X-Request-Id")
		l.Sleep(2e7)
		x, second := serve(t, l, ``, "X-Request-Id")
		for _, id := range []string{first, second} {
			if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
				t.Errorf("%q is no UUID of version 7", id)
			}
		}
		if first >= second {
			t.Errorf("%s does not sort before %s", first, second)
		}
		if got := x.Response.Header.Get("X-Request-Id"); got != second || x.Response.Header.Len() != 1 {
			t.Errorf("the client is told %q", x.Response.Header.Fields())
		}
	})
}

func TestNanoIDsHaveTheirSize(t *testing.T) {
	for settings, size := range map[string]int{`algorithm = "nanoid"`: 8, "algorithm = \"NanoID\"\nsize = 33": 33} {
		seen := make(map[string]bool)
		for range 100 {
			_, id := serve(t, nil, settings, "X-Request-Id")
			if len(id) != size || seen[id] || !regexp.MustCompile(`^[A-Za-z0-9_-]+$`).MatchString(id) {
				t.Errorf("%s: %q", settings, id)
			}
			seen[id] = true
		}
	}
}

func TestIDOfTheRequestIsKept(t *testing.T) {
	x, seen := serve(t, nil, `header_name = "X-Trace"`, "x-trace", "abc:1", "second")
	if seen != "abc:1" || x.Response.Header.Get("X-Request-Id") != "abc:1" || x.Response.Header.Has("X-Trace") {
		t.Errorf("the upstream sees %q, the client %v", seen, x.Response.Header.Fields())
	}
}

func TestWhatIsNoIDIsReplaced(t *testing.T) {
	for _, given := range []string{"", "a b", "a\tb", "ü", strings.Repeat("x", 129)} {
		if _, seen := serve(t, nil, `algorithm = "nanoid"`, "X-Request-Id", given, "second"); seen == given || len(seen) != 8 {
			t.Errorf("%q became %q", given, seen)
		}
	}
}

func TestErrorsAreLeftToOthers(t *testing.T) {
	p, _ := build(config.TableOf("test", `algorithm = "nanoid"`), nil)
	x := &message.Exchange{}
	x.Reset()
	failed := errors.New("failed")
	err := p.Wrap(message.HandlerFunc(func(*message.Exchange) error { return failed })).Serve(x)
	if err != failed || x.Response.Header.Len() > 0 || len(x.RequestID) != 8 {
		t.Errorf("%v, %v, %q", err, x.Response.Header.Fields(), x.RequestID)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, settings := range []string{``, `algorithm = "nanoid"`} {
			p, _ := build(config.TableOf("test", settings), nil)
			h := p.Wrap(message.HandlerFunc(func(*message.Exchange) error { return nil }))
			x := &message.Exchange{Loop: l}
			once := func() {
				x.Reset()
				h.Serve(x)
			}
			once()
			if n := testing.AllocsPerRun(100, once); n > 0 {
				t.Errorf("%q: %v allocations", settings, n)
			}
		}
	})
}

func TestWrongSettingsAreProblems(t *testing.T) {
	for settings, want := range map[string]string{
		`algorithm = "nanoed"`: `did you mean "nanoid"?`, `size = 0`: "too small", `header_name = "X Id"`: "is invalid", `headr_name = "X"`: "header_name",
	} {
		_, problems := build(config.TableOf("test", settings), nil)
		if len(problems) != 1 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want a problem with %q", settings, problems, want)
		}
	}
}

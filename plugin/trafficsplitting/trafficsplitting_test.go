package trafficsplitting

import (
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"pingap/config"
	"pingap/message"
)

// chosen returns how many of a thousand requests go to the other upstream.
func chosen(t *testing.T, settings string, prepare func(n int, x *message.Exchange)) (count int) {
	t.Helper()
	p, problems := build(config.TableOf("test", "upstream = \"new\"\n"+settings), nil)
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	h := p.Wrap(message.HandlerFunc(func(x *message.Exchange) error {
		switch x.Instead {
		case "new":
			count++
		case "":
		default:
			t.Errorf("goes to %q", x.Instead)
		}
		return nil
	}))
	for n := range 1000 {
		x := &message.Exchange{}
		x.Reset()
		prepare(n, x)
		if err := h.Serve(x); err != nil {
			t.Error(err)
		}
	}
	return count
}

func plain(int, *message.Exchange) {}

func TestChanceGivesTheShare(t *testing.T) {
	for weight, want := range map[int][2]int{0: {0, 0}, 20: {100, 300}, 100: {1000, 1000}} {
		if got := chosen(t, fmt.Sprintf("weight = %d", weight), plain); got < want[0] || got > want[1] {
			t.Errorf("weight %d: %d of 1000", weight, got)
		}
	}
}

func TestValueSticks(t *testing.T) {
	for key, prepare := range map[string]func(n int, x *message.Exchange){
		"sticky_cookie": func(n int, x *message.Exchange) { x.Request.Header.Add("Cookie", fmt.Sprintf("a=b; X-User=u%d", n)) },
		"sticky_header": func(n int, x *message.Exchange) { x.Request.Header.Add("x-user", fmt.Sprintf("u%d", n)) },
	} {
		want := 0
		for n := range 1000 {
			if crc32.ChecksumIEEE(fmt.Appendf(nil, "u%d", n))%100 < 30 {
				want++
			}
		}
		settings := "weight = 30\nstickiness = true\n" + key + " = \"X-User\""
		if got := chosen(t, settings, prepare); got != want || want < 200 {
			t.Errorf("%s: %d, want %d", key, got, want)
		}
		if got := chosen(t, settings, plain); got != 0 {
			t.Errorf("%s: %d without a value", key, got)
		}
		if got := chosen(t, strings.Replace(settings, "30", "100", 1), plain); got != 0 {
			t.Errorf("%s: %d without a value, of all", key, got)
		}
		matched := settings + "\nmatcher = \"^u[0-9]$\""
		if got := chosen(t, matched, prepare); got != 10 {
			t.Errorf("%s: %d match", key, got)
		}
		if got := chosen(t, strings.Replace(matched, "30", "0", 1), prepare); got != 0 {
			t.Errorf("%s: %d match, of none", key, got)
		}
	}
}

func TestCookieGoesBeforeHeader(t *testing.T) {
	both := "weight = 100\nstickiness = true\nmatcher = \"^yes$\"\nsticky_cookie = \"a\"\nsticky_header = \"b\""
	got := chosen(t, both, func(n int, x *message.Exchange) {
		x.Request.Header.Add("b", "yes")
		x.Request.Header.Add("Cookie", "a=no")
	})
	if got != 0 {
		t.Errorf("%d", got)
	}
}

func TestWrongSettingsAreProblems(t *testing.T) {
	for settings, want := range map[string]string{
		`weight = 10`:                                                              "upstream: is missing",
		"upstream = \"\"\nweight = 10":                                             "is empty",
		"upstream = \"u\"":                                                         "warning: sends nothing",
		"upstream = \"u\"\nweight = 101":                                           "too large",
		"upstream = \"u\"\nweight = 1\nstickiness = true":                          "write sticky_cookie or sticky_header",
		"upstream = \"u\"\nweight = 1\nsticky_cookie = \"a\"":                      "warning: has no effect without stickiness",
		"upstream = \"u\"\nweight = 1\nmatcher = \"(\"":                            "not a regular expression",
		"upstream = \"u\"\nweight = 1\nstickiness = true\nsticky_header = \"a b\"": "is invalid",
	} {
		_, problems := build(config.TableOf("test", settings), nil)
		if len(problems) == 0 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want a problem with %q", settings, problems, want)
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	for _, settings := range []string{`weight = 50`, "weight = 50\nstickiness = true\nsticky_cookie = \"id\""} {
		p, _ := build(config.TableOf("test", "upstream = \"new\"\n"+settings), nil)
		h := p.Wrap(message.HandlerFunc(func(*message.Exchange) error { return nil }))
		x := &message.Exchange{}
		once := func() {
			x.Reset()
			x.Request.Header.Add("Cookie", "id=a-value-that-is-longer-than-the-stack-would-hold")
			h.Serve(x)
		}
		once()
		if n := testing.AllocsPerRun(100, once); n > 0 {
			t.Errorf("%s: %v allocations", settings, n)
		}
	}
}

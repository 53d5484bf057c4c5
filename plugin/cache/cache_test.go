package cache

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
	"pingap/plugin/plugintest"
)

// upstream answers with status and fields, and content in two pieces. Between them
// it calls between.
type upstream struct {
	status  int
	fields  []message.Field
	content string
	length  int64
	err     error // in place of an answer
	cut     error // in place of the end
	between func()
	asked   int
}

func (u *upstream) Serve(x *message.Exchange) error {
	if u.asked++; u.err != nil {
		return u.err
	}
	r := &x.Response
	r.Reset()
	r.Status, r.Length = u.status, u.length
	for _, f := range u.fields {
		r.Header.Add(f.Name, f.Value)
	}
	r.Body = &pieces{u: u, left: []string{u.content[:1], u.content[1:]}}
	return nil
}

type pieces struct {
	u    *upstream
	left []string
}

func (p *pieces) Close() {}

func (p *pieces) Next() ([]byte, error) {
	if len(p.left) == 0 {
		if p.u.cut != nil {
			return nil, p.u.cut
		}
		return nil, io.EOF
	}
	if len(p.left) == 1 && p.u.between != nil {
		p.u.between()
	}
	next := p.left[0]
	p.left = p.left[1:]
	return []byte(next), nil
}

func answering(control string) *upstream {
	return &upstream{status: 200, content: "content", length: 7, fields: []message.Field{{Name: "Cache-Control", Value: control}}}
}

// ask has the plugin serve a request, and returns the cache's word for it, or the
// error. Content is read up to most pieces.
func ask(l *loop.Loop, p *plug, u *upstream, method, path string, most int, fields ...string) string {
	x := &message.Exchange{Loop: l}
	x.Reset()
	x.Request.Method, x.Request.Scheme, x.Request.Host, x.Request.Path = method, "http", "example.com", path
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		x.Request.Header.Add(name, value)
	}
	if err := p.Wrap(u).Serve(x); err != nil {
		return err.Error()
	}
	for range most {
		if _, err := x.Response.Body.Next(); err != nil {
			break
		}
	}
	x.Response.Close()
	return x.Response.Header.Get("X-Cache-Status")
}

func made(t *testing.T, settings string) *plug {
	return plugintest.Make(t, build, settings).(*plug)
}

const all = 10

func TestOnlyWhatIsCompleteIsKept(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		p := made(t, `max_file_size = "10"`)
		u := answering("max-age=60")
		for _, unknown := range []bool{false, true} {
			path := "/known"
			if unknown {
				u.length, path = message.UnknownLength, "/unknown"
			}
			u.cut = errors.New("cut")
			if unknown {
				ask(l, p, u, "GET", path, all)
			}
			u.cut = nil
			ask(l, p, u, "GET", path, 1) // the client has left
			if got := ask(l, p, u, "GET", path, all); got != "miss" {
				t.Errorf("%s: a part of an answer is kept: %s", path, got)
			}
			if got := ask(l, p, u, "GET", path, all); got != "hit" {
				t.Errorf("%s: %s", path, got)
			}
		}
		u.content = "more than ten bytes"
		ask(l, p, u, "GET", "/large", all)
		if got := ask(l, p, u, "GET", "/large", all); got != "miss" {
			t.Errorf("too large: %s", got)
		}
		if n := p.pending.Load(); n != 0 {
			t.Errorf("%d bytes are still thought to be on their way", n)
		}
	})
}

func TestContentOnItsWayIsBounded(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		p := made(t, "")
		p.mostPending = 10
		u := answering("max-age=60")
		u.between = func() {
			other := answering("max-age=60")
			ask(l, p, other, "GET", "/b", all)
			if got := ask(l, p, other, "GET", "/b", all); got != "miss" {
				t.Errorf("kept while there is no room: %s", got)
			}
		}
		ask(l, p, u, "GET", "/a", all)
		if got := ask(l, p, u, "GET", "/a", all); got != "hit" || p.pending.Load() != 0 {
			t.Errorf("%s, %d", got, p.pending.Load())
		}
	})
}

func TestWhatIsPurgedOnItsWayIsNotKept(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		p := made(t, "")
		for _, vary := range []bool{false, true} {
			u := answering("max-age=60")
			path := "/plain"
			if vary {
				path = "/vary"
				u.fields = append(u.fields, message.Field{Name: "Vary", Value: "Accept"})
				ask(l, p, u, "GET", path, all, "Accept: first") // so that it is known to vary
			}
			u.between = func() { ask(l, p, answering(""), "DELETE", path, all) }
			ask(l, p, u, "GET", path, all, "Accept: second")
			u.between = nil
			if got := ask(l, p, u, "GET", path, all, "Accept: second"); got != "miss" {
				t.Errorf("%s: %s", path, got)
			}
		}
	})
}

func TestWaitingIsBounded(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		p := made(t, `lock = "50ms"`)
		u := answering("max-age=60")
		u.between = func() {
			began := l.Clock()
			if got := ask(l, p, answering("max-age=60"), "GET", "/a", all); got != "miss" {
				t.Errorf("while another fills: %s", got)
			}
			if waited := time.Duration(l.Clock() - began); waited < 40*time.Millisecond {
				t.Errorf("waited for %v", waited)
			}
		}
		ask(l, p, u, "GET", "/a", all)
		if got := ask(l, p, u, "GET", "/a", all); got != "hit" {
			t.Error(got)
		}
	})
}

func TestNobodyWaitsForWhatIsNotKept(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		p := made(t, `lock = "1h"`)
		u := answering("no-store")
		ask(l, p, u, "GET", "/a", all)
		if !p.fills.Futile(p.key(request(l, "/a"))) {
			t.Error("it is not known that the answer cannot be kept")
		}
		ask(l, p, answering("max-age=60"), "GET", "/a", all)
		if got := ask(l, p, u, "GET", "/a", all); got != "hit" {
			t.Error(got)
		}
	})
}

func request(l *loop.Loop, path string) *message.Exchange {
	x := &message.Exchange{Loop: l}
	x.Reset()
	x.Request.Scheme, x.Request.Host, x.Request.Path = "http", "example.com", path
	return x
}

// RFC 5861: what is stale may be used in place of an error, unless its origin says
// otherwise.
func TestStaleInPlaceOfErrors(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		p := made(t, "")
		for _, c := range []struct{ control, want string }{
			{"max-age=1, stale-if-error=60", "stale"},
			{"max-age=1, stale-if-error=60, must-revalidate", "down"},
		} {
			u := answering(c.control)
			u.fields = append(u.fields, message.Field{Name: "Age", Value: "2"}) // stale from the beginning
			ask(l, p, u, "GET", c.want, all)
			u.err = errors.New("down")
			if got := ask(l, p, u, "GET", c.want, all); got != c.want {
				t.Errorf("%s: %s", c.control, got)
			}
			u.err = message.ErrClientGone
			if got := ask(l, p, u, "GET", c.want, all); got != message.ErrClientGone.Error() {
				t.Errorf("%s: the client has left: %s", c.control, got)
			}
		}
	})
}

// RFC 5861: while one asks whether it is still right, others get what is stale.
func TestStaleWhileAnotherRevalidates(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		p := made(t, `lock = "1h"`)
		u := answering("max-age=1, stale-while-revalidate=60")
		u.fields = append(u.fields, message.Field{Name: "Age", Value: "2"})
		ask(l, p, u, "GET", "/a", all)
		u.between = func() {
			if got := ask(l, p, answering(""), "GET", "/a", all); got != "stale" {
				t.Errorf("meanwhile: %s", got)
			}
		}
		if got := ask(l, p, u, "GET", "/a", all); got != "expired" {
			t.Error(got)
		}
	})
}

func TestSettingsThatCannotBe(t *testing.T) {
	for settings, want := range map[string]string{
		`directory = "/var/cache"`:                "directory: answers are kept in memory, 64 MiB of them, and not in files: they are gone after a restart",
		`directory = "memory://?max_size=50"`:     "directory: a max_size without unit is a part of the memory in Pingap, and bytes here",
		`directory = "memory://?size=50"`:         `directory: the option "size" is not known`,
		`directory = "memory://?max_size=x"`:      `directory: max_size: "x" is no size; write it as "4kb", "10MB" or "1MiB", or as a number of bytes`,
		`max_file_size = "65mib"`:                 "max_file_size: is more than the 67108864 bytes that directory has room for",
		`eviction = false`:                        "eviction: has no effect: it is always done",
		`directory = "memory://tmp?mode=compact"`: "directory: the option mode has no effect",
	} {
		if got := plugintest.Problems(build, settings); got != want {
			t.Errorf("%s: %s", settings, got)
		}
	}
}

func TestHitsAllocateNothing(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		p := made(t, "")
		ask(l, p, answering("max-age=60"), "GET", "/a", all)
		x := &message.Exchange{Loop: l}
		h := p.Wrap(answering(""))
		n := testing.AllocsPerRun(100, func() {
			x.Reset()
			x.Request.Method, x.Request.Scheme, x.Request.Host, x.Request.Path = "GET", "http", "example.com", "/a"
			if err := h.Serve(x); err != nil {
				t.Error(err)
			}
		})
		if n > 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

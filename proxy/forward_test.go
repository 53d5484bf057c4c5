package proxy

import (
	"errors"
	"strings"
	"testing"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// forwarded sends a request with those fields on, and returns what the upstream saw
// of its Max-Forwards and its hops, "" if it was not asked.
func forwarded(t *testing.T, method string, fields ...string) (x *message.Exchange, saw string, err error) {
	t.Helper()
	x = request(nil, method, "h", "/")
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		x.Request.Header.Add(name, value)
	}
	sent := append([]message.Field(nil), x.Request.Header.Fields()...)
	err = forward{message.HandlerFunc(func(x *message.Exchange) error {
		h := &x.Request.Header
		saw = strings.Trim(h.Get("Max-Forwards")+" "+h.Get(hopsField), " ")
		return nil
	})}.Serve(x)
	for i, f := range x.Request.Header.Fields() {
		if i >= len(sent) || f != sent[i] {
			t.Errorf("%v has become %v", sent, x.Request.Header.Fields())
			break
		}
	}
	return x, saw, err
}

// RFC 9110 section 7.6.2: "If the received value is zero (0), the intermediary MUST
// NOT forward the request; instead, the intermediary MUST respond as the final
// recipient. If the received Max-Forwards value is greater than zero, the
// intermediary MUST generate an updated Max-Forwards field."
func TestMaxForwardsCountsDown(t *testing.T) {
	for _, c := range []struct {
		method, value, saw string
		status             int // of the proxy's own answer
	}{
		{"OPTIONS", "5", "4 1", 0},
		{"OPTIONS", "1", "0 1", 0},
		{"OPTIONS", "10", "09 1", 0},
		{"OPTIONS", "100000000000000000000000000", "099999999999999999999999999 1", 0},
		{"OPTIONS", "0", "", 200},
		{"OPTIONS", "000", "", 200},
		{"OPTIONS", "", "", 400},
		{"OPTIONS", "-1", "", 400},
		{"OPTIONS", "+1", "", 400},
		{"OPTIONS", "1, 2", "", 400},
		{"OPTIONS", "few", "", 400},
		// "A recipient MAY ignore a Max-Forwards header field received with any
		// other request methods."
		{"GET", "0", "0 1", 0},
		{"POST", "few", "few 1", 0},
	} {
		x, saw, err := forwarded(t, c.method, "X-First: 1", "max-forwards: "+c.value, "X-Last: 2")
		status := x.Response.Status
		if refused, ok := errors.AsType[*message.Refusal](err); ok {
			status = refused.Status
		}
		if saw != c.saw || status != c.status {
			t.Errorf("%s with %q: the upstream sees %q, and the answer is %d (%v), want %q and %d", c.method, c.value, saw, status, err, c.saw, c.status)
		}
		if status == 200 && x.Response.Header.Get("Allow") != allowed {
			t.Errorf("the answer has the fields %v", x.Response.Header.Fields())
		}
	}
	if _, saw, err := forwarded(t, "OPTIONS"); saw != "1" || err != nil {
		t.Errorf("without the field the upstream sees %q (%v)", saw, err)
	}
	if _, saw, err := forwarded(t, "OPTIONS", "Max-Forwards: 1", "Max-Forwards: 2"); err != error(errMaxForwards) {
		t.Errorf("twice the field: the upstream sees %q (%v)", saw, err)
	}
}

// An answer to TRACE would show the client what the location tells its upstream.
func TestTraceIsNotPassedOn(t *testing.T) {
	for _, fields := range [][]string{nil, {"Max-Forwards: 0"}, {"Max-Forwards: 5"}} {
		if _, saw, err := forwarded(t, "TRACE", fields...); saw != "" || err != error(errTrace) {
			t.Errorf("%v: the upstream sees %q (%v)", fields, saw, err)
		}
	}
	g := compile(t, `
[servers.s]
addr = "127.0.0.1:1"
locations = ["l"]
[locations.l]
upstream = "u"
proxy_set_headers = ["Authorization: Bearer secret"]
[upstreams.u]
addrs = ["`+echo(t)+`"]
`)
	looptest.Run(t, func(l *loop.Loop) {
		x := request(l, "TRACE", "h", "/")
		err := g.Services["s"].Serve(x)
		// RFC 9110 section 15.5.6: "The origin server MUST generate an Allow header
		// field in a 405 response".
		if x.Response.Status != 405 || x.Response.Header.Get("Allow") != allowed || x.Response.Header.Has("Saw-Authorization") {
			t.Errorf("answer is %d %v (%v)", x.Response.Status, x.Response.Header.Fields(), err)
		}
		if page := finish(x); strings.Contains(page, "secret") {
			t.Error(page)
		}
	})
}

func TestHopsAreCountedUpToALimit(t *testing.T) {
	for value, want := range map[string]string{"0": "1", "1": "2", "9": "10", "10": "", "": "1", "-1": "1", "11": "1", "many": "1"} {
		_, saw, err := forwarded(t, "GET", "X-First: 1", "x-pingap-hops: "+value, "X-Last: 2")
		if saw != want || (err == ErrLoop) != (want == "") {
			t.Errorf("after %q hops the upstream sees %q (%v), want %q", value, saw, err, want)
		}
	}
	if o := OutcomeOf(ErrLoop); o.Status != 508 || !o.Serious {
		t.Errorf("a loop becomes %+v", o)
	}
}

func TestForwardingDoesNotAllocate(t *testing.T) {
	f := forward{message.HandlerFunc(func(*message.Exchange) error { return nil })}
	for _, fields := range [][]string{{}, {hopsField, "3"}, {"Max-Forwards", "70"}} {
		x := request(nil, "OPTIONS", "h", "/")
		serve := func() {
			x.Request.Header.Reset()
			for i := 0; i+1 < len(fields); i += 2 {
				x.Request.Header.Add(fields[i], fields[i+1])
			}
			x.Request.Method = "OPTIONS"
			if err := f.Serve(x); err != nil {
				t.Error(err)
			}
			x.Reset()
		}
		serve()
		if n := testing.AllocsPerRun(100, serve); n > 0 {
			t.Errorf("%v: %v allocations", fields, n)
		}
	}
}

func BenchmarkForward(b *testing.B) {
	x := request(nil, "GET", "h", "/")
	for _, name := range []string{"Host", "User-Agent", "Accept", "Accept-Encoding", "Accept-Language", "Cookie", "Cache-Control", "X-Forwarded-For"} {
		x.Request.Header.Add(name, "value")
	}
	f := forward{message.HandlerFunc(func(*message.Exchange) error { return nil })}
	for b.Loop() {
		f.Serve(x)
	}
}

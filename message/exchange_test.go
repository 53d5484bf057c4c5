package message

import (
	"strings"
	"testing"
)

func used() *Exchange {
	x := &Exchange{}
	x.Reset()
	x.Request.Method, x.Request.Upgrade, x.Request.HasQuery, x.Request.Length = "GET", "x", true, 7
	x.Request.Header.Add("A", "b")
	x.Response.Status, x.Response.Tunnel = 200, nil
	x.Response.Header.Add("C", "d")
	x.Client, x.Location, x.Sent, x.Reused = x.Local, "l", 9, true
	x.Upstream.Addr, x.Upstream.ConnectTime = "u", 5
	x.SetCapture("name", "value")
	x.OnEnd(func(*Exchange) {})
	return x
}

// What an exchange was must not show in the next one that uses its memory.
func TestResetLeavesNothingOfTheExchangeBefore(t *testing.T) {
	x := used()
	x.Reset()
	fresh := &Exchange{}
	fresh.Reset()
	if x.Facts != fresh.Facts {
		t.Errorf("facts after Reset: %+v", x.Facts)
	}
	r, q := &x.Request, &x.Response
	if r.Method != "" || r.Upgrade != "" || r.HasQuery || r.Length != 0 || r.Header.Len() != 0 || r.Body != NoBody {
		t.Errorf("request after Reset: %+v", r)
	}
	if q.Status != 0 || q.Header.Len() != 0 || q.Body != NoBody || q.Tunnel != nil {
		t.Errorf("response after Reset: %+v", q)
	}
	if _, ok := x.Capture("name"); ok || len(x.onEnd) != 0 {
		t.Error("captures or OnEnd functions are left")
	}
}

func TestResetDoesNotAllocate(t *testing.T) {
	x := used()
	if n := testing.AllocsPerRun(10, x.Reset); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestBuffersOfAnExchangeDoNotOverlap(t *testing.T) {
	x := &Exchange{}
	var parts []string
	for i := range 200 {
		parts = append(parts, x.Concat(strings.Repeat(string(rune('a'+i%26)), i), "|"))
	}
	for i, p := range parts {
		if want := strings.Repeat(string(rune('a'+i%26)), i) + "|"; p != want {
			t.Fatalf("part %d has become %q", i, p)
		}
	}
}

func TestEndRunsTheLastRegisteredFirst(t *testing.T) {
	x := &Exchange{}
	order := ""
	x.OnEnd(func(*Exchange) { order += "1" })
	x.OnEnd(func(*Exchange) { order += "2" })
	x.End()
	if order != "21" {
		t.Errorf("order %s", order)
	}
}

func TestHostname(t *testing.T) {
	for host, want := range map[string]string{
		"a.com": "a.com", "a.com:80": "a.com", "[::1]": "::1", "[::1]:80": "::1", "": "", ":80": "", "[::1": "[::1",
	} {
		r := Request{Host: host}
		if got := r.Hostname(); got != want {
			t.Errorf("host name of %q is %q, want %q", host, got, want)
		}
	}
}

package message

import (
	"reflect"
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
	x.SetFieldsAside()
	return x
}

// What an exchange was must not show in the next one that uses its memory.
func TestResetLeavesNothingOfTheExchangeBefore(t *testing.T) {
	x := used()
	x.Reset()
	fresh := &Exchange{}
	fresh.Reset()
	if !reflect.DeepEqual(x.Facts, fresh.Facts) {
		t.Errorf("facts after Reset: %+v", x.Facts)
	}
	r, q := &x.Request, &x.Response
	if r.Method != "" || r.Upgrade != "" || r.HasQuery || r.Length != 0 || r.Header.Len() != 0 || r.Body != NoBody {
		t.Errorf("request after Reset: %+v", r)
	}
	if q.Status != 0 || q.Header.Len() != 0 || q.Body != NoBody || q.Tunnel != nil {
		t.Errorf("response after Reset: %+v", q)
	}
	if _, ok := x.Capture("name"); ok || len(x.onEnd) != 0 || x.aside.Len() != 0 {
		t.Error("captures, OnEnd functions or fields are left")
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

func TestValuesOfAnyLengthAreBuiltWithoutAllocating(t *testing.T) {
	x := &Exchange{}
	long := strings.Repeat("x", 3000)
	build := func() {
		x.Reset()
		before := x.Concat("a", "b")
		first := x.Finish(append(x.Scratch(), long...))
		second := x.Finish(append(append(x.Scratch(), "c"...), "d"...))
		empty := x.Finish(x.Scratch())
		if after := x.Concat("e", "f"); before+first+second+empty+after != "ab"+long+"cdef" {
			t.Errorf("%q, %d bytes, %q, %q and %q", before, len(first), second, empty, after)
		}
	}
	build()
	if n := testing.AllocsPerRun(10, build); n > 2 { // joining them for the check
		t.Errorf("%v allocations", n)
	}
}

func TestFieldsThatWereSetAsideComeBack(t *testing.T) {
	x := &Exchange{}
	x.Reset()
	h := &x.Request.Header
	change := func() {
		h.Reset()
		h.Add("A", "1")
		h.Add("B", "2")
		x.SetFieldsAside()
		h.Set("A", "3")
		h.Del("B")
		h.Add("C", "4")
		x.RestoreFields()
	}
	change()
	if f := h.Fields(); len(f) != 2 || f[0] != (Field{"A", "1"}) || f[1] != (Field{"B", "2"}) {
		t.Errorf("fields are %v", f)
	}
	if n := testing.AllocsPerRun(10, change); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestHostIsAFieldInAllVersions(t *testing.T) {
	r := &Request{Host: "a:80"}
	r.Header.Add("X", "y")
	if r.Field("host") != "a:80" || r.Field("x") != "y" || r.Field("z") != "" {
		t.Errorf("fields are %q, %q and %q", r.Field("host"), r.Field("x"), r.Field("z"))
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

func TestSchemeIsWhatTrustedProxiesSay(t *testing.T) {
	for _, c := range []struct {
		trusted            bool
		scheme, says, want string
	}{
		{true, "http", "https", "https"},
		{true, "http", " HTTPS , http", "https"},
		{true, "https", "http, https", "http"},
		{true, "https", "ftp", "http"},
		{true, "https", "", "https"},
		{false, "http", "https", "http"},
		{false, "https", "http", "https"},
	} {
		x := &Exchange{}
		x.PeerTrusted, x.Request.Scheme = c.trusted, c.scheme
		if c.says != "" {
			x.Request.Header.Add("x-forwarded-proto", c.says)
		}
		if got := x.ClientScheme(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
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

package cache

import (
	"strings"
	"testing"
	"time"

	"pingap/message"
)

var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// fields makes a header of lines "Name: value".
func fields(lines ...string) (h message.Header) {
	for _, line := range lines {
		if name, value, ok := strings.Cut(line, ": "); ok {
			h.Add(name, value)
		}
	}
	return h
}

// RFC 9111 sections 3, 3.5, 4.2.1 and 5.2: what is stored, and for how long.
func TestWhatIsStored(t *testing.T) {
	const no = -1
	for _, c := range []struct {
		name   string
		q      string // fields of the request, "|" between them
		status int
		r      string
		want   time.Duration // fresh for; no: not stored
	}{
		{"max-age", "", 200, "Cache-Control: max-age=60", time.Minute},
		{"s-maxage goes before max-age", "", 200, "Cache-Control: max-age=60, s-maxage=5", 5 * time.Second},
		{"s-maxage alone stores, which Pingap does not", "", 200, "Cache-Control: s-maxage=5", 5 * time.Second},
		{"two fields are one list", "", 200, "Cache-Control: public|Cache-Control: max-age=7", 7 * time.Second},
		{"the shorter of two", "", 200, "Cache-Control: max-age=60, max-age=7", 7 * time.Second},
		{"in quotes", "", 200, `Cache-Control: max-age="7"`, 7 * time.Second},
		{"no number is stale", "", 200, "Cache-Control: max-age=soon", no},
		{"max-age=0", "", 200, "Cache-Control: max-age=0", no},
		{"huge", "", 200, "Cache-Control: max-age=99999999999999999999", maxSeconds * time.Second},
		{"a comma in quotes divides nothing", "", 200, `Cache-Control: ext="a, no-store", max-age=7`, 7 * time.Second},
		{"max-age goes before Expires", "", 200, "Cache-Control: max-age=7|Expires: Mon, 04 May 2026 13:00:00 GMT", 7 * time.Second},
		{"Expires", "", 200, "Date: Mon, 04 May 2026 12:00:00 GMT|Expires: Mon, 04 May 2026 12:00:30 GMT", 30 * time.Second},
		{"Expires 0 is past", "", 200, "Expires: 0", no},
		{"Expires in the form of RFC 850", "", 200, "Expires: Monday, 04-May-26 12:00:30 GMT", 30 * time.Second},
		{"Expires in the form of asctime", "", 200, "Expires: Mon May  4 12:00:30 2026", 30 * time.Second},
		{"no-store", "", 200, "Cache-Control: no-store, max-age=60", no},
		{"private", "", 200, "Cache-Control: private, max-age=60", no},
		{"private for one field is private", "", 200, `Cache-Control: private="x-id", max-age=60`, no},
		{"no-cache", "", 200, "Cache-Control: no-cache, max-age=60", no},
		{"in any case", "", 200, "cache-control: No-Store", no},
		{"the request says no-store", "Cache-Control: no-store", 200, "Cache-Control: max-age=60", no},
		{"Set-Cookie, which Pingap stores", "", 200, "Cache-Control: public, max-age=60|Set-Cookie: a=b", no},
		{"Authorization, which Pingap stores", "Authorization: Basic x", 200, "Cache-Control: max-age=60", no},
		{"Authorization and public", "Authorization: Basic x", 200, "Cache-Control: public, max-age=60", time.Minute},
		{"Authorization and s-maxage", "Authorization: Basic x", 200, "Cache-Control: s-maxage=60", time.Minute},
		{"Authorization and must-revalidate", "Authorization: Basic x", 200, "Cache-Control: must-revalidate, max-age=60", time.Minute},
		{"Authorization and nothing", "Authorization: Basic x", 200, "", no},
		{"nothing said", "", 200, "", time.Second},
		{"nothing said to somebody with a cookie", "Cookie: a=b", 200, "", no},
		{"declared to somebody with a cookie", "Cookie: a=b", 200, "Cache-Control: max-age=60", time.Minute},
		{"an error is not repeated for a second, as it is by Pingap", "", 500, "", no},
		{"nor is 404", "", 404, "", no},
		{"declared 404", "", 404, "Cache-Control: max-age=60", time.Minute},
		{"nothing said with a redirect of the moment", "", 302, "", no},
		{"nothing said with one for good", "", 301, "", time.Second},
		{"public without a time", "", 200, "Cache-Control: public", no},
		{"206", "", 206, "Cache-Control: max-age=60|Content-Range: bytes 0-1/2", no},
		{"304", "", 304, "Cache-Control: max-age=60", no},
		{"Vary *", "", 200, "Cache-Control: max-age=60|Vary: Accept, *", no},
	} {
		q := &message.Request{Header: fields(strings.Split(c.q, "|")...)}
		r := &message.Response{Status: c.status, Header: fields(strings.Split(c.r, "|")...)}
		e := (&Policy{}).NewEntry(q, r, now, now)
		switch {
		case e == nil && c.want != no:
			t.Errorf("%s: not stored", c.name)
		case e != nil && e.Fresh != c.want:
			t.Errorf("%s: fresh for %v, want %v", c.name, e.Fresh, c.want)
		}
	}
}

func TestPolicy(t *testing.T) {
	r := &message.Response{Status: 200, Header: fields("Cache-Control: max-age=60")}
	if e := (&Policy{MaxTTL: 9 * time.Second}).NewEntry(&message.Request{}, r, now, now); e == nil || e.Fresh != 9*time.Second {
		t.Errorf("capped: %+v", e)
	}
	r = &message.Response{Status: 200, Header: fields("Expires: Mon, 04 May 2026 12:00:30 GMT")}
	if e := (&Policy{Declared: true}).NewEntry(&message.Request{}, r, now, now); e != nil {
		t.Errorf("stored without Cache-Control: %+v", e)
	}
}

// RFC 9111 section 4.2.3.
func TestAge(t *testing.T) {
	for _, c := range []struct {
		r     string
		delay time.Duration
		want  time.Duration // 10 s after the answer came
	}{
		{"Date: Mon, 04 May 2026 12:00:00 GMT", 0, 10 * time.Second},
		{"Date: Mon, 04 May 2026 11:59:40 GMT", 0, 30 * time.Second},
		{"Date: Mon, 04 May 2026 12:05:00 GMT", 0, 10 * time.Second}, // a clock that is ahead
		{"Date: Mon, 04 May 2026 12:00:00 GMT|Age: 5", 2 * time.Second, 17 * time.Second},
		{"Age: none", 0, 10 * time.Second},
	} {
		r := &message.Response{Status: 200, Header: fields(append(strings.Split(c.r, "|"), "Cache-Control: max-age=600")...)}
		e := (&Policy{}).NewEntry(&message.Request{}, r, now.Add(-c.delay), now)
		if got := e.AgeAt(now.Add(10 * time.Second)); got != c.want {
			t.Errorf("%s: %v, want %v", c.r, got, c.want)
		}
	}
}

// RFC 9111 section 4.2.4, RFC 5861.
func TestStale(t *testing.T) {
	for _, c := range []struct {
		control             string
		revalidate, onError time.Duration
	}{
		{"max-age=1", time.Second, time.Second},
		{"max-age=1, stale-while-revalidate=30", 30 * time.Second, time.Second},
		{"max-age=1, stale-if-error=30", time.Second, 30 * time.Second},
		{"max-age=1, stale-if-error=30, must-revalidate", 0, 0},
		{"max-age=1, proxy-revalidate", 0, 0},
		{"s-maxage=1", 0, 0},
		{"s-maxage=1, stale-while-revalidate=30", 30 * time.Second, 0},
	} {
		r := &message.Response{Status: 200, Header: fields("Cache-Control: " + c.control)}
		e := (&Policy{}).NewEntry(&message.Request{}, r, now, now)
		if e.StaleRevalidate != c.revalidate || e.StaleError != c.onError {
			t.Errorf("%s: %v, %v", c.control, e.StaleRevalidate, e.StaleError)
		}
		if at := now.Add(time.Second); e.FreshAt(at) || e.WhileRevalidatedAt(at) != (c.revalidate > 0) || e.OnErrorAt(at) != (c.onError > 0) {
			t.Errorf("%s: a second later", c.control)
		}
	}
}

// RFC 9111 section 3.1.
func TestFieldsOfTheConnectionAreNotStored(t *testing.T) {
	r := &message.Response{Status: 200, Header: fields("Cache-Control: max-age=60", "Connection: X-Hop", "X-Hop: 1", "Age: 3", "X-Kept: 1", "Keep-Alive: 5")}
	e := (&Policy{}).NewEntry(&message.Request{}, r, now, now)
	var names []string
	for _, f := range e.Fields {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != "Cache-Control X-Kept Date" || e.Field("date") != "Mon, 04 May 2026 12:00:00 GMT" {
		t.Errorf("%s, Date %s", got, e.Field("date"))
	}
}

// RFC 9111 section 4.1.
func TestVariants(t *testing.T) {
	h := fields("Vary: Accept-Encoding, Accept", "Vary: accept")
	names, ok := VaryOf(&h)
	if !ok || strings.Join(names, " ") != "accept accept-encoding" {
		t.Fatal(names, ok)
	}
	e := &Entry{Vary: names, Generation: 1}
	variant := func(e *Entry, lines ...string) string {
		return string(e.AppendVariant(nil, &message.Request{Header: fields(lines...)}))
	}
	all := map[string]string{}
	for _, lines := range [][]string{
		{}, {"Accept: "}, {"Accept: a"}, {"Accept-Encoding: a"}, {"Accept: a", "Accept-Encoding: a"}, {"Accept: a", "Accept: a"}, {"Accept: aa"},
	} {
		key := variant(e, lines...)
		if other, ok := all[key]; ok {
			t.Errorf("%q and %q are one variant", lines, other)
		}
		all[key] = strings.Join(lines, "|")
	}
	if variant(e, "accept: a", "Other: x") != variant(e, "Accept: a", "Other: y") {
		t.Error("other fields tell variants apart")
	}
	if variant(e) == variant(&Entry{Vary: names, Generation: 2}) {
		t.Error("variants of another generation are found")
	}
}

// RFC 9110 sections 13.1.2, 13.1.3 and 13.2.2.
func TestNotModified(t *testing.T) {
	e := &Entry{Status: 200, Fields: []message.Field{{Name: "ETag", Value: `W/"a,b"`}, {Name: "Last-Modified", Value: "Mon, 04 May 2026 12:00:00 GMT"}}}
	for _, c := range []struct {
		q    string
		want bool
	}{
		{"", false},
		{`If-None-Match: "a,b"`, true},
		{`If-None-Match: "x", W/"a,b"`, true},
		{`If-None-Match: "x"|If-None-Match: "a,b"`, true},
		{`If-None-Match: *`, true},
		{`If-None-Match: "a"`, false},
		{`If-None-Match: "x`, false},
		{"If-Modified-Since: Mon, 04 May 2026 12:00:00 GMT", true},
		{"If-Modified-Since: Mon, 04 May 2026 11:59:59 GMT", false},
		{"If-Modified-Since: lately", false},
		{`If-None-Match: "x"|If-Modified-Since: Mon, 04 May 2026 12:00:00 GMT`, false},
	} {
		if got := e.NotModified(&message.Request{Header: fields(strings.Split(c.q, "|")...)}); got != c.want {
			t.Errorf("%s: %v", c.q, got)
		}
	}
}

// RFC 9111 sections 3.2 and 4.3.
func TestConfirmed(t *testing.T) {
	e := &Entry{Status: 200, Fields: []message.Field{{Name: "ETag", Value: `"a"`}, {Name: "Content-Type", Value: "text/css"}, {Name: "X-A", Value: "old"}, {Name: "X-B", Value: "1"}, {Name: "X-B", Value: "2"}}}
	h := fields(`If-None-Match: "client"`, "If-Modified-Since: x", "Accept: a")
	e.Validators(&h)
	if h.Len() != 2 || h.Get("If-None-Match") != `"a"` {
		t.Error(h.Fields())
	}
	r := &message.Response{Status: 304, Header: fields("X-A: new", "Content-Type: wrong", "Cache-Control: max-age=9")}
	e.Confirm(r)
	var all []string
	for _, f := range r.Header.Fields() {
		all = append(all, f.Name+"="+f.Value)
	}
	if got := strings.Join(all, " "); r.Status != 200 || got != `X-A=new Cache-Control=max-age=9 ETag="a" Content-Type=text/css X-B=1 X-B=2` {
		t.Error(r.Status, got)
	}
}

// RFC 9110 sections 13.1.5 and 14.
func TestRanges(t *testing.T) {
	e := &Entry{Status: 200, Body: []byte("0123456789"), Fields: []message.Field{{Name: "ETag", Value: `"a"`}, {Name: "Last-Modified", Value: "Mon, 04 May 2026 12:00:00 GMT"}}}
	for _, c := range []struct {
		q, want string
	}{
		{"", "whole"},
		{"Range: bytes=0-0", "0"},
		{"Range: bytes=2-4", "234"},
		{"Range: BYTES=8-", "89"},
		{"Range: bytes=8-99999999999999999999999", "89"},
		{"Range: bytes=-3", "789"},
		{"Range: bytes=-30", "0123456789"},
		{"Range: bytes=-0", "none"},
		{"Range: bytes=10-", "none"},
		{"Range: bytes=99999999999999999999-", "none"},
		{"Range: bytes=4-2", "whole"},
		{"Range: bytes=0-1,3-4", "whole"},
		{"Range: bytes=-", "whole"},
		{"Range: bytes=+1-2", "whole"},
		{"Range: lines=1-2", "whole"},
		{`Range: bytes=0-0|If-Range: "a"`, "0"},
		{`Range: bytes=0-0|If-Range: W/"a"`, "whole"},
		{`Range: bytes=0-0|If-Range: "b"`, "whole"},
		{"Range: bytes=0-0|If-Range: Mon, 04 May 2026 12:00:00 GMT", "0"},
		{"Range: bytes=0-0|If-Range: Mon, 04 May 2026 12:00:01 GMT", "whole"},
	} {
		part, partial := e.RangeOf(&message.Request{Header: fields(strings.Split(c.q, "|")...)})
		got := "whole"
		if partial {
			if got = string(e.Body[part.From:part.To]); got == "" {
				got = "none"
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.q, got, c.want)
		}
	}
}

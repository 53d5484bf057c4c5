package admin

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
	"pingap/plugin"
)

// askMounted has the entry answer an exchange. Each field is written "Name: value".
func (d *desk) askMounted(l *loop.Loop, method, target, content string, fields ...string) (*message.Exchange, string) {
	d.t.Helper()
	x := &message.Exchange{Loop: l}
	x.Reset()
	r := &x.Request
	r.Method, r.Scheme, r.Host, r.Version = method, "https", "proxy.example", message.HTTP2
	r.Path, r.Query, r.HasQuery = strings.Cut(target, "?")
	r.Body, r.Length = &message.BytesBody{Data: []byte(content)}, message.UnknownLength
	x.Client, x.ClientIP = netip.MustParseAddrPort("127.0.0.1:4711"), netip.MustParseAddr("2001:db8::7")
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	return x, d.serveMounted(x)
}

func (d *desk) serveMounted(x *message.Exchange) string {
	d.t.Helper()
	err := d.Plugin().Wrap(message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status = 299
		return nil
	})).Serve(x)
	if err != nil {
		d.t.Errorf("%s %s: %v", x.Request.Method, x.Request.Path, err)
		return ""
	}
	var text strings.Builder
	for {
		data, err := x.Response.Body.Next()
		text.Write(data)
		if err == io.EOF {
			break
		}
		if err != nil {
			d.t.Error(err)
			break
		}
	}
	if x.Response.Status != 299 && x.Response.Length != int64(text.Len()) {
		d.t.Errorf("%s %s: the length is %d, the content has %d bytes", x.Request.Method, x.Request.Path, x.Response.Length, text.Len())
	}
	return text.String()
}

// basicAuth is the field that shows me and my secret.
const basicAuth = "Authorization: Basic bWU6c2VjcmV0"

func TestExchangeIsAnsweredAsARequestIs(t *testing.T) {
	d := newDesk(t, func(e *plugin.AdminEntry, _ *Process) { e.Prefix = "/pingap" })
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []struct {
			method, target, content, field string
			status                         int
			says                           string
		}{
			{"GET", "/pingap/api/configs/upstreams/app", "", basicAuth, 200, `"127.0.0.1:5000"`},
			{"GET", "/pingap/", "", basicAuth, 200, "curl https://proxy.example/pingap/api/configs"},
			{"GET", "/pingap", "", basicAuth, 307, "/pingap/"},
			{"GET", "/pingap/api/configs", "", "Authorization: Basic bWU6eA==", 401, "needs a user"},
			{"GET", "/pingap/api/configs", "", "Accept: */*", 401, "needs a user"},
			{"GET", "/pingap/api/%zz", "", basicAuth, 400, "cannot be read"},
			{"GET", "/pingap/api/none", "", basicAuth, 404, "nothing at"},
			{"PUT", "/pingap/api/configs", "", basicAuth, 404, "nothing at"},
			{"POST", "/pingap/api/configs/upstreams/app", `{"addrs": ["10.0.0.1:80"]}`, basicAuth, 200, `"in_force": true`},
			{"POST", "/pingap/api/configs/check?replace", "[upstreams.u]\naddrs = [\"127.0.0.1\"]", basicAuth, 200, "removed"},
			{"GET", "/pingapx/api/configs", "", basicAuth, 299, ""},
			{"GET", "/api/configs", "", basicAuth, 299, ""},
			{"OPTIONS", "*", "", basicAuth, 299, ""},
			{"CONNECT", "", "", basicAuth, 299, ""},
		} {
			x, text := d.askMounted(l, c.method, c.target, c.content, c.field)
			if x.Response.Status != c.status || !strings.Contains(text, c.says) {
				t.Errorf("%s %s: status %d: %s", c.method, c.target, x.Response.Status, text)
			}
			if h := &x.Response.Header; c.status != 299 && c.status != 400 && h.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: Cache-Control is %q", c.method, c.target, h.Get("Cache-Control"))
			}
		}
		x, _ := d.askMounted(l, "GET", "/pingap/api/basic", "")
		if got := x.Response.Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Basic ") {
			t.Errorf("WWW-Authenticate is %q", got)
		}
	})
	if _, ok := d.access.failed[netip.MustParseAddr("2001:db8::7")]; !ok || len(d.access.failed) != 1 {
		t.Errorf("failures are counted of %v", d.access.failed)
	}
}

// An admin without a prefix has all paths.
func TestAdminWithoutAPrefixTakesEveryPath(t *testing.T) {
	d := newDesk(t)
	for path, want := range map[string]bool{"/": true, "/x": true, "//": true, "*": false, "": false} {
		if got := d.Plugin().Takes(path); got != want {
			t.Errorf("%q is taken: %v", path, got)
		}
	}
}

// counted is content without end, that tells how much of it was read.
type counted struct {
	block []byte
	read  int
	fails error
}

func (c *counted) Next() ([]byte, error) {
	if c.fails != nil {
		return nil, c.fails
	}
	c.read += len(c.block)
	return c.block, nil
}
func (c *counted) Close() {}

func TestContentOfAnExchangeIsReadForUsersAloneAndBounded(t *testing.T) {
	d := newDesk(t)
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []struct {
			field        string
			length       int64
			status, most int
		}{
			{"Accept: */*", message.UnknownLength, 401, 0},
			{basicAuth, maxBody + 1, 413, 0},
			{basicAuth, message.UnknownLength, 413, maxBody + 64<<10},
		} {
			x := &message.Exchange{Loop: l}
			x.Reset()
			body := &counted{block: make([]byte, 64<<10)}
			x.Request.Method, x.Request.Path, x.Request.Body, x.Request.Length = "POST", "/api/configs/import", body, c.length
			name, value, _ := strings.Cut(c.field, ": ")
			x.Request.Header.Add(name, value)
			d.serveMounted(x)
			if x.Response.Status != c.status || body.read > c.most {
				t.Errorf("%+v: status %d, %d bytes were read", c, x.Response.Status, body.read)
			}
		}
		// Content that breaks off is no answer of the admin's: the proxy has one.
		x := &message.Exchange{Loop: l}
		x.Reset()
		broken := errors.New("broken off")
		x.Request.Method, x.Request.Path, x.Request.Body, x.Request.Length = "POST", "/api/configs/import", &counted{fails: broken}, message.UnknownLength
		name, value, _ := strings.Cut(basicAuth, ": ")
		x.Request.Header.Add(name, value)
		if err := d.Plugin().Handler.Serve(x); !errors.Is(err, broken) {
			t.Errorf("error %v", err)
		}
	})
}

func TestAnswerToAnExchangeIsBounded(t *testing.T) {
	w := &response{header: map[string][]string{"Etag": {"x"}}, limit: 10}
	if _, err := w.Write([]byte("0123456789")); err != nil {
		t.Error(err)
	}
	if _, err := w.Write([]byte("x")); err == nil || len(w.content) > 10 {
		t.Errorf("error %v, %d bytes are kept", err, len(w.content))
	}
	w.limit = 1000
	x := &message.Exchange{}
	x.Reset()
	w.give(x)
	if text, _ := x.Response.Body.Next(); x.Response.Status != 500 || !strings.Contains(string(text), "larger") || x.Response.Header.Has("ETag") {
		t.Errorf("status %d: %s", x.Response.Status, text)
	}
}

// What an admin keeps must not change when the exchange has ended.
func TestRequestOfAnExchangeIsACopy(t *testing.T) {
	memory := []byte("GET /a/upstreams/name?q=1 X-Name value host.example")
	view := func(from, to int) string { return message.View(memory[from:to]) }
	x := &message.Exchange{}
	x.Reset()
	x.Request.Method, x.Request.Path, x.Request.Query, x.Request.HasQuery, x.Request.Host = view(0, 3), view(4, 21), view(22, 25), true, view(39, 51)
	x.Request.Header.Add(view(26, 32), view(33, 38))
	r, err := requestOf(x)
	if err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprint(r.Method, r.URL, r.RequestURI, r.Host, r.Header)
	if want := "GET/a/upstreams/name?q=1/a/upstreams/name?q=1host.examplemap[X-Name:[value]]"; before != want {
		t.Errorf("it is %s", before)
	}
	for i := range memory {
		memory[i] = 'x'
	}
	if after := fmt.Sprint(r.Method, r.URL, r.RequestURI, r.Host, r.Header); after != before {
		t.Errorf("it has become %s", after)
	}
}

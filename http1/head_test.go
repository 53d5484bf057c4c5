package http1

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pingap/message"
)

// parseRequest parses a request head that is there as a whole.
func parseRequest(raw string) (*message.Request, int, framing, error) {
	var p requestHead
	req := new(message.Request)
	req.Reset()
	limits := Limits{}.withDefaults()
	n, f, err := p.parse([]byte(raw), req, &limits)
	return req, n, f, err
}

// parsePieces parses a request head that comes in pieces, cut at the given
// places, as a session does: the bytes stay where they are.
func parsePieces(raw string, cuts ...int) (*message.Request, int, framing, error) {
	var p requestHead
	req := new(message.Request)
	req.Reset()
	limits := Limits{}.withDefaults()
	b := []byte(raw)
	for _, cut := range append(cuts, len(b)) {
		n, f, err := p.parse(b[:cut], req, &limits)
		if err != errIncomplete {
			return req, n, f, err
		}
	}
	return req, 0, 0, errIncomplete
}

// wire makes raw bytes of lines: \n stands for CRLF.
func wire(lines string) string { return strings.ReplaceAll(lines, "\n", "\r\n") }

func TestRequestHeadIsParsedInPlace(t *testing.T) {
	raw := wire("GET /a%20b?x=1&y HTTP/1.1\nHost: example.com:8080\nAccept: */*\nX-Empty:\nX-Blank: \t \nX-Tab:\t a\tb \t\nX-High: \xe4\xff\n\nrest")
	req, n, f, err := parseRequest(raw)
	if err != nil {
		t.Fatal(err)
	}
	if raw[n:] != "rest" || f != noContent || req.Length != 0 {
		t.Errorf("ended before %q, framing %d", raw[n:], f)
	}
	if req.Method != "GET" || req.Path != "/a%20b" || req.Query != "x=1&y" || !req.HasQuery || req.Host != "example.com:8080" || req.Version != message.HTTP11 {
		t.Errorf("got %+v", req)
	}
	want := "Host=example.com:8080 Accept=*/* X-Empty= X-Blank= X-Tab=a\tb X-High=\xe4\xff"
	var got []string
	for _, f := range req.Header.Fields() {
		got = append(got, f.Name+"="+f.Value)
	}
	if strings.Join(got, " ") != want {
		t.Errorf("fields are %q, want %q", got, want)
	}
}

func TestRequestHeadIsAcceptedAsItMayBe(t *testing.T) {
	for _, c := range []struct{ why, lines, host, path, query string }{
		{"one empty line first", "\nGET / HTTP/1.1\nHost: a\n\n", "a", "/", ""},
		{"HTTP/1.0 without Host", "GET / HTTP/1.0\n\n", "", "/", ""},
		{"higher minor version", "GET / HTTP/1.9\nHost: a\n\n", "a", "/", ""},
		{"unknown method", "BREW /pot HTTP/1.1\nHost: a\n\n", "a", "/pot", ""},
		{"method with all token characters", "!#$%&'*+-.^_`|~09azAZ / HTTP/1.1\nHost: a\n\n", "a", "/", ""},
		{"absolute target", "GET http://Example.com:80/a?b HTTP/1.1\nHost: example.COM:80\n\n", "Example.com:80", "/a", "b"},
		{"absolute target without path", "GET HTTPS://a HTTP/1.1\nHost: a\n\n", "a", "/", ""},
		{"absolute target with query alone", "GET http://a?b/c HTTP/1.1\nHost: a\n\n", "a", "/", "b/c"},
		{"absolute target of OPTIONS (RFC 9112 section 3.2.4)", "OPTIONS http://a HTTP/1.1\nHost: a\n\n", "a", "*", ""},
		{"absolute target in HTTP/1.0 without Host", "GET http://a/b HTTP/1.0\n\n", "a", "/b", ""},
		{"asterisk", "OPTIONS * HTTP/1.1\nHost: a\n\n", "a", "*", ""},
		{"CONNECT", "CONNECT a:443 HTTP/1.1\nHost: a:443\n\n", "a:443", "", ""},
		{"CONNECT to IPv6", "CONNECT [::1]:443 HTTP/1.1\nHost: [::1]:443\n\n", "[::1]:443", "", ""},
		{"two slashes are a path", "GET //b/c HTTP/1.1\nHost: a\n\n", "a", "//b/c", ""},
		{"bytes that browsers send as they are", "GET /a|b\"{}^`<>\\?c|d%zz HTTP/1.1\nHost: a\n\n", "a", "/a|b\"{}^`<>\\", "c|d%zz"},
		{"question mark in the query", "GET /?a?b HTTP/1.1\nHost: a\n\n", "a", "/", "a?b"},
	} {
		t.Run(c.why, func(t *testing.T) {
			req, n, _, err := parseRequest(wire(c.lines))
			if err != nil || n != len(wire(c.lines)) {
				t.Fatalf("%d, %v", n, err)
			}
			if req.Host != c.host || req.Path != c.path || req.Query != c.query {
				t.Errorf("host %q path %q query %q", req.Host, req.Path, req.Query)
			}
		})
	}
}

// RFC 9112 section 6.3.
func TestRequestContentIsFramedByItsFields(t *testing.T) {
	for _, c := range []struct {
		fields string
		f      framing
		length int64
	}{
		{"", noContent, 0},
		{"Content-Length: 0\n", noContent, 0},
		{"Content-Length: 12\n", sized, 12},
		{"content-length:\t0012 \n", sized, 12},
		{"Content-Length: 9223372036854775807\n", sized, 1<<63 - 1},
		{"Transfer-Encoding: chunked\n", chunked, message.UnknownLength},
		{"transfer-encoding: \tCHUNKED \n", chunked, message.UnknownLength},
	} {
		req, _, f, err := parseRequest(wire("POST / HTTP/1.1\nHost: a\n" + c.fields + "\n"))
		if err != nil || f != c.f || req.Length != c.length {
			t.Errorf("%q: framing %d, length %d, %v", c.fields, f, req.Length, err)
		}
	}
}

func TestRequestHeadLimits(t *testing.T) {
	limits := Limits{}.withDefaults()
	parse := func(raw string) error {
		_, _, _, err := parseRequest(raw)
		return err
	}
	line := func(n int) string {
		return "GET /" + strings.Repeat("a", n-len("GET / HTTP/1.1\r\n")) + " HTTP/1.1\r\n"
	}
	rest := "Host: a\r\n\r\n"
	if err := parse(line(limits.RequestLine) + rest); err != nil {
		t.Errorf("longest request line: %v", err)
	}
	if err := parse(line(limits.RequestLine+1) + rest); err != error(errURITooLong) || errURITooLong.Status != 414 {
		t.Errorf("longer request line: %v", err)
	}
	if err := parse(line(limits.RequestLine + 1)[:limits.RequestLine]); err != error(errURITooLong) {
		t.Errorf("request line without end: %v", err)
	}
	head := func(n int) string {
		start := "GET / HTTP/1.1\r\nHost: a\r\nx: "
		return start + strings.Repeat("a", n-len(start)-4) + "\r\n\r\n"
	}
	if err := parse(head(limits.Head)); err != nil {
		t.Errorf("largest head: %v", err)
	}
	if err := parse(head(limits.Head + 1)); err != error(errLargeHead) || errLargeHead.Status != 431 {
		t.Errorf("larger head: %v", err)
	}
	if err := parse(head(limits.Head + 1)[:limits.Head]); err != error(errLargeHead) {
		t.Errorf("head without end: %v", err)
	}
	fields := func(n int) string {
		return "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("x: y\r\n", n-1) + "\r\n"
	}
	if err := parse(fields(limits.Fields)); err != nil {
		t.Errorf("most fields: %v", err)
	}
	if err := parse(fields(limits.Fields + 1)); err != error(errManyFields) || errManyFields.Status != 431 {
		t.Errorf("more fields: %v", err)
	}
}

func TestRequestHeadInPiecesIsTheSameAsWhole(t *testing.T) {
	heads := []string{
		wire("GET /a?b HTTP/1.1\nHost: example.com\nAccept: */*\nContent-Length: 12\n\nbody"),
		wire("\nPOST http://a/ HTTP/1.1\nHost:a\nConnection: close, x-a\nX-A: b\nX-B :c\n\n"),
	}
	for _, r := range refusals {
		heads = append(heads, r.head)
	}
	for _, head := range heads {
		whole := describe(parseRequest(head))
		var all []int
		for cut := 1; cut < len(head); cut++ {
			all = append(all, cut)
			if got := describe(parsePieces(head, cut)); got != whole {
				t.Fatalf("cut at %d of %q:\n%s\nwhole:\n%s", cut, head, got, whole)
			}
		}
		if got := describe(parsePieces(head, all...)); got != whole {
			t.Errorf("byte by byte %q:\n%s\nwhole:\n%s", head, got, whole)
		}
	}
}

// describe prints all that parsing a request head yields; of one that is
// refused, why.
func describe(req *message.Request, n int, f framing, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d bytes, framing %d, %+v", n, f, *req)
}

func TestSlowRequestHeadIsNotReadAgainAndAgain(t *testing.T) {
	// A line that drips in is passed over at most twice, so all that is
	// looked at stays near its length. Counted by marking what was scanned.
	raw := "GET / HTTP/1.1\r\nHost: a\r\nCookie: " + strings.Repeat("c", 8000)
	var p requestHead
	var req message.Request
	limits := Limits{}.withDefaults()
	b := []byte(raw)
	for n := 1; n <= len(b); n++ {
		if _, _, err := p.parse(b[:n], &req, &limits); err != errIncomplete {
			t.Fatal(err)
		}
		if n > 40 && p.fields.scanned != n {
			t.Fatalf("%d bytes are there, %d are known to hold no line end", n, p.fields.scanned)
		}
	}
}

// RFC 9110 section 7.6.1 and 7.8, RFC 9112 section 9.3.
func TestConnectionOptions(t *testing.T) {
	for _, c := range []struct {
		head       string
		persistent bool
		upgrade    string
	}{
		{"GET / HTTP/1.1\nHost: a\n\n", true, ""},
		{"GET / HTTP/1.1\nHost: a\nConnection: close\n\n", false, ""},
		{"GET / HTTP/1.1\nHost: a\nConnection: Keep-Alive, CLOSE\n\n", false, ""},
		{"GET / HTTP/1.1\nHost: a\nConnection: x\nConnection: close\n\n", false, ""},
		{"GET / HTTP/1.0\n\n", false, ""},
		{"GET / HTTP/1.0\nConnection: keep-alive\n\n", true, ""},
		{"GET / HTTP/1.0\nConnection: keep-alive, close\n\n", false, ""},
		{"GET / HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\n\n", true, "websocket"},
		{"GET / HTTP/1.1\nHost: a\nConnection: keep-alive, upgrade\nUpgrade: x/1\n\n", true, "x/1"},
		{"GET / HTTP/1.1\nHost: a\nUpgrade: websocket\n\n", true, ""},
		{"GET / HTTP/1.1\nHost: a\nConnection: upgrade\n\n", true, ""},
		{"GET / HTTP/1.1\nHost: a\nConnection: upgrade\nUpgrade: a\nUpgrade: b\n\n", true, ""},
		{"GET / HTTP/1.1\nHost: a\nConnection: upgrade, http2-settings\nUpgrade: h2c\nHTTP2-Settings: x\n\n", true, ""},
		{"GET / HTTP/1.1\nHost: a\nConnection: upgrade\nUpgrade: websocket, H2C\n\n", true, ""},
		{"GET / HTTP/1.0\nConnection: upgrade, keep-alive\nUpgrade: websocket\n\n", true, ""},
	} {
		var p requestHead
		var req message.Request
		limits := Limits{}.withDefaults()
		if _, _, err := p.parse([]byte(wire(c.head)), &req, &limits); err != nil {
			t.Fatalf("%q: %v", c.head, err)
		}
		if got := p.fields.control.persistent(req.Version); got != c.persistent || req.Upgrade != c.upgrade {
			t.Errorf("%q: persistent %v, upgrade %q", c.head, got, req.Upgrade)
		}
	}
}

func parseResponse(raw, method string) (*message.Response, int, framing, *responseHead, error) {
	p := new(responseHead)
	resp := new(message.Response)
	resp.Reset()
	limits := Limits{}.withDefaults()
	n, f, err := p.parse([]byte(raw), method, resp, &limits)
	return resp, n, f, p, err
}

// RFC 9112 sections 6.3 and 9.3.
func TestResponseHead(t *testing.T) {
	for _, c := range []struct {
		method, head string
		status       int
		f            framing
		length       int64
		persistent   bool
	}{
		{"GET", "HTTP/1.1 200 OK\nContent-Length: 3\n\n", 200, sized, 3, true},
		{"GET", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", 200, noContent, 0, true},
		{"GET", "HTTP/1.1 200\nTransfer-Encoding: chunked\n\n", 200, chunked, -1, true},
		{"GET", "HTTP/1.1 200 \n\n", 200, untilClose, -1, true},
		{"GET", "HTTP/1.0 404 Not \tFound \xfc\nConnection: keep-alive\nContent-Length: 1\n\n", 404, sized, 1, true},
		{"GET", "HTTP/1.0 200 OK\nContent-Length: 1\n\n", 200, sized, 1, false},
		{"GET", "HTTP/1.1 200 OK\nConnection: close\nContent-Length: 1\n\n", 200, sized, 1, false},
		{"HEAD", "HTTP/1.1 200 OK\nContent-Length: 5\n\n", 200, noContent, 5, true},
		{"HEAD", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", 200, noContent, -1, true},
		{"HEAD", "HTTP/1.1 200 OK\n\n", 200, noContent, -1, true},
		{"GET", "HTTP/1.1 304 Not Modified\nContent-Length: 5\n\n", 304, noContent, 5, true},
		{"GET", "HTTP/1.1 204 No Content\nContent-Length: 5\n\n", 204, noContent, 0, true},
		{"GET", "HTTP/1.1 100 Continue\n\n", 100, noContent, 0, true},
		{"GET", "HTTP/1.1 101 Switching\nUpgrade: x\nConnection: upgrade\n\n", 101, noContent, 0, true},
		{"CONNECT", "HTTP/1.1 200 OK\nContent-Length: 5\n\n", 200, noContent, 0, true},
		{"CONNECT", "HTTP/1.1 403 No\nContent-Length: 5\n\n", 403, sized, 5, true},
	} {
		resp, n, f, p, err := parseResponse(wire(c.head), c.method)
		if err != nil || n != len(wire(c.head)) || resp.Status != c.status || f != c.f || resp.Length != c.length || p.persistent() != c.persistent {
			t.Errorf("%s, %q: %d bytes, status %d, framing %d, length %d, persistent %v, %v", c.method, c.head, n, resp.Status, f, resp.Length, p.persistent(), err)
		}
	}
}

func TestResponseHeadIsRefusedWhenItCanBeReadInTwoWays(t *testing.T) {
	for _, c := range []struct {
		head string
		err  *Error
	}{
		{"HTTP/1.1 200 OK\nx: y\r\n\r\n", errBareLF},
		{"HTTP/1.1 20 OK\r\n\r\n", errStatusLine},
		{"HTTP/1.1 2000 OK\r\n\r\n", errStatusLine},
		{"HTTP/1.1 2x0 OK\r\n\r\n", errStatusLine},
		{"HTTP/1.1 099 OK\r\n\r\n", errStatusLine},
		{"HTTP/1.1 600 OK\r\n\r\n", errStatusLine},
		{"HTTP/1.1 -20 OK\r\n\r\n", errStatusLine},
		{"HTTP/1.1  200 OK\r\n\r\n", errStatusLine},
		{"HTTP/1.1 200 O\x00K\r\n\r\n", errStatusLine},
		{"HTTP/2.0 200 OK\r\n\r\n", errStatusLine},
		{"ICY 200 OK\r\n\r\n", errStatusLine},
		{"\r\nHTTP/1.1 200 OK\r\n\r\n", errStatusLine},
		{"SSH-2.0-OpenSSH\r\n\r\n", errStatusLine},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", errLengthRepeated},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", errLengthCoding},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", errCoding},
		{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", errCoding10},
		{"HTTP/1.1 200 OK\r\nx : y\r\n\r\n", errSpaceColon},
		{"HTTP/1.1 200 OK\r\nx: y\r\n z\r\n\r\n", errFolded},
	} {
		var refusal *Error
		_, _, _, _, err := parseResponse(c.head, "GET")
		if !errors.As(err, &refusal) || refusal != c.err {
			t.Errorf("%q: %v, want %v", c.head, err, c.err)
		}
	}
}

func TestParsingARequestHeadTakesNoMemory(t *testing.T) {
	raw := []byte(wire(typicalHead))
	limits := Limits{}.withDefaults()
	var req message.Request
	if n := testing.AllocsPerRun(100, func() {
		var p requestHead
		req.Reset()
		if _, _, err := p.parse(raw, &req, &limits); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

const typicalHead = "GET /index.html?q=1 HTTP/1.1\nHost: www.example.com\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\nAccept-Language: en-US,en;q=0.5\nAccept-Encoding: gzip, deflate, br\nConnection: keep-alive\nCookie: a=b; session=0123456789abcdef0123456789abcdef\nUpgrade-Insecure-Requests: 1\n\n"

func BenchmarkRequestHead(b *testing.B) {
	raw := []byte(wire(typicalHead))
	limits := Limits{}.withDefaults()
	var req message.Request
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		var p requestHead
		req.Reset()
		if _, _, err := p.parse(raw, &req, &limits); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResponseHead(b *testing.B) {
	raw := []byte(wire("HTTP/1.1 200 OK\nServer: nginx/1.22.1\nDate: Sat, 22 Nov 2025 10:00:00 GMT\nContent-Type: text/html; charset=utf-8\nContent-Length: 612\nLast-Modified: Tue, 04 Dec 2018 14:44:49 GMT\nConnection: keep-alive\nETag: \"5c0692e1-264\"\nAccept-Ranges: bytes\n\n"))
	limits := Limits{}.withDefaults()
	var resp message.Response
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		var p responseHead
		resp.Reset()
		if _, _, err := p.parse(raw, "GET", &resp, &limits); err != nil {
			b.Fatal(err)
		}
	}
}

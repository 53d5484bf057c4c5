package http1

import (
	"testing"

	"pingap/message"
)

func parseRequest(t testing.TB, raw string) (*message.Request, int, framing, error) {
	t.Helper()
	var p requestHead
	var req message.Request
	req.Reset()
	limits := Limits{}.withDefaults()
	n, f, err := p.parse([]byte(raw), &req, &limits)
	return &req, n, f, err
}

func TestRequestHeadIsParsedInPlace(t *testing.T) {
	raw := "GET /a%20b?x=1&y HTTP/1.1\r\nHost: example.com:8080\r\nAccept: */*\r\nX-Empty:\r\nX-Tab:\t a\tb \t\r\n\r\nrest"
	req, n, f, err := parseRequest(t, raw)
	if err != nil {
		t.Fatal(err)
	}
	if raw[n:] != "rest" || f != noContent {
		t.Errorf("ended before %q, framing %d", raw[n:], f)
	}
	if req.Method != "GET" || req.Path != "/a%20b" || req.Query != "x=1&y" || !req.HasQuery || req.Host != "example.com:8080" || req.Version != message.HTTP11 {
		t.Errorf("got %+v", req)
	}
	if got := req.Header.Get("x-tab"); got != "a\tb" {
		t.Errorf("X-Tab is %q", got)
	}
	if v, ok := req.Header.Lookup("X-Empty"); !ok || v != "" {
		t.Errorf("X-Empty is %q, %v", v, ok)
	}
}

func BenchmarkRequestHead(b *testing.B) {
	raw := []byte("GET /index.html?q=1 HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\nCookie: a=b; session=0123456789abcdef0123456789abcdef\r\nUpgrade-Insecure-Requests: 1\r\n\r\n")
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

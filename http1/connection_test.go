package http1

import (
	"strings"
	"testing"

	"pingap/message"
)

// RFC 9110 section 7.6.1.
func TestConnectionSpecificFieldsAreKnown(t *testing.T) {
	for name, want := range map[string]bool{
		"Connection": true, "Keep-Alive": true, "proxy-connection": true, "TE": true, "te": true,
		"Transfer-Encoding": true, "UPGRADE": true, "HTTP2-Settings": true,
		"Host": false, "Content-Length": false, "Date": false, "Trailer": false, "Expect": false,
		"Cookie": false, "X-Connection": false, "T": false, "": false,
	} {
		if got := ConnectionSpecific(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestFieldsThatConnectionNamesAreRemoved(t *testing.T) {
	req, _, _, err := parseRequest(wire("GET / HTTP/1.1\nHost: a\nX-One: 1\nConnection: x-one, keep-alive\nx-two: 2\nx-one: 3\nConnection: close ,\tX-Two\nX-Three: 4\n\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(&req.Header), "Host Connection Connection X-Three"; got != want {
		t.Errorf("left are %s, want %s", got, want)
	}
}

func names(h *message.Header) string {
	var names []string
	for _, f := range h.Fields() {
		names = append(names, f.Name)
	}
	return strings.Join(names, " ")
}

// A client must not make anyone behind us forget who it is, how its message is
// framed, where it goes, or what proxies in front of us have said.
func TestClientCannotNominateAwayWhatOthersNeed(t *testing.T) {
	for _, name := range []string{
		"Host", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Expect", "Trailer", "Date",
		"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "Origin", "Referer", "User-Agent", "Sec-Fetch-Site",
		"X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Anything", "X-Real-IP", "Forwarded", "Via", "X-Request-Id", "traceparent",
		"Cache-Control", "Pragma", "Vary", "ETag", "Range", "If-None-Match", "If-Range", "Accept", "Accept-Encoding", "Max-Forwards",
	} {
		h := new(message.Header)
		h.Add("Connection", "close, "+strings.ToLower(name))
		h.Add(name, "1")
		removeNominated(h)
		if !h.Has(name) {
			t.Errorf("%s is gone", name)
		}
	}
}

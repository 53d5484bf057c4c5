package http1

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"slices"
	"sync"
	"testing"

	"pingap/message"
)

// seeds are messages that fuzzing begins with.
func seeds(f *testing.F, add func(raw []byte)) {
	f.Helper()
	for _, r := range refusals {
		add([]byte(r.head))
	}
	for _, lines := range []string{
		typicalHead,
		"HEAD \n",
		"HEAD ",
		"GET http://a:80/b?c HTTP/1.1\nHost: a:80\n\n",
		"\nOPTIONS * HTTP/1.0\n\n",
		"CONNECT [::1]:443 HTTP/1.1\nHost: [::1]:443\n\n",
		"POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\nabcGET / HTTP/1.1\nHost: a\n\n",
		"POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nTrailer: X\n\n3;e=f\nabc\n0\nX: y\n\nGET /",
		"GET / HTTP/1.1\nHost: a\nConnection: upgrade, x-a, close\nUpgrade: websocket\nX-A: b\nExpect: 100-continue\n\n",
	} {
		add([]byte(wire(lines)))
	}
}

// A request head that comes in two pieces is the same as in one.
func FuzzRequestHead(f *testing.F) {
	seeds(f, func(raw []byte) { f.Add(raw, uint(len(raw)/2)) })
	f.Fuzz(func(t *testing.T, raw []byte, cut uint) {
		cut %= uint(len(raw) + 1)
		whole := describe(parseRequest(string(raw)))
		pieces := describe(parsePieces(string(raw), int(cut)))
		// What is wrong in a line without end may be told before its end.
		if pieces == errIncomplete.Error() && !bytes.Contains(raw[cut:], []byte("\n")) {
			return
		}
		if whole != pieces {
			t.Errorf("cut at %d of %q:\n%s\nwhole:\n%s", cut, raw, pieces, whole)
		}
	})
}

// A response head that comes in two pieces is the same as in one, and one that
// is accepted is read by net/http as the same message.
func FuzzResponseHead(f *testing.F) {
	for _, lines := range []string{
		"HTTP/1.1 200 OK\nContent-Length: 3\nX: y\n\nabc",
		"HTTP/1.0 404 Not Found\nConnection: x-a, keep-alive\nX-A: b\n\n",
		"HTTP/1.1 304\nTransfer-Encoding: chunked\nTrailer: x\n\n",
	} {
		f.Add([]byte(wire(lines)), uint(20), true)
	}
	f.Fuzz(func(t *testing.T, raw []byte, cut uint, head bool) {
		method := "GET"
		if head {
			method = "HEAD"
		}
		resp, n, framed, _, err := parseResponse(string(raw), method)
		if err != nil {
			return
		}
		var p responseHead
		again := new(message.Response)
		again.Reset()
		limits := Limits{}.withDefaults()
		m, framedAgain, err := p.parse(raw[:cut%uint(n+1)], method, again, &limits)
		if err == errIncomplete {
			m, framedAgain, err = p.parse(raw, method, again, &limits)
		}
		if err != nil || m != n || framed != framedAgain || fmt.Sprint(resp) != fmt.Sprint(again) {
			t.Fatalf("in pieces: %v, %+v\nwhole: %+v", err, again, resp)
		}
		theirs, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), &http.Request{Method: method})
		if err != nil {
			t.Fatalf("net/http refuses %q: %v", raw, err)
		}
		if theirs.StatusCode != resp.Status || theirs.ContentLength != resp.Length && framed != noContent {
			t.Errorf("status %d, length %d; net/http: %d, %d", resp.Status, resp.Length, theirs.StatusCode, theirs.ContentLength)
		}
		sameFields(t, &resp.Header, theirs.Header)
	})
}

// Chunked content is the same at all sizes of pieces, and what is accepted is
// read by net/http as the same content.
func FuzzChunked(f *testing.F) {
	for _, lines := range []string{"3\nabc\n0\n\n", "3;x=y\nabc\n00\nX: y\n\nrest", "a\n0123456789\n0\n\n", "ffffffffffffffff\n", "1 \na\n0\n\n"} {
		f.Add([]byte(wire(lines)), uint16(1))
	}
	f.Fuzz(func(t *testing.T, raw []byte, piece uint16) {
		content, trailer, rest, err := decode(string(raw), len(raw)+1)
		content2, trailer2, rest2, err2 := decode(string(raw), int(piece)+1)
		// An unfinished line that is wrong already may be told so or not.
		if err2 != errIncomplete && err != errIncomplete {
			if content != content2 || rest != rest2 && err == nil || err != err2 || fmt.Sprint(trailer) != fmt.Sprint(trailer2) && err == nil {
				t.Errorf("%q by %d: %q, rest %q, %v; whole: %q, rest %q, %v", raw, piece+1, content2, rest2, err2, content, rest, err)
			}
		}
		if err != nil {
			return
		}
		theirs, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(raw)))
		if err != nil || string(theirs) != content {
			t.Errorf("%q: %q; net/http: %q, %v", raw, content, theirs, err)
		}
	})
}

// Whatever is accepted is read by net/http as the same message, and neither
// sees a byte as part of a second one that the other does not.
func FuzzRequestAgainstNetHTTP(f *testing.F) {
	seeds(f, func(raw []byte) { f.Add(raw) })
	f.Fuzz(func(t *testing.T, raw []byte) {
		ours, rest, err := readMessage(raw)
		if err != nil {
			return
		}
		theirs, theirRest, err := readWithNetHTTP(raw)
		if err != nil {
			t.Fatalf("net/http refuses %q: %v", raw, err)
		}
		if string(rest) != string(theirRest) {
			t.Fatalf("behind the message stands %q; net/http: %q", rest, theirRest)
		}
		sameRequest(t, ours, theirs)
	})
}

// wholeRequest is a request with its content.
type wholeRequest struct {
	message.Request
	content string
}

// readMessage reads a request with its content by this package's parsers.
func readMessage(raw []byte) (_ *wholeRequest, rest []byte, err error) {
	req, n, framed, err := parseRequest(string(raw))
	if err != nil {
		return nil, nil, err
	}
	whole := &wholeRequest{Request: *req}
	rest = raw[n:]
	switch framed {
	case sized:
		if int64(len(rest)) < req.Length {
			return nil, nil, errIncomplete
		}
		whole.content, rest = string(rest[:req.Length]), rest[req.Length:]
	case chunked:
		content, trailer, left, err := decode(string(rest), len(rest)+1)
		if err != nil {
			return nil, nil, err
		}
		whole.content, whole.Trailer, rest = content, trailer, []byte(left)
	}
	return whole, rest, nil
}

// theirRequest is what net/http has read.
type theirRequest struct {
	*http.Request
	content string
}

func readWithNetHTTP(raw []byte) (_ *theirRequest, rest []byte, err error) {
	// net/http does not know of the empty line that may come first.
	raw = bytes.TrimPrefix(raw, crlf)
	r := bufio.NewReaderSize(bytes.NewReader(raw), 1<<20)
	req, err := http.ReadRequest(r)
	if err != nil {
		return nil, nil, err
	}
	content, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, nil, err
	}
	rest, err = io.ReadAll(r)
	return &theirRequest{req, string(content)}, rest, err
}

func sameRequest(t *testing.T, ours *wholeRequest, theirs *theirRequest) {
	t.Helper()
	if ours.Method != theirs.Method || ours.Host != theirs.Host || ours.content != theirs.content {
		t.Errorf("%s, host %q, content %q; net/http: %s, %q, %q", ours.Method, ours.Host, ours.content, theirs.Method, theirs.Host, theirs.content)
	}
	if length := ours.Length; length != theirs.ContentLength {
		t.Errorf("length %d; net/http: %d", length, theirs.ContentLength)
	}
	path, err := url.PathUnescape(ours.Path)
	want := theirs.URL.Path
	if want == "" && ours.Method != "CONNECT" { // http://a
		want = "/"
		if ours.Method == "OPTIONS" && theirs.URL.RawQuery == "" && !theirs.URL.ForceQuery {
			want = "*"
		}
	}
	if err != nil || path != want || ours.Query != theirs.URL.RawQuery {
		t.Errorf("path %q, query %q, %v; net/http: %q, %q", path, ours.Query, err, want, theirs.URL.RawQuery)
	}
	sameFields(t, &ours.Header, theirs.Header)
	for _, f := range ours.Trailer.Fields() {
		if key := textproto.CanonicalMIMEHeaderKey(f.Name); !slices.Contains(theirs.Trailer[key], f.Value) {
			t.Errorf("trailer %s is %q; net/http: %q", f.Name, f.Value, theirs.Trailer[key])
		}
	}
}

// sameFields compares the fields that both have; those that Connection names
// are only in theirs, and net/http takes the framing out.
func sameFields(t *testing.T, ours *message.Header, theirs http.Header) {
	t.Helper()
	values := map[string][]string{}
	for _, f := range ours.Fields() {
		key := textproto.CanonicalMIMEHeaderKey(f.Name)
		values[key] = append(values[key], f.Value)
	}
	for key, list := range values {
		switch key {
		case "Host", "Transfer-Encoding", "Trailer", "Cache-Control":
			continue
		}
		if !slices.Equal(list, theirs[key]) {
			t.Errorf("%s is %q; net/http: %q", key, list, theirs[key])
		}
	}
}

// A whole conversation: the handler sees just the requests that net/http reads
// in the same bytes, up to where the server refuses to go on, and the answers
// are what net/http's client can read.
func FuzzServer(f *testing.F) {
	seeds(f, func(raw []byte) { f.Add(raw, uint(len(raw)/2)) })
	seeds(f, func(raw []byte) { f.Add(append(raw, wire("GET /next HTTP/1.1\nHost: a\n\n")...), uint(1)) })
	var (
		lock sync.Mutex
		seen []string
	)
	s := serve(f, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		content, err := io.ReadAll(&message.Reader{Body: x.Request.Body})
		if err != nil {
			return err
		}
		lock.Lock()
		seen = append(seen, fmt.Sprintf("%s %s %q", x.Request.Method, x.Request.Host, content))
		lock.Unlock()
		if x.Request.Method == "CONNECT" {
			x.Response.Status = 403
			return nil
		}
		text(x, "ok")
		return nil
	})})
	f.Fuzz(func(t *testing.T, raw []byte, cut uint) {
		lock.Lock()
		seen = nil
		lock.Unlock()
		cut %= uint(len(raw) + 1)
		c := s.dialIn(t)
		c.sendRaw(string(raw[:cut])).sendRaw(string(raw[cut:]))
		c.conn.CloseWrite()
		answers, err := io.ReadAll(c.conn)
		if err != nil {
			t.Fatalf("after %q: %v", answers, err)
		}
		lock.Lock()
		defer lock.Unlock()
		if served := checkAnswers(t, raw, answers); served > len(seen) {
			t.Errorf("%d answers are the handler's, which saw %q", served, seen)
		}
		want := referenceRequests(raw)
		if len(seen) > len(want) || !slices.Equal(seen, want[:len(seen)]) {
			t.Errorf("the handler saw %q; net/http: %q", seen, want)
		}
	})
}

// referenceRequests lists the requests that net/http sees in raw.
func referenceRequests(raw []byte) (all []string) {
	for len(raw) > 0 {
		req, rest, err := readWithNetHTTP(raw)
		if err != nil {
			return all
		}
		all = append(all, fmt.Sprintf("%s %s %q", req.Method, req.Host, req.content))
		raw = rest
	}
	return all
}

// checkAnswers reads the answers to the requests in raw with net/http, and
// returns how many of them came from the handler.
func checkAnswers(t *testing.T, raw, answers []byte) (served int) {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(answers))
	requests := raw
	for {
		if _, err := r.Peek(1); err == io.EOF {
			return served
		}
		req := &http.Request{Method: "GET"}
		if theirs, rest, err := readWithNetHTTP(requests); err == nil {
			req, requests = theirs.Request, rest
		} else if bytes.HasPrefix(bytes.TrimPrefix(requests, crlf), []byte("HEAD ")) {
			req.Method = "HEAD"
		}
		resp, err := http.ReadResponse(r, req)
		if err != nil {
			t.Fatalf("answers %q: %v", answers, err)
		}
		if resp.StatusCode == 100 {
			continue
		}
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Fatalf("answers %q: %v", answers, err)
		}
		switch {
		case resp.StatusCode == 200 || resp.StatusCode == 403:
			served++
		case resp.StatusCode < 400 || !resp.Close:
			t.Fatalf("%d without Connection: close in %q", resp.StatusCode, answers)
		}
	}
}

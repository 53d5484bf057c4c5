package admin

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"pingap/message"
	"pingap/plugin"
)

// Mount makes an entry that the proxy's own servers lead to.
func (a *Admin) Mount(e plugin.AdminEntry) *plugin.Admin { return a.Entry(e).Plugin() }

// Plugin returns the entry as a part of the proxy's own servers.
func (e *Entry) Plugin() *plugin.Admin {
	return &plugin.Admin{Prefix: e.prefix, Handler: message.HandlerFunc(e.serve)}
}

// serve answers an exchange as ServeHTTP does a request. What may block runs
// beside the loop, and the content is read only of those who have been admitted.
func (e *Entry) serve(x *message.Exchange) error {
	w := &response{header: make(http.Header), limit: maxAnswer}
	r, err := requestOf(x)
	if err != nil {
		refuse(w, http.StatusBadRequest, "the path or its query cannot be read")
		w.give(x)
		return nil
	}
	x.Loop.Await(func() { r = e.admit(w, r) })
	if r != nil {
		content, err := contentOf(x)
		switch {
		case errors.Is(err, errTooLarge):
			refuse(w, http.StatusRequestEntityTooLarge, tooLargeMessage)
		case err != nil:
			return err
		default:
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
			x.Loop.Await(func() { e.routed.ServeHTTP(w, r) })
		}
	}
	w.give(x)
	return nil
}

// requestOf makes a request of an exchange, without its content. All of it is
// copied: names and texts may be kept for longer than the exchange.
func requestOf(x *message.Exchange) (*http.Request, error) {
	target := strings.Clone(x.Request.Path)
	if x.Request.HasQuery {
		target += "?" + x.Request.Query
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, err
	}
	r := &http.Request{
		Method: strings.Clone(x.Request.Method), URL: u, RequestURI: target, Host: strings.Clone(x.Request.Host),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: make(http.Header), Body: http.NoBody,
		RemoteAddr: netip.AddrPortFrom(x.ClientIP, x.Client.Port()).String(),
	}
	for _, f := range x.Request.Header.Fields() {
		r.Header.Add(strings.Clone(f.Name), strings.Clone(f.Value))
	}
	if x.ClientScheme() == "https" {
		r.TLS = new(tls.ConnectionState)
	}
	return r, nil
}

var errTooLarge = errors.New("the content is too large")

// contentOf reads a request's content, at most maxBody of it.
func contentOf(x *message.Exchange) ([]byte, error) {
	if x.Request.Length > maxBody {
		return nil, errTooLarge
	}
	content := make([]byte, 0, max(x.Request.Length, 0))
	for {
		data, err := x.Request.Body.Next()
		if content = append(content, data...); len(content) > maxBody {
			return nil, errTooLarge
		}
		if err == io.EOF {
			return content, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// maxAnswer bounds the content of an answer to an exchange, in bytes: the history
// of a section is the largest, with several versions of it.
const maxAnswer = 64 << 20

// response is what an exchange is answered with.
type response struct {
	header  http.Header
	status  int // 0 for none yet
	content []byte
	limit   int
	large   bool // there was more than limit
}

func (w *response) Header() http.Header { return w.header }

// WriteHeader sets the status; the first one counts.
func (w *response) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write keeps data for give.
func (w *response) Write(data []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if len(w.content)+len(data) > w.limit {
		w.large = true
		return 0, errTooLarge
	}
	w.content = append(w.content, data...)
	return len(data), nil
}

// give makes it the answer of the exchange.
func (w *response) give(x *message.Exchange) {
	if w.large {
		*w = response{header: make(http.Header), limit: w.limit}
		refuse(w, http.StatusInternalServerError, "the answer is larger than what an admin within a server gives")
	}
	w.WriteHeader(http.StatusOK)
	content := plugin.Content{Data: w.content}
	for name, values := range w.header {
		for _, value := range values {
			content.Header = append(content.Header, message.Field{Name: name, Value: value})
		}
	}
	slices.SortStableFunc(content.Header, func(a, b message.Field) int { return strings.Compare(a.Name, b.Name) })
	plugin.Answer(x, w.status, &content)
}

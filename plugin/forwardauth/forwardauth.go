// Package forwardauth is the plugin that asks another service whether a request
// may pass.
package forwardauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a forward_auth plugin.
type settings struct {
	// AuthURL is what is asked, with GET.
	AuthURL string `config:"auth_url" required:"true" example:"http://127.0.0.1:9091/api/verify"`
	// RequestHeaders are the fields of the request that the service is told;
	// without it all are.
	RequestHeaders []config.FieldName `config:"request_headers" example:"Cookie"`
	// AddHeaders are the fields of the service's answer that the upstream is told.
	AddHeaders []config.FieldName `config:"add_headers" example:"X-User"`
	// Timeout is how long the service may take.
	Timeout time.Duration `config:"timeout" default:"10s"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "forward_auth",
		Steps:    []plugin.Step{plugin.Request},
		New:      build,
	})
}

func build(table *config.Table, env *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	if u, err := url.Parse(s.AuthURL); s.AuthURL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		problems = append(problems, table.Problem("auth_url", "is no URL of http or https", `write auth_url = "http://127.0.0.1:9091/verify"`))
	}
	if s.Timeout <= 0 || s.Timeout > maxTimeout {
		problems = append(problems, table.Problem("timeout", fmt.Sprintf("is not between 0 and %v", maxTimeout), `write timeout = "10s"`))
	}
	return &forwardAuth{
		url: s.AuthURL, told: s.RequestHeaders, added: s.AddHeaders, timeout: s.Timeout, logger: env.Logger,
		failed: plugin.NewRefusal(502, "Forward auth request failed"),
		client: &http.Client{
			Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxHeader, DisableCompression: true, ForceAttemptHTTP2: true},
			// To a login page it is the client who is to go.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, problems
}

const (
	maxTimeout = 10 * time.Minute
	// maxContent bounds the content of an answer that is passed on to the client,
	// in bytes.
	maxContent = 1 << 20
	// maxHeader bounds the fields of an answer, in bytes.
	maxHeader = 64 << 10
	// discardTimeout is how long the content of a yes may take to come. Later, its
	// connection is given up.
	discardTimeout = time.Second
)

type forwardAuth struct {
	url     string
	told    []config.FieldName // nil for all
	added   []config.FieldName
	timeout time.Duration
	client  *http.Client
	failed  *plugin.Refusal
	logger  *slog.Logger
}

// Close lets go of the connections to the service.
func (f *forwardAuth) Close() error {
	f.client.CloseIdleConnections()
	return nil
}

// Wrap passes on what the service says yes to, and gives clients its answer
// otherwise.
func (f *forwardAuth) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		fields := f.question(x)
		var a answer
		var err error
		x.Loop.Await(func() { a, err = f.ask(fields) })
		switch {
		case err != nil:
			f.logger.Warn("whether a request may pass cannot be found out", "auth_url", f.url, "location", x.Location, "error", err)
			return f.failed.Serve(x)
		case a.status < 300:
			f.tell(x, a.header)
			return next.Serve(x)
		}
		a.give(x)
		return nil
	})
}

// question is the fields that the service is asked with. They are copies: the
// client may go on to use them when the exchange has ended.
func (f *forwardAuth) question(x *message.Exchange) http.Header {
	fields := make(http.Header)
	for _, field := range x.Request.Header.Fields() {
		if f.tells(field.Name) {
			fields.Add(strings.Clone(field.Name), strings.Clone(field.Value))
		}
	}
	uri := x.Request.Path
	if x.Request.HasQuery {
		uri += "?" + x.Request.Query
	}
	said := [...]struct{ name, value string }{
		{"X-Forwarded-Method", x.Request.Method},
		{"X-Forwarded-Proto", x.ClientScheme()},
		{"X-Forwarded-Host", x.Request.Host},
		{"X-Forwarded-Uri", uri},
		{"X-Forwarded-For", x.ClientIP.String()},
	}
	for _, s := range said {
		fields.Set(s.name, strings.Clone(s.value))
	}
	return fields
}

// tells reports whether the service is told a field of the request.
func (f *forwardAuth) tells(name string) bool {
	is := func(other string) bool { return message.SameVariable(other, name) }
	switch {
	case slices.ContainsFunc(hopByHop, is), slices.ContainsFunc(own, is):
		return false
	case len(f.told) > 0:
		return slices.ContainsFunc(f.told, func(told config.FieldName) bool { return message.EqualFold(string(told), name) })
	}
	begins := func(prefix string) bool {
		return len(name) >= len(prefix) && message.SameVariable(prefix, name[:len(prefix)])
	}
	return !slices.ContainsFunc(posing, begins) && !slices.ContainsFunc(conditions, is)
}

var (
	// hopByHop are the fields of one connection (RFC 9110 section 7.6.1).
	hopByHop = []string{"Connection", "HTTP2-Settings", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"}
	// own are the fields that are said here, or that frame the message.
	own = []string{"X-Forwarded-Method", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Uri", "X-Forwarded-For", "Host", "Content-Length", "Expect"}
	// posing are the beginnings of what services take for the word of the proxy
	// before them: some look at X-Original-URL before X-Forwarded-Uri, and a client
	// that writes it would be asked about at an address that is open to all.
	posing = []string{"Forwarded", "X-Forwarded-", "X-Original-", "X-Rewrite-", "X-Real-IP"}
	// conditions are about the content that the client has asked for. The service
	// would answer them with 304, 206 or 412, which are neither yes nor no.
	conditions = []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range"}
)

// answer is what the service has said.
type answer struct {
	status  int
	header  http.Header
	content []byte
}

var errContent = fmt.Errorf("the answer is larger than %d KiB", maxContent>>10)

// ask asks the service. It runs beside the loop.
func (f *forwardAuth) ask(fields http.Header) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), f.timeout)
	response, err := f.send(ctx, fields)
	if err != nil {
		cancel()
		return answer{}, err
	}
	a := answer{status: response.StatusCode, header: response.Header}
	if a.status >= 200 && a.status < 300 {
		go discard(response.Body, cancel)
		return a, nil
	}
	defer cancel()
	defer response.Body.Close()
	if a.status < 200 {
		return a, errors.New("the answer is none: " + response.Status)
	}
	a.content, err = io.ReadAll(io.LimitReader(response.Body, maxContent+1))
	if err == nil && len(a.content) > maxContent {
		err = errContent
	}
	return a, err
}

func (f *forwardAuth) send(ctx context.Context, fields http.Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, "GET", f.url, nil)
	if err != nil {
		return nil, err
	}
	if fields.Get("User-Agent") == "" {
		fields["User-Agent"] = nil // not that of the library
	}
	request.Header = fields
	return f.client.Do(request)
}

// discard reads the content of a yes, which is for nobody, so that its connection can
// be used again. The request has gone on meanwhile.
func discard(content io.ReadCloser, cancel context.CancelFunc) {
	late := time.AfterFunc(discardTimeout, cancel)
	io.Copy(io.Discard, io.LimitReader(content, maxContent))
	content.Close()
	late.Stop()
	cancel()
}

// tell sets the fields that the upstream is told of the answer. What the client has
// put into them, or into what could be taken for them, goes in any case.
func (f *forwardAuth) tell(x *message.Exchange, header http.Header) {
	for _, name := range f.added {
		x.Request.Header.DelFunc(func(field message.Field) bool { return message.SameVariable(string(name), field.Name) })
		for _, value := range header.Values(string(name)) {
			x.Request.Header.Add(string(name), value)
		}
	}
}

// give gives the client the answer.
func (a *answer) give(x *message.Exchange) {
	content := plugin.Content{Data: a.content}
	for name, values := range a.header {
		if a.ofConnection(name) {
			continue
		}
		for _, value := range values {
			content.Header = append(content.Header, message.Field{Name: name, Value: value})
		}
	}
	slices.SortStableFunc(content.Header, func(a, b message.Field) int { return strings.Compare(a.Name, b.Name) })
	plugin.Answer(x, a.status, &content)
}

// ofConnection reports whether a field of the answer concerns the connection to the
// service, by its name or because Connection lists it, or frames the answer.
func (a *answer) ofConnection(name string) bool {
	is := func(other string) bool { return message.EqualFold(strings.TrimSpace(other), name) }
	if is("Content-Length") || slices.ContainsFunc(hopByHop, is) {
		return true
	}
	for _, list := range a.header["Connection"] {
		if slices.ContainsFunc(strings.Split(list, ","), is) {
			return true
		}
	}
	return false
}

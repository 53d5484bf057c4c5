package e2e

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// bothVersions are clients of HTTP/1.1 and HTTP/2, for servers with enabled_h2.
func bothVersions(t *testing.T) map[string]*http.Client {
	return map[string]*http.Client{"HTTP/1.1": newClient(t), "HTTP/2": newHTTP2Client(t)}
}

// answerTo sends a request with fields, each "Name: value", and returns the
// answer with its content. Redirects are not followed.
func answerTo(t *testing.T, c *http.Client, url string, fields ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	response, err := c.Transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(content)
}

func TestRequestIDIsTheSameForEverybody(t *testing.T) {
	peer := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("X-Request-Id")) })
	p := startProxy(t, fmt.Sprintf(`
[servers.main]
addr = "<ADDR>"
locations = ["dead", "all"]
enabled_h2 = true
access_log = "<DIR>/access.log?rolling=never&flush_timeout=10ms {request_id}"
[locations.all]
plugins = ["pingap:requestId"]
upstream = "peer"
[locations.dead]
path = "/dead"
plugins = ["pingap:requestId"]
upstream = "dead"
[upstreams.peer]
addrs = [%q]
[upstreams.dead]
addrs = [%q]
`, peer, freeAddr(t)))
	var ids []string
	for version, c := range bothVersions(t) {
		response, seen := answerTo(t, c, p.url("/"))
		if told := response.Header.Get("X-Request-Id"); len(told) != 36 || told != seen {
			t.Errorf("%s: the client is told %q, the upstream %q", version, told, seen)
		}
		ids = append(ids, seen)
		given := "given-" + strings.ReplaceAll(version, "/", "-")
		if response, seen := answerTo(t, c, p.url("/"), "X-Request-Id: "+given); seen != given || response.Header.Get("X-Request-Id") != given {
			t.Errorf("%s: the given id became %q", version, seen)
		}
		ids = append(ids, given)
		response, _ = answerTo(t, c, p.url("/dead"))
		if told := response.Header.Get("X-Request-Id"); response.StatusCode != 502 || len(told) != 36 {
			t.Errorf("%s: an error page has the id %q: %s", version, told, response.Status)
		}
		ids = append(ids, response.Header.Get("X-Request-Id"))
	}
	log := strings.Fields(strings.Join(logLines(t, p.dir+"/access.log", len(ids)), ""))
	// Lines of different loops have no order among them.
	slices.Sort(log)
	slices.Sort(ids)
	if !slices.Equal(log, ids) {
		t.Errorf("the log has %q, want %q", log, ids)
	}
}

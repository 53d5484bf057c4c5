package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestSubFilterChangesWhatNginxServes: nginx would compress the page, and answer a
// range of it, if it were asked to.
func TestSubFilterChangesWhatNginxServes(t *testing.T) {
	peer := startNginx(t, "gzip on; gzip_min_length 0; gzip_proxied any; types { text/html html; }")
	page := strings.Repeat(`<a href="http://old.example/x">`, 10_000)
	peer.file(t, "a.html", []byte(page))
	p := startProxy(t, fmt.Sprintf(`
[servers.main]
addr = "<ADDR>"
locations = ["all"]
enabled_h2 = true

[locations.all]
plugins = ["links", "pingap:compression"]
upstream = "peer"

[plugins.links]
category = "sub_filter"
filters = ["sub_filter 'http://old.example' 'https://new.example' g", "subs_filter 'HREF=\"(.)' 'href=\"$1' ig"]
path = "\\.html$"

[upstreams.peer]
addrs = [%q]
`, peer.addr))
	want := strings.ReplaceAll(page, "http://old.example", "https://new.example")
	for _, fields := range [][]string{nil, {"Range: bytes=0-9"}, {"Accept-Encoding: gzip"}, {"Accept-Encoding: zstd"}} {
		answer, content := ask(t, newClient(t), p.url("/a.html"), fields...)
		coding := answer.Header.Get("Content-Encoding")
		if answer.StatusCode != 200 || unpacked(t, coding, content) != want {
			t.Errorf("%v: %s, %d bytes in coding %q", fields, answer.Status, len(content), coding)
		}
		if !strings.HasPrefix(answer.Header.Get("ETag"), "W/") || answer.Header.Get("Accept-Ranges") != "" {
			t.Errorf("%v: %v", fields, answer.Header)
		}
	}
	peer.file(t, "a.txt", []byte(page))
	if _, content := ask(t, newClient(t), p.url("/a.txt")); content != page {
		t.Error("another path has been changed")
	}
}

// TestSubFilterLetsEventsPass: they have no end to wait for.
func TestSubFilterLetsEventsPass(t *testing.T) {
	seen := make(chan struct{})
	peer := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: old\n\n")
		w.(http.Flusher).Flush()
		select {
		case <-seen:
		case <-r.Context().Done():
		}
	})
	p := startProxy(t, fmt.Sprintf(`
[servers.main]
addr = "<ADDR>"
locations = ["all"]

[locations.all]
plugins = ["words"]
upstream = "peer"

[plugins.words]
category = "sub_filter"
filters = ["sub_filter 'old' 'new'"]

[upstreams.peer]
addrs = [%q]
`, peer))
	answer, err := newClient(t).Get(p.url("/"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	event := make([]byte, len("data: old\n\n"))
	if _, err := io.ReadFull(answer.Body, event); err != nil || string(event) != "data: old\n\n" {
		t.Errorf("%q, %v", event, err)
	}
	close(seen)
}

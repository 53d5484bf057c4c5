package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

var novel = strings.Repeat("It was the best of times, it was the worst of times.\n", 20000)

// unpacked is content out of its coding.
func unpacked(t *testing.T, coding, content string) string {
	t.Helper()
	var r io.Reader = strings.NewReader(content)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "br":
		r = brotli.NewReader(r)
	case "zstd":
		d, problem := zstd.NewReader(r)
		if problem == nil {
			defer d.Close()
		}
		r, err = d, problem
	}
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

const compressing = `
[servers.main]
addr = "<ADDR>"
locations = ["all", "readable"]
enabled_h2 = true
access_log = "<DIR>/access.log?rolling=never {uri} {:compression_ratio} {:compression_time}"

[locations.all]
plugins = ["pingap:compression"]
upstream = "peer"

[locations.readable]
path = "/readable"
plugins = ["readable"]
rewrite = "^/readable /"
upstream = "peer"

[plugins.readable]
category = "compression"
decompression = true

[upstreams.peer]
addrs = ["%s"]
`

func TestCompressionIsReadByCurl(t *testing.T) {
	peer := startNginx(t, "types { text/html html; image/png png; }")
	peer.file(t, "a.html", []byte(novel))
	peer.file(t, "a.png", []byte(novel))
	p := startProxy(t, fmt.Sprintf(compressing, peer.addr))
	for _, args := range [][]string{{"--http1.1"}, {"--http2-prior-knowledge"}} {
		out, err := exec.Command("curl", append(args, "-s", "-H", "Accept-Encoding: gzip", "--compressed", p.url("/a.html"))...).Output()
		if err != nil || string(out) != novel {
			t.Errorf("curl %v: %d bytes of %d, %v", args, len(out), len(novel), err)
		}
		head, err := exec.Command("curl", append(args, "-s", "-I", "-H", "Accept-Encoding: gzip", p.url("/a.html"))...).Output()
		if text := strings.ToLower(string(head)); err != nil || !strings.Contains(text, "content-encoding: gzip") || strings.Contains(text, "content-length") {
			t.Errorf("curl -I %v: %s, %v", args, head, err)
		}
	}
	for coding, accept := range map[string]string{"gzip": "gzip", "br": "gzip;q=0.5, br", "zstd": "gzip, br, zstd", "": "gzip;q=0"} {
		answer, content := ask(t, newClient(t), p.url("/a.html"), "Accept-Encoding: "+accept)
		if got := answer.Header.Get("Content-Encoding"); got != coding || unpacked(t, got, content) != novel {
			t.Errorf("with %q: coding %q, %d bytes", accept, got, len(content))
		}
		if answer.Header.Get("Vary") != "Accept-Encoding" || coding != "" && !strings.HasPrefix(answer.Header.Get("ETag"), "W/") {
			t.Errorf("with %q: %v", accept, answer.Header)
		}
	}
	if answer, content := ask(t, newClient(t), p.url("/a.png"), "Accept-Encoding: gzip"); answer.Header.Get("Content-Encoding") != "" || content != novel || answer.Header.Get("Vary") != "" {
		t.Errorf("an image: %v", answer.Header)
	}
	eventually(t, "tell what compression has done", func() error {
		log := readFile(t, filepath.Join(p.dir, "access.log"))
		if !regexp.MustCompile(`(?m)^/a.html [1-9]\d{2,}\.\d \d+$`).MatchString(log) {
			return fmt.Errorf("the log is\n%s", log)
		}
		return nil
	})
	// A tag that the client has got brings it 304, and a range the bytes as they are.
	answer, _ := ask(t, newClient(t), p.url("/a.html"), "Accept-Encoding: br")
	if answer, _ := ask(t, newClient(t), p.url("/a.html"), "Accept-Encoding: br", "If-None-Match: "+answer.Header.Get("ETag")); answer.StatusCode != http.StatusNotModified {
		t.Errorf("with the tag: %s", answer.Status)
	}
	if answer, content := ask(t, newClient(t), p.url("/a.html"), "Accept-Encoding: br", "Range: bytes=0-9"); answer.StatusCode != 206 || content != novel[:10] || answer.Header.Get("Content-Encoding") != "" {
		t.Errorf("a range: %s %q", answer.Status, content)
	}
}

// TestEventsAreNotHeldUpByCompression reads each event before the upstream sends
// the next.
func TestEventsAreNotHeldUpByCompression(t *testing.T) {
	next := make(chan struct{})
	peer := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 5 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	})
	p := startProxy(t, fmt.Sprintf(compressing, peer))
	r, err := http.NewRequestWithContext(t.Context(), "GET", p.url("/"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "br")
	answer, err := newClient(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	events := brotli.NewReader(answer.Body)
	for i := range 5 {
		want := fmt.Sprintf("data: %d\n\n", i)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(events, got); err != nil || string(got) != want {
			t.Fatalf("event %d is %q, %v", i, got, err)
		}
		next <- struct{}{}
	}
	if rest, err := io.ReadAll(events); len(rest) > 0 || err != nil {
		t.Errorf("%q is left, %v", rest, err)
	}
}

func TestContentIsDecompressedForClientsThatCannot(t *testing.T) {
	var packed bytes.Buffer
	w := brotli.NewWriter(&packed)
	w.Write([]byte(novel))
	w.Close()
	peer := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		w.Write(packed.Bytes())
	})
	p := startProxy(t, fmt.Sprintf(compressing, peer))
	for accept, want := range map[string]string{"gzip": "", "gzip, br": "br"} {
		answer, content := ask(t, newClient(t), p.url("/readable"), "Accept-Encoding: "+accept)
		if got := answer.Header.Get("Content-Encoding"); got != want || unpacked(t, got, content) != novel {
			t.Errorf("with %q: coding %q, %d bytes", accept, got, len(content))
		}
	}
}

package e2e

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestDirectoryServesFilesToCurl(t *testing.T) {
	const size = 5_000_001
	p := startProxy(t, `
[servers.main]
addr = "<ADDR>"
locations = ["files", "listed"]
enabled_h2 = true

[locations.files]
plugins = ["files"]

[locations.listed]
path = "/listed"
rewrite = "^/listed /"
plugins = ["listed"]

[plugins.files]
category = "directory"
path = "<DIR>/site"
follow_symlinks = false
max_age = "1h"

[plugins.listed]
category = "directory"
path = "<DIR>/site"
autoindex = true
index = ""
`)
	site := filepath.Join(p.dir, "site")
	writeFile(t, site, "index.html", "<p>home")
	writeFile(t, site, "sub/index.html", "<p>sub")
	writeContent(t, filepath.Join(site, "large.bin"), newContent(size))
	if err := syscall.Mkfifo(filepath.Join(site, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../pingap.toml", filepath.Join(site, "link")); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"--http1.1", "--http2-prior-knowledge"} {
		fetch := func(args ...string) string {
			t.Helper()
			out, err := exec.Command("curl", append([]string{"-s", "--path-as-is", version}, args...)...).Output()
			if err != nil {
				t.Errorf("curl %v: %v", args, err)
			}
			return string(out)
		}
		if err := wantContent(strings.NewReader(fetch(p.url("/large.bin"))), size); err != nil {
			t.Error(err)
		}
		whole := string(content(size))
		if got := fetch("-r", "1000000-4999999", p.url("/large.bin")); got != whole[1000000:5000000] {
			t.Errorf("a range has %d bytes", len(got))
		}
		if got := fetch("-r", "0-1,-2", p.url("/large.bin")); !strings.Contains(got, "Content-Range: bytes 0-1/5000001\r\n\r\n"+whole[:2]+"\r\n--") {
			t.Errorf("two ranges are %q", got)
		}
		for _, c := range []struct{ path, status, want string }{
			{"/", "200", "<p>home"}, {"/sub/", "200", "<p>sub"}, {"/sub", "301", ""}, {"/none", "404", "Not Found"}, {"/pipe", "404", "Not Found"}, {"/link", "403", "permission"},
			{"/../pingap.toml", "40", ""}, {"/%2e%2e/pingap.toml", "40", ""}, {"/..%2fpingap.toml", "40", ""}, {"/listed/", "200", `<a href="./sub/">sub/</a>`}, {"/listed/sub", "301", ""},
		} {
			got := fetch("-w", "\n%{http_code}", p.url(c.path))
			status := got[strings.LastIndexByte(got, '\n')+1:]
			if !strings.HasPrefix(status, c.status) || !strings.Contains(got, c.want) || strings.Contains(got, "[servers") {
				t.Errorf("%s %s: %q", version, c.path, got)
			}
		}
		if got := fetch("-I", p.url("/large.bin")); !strings.Contains(strings.ToLower(got), "content-length: 5000001") {
			t.Errorf("HEAD: %s", got)
		}
	}
	for from, to := range map[string]string{"/sub?x=y": "/sub/?x=y", "/listed/sub": "/listed/sub/"} {
		if answer, _ := ask(t, newClient(t), p.url(from)); answer.StatusCode != 200 || answer.Request.URL.RequestURI() != to {
			t.Errorf("%s leads to %s: %s", from, answer.Request.URL, answer.Status)
		}
	}
	answer, _ := ask(t, newClient(t), p.url("/index.html"))
	for _, condition := range []string{"If-None-Match: " + answer.Header.Get("ETag"), "If-Modified-Since: " + answer.Header.Get("Last-Modified")} {
		if answer, content := ask(t, newClient(t), p.url("/index.html"), condition); answer.StatusCode != http.StatusNotModified || content != "" {
			t.Errorf("%s: %s", condition, answer.Status)
		}
	}
	if answer, _ := ask(t, newClient(t), "DELETE "+p.url("/index.html")); answer.StatusCode != 405 || answer.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("DELETE: %s", answer.Status)
	}
}

// TestDirectoryGivesDescriptorsBack: also those of files whose clients leave.
func TestDirectoryGivesDescriptorsBack(t *testing.T) {
	p := startProxy(t, `
[servers.main]
addr = "<ADDR>"
locations = ["files"]

[locations.files]
plugins = ["files"]

[plugins.files]
category = "directory"
path = "<DIR>"
`)
	writeContent(t, filepath.Join(p.dir, "large.bin"), newContent(50_000_000))
	ask(t, newClient(t), p.url("/none"))
	before := p.descriptors(t)
	for range 10 {
		answer, err := http.Get(p.url("/large.bin"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, answer.Body, 100_000); err != nil {
			t.Error(err)
		}
		answer.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	p.settlesAt(t, before)
}

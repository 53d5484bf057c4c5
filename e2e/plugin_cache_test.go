package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const cached = `
[servers.main]
addr = "<ADDR>"
locations = ["keyed", "all"]
enabled_h2 = true
access_log = "<DIR>/access.log?rolling=never {:cache_lookup_time}/{:cache_lock_time}"
[locations.keyed]
path = "/keyed"
plugins = ["cache", "key"]
upstream = "peer"
[locations.all]
path = "/"
plugins = ["cache"]
upstream = "peer"
[plugins.key]
category = "key_auth"
header = "X-Key"
keys = ["secret"]
[plugins.cache]
category = "cache"
directory = "memory://?max_size=32mb"
namespace = "test"
headers = ["X-Tenant"]
lock = "20s"
max_file_size = "1kb"
skip = "^/skip.*[?]live"
purge_ip_list = ["127.0.0.0/8"]
[upstreams.peer]
addrs = [%q]
`

// origin answers with how often it has been asked, and with the fields that the
// query of the request names.
type origin struct {
	asked atomic.Int64
	fail  atomic.Bool
	first chan struct{} // closed by the first request, unless it is nil
	hold  chan struct{} // answers wait for its end, unless it is nil
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := o.asked.Add(1)
	if n == 1 && o.first != nil {
		close(o.first)
	}
	if o.hold != nil {
		<-o.hold
	}
	if o.fail.Load() {
		w.WriteHeader(503)
		return
	}
	for name, values := range r.URL.Query() {
		for _, v := range values {
			w.Header().Add(name, v)
		}
	}
	if tag := w.Header().Get("ETag"); tag != "" && r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(304)
		return
	}
	fmt.Fprintf(w, "%d %s %s%s", n, r.Host, r.Header.Get("Accept"), strings.Repeat(".", len(r.URL.Query().Get("X-Long"))))
}

func startCache(t *testing.T, o *origin) *proxy {
	return startProxy(t, fmt.Sprintf(cached, serve(t, o.ServeHTTP)))
}

const minute = "?Cache-Control=max-age%3D60"

// asks tells the status of the cache and the content of the answer.
func (p *proxy) asks(t *testing.T, method, path string, fields ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, p.url(path), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		if r.Header.Set(name, value); name == "Host" {
			r.Host = value
		}
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(content)
}

func (p *proxy) wants(t *testing.T, status, path string, fields ...string) string {
	t.Helper()
	answer, content := p.asks(t, "GET", path, fields...)
	if got := answer.Header.Get("X-Cache-Status"); got != status {
		t.Errorf("GET %s %q: %s, want %s; %d %q", path, fields, got, status, answer.StatusCode, content)
	}
	return content
}

func TestCacheAnswersAndKeepsOverAReload(t *testing.T) {
	o := &origin{}
	p := startCache(t, o)
	first := p.wants(t, "miss", "/a"+minute)
	for name, c := range bothVersions(t) {
		answer, content := answerTo(t, c, p.url("/a"+minute))
		if content != first || answer.Header.Get("X-Cache-Status") != "hit" || answer.Header.Get("Age") == "" {
			t.Errorf("%s: %q, %v", name, content, answer.Header)
		}
	}
	answer, content := p.asks(t, "HEAD", "/a"+minute)
	if content != "" || answer.ContentLength != int64(len(first)) || answer.Header.Get("X-Cache-Status") != "hit" {
		t.Errorf("HEAD: %d, %v", answer.ContentLength, answer.Header)
	}
	answer, content = p.asks(t, "GET", "/a"+minute, "Range: bytes=2-4")
	if answer.StatusCode != 206 || content != first[2:5] || answer.Header.Get("Content-Range") != "bytes 2-4/"+strconv.Itoa(len(first)) {
		t.Errorf("Range: %d %q", answer.StatusCode, content)
	}
	if answer, _ = p.asks(t, "GET", "/a"+minute, "Range: bytes=1000-"); answer.StatusCode != 416 {
		t.Errorf("Range beyond: %d", answer.StatusCode)
	}
	p.wants(t, "miss", "/a"+minute, "X-Tenant: b")
	p.wants(t, "bypass", "/skip?live")
	p.wants(t, "miss", "/long"+minute+"&X-Long="+strings.Repeat("x", 1100))
	p.wants(t, "miss", "/long"+minute+"&X-Long="+strings.Repeat("x", 1100))
	p.reload(t, strings.Replace(fmt.Sprintf(cached, serve(t, o.ServeHTTP)), `path = "/keyed"`, `path = "/reloaded"`, 1))
	for status := 0; status != 401; {
		answer, _ := p.asks(t, "HEAD", "/reloaded")
		status = answer.StatusCode
	}
	if again := p.wants(t, "hit", "/a"+minute); again != first {
		t.Errorf("after the reload %q, before %q", again, first)
	}
}

// Pingap has no host in the key of HTTP/1, stores what is one client's, ignores
// Vary, and repeats errors.
func TestCacheGivesNobodyWhatIsForAnother(t *testing.T) {
	p := startCache(t, &origin{})
	p.wants(t, "miss", "/h"+minute, "Host: a.example")
	p.wants(t, "miss", "/h"+minute, "Host: b.example")
	p.wants(t, "hit", "/h"+minute, "Host: B.example")
	for range 2 {
		p.wants(t, "miss", "/auth"+minute, "Authorization: Basic eDp5")
		p.wants(t, "miss", "/cookie"+minute+"&Set-Cookie=a%3Db")
		p.wants(t, "miss", "/private?Cache-Control=private,max-age%3D60")
	}
	vary := "/vary" + minute + "&Vary=Accept"
	one := p.wants(t, "miss", vary, "Accept: one")
	p.wants(t, "miss", vary, "Accept: two")
	if p.wants(t, "hit", vary, "Accept: one") != one {
		t.Error("another variant")
	}
	p.wants(t, "hit", vary, "Accept: two")
}

// In Pingap a key is asked for only if key_auth is written before cache.
func TestCacheIsAskedAfterThoseWhoRefuse(t *testing.T) {
	p := startCache(t, &origin{})
	p.wants(t, "miss", "/keyed"+minute, "X-Key: secret")
	p.wants(t, "hit", "/keyed"+minute, "X-Key: secret")
	if answer, _ := p.asks(t, "GET", "/keyed"+minute); answer.StatusCode != 401 {
		t.Errorf("without a key: %d", answer.StatusCode)
	}
}

func TestCacheRevalidatesAndServesStaleOnErrors(t *testing.T) {
	o := &origin{}
	p := startCache(t, o)
	tagged := "/tag?Cache-Control=max-age%3D1,stale-if-error%3D60&ETag=%22v%22"
	first := p.wants(t, "miss", tagged)
	if answer, _ := p.asks(t, "GET", tagged, `If-None-Match: "v"`); answer.StatusCode != 304 {
		t.Errorf("what the client has: %d", answer.StatusCode)
	}
	until(t, p, tagged, "revalidated", first)
	o.fail.Store(true)
	until(t, p, tagged, "stale", first)
}

// until asks again and again until the cache answers with this status, always with
// the same content.
func until(t *testing.T, p *proxy, path, status, content string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; {
		// sleep: it takes a second to get old; there is no need to ask at full speed.
		time.Sleep(20 * time.Millisecond)
		answer, got := p.asks(t, "GET", path)
		if got != content {
			t.Fatalf("%d %q, want %q", answer.StatusCode, got, content)
		}
		switch {
		case answer.Header.Get("X-Cache-Status") == status:
			return
		case time.Now().After(end):
			t.Fatalf("%s never comes", status)
		}
	}
}

func TestCacheAsksOnceForMany(t *testing.T) {
	o := &origin{first: make(chan struct{}), hold: make(chan struct{})}
	p := startCache(t, o)
	const clients = 20
	var g sync.WaitGroup
	for range clients {
		g.Go(func() {
			answer, err := http.Get(p.url("/many" + minute))
			if err != nil {
				t.Error(err)
				return
			}
			if content, _ := io.ReadAll(answer.Body); !strings.HasPrefix(string(content), "1 ") {
				t.Errorf("%q", content)
			}
			answer.Body.Close()
		})
	}
	<-o.first
	close(o.hold)
	g.Wait()
	if n := o.asked.Load(); n != 1 {
		t.Errorf("the upstream was asked %d times", n)
	}
}

// The log tells of how long the cache was looked into.
func TestCacheIsInTheLog(t *testing.T) {
	p := startCache(t, &origin{})
	p.wants(t, "miss", "/a"+minute)
	p.stop(t)
	if line, err := os.ReadFile(filepath.Join(p.dir, "access.log")); err != nil || !regexp.MustCompile(`^\d+/\n$`).Match(line) {
		t.Errorf("%q, %v", line, err)
	}
}

func TestCacheIsPurged(t *testing.T) {
	p := startCache(t, &origin{})
	purge := func(path string) (int, string) {
		answer, content := p.asks(t, "PURGE", path)
		return answer.StatusCode, content
	}
	vary := "/vary" + minute + "&Vary=Accept"
	p.wants(t, "miss", "/a"+minute)
	p.wants(t, "miss", vary, "Accept: one")
	p.wants(t, "hit", vary, "Accept: one")
	if status, _ := purge(vary); status != 204 {
		t.Error(status)
	}
	p.wants(t, "miss", vary, "Accept: two")
	p.wants(t, "miss", vary, "Accept: one") // not the one from before
	p.wants(t, "hit", "/a"+minute)
	if answer, _ := p.asks(t, "POST", "/a"+minute); answer.StatusCode != 200 {
		t.Error(answer.StatusCode)
	}
	p.wants(t, "miss", "/a"+minute) // a change makes it doubtful
	if status, content := purge("/*"); status != 200 || !strings.HasSuffix(content, ", fail: 0") {
		t.Error(status, content)
	}
	p.wants(t, "miss", "/a"+minute)

	refused := startProxy(t, strings.Replace(fmt.Sprintf(cached, serve(t, (&origin{}).ServeHTTP)), "127.0.0.0/8", "10.0.0.1", 1))
	if answer, content := refused.asks(t, "PURGE", "/a"); answer.StatusCode != 403 || content != "Forbidden, ip is not allowed" {
		t.Error(answer.StatusCode, content)
	}
}

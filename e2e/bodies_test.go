package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// sizes of bodies that are treated in different ways: none, one read, many
// reads, more than any buffer and socket holds.
var sizes = []int64{0, 1, 100_000, 10_000_000}

const clients = 100

func TestFilesOfNginxArriveByteForByte(t *testing.T) {
	n := startNginx(t, "")
	for _, size := range sizes {
		n.file(t, strconv.FormatInt(size, 10), content(size))
	}
	p := startProxyTo(t, n.addr)
	c := newClient(t)
	before := p.descriptors(t)
	together(t, clients, func(i int) error {
		for _, size := range share(i) {
			if err := wantFile(c, p.url("/"+strconv.FormatInt(size, 10)), size); err != nil {
				return err
			}
		}
		return nil
	})
	c.CloseIdleConnections()
	p.settlesAt(t, before+clients) // what the pool may keep
}

// share gives each client all sizes, and every tenth of them the largest one.
func share(client int) []int64 {
	if client%10 == 0 {
		return sizes
	}
	return sizes[:len(sizes)-1]
}

func wantFile(c *http.Client, url string, size int64) error {
	resp, err := c.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ContentLength != size {
		return fmt.Errorf("GET %s: status %d, length %d", url, resp.StatusCode, resp.ContentLength)
	}
	return wantContent(resp.Body, size)
}

func TestBodiesTravelBothWaysAtOnce(t *testing.T) {
	p := startProxyTo(t, serve(t, echo))
	c := newClient(t)
	for _, framing := range []string{"length", "chunked"} {
		t.Run(framing, func(t *testing.T) {
			together(t, clients, func(i int) error {
				for _, size := range share(i) {
					if err := wantEcho(c, p.url("/"), size, framing == "chunked"); err != nil {
						return fmt.Errorf("%d bytes: %w", size, err)
					}
				}
				return nil
			})
		})
	}
}

func TestBodiesLargerThanMemoryStream(t *testing.T) {
	const size = most
	p := startProxyTo(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Header().Set("Content-Length", strconv.Itoa(size))
			io.Copy(w, newContent(size))
			return
		}
		if err := wantContent(r.Body, size); err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		}
	}))
	c := newClient(t)
	c.Timeout = 15 * patience // as curl has
	t.Run("down", func(t *testing.T) {
		if err := wantFile(c, p.url("/"), size); err != nil {
			t.Error(err)
		}
	})
	t.Run("up", func(t *testing.T) {
		req, err := http.NewRequest(http.MethodPut, p.url("/"), newContent(size))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = size
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", resp.Status, text)
		}
	})
	wantBounded(t, p)
}

// echo sends the request's body back while it still comes, with a length where
// the request had one.
func echo(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	if err := control.EnableFullDuplex(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if r.ContentLength >= 0 {
		w.Header().Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	io.Copy(w, r.Body)
}

// wantEcho posts a body and expects it back.
func wantEcho(c *http.Client, url string, size int64, chunked bool) error {
	req, err := http.NewRequest(http.MethodPost, url, newContent(size))
	if err != nil {
		return err
	}
	req.ContentLength = size
	if chunked {
		req.ContentLength = -1
	} else if size == 0 {
		req.Body = http.NoBody
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return wantContent(resp.Body, size)
}

// most is more than the proxy may ever hold.
const most = 1 << 30

// wantBounded expects that bodies have passed through the proxy, rather than been
// kept by it.
func wantBounded(t *testing.T, p *proxy) {
	t.Helper()
	kb := p.peakMemory(t)
	t.Logf("at most %d MiB of memory", kb>>10)
	if kb > most>>12 {
		t.Errorf("the proxy took %d MiB of memory to pass bodies on", kb>>10)
	}
}

// curlShare is share, and one client has a body of the largest size too.
func curlShare(client int) []int64 {
	if client == 0 {
		return append(slices.Clone(sizes), most)
	}
	return share(client)
}

func TestAHundredCurlsGetAndPutFilesOfNginx(t *testing.T) {
	n := startNginx(t, "dav_methods PUT; create_full_put_path on; client_max_body_size 0;")
	for _, size := range curlShare(0) {
		n.fileOf(t, strconv.FormatInt(size, 10), newContent(size))
	}
	p := startProxyTo(t, n.addr)
	together(t, clients, func(i int) error {
		files := names(curlShare(i))
		if err := curl(nil, curlShare(i), p.url("/"+files)); err != nil {
			return fmt.Errorf("GET: %w", err)
		}
		up := fmt.Sprintf("/up/%d/", i)
		if err := curl(nil, nil, "-T", filepath.Join(n.root, files), p.url(up)); err != nil {
			return fmt.Errorf("PUT: %w", err)
		}
		for _, size := range curlShare(i) {
			if err := wantFileOf(filepath.Join(n.root, up, strconv.FormatInt(size, 10)), size); err != nil {
				return fmt.Errorf("PUT %d bytes: %w", size, err)
			}
		}
		return nil
	})
	wantBounded(t, p)
}

func TestAHundredCurlsSendAndReceiveAtOnce(t *testing.T) {
	dir := t.TempDir()
	for _, size := range curlShare(0) {
		writeContent(t, filepath.Join(dir, strconv.FormatInt(size, 10)), newContent(size))
	}
	p := startProxyTo(t, serve(t, echo))
	together(t, clients, func(i int) error {
		if i%2 == 1 {
			return curl(nil, curlShare(i), "-X", "POST", "-T", filepath.Join(dir, names(curlShare(i))), p.url("/"))
		}
		// What comes by standard input is sent in chunks.
		for _, size := range curlShare(i) {
			if err := curl(newContent(size), []int64{size}, "-X", "POST", "-T", "-", p.url("/")); err != nil {
				return fmt.Errorf("%d bytes: %w", size, err)
			}
		}
		return nil
	})
	wantBounded(t, p)
}

// names is the pattern by which curl finds files of these sizes, which are named
// by them.
func names(sizes []int64) string {
	var names []string
	for _, size := range sizes {
		names = append(names, strconv.FormatInt(size, 10))
	}
	return "{" + strings.Join(names, ",") + "}"
}

// curl runs curl, and expects contents of these sizes, one behind the other.
func curl(input io.Reader, sizes []int64, args ...string) error {
	cmd := exec.Command("curl", append([]string{"-sS", "--fail", "--max-time", "300"}, args...)...)
	var text strings.Builder
	cmd.Stdin, cmd.Stderr = input, &text
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var wrong error
	for _, size := range sizes {
		wrong = errors.Join(wrong, wantContent(io.LimitReader(out, size), size))
	}
	if more, _ := io.Copy(io.Discard, out); more > 0 {
		wrong = errors.Join(wrong, fmt.Errorf("%d bytes came beyond the %v that were wanted", more, sizes))
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("curl: %w: %s", err, text.String())
	}
	return wrong
}

func wantFileOf(path string, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return wantContent(f, size)
}

func TestCurlUploadsAndDownloads(t *testing.T) {
	p := startProxyTo(t, serve(t, echo))
	dir := t.TempDir()
	// Above a megabyte curl asks "Expect: 100-continue" first.
	sent := content(3 << 20)
	upload, download := writeFile(t, dir, "upload", string(sent)), filepath.Join(dir, "download")
	for name, args := range map[string][]string{
		"with a length": {"--data-binary", "@" + upload},
		"chunked":       {"-H", "Transfer-Encoding: chunked", "--data-binary", "@" + upload},
		"HTTP/1.0":      {"-0", "--data-binary", "@" + upload},
		"expecting":     {"-H", "Expect: 100-continue", "--expect100-timeout", "60", "-T", upload},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"-sS", "--fail", "--max-time", "20", "-o", download}, append(args, p.url("/"))...)
			if text, err := exec.Command("curl", args...).CombinedOutput(); err != nil {
				t.Fatalf("curl: %v\n%s", err, text)
			}
			if got := readFile(t, download); !bytes.Equal([]byte(got), sent) {
				t.Errorf("%d bytes came back that are not the %d that were sent", len(got), len(sent))
			}
		})
	}
}

func TestAnswersWithoutContentKeepTheConnection(t *testing.T) {
	p := startProxyTo(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		w.Header().Set("Etag", `"1"`)
		if status == http.StatusOK {
			w.Header().Set("Content-Length", "1234")
		}
		w.WriteHeader(status)
	}))
	c := newClient(t)
	for _, q := range []struct {
		method, path string
		length       int64
	}{
		{http.MethodHead, "/200", 1234},
		{http.MethodGet, "/204", 0},
		{http.MethodGet, "/304", 0},
	} {
		// Twice: content that was made up would spoil the second answer.
		for range 2 {
			req, err := http.NewRequest(q.method, p.url(q.path), nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := c.Do(req)
			if err != nil {
				t.Fatalf("%s %s: %v", q.method, q.path, err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || len(body) != 0 || "/"+strconv.Itoa(resp.StatusCode) != q.path || max(resp.ContentLength, 0) != q.length {
				t.Errorf("%s %s: %s, length %d, body %q, %v", q.method, q.path, resp.Status, resp.ContentLength, body, err)
			}
		}
	}
}

// together runs f for each of n clients at once and reports the first errors.
func together(t testing.TB, n int, f func(i int) error) {
	t.Helper()
	errs := make([]error, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { errs[i] = f(i) })
	}
	wait.Wait()
	shown := 0
	for i, err := range errs {
		if err != nil && shown < 5 {
			t.Errorf("client %d of %d: %v", i, n, err)
			shown++
		}
	}
}

package directory

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pingap/config"
	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
	"pingap/plugin"
)

var modified = time.Date(2024, 5, 6, 7, 8, 9, 123456789, time.UTC)

// large is a file that is read in several pieces.
var large = bytes.Repeat([]byte("0123456789abcdef"), 20_000)

// tree makes a directory: site below, and a secret beside it.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"secret.txt": "secret", "site/index.html": "<p>home", "site/a.txt": "0123456789", "site/sub/index.html": "<p>sub", "site/large.bin": string(large),
		"site/empty.txt": "", "site/list/b.css": "b", "site/list/<img onerror=x>.txt": "x", "site/list/.hidden": "h", "site/list/d:e.txt": "y", "site/list/in/f": "f",
		"site/a b+c.js": "js", "site/.well-known/x": "known", "site/größe.txt": "g", `site/list/"'.txt`: "q",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"out.txt": "../secret.txt", "in.txt": "a.txt", "outside": "..", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(dir, "site", name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "site", "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "site")
}

// answered is what came of a request.
type answered struct {
	status  int
	header  *message.Header
	content string
	length  int64
	err     error
}

// get makes a request, "METHOD path" or a path, with fields.
func get(t *testing.T, l *loop.Loop, root, settings, request string, fields ...string) answered {
	t.Helper()
	p, problems := build(config.TableOf("test", fmt.Sprintf("path = %q\n%s", root, settings)), &plugin.Environment{Logger: slog.New(slog.DiscardHandler)})
	if len(problems) > 0 {
		t.Error(problems)
		return answered{header: &message.Header{}}
	}
	x := &message.Exchange{Loop: l}
	x.Reset()
	method, path, ok := strings.Cut(request, " ")
	if !ok {
		method, path = "GET", request
	}
	x.Request.Method = method
	x.Request.Path, x.Request.Query, x.Request.HasQuery = strings.Cut(path, "?")
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		x.Request.Header.Add(name, value)
	}
	if err := p.Wrap(nil).Serve(x); err != nil {
		t.Error(err)
	}
	a := answered{status: x.Response.Status, length: x.Response.Length, header: &message.Header{}}
	for _, f := range x.Response.Header.Fields() {
		a.header.Add(f.Name, strings.Clone(f.Value))
	}
	for method != "HEAD" && a.status != 304 {
		view, err := x.Response.Body.Next()
		a.content += string(view)
		if err != nil {
			if err != io.EOF {
				a.err = err
			}
			break
		}
	}
	x.Response.Close()
	x.End()
	x.Reset()
	return a
}

func TestFilesAreServed(t *testing.T) {
	root := tree(t)
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []struct {
			request string
			status  int
			content string
		}{
			{"/", 200, "<p>home"}, {"/index.html", 200, "<p>home"}, {"/a.txt", 200, "0123456789"}, {"/sub/", 200, "<p>sub"}, {"/large.bin", 200, string(large)},
			{"/empty.txt", 200, ""}, {"/a%20b+c.js", 200, "js"}, {"/gr%C3%B6%C3%9Fe.txt", 200, "g"}, {"//a.txt", 200, "0123456789"}, {"/./sub/../a.txt", 200, "0123456789"},
			{"/.well-known/x", 200, "known"}, {"/in.txt", 200, "0123456789"}, {"HEAD /a.txt", 200, ""},
			{"/none", 404, "Not Found"}, {"/a.txt/", 404, "Not Found"}, {"/a.txt/x", 404, "Not Found"}, {"/list/", 404, "Not Found"}, {"/list", 404, "Not Found"},
			{"/" + strings.Repeat("x", 300), 404, "Not Found"}, {"/loop", 404, "Not Found"}, {"/pipe", 404, "Not Found"},
			{"POST /a.txt", 405, "Method Not Allowed"}, {"OPTIONS /", 405, "Method Not Allowed"},
		} {
			a := get(t, l, root, "", c.request)
			if a.status != c.status || a.content != c.content || a.err != nil {
				t.Errorf("%.80s: %d %.80q %v, want %d", c.request, a.status, a.content, a.err, c.status)
			}
			if !strings.HasPrefix(c.request, "HEAD") && a.length != int64(len(a.content)) || strings.HasPrefix(c.request, "HEAD") && a.length != 10 {
				t.Errorf("%.80s: length %d of %d", c.request, a.length, len(a.content))
			}
			if a.status == 405 && a.header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s: Allow is %q", c.request, a.header.Get("Allow"))
			}
		}
	})
}

// Pingap once served what a path with dots named, and later what a link did.
func TestNothingOutsideOfTheDirectoryIsServed(t *testing.T) {
	root := tree(t)
	looptest.Run(t, func(l *loop.Loop) {
		for _, path := range []string{
			"/../secret.txt", "/%2e%2e/secret.txt", "/sub/../../secret.txt", "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt", "/..%5csecret.txt", "/..\\secret.txt",
			"/%252e%252e/secret.txt", "/a.txt%00.html", "/..%00/secret.txt", "/%c0%ae%c0%ae/secret.txt", "/%", "/%zz", "/..", "/.../secret.txt", root + "/../secret.txt",
			"/sub/..;/..;/secret.txt", "//../secret.txt", "/.%2e/secret.txt",
		} {
			for _, settings := range []string{"", "follow_symlinks = false", "autoindex = true"} {
				if a := get(t, l, root, settings, path); a.status != 403 && a.status != 404 || strings.Contains(a.content, "secret") {
					t.Errorf("%s with %q: %d %q", path, settings, a.status, a.content)
				}
			}
		}
		for settings, want := range map[string]int{"": 200, "follow_symlinks = false": 403} {
			for _, path := range []string{"/out.txt", "/outside/secret.txt"} {
				if a := get(t, l, root, settings, path); a.status != want || want == 403 && strings.Contains(a.content, "secret") {
					t.Errorf("%s with %q: %d %q", path, settings, a.status, a.content)
				}
			}
			if a := get(t, l, root, settings, "/in.txt"); a.status != 200 {
				t.Errorf("a link that stays, with %q: %d", settings, a.status)
			}
		}
	})
}

func TestDirectoryIsAskedForWithASlash(t *testing.T) {
	root := tree(t)
	looptest.Run(t, func(l *loop.Loop) {
		for request, want := range map[string]string{"/sub": "./sub/", "/sub?a=b": "./sub/?a=b", "//sub": "./sub/", "/list/in": "./in/"} {
			if a := get(t, l, root, "autoindex = true", request); a.status != 301 || a.header.Get("Location") != want {
				t.Errorf("%s: %d to %q", request, a.status, a.header.Get("Location"))
			}
		}
	})
}

// The names of files are what whoever puts them there likes: Pingap showed a page
// with their markup.
func TestListingIsEscaped(t *testing.T) {
	root := tree(t)
	looptest.Run(t, func(l *loop.Loop) {
		a := get(t, l, root, "autoindex = true", "/list/")
		for _, want := range []string{
			`<a href="./%3Cimg%20onerror=x%3E.txt">&lt;img onerror=x&gt;.txt</a><td>1<td>2024-05-06 07:08:09`, `<a href="./in/">in/</a>`, `href="./d:e.txt"`,
			`href="./%22%27.txt">&#34;&#39;.txt<`, `<title>/list/</title>`, `<a href="../">`,
		} {
			if !strings.Contains(a.content, want) {
				t.Errorf("%s is missing in\n%s", want, a.content)
			}
		}
		if a.status != 200 || strings.Contains(a.content, "hidden") || strings.Contains(a.content, "<img") || a.header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%d %s\n%s", a.status, a.header.Get("Content-Type"), a.content)
		}
		if a := get(t, l, root, "autoindex = true", "/"); a.content != "<p>home" {
			t.Errorf("a directory with an index is %q", a.content)
		}
		if a := get(t, l, root, "autoindex = true\nindex = \"\"", "/"); !strings.Contains(a.content, "large.bin") || strings.Contains(a.content, "../") {
			t.Errorf("the root is listed as %q", a.content)
		}
	})
}

const (
	lastModified = "Mon, 06 May 2024 07:08:09 GMT"
	later        = "Mon, 06 May 2024 07:08:10 GMT"
	earlier      = "Mon, 06 May 2024 07:08:08 GMT"
)

// Pingap sent a tag and never looked at it again.
func TestConditionsAreEvaluated(t *testing.T) {
	root := tree(t)
	looptest.Run(t, func(l *loop.Loop) {
		a := get(t, l, root, "", "/a.txt")
		tag := a.header.Get("ETag")
		if a.header.Get("Last-Modified") != lastModified || tag != fmt.Sprintf(`"a-%x"`, modified.UnixNano()) {
			t.Errorf("validators are %s and %s", tag, a.header.Get("Last-Modified"))
		}
		for _, c := range []struct {
			fields string
			want   int
		}{
			{"If-None-Match: " + tag, 304}, {"If-None-Match: W/" + tag, 304}, {`If-None-Match: "x,y", ` + tag, 304}, {"If-None-Match: *", 304}, {`If-None-Match: "x"`, 200},
			{"If-Modified-Since: " + lastModified, 304}, {"If-Modified-Since: " + later, 304}, {"If-Modified-Since: " + earlier, 200}, {"If-Modified-Since: yesterday", 200},
			{"If-Modified-Since: Monday, 06-May-24 07:08:09 GMT", 304}, {"If-Modified-Since: Mon May  6 07:08:09 2024", 304},
			{`If-None-Match: "x"|If-Modified-Since: ` + lastModified, 200},
			{"If-Match: " + tag, 200}, {"If-Match: *", 200}, {`If-Match: "x"`, 412}, {"If-Match: W/" + tag, 412}, {"If-Unmodified-Since: " + earlier, 412},
			{"If-Unmodified-Since: " + lastModified, 200}, {"If-Match: " + tag + "|If-Unmodified-Since: " + earlier, 200}, {"If-Match: " + tag + "|If-None-Match: " + tag, 304},
		} {
			for _, method := range []string{"GET", "HEAD"} {
				a := get(t, l, root, "max_age = \"1h\"", method+" /a.txt", strings.Split(c.fields, "|")...)
				if a.status != c.want {
					t.Errorf("%s with %s: %d, want %d", method, c.fields, a.status, c.want)
				}
				if a.status == 304 && (a.header.Get("ETag") != tag || a.header.Get("Cache-Control") != "public, max-age=3600") {
					t.Errorf("%s: %v", c.fields, a.header.Fields())
				}
			}
		}
	})
}

// Pingap answered the range of a large file with 200.
func TestRangesArePartialContent(t *testing.T) {
	root := tree(t)
	size := len(large)
	looptest.Run(t, func(l *loop.Loop) {
		tag := get(t, l, root, "", "/large.bin").header.Get("ETag")
		for _, c := range []struct {
			value  string
			status int
			from   int
			length int
			extra  string
		}{
			{"bytes=0-0", 206, 0, 1, ""}, {"bytes=100000-299999", 206, 100000, 200000, ""}, {"bytes=319990-", 206, 319990, 10, ""}, {"bytes=-5", 206, size - 5, 5, ""},
			{"bytes=-99999999", 206, 0, size, ""}, {"bytes=10-99999999999999999999", 206, 10, size - 10, ""}, {"Bytes= 3-4", 206, 3, 2, ""},
			{"bytes=320000-", 416, 0, 0, ""}, {"bytes=-0", 416, 0, 0, ""}, {"bytes=999999-1000000, -0", 416, 0, 0, ""},
			{"bytes=5-4", 200, 0, size, ""}, {"bytes=a-b", 200, 0, size, ""}, {"bytes=", 200, 0, size, ""}, {"lines=1-2", 200, 0, size, ""}, {"bytes=1", 200, 0, size, ""}, {"bytes=--5", 200, 0, size, ""},
			{"bytes=0-0", 206, 0, 1, "If-Range: " + tag}, {"bytes=0-0", 200, 0, size, "If-Range: W/" + tag}, {"bytes=0-0", 200, 0, size, `If-Range: "x"`},
			{"bytes=0-0", 206, 0, 1, "If-Range: " + lastModified}, {"bytes=0-0", 200, 0, size, "If-Range: " + later},
			{"bytes=0-,0-,0-", 200, 0, size, ""}, {"bytes=" + strings.Repeat("0-0,", 40), 200, 0, size, ""},
		} {
			a := get(t, l, root, "", "/large.bin", "Range: "+c.value, c.extra)
			want := string(large[c.from:][:c.length])
			if c.status == 416 {
				want = "Range Not Satisfiable"
			}
			if a.status != c.status || a.content != want || a.length != int64(len(want)) || a.err != nil {
				t.Errorf("%s %s: %d, %d bytes, %v; want %d, %d bytes", c.value, c.extra, a.status, len(a.content), a.err, c.status, len(want))
			}
			told := map[int]string{200: "", 206: fmt.Sprintf("bytes %d-%d/%d", c.from, c.from+c.length-1, size), 416: fmt.Sprintf("bytes */%d", size)}[c.status]
			if got := a.header.Get("Content-Range"); got != told {
				t.Errorf("%s: Content-Range is %q, want %q", c.value, got, told)
			}
		}
		if a := get(t, l, root, "", "HEAD /large.bin", "Range: bytes=0-0"); a.status != 200 || a.length != int64(size) {
			t.Errorf("HEAD: %d, %d bytes", a.status, a.length)
		}
		if a := get(t, l, root, "", "/empty.txt", "Range: bytes=0-"); a.status != 416 {
			t.Errorf("an empty file: %d", a.status)
		}
	})
}

func TestSeveralRangesComeInParts(t *testing.T) {
	root := tree(t)
	looptest.Run(t, func(l *loop.Loop) {
		for name, content := range map[string]string{"/a.txt": "0123456789", "/large.bin": string(large)} {
			a := get(t, l, root, "", name, "Range: bytes=0-1, 4-5,-2, 99999999-")
			kind, parameters, err := mime.ParseMediaType(a.header.Get("Content-Type"))
			if err != nil || a.status != 206 || kind != "multipart/byteranges" || a.length != int64(len(a.content)) {
				t.Errorf("%s: %d %s, %d bytes of %d", name, a.status, a.header.Get("Content-Type"), len(a.content), a.length)
				continue
			}
			parts := multipart.NewReader(strings.NewReader(a.content), parameters["boundary"])
			for _, want := range []string{content[:2], content[4:6], content[len(content)-2:]} {
				p, err := parts.NextPart()
				if err != nil {
					t.Errorf("%s: %v", name, err)
					break
				}
				got, _ := io.ReadAll(p)
				if string(got) != want || !strings.HasPrefix(p.Header.Get("Content-Range"), "bytes ") {
					t.Errorf("%s: a part is %q with %v, want %q", name, got, p.Header, want)
				}
			}
			if _, err := parts.NextPart(); err != io.EOF {
				t.Errorf("%s: the parts end with %v", name, err)
			}
		}
	})
}

func TestFieldsOfFiles(t *testing.T) {
	root := tree(t)
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []struct{ settings, path, name, want string }{
			{"", "/a.txt", "Cache-Control", "private, no-cache"}, {`max_age = "1h"`, "/a.txt", "Cache-Control", "public, max-age=3600"},
			{"max_age = \"1h\"\nprivate = true", "/a.txt", "Cache-Control", "private, max-age=3600"},
			{`max_age = "1h"`, "/", "Cache-Control", "private, no-cache"}, // small HTML too
			{`headers = ["Cache-Control: no-store", "X-A: 1"]`, "/a.txt", "Cache-Control", "no-store"}, {`headers = ["X-A: 1"]`, "/a.txt", "X-A", "1"},
			{"", "/a.txt", "Content-Type", "text/plain"}, {`charset = "utf-8"`, "/a.txt", "Content-Type", "text/plain; charset=utf-8"},
			{`charset = "utf-8"`, "/large.bin", "Content-Type", "application/octet-stream"}, {"", "/large.bin", "Accept-Ranges", "bytes"},
			{"", "/a.txt", "Content-Disposition", ""}, {"download = true", "/a.txt", "Content-Disposition", `attachment; filename="a.txt"`},
			{"download = true", "/gr%C3%B6%C3%9Fe.txt", "Content-Disposition", `attachment; filename="gr__e.txt"; filename*=UTF-8''gr%C3%B6%C3%9Fe.txt`},
		} {
			if got := get(t, l, root, c.settings, c.path).header.Get(c.name); got != c.want {
				t.Errorf("%s with %s: %s is %q, want %q", c.path, c.settings, c.name, got, c.want)
			}
		}
	})
}

func TestSettingsThatAreWrongAreProblems(t *testing.T) {
	for settings, want := range map[string]string{
		"": "path: is missing", `path = ""`: "path: is empty", "path = \"/\"\nindex = \"../x\"": "does not lead to a file below the directory", "path = \"/\"\ncharset = \"a b\"": "no name of a charset",
		"path = \"/\"\nchunk_size = \"x\"": "no size", "path = \"/\"\nmax_age = 1": "duration",
	} {
		_, problems := build(config.TableOf("test", settings), &plugin.Environment{})
		if len(problems) != 1 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want a problem with %q", settings, problems, want)
		}
	}
}

func FuzzRange(f *testing.F) {
	for _, seed := range []string{"bytes=0-0", "bytes=-5,1-", "bytes=99-,-0", "bytes=18446744073709551616-"} {
		f.Add(seed, int64(100))
	}
	f.Fuzz(func(t *testing.T, value string, size int64) {
		size = max(size, 0)
		ranges, _ := parseRanges(value, size)
		for _, r := range ranges {
			if r.start < 0 || r.length <= 0 || r.start > size-r.length {
				t.Errorf("%q of %d bytes: %+v", value, size, r)
			}
		}
	})
}

func FuzzName(f *testing.F) {
	for _, seed := range []string{"/a/../b", "/%2e%2e/x", "//", "/a%2fb", "/.%2e/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if n, err := nameOf(path); err == nil && !filepath.IsLocal(n.name) {
			t.Errorf("%q becomes %q", path, n.name)
		}
	})
}

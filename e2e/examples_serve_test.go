package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// visit is a request to one of the servers of an example, and what its answer
// holds: which peer was asked, by the address that the example has for it, and
// for what.
type visit struct {
	path  string
	want  string
	host  string // the server's address without one
	field string // "Name: value" of the request
	at    int    // which of the servers, in the order of their addresses
	tls   bool
	// refused is set when the answer is 401.
	refused bool
}

// examples are all configurations that are shown to users, and those of Pingap
// that are kept as tests of reading them. None is left out.
var examples = map[string][]visit{
	"docs/examples/minimal.toml": {{path: "/a?b", want: "127.0.0.1:5000 /a?b"}},
	"docs/examples/grpc.toml":    {{path: "/a", want: ":5005"}},
	"docs/examples/headers.toml": {{path: "/a", want: "127.0.0.1:5000 /a"}},
	"docs/examples/hosts-and-paths.toml": {
		{path: "/", host: "shop.example.com", want: "127.0.0.1:5001 /"}, {path: "/", host: "a.shop.example.com", want: "127.0.0.1:5001 /"},
		{path: "/api/x", want: "127.0.0.1:5002 /api/x"}, {path: "/robots.txt", want: "Disallow: /"}, {path: "/v23/users", want: "127.0.0.1:5002 /v23/users"},
		{path: "/api/x", field: "Cookie: beta=yes", want: "127.0.0.1:5003 /api/x"}, {path: "/", host: "api.internal", want: "127.0.0.1:5002 /"},
		{path: "/x", want: "127.0.0.1:5001 /x"},
	},
	"docs/examples/limits.toml": {{path: "/upload", want: "127.0.0.1:5000 /upload"}},
	"docs/examples/rewrite.toml": {
		{path: "/api/orders/7", want: "127.0.0.1:5000 /orders/7"}, {path: "/users/alice/posts", want: "127.0.0.1:5000 /api/posts?owner=alice"},
		{path: "/find/x?y", want: "127.0.0.1:5000 /search/x?y"},
	},
	"docs/examples/canary.toml": {
		{path: "/a", want: "127.0.0.1:5000 /a"}, {path: "/a", field: "Cookie: session=s14", want: "127.0.0.1:5001 /a"}, {path: "/stats", want: `"location_accepted":1`},
	},
	"docs/examples/login.toml": {
		{path: "/a", host: "login.example.com", want: "127.0.0.1:9091 /a"}, {path: "/a", host: "app.example.com", want: "127.0.0.1:5000 /a"},
		{path: "/api/a", host: "app.example.com", want: "Jwt authorization is missing", refused: true},
	},
	"docs/examples/sockets.toml":   {{path: "/ping", want: "pong"}, {path: "/a", want: ".sock /a"}},
	"docs/examples/weights.toml":   {{path: "/a", want: ":5000 /a"}},
	"docs/examples/websocket.toml": {{path: "/chat", want: "127.0.0.1:500"}, {path: "/a", want: "127.0.0.1:8081 /a"}},
	"docs/examples/directory": {
		{path: "/a", host: "app.example.com", want: "127.0.0.1:5000 /a"}, {path: "/a", host: "docs.example.com", want: "127.0.0.1:5001 /a"},
	},

	"config/testdata/pingap/admin.toml": {
		{path: "/pingap/api/basic", field: "Authorization: Basic YWRtaW46MTIzMTIz", want: `"supported_plugins"`}, {path: "/pingap/api/configs", want: "needs a user", refused: true},
		{path: "/api/configs/upstreams/app", host: "admin.example.com", field: "Authorization: Basic YWRtaW46MTIzMTIz", want: `"addrs"`},
		{path: "/ready", want: "127.0.0.1:5000 /ready"}, {path: "/a", want: "127.0.0.1:5000 /a"},
	},
	"config/testdata/pingap/auth.toml": {
		{path: "/basic/a", field: "Authorization: Basic YWRtaW46MTIzMTIz", want: "127.0.0.1:5000 /basic/a"},
		{path: "/keys?a=b&app=GKvXY2", want: "127.0.0.1:5000 /keys?a=b"}, {path: "/combined?app_id=open", want: "127.0.0.1:5000 /combined"},
		{path: "/token", field: "Authorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSJ9.nlncavRDA6oIbVoO7-Jt0eXXoYMjHEAhR0A9qSM1ZRQ", want: "127.0.0.1:5000 /token"}, {path: "/sso", want: "127.0.0.1:5000 /sso"}, {path: "/other", want: "127.0.0.1:5000 /other"},
	},
	"config/testdata/pingap/cache.toml":    {{path: "/kept/a", want: "127.0.0.1:5000 /kept/a"}, {path: "/small", want: "127.0.0.1:5000 /small"}},
	"config/testdata/pingap/starter.toml":  {{path: "/a", want: "127.0.0.1:5000 /a"}},
	"config/testdata/pingap/content.toml":  {{path: "/page", want: "new WoRDS"}, {path: "/images/a", field: "Accept: image/avif", want: "127.0.0.1:5000 /images/a"}, {path: "/a", want: "127.0.0.1:5000 /a"}},
	"config/testdata/pingap/includes.toml": {{path: "/a", host: "example.com", want: "127.0.0.1:5000 /a"}},
	"config/testdata/pingap/of-0.5.6.toml": {{path: "/a", want: "127.0.0.1:500"}, {path: "/a", at: 1, tls: true, want: "127.0.0.1:500"}},
	"config/testdata/pingap/tls-and-acme.toml": {
		{path: "/a", host: "example.com", tls: true, want: "10.0.0."}, {path: "/a", host: "abc.example.net", tls: true, want: "10.0.0."},
	},
	"config/testdata/pingap/traffic.toml": {
		{path: "/ids", want: "127.0.0.1:5000 /ids"}, {path: "/addresses", want: "127.0.0.1:5000 /addresses"},
		{path: "/pages", field: "Referer: https://www.bing.cn/", want: "127.0.0.1:5000 /pages"}, {path: "/programs", field: "User-Agent: curl/8", want: "127.0.0.1:5000 /programs"},
		{path: "/old/a", want: "127.0.0.1:5000 /old/a"}, {path: "/limited", field: "Cookie: bigtree=1", want: "127.0.0.1:5000 /limited"},
		{path: "/stats", want: `"location_accepted":1`}, {path: "/split", want: "127.0.0.1:5000 /split"}, {path: "/split", field: "Cookie: user_id=a7", want: "127.0.0.1:500"},
	},
	"config/testdata/pingap/countries.toml": {
		{path: "/home", field: "X-Forwarded-For: 133.11.0.1", want: "127.0.0.1:5000 /home"}, {path: "/elsewhere", want: "127.0.0.1:5000 /elsewhere"},
		{path: "/anywhere", field: "X-Forwarded-For: 131.188.0.1", want: "127.0.0.1:5000 /anywhere"},
	},
	"config/testdata/pingap/upstreams.toml": {
		{path: "/hash", want: "127.0.0.1:500"}, {path: "/http?debug", field: "X-Env: canary", want: "127.0.0.1:500"}, {path: "/tcp/a/b", want: " /a/b"},
		{path: "/grpc", want: "127.0.0.1:5004 /grpc"}, {path: "/hash/x", want: " /x"}, {path: "/other", want: "127.0.0.1:5005 /other"},
	},
}

func TestEveryExampleLoadsAndServes(t *testing.T) {
	for _, pattern := range []string{"../docs/examples/*.toml", "../docs/examples/*/", "../config/testdata/pingap/*.toml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if name := strings.TrimPrefix(filepath.Clean(file), "../"); examples[name] == nil {
				t.Errorf("nothing is asked of the example %s", name)
			}
		}
	}
	for name, visits := range examples {
		t.Run(strings.NewReplacer("/", " ").Replace(name), func(t *testing.T) {
			e := &moved{dir: t.TempDir(), peers: map[string]string{}, cert: selfSigned(t, x509.NewCertPool())}
			e.pair = base64.StdEncoding.EncodeToString([]byte(readFile(t, e.cert)))
			t.Setenv("HOSTNAME", "edge")
			p := start(t, binary, "-c", e.move(t, filepath.Join("..", name)))
			for _, addr := range e.servers {
				p.answers(t, addr)
			}
			for _, v := range visits {
				e.pay(t, v)
			}
		})
	}
}

// moved is an example on a machine where others have its addresses and paths.
type moved struct {
	dir        string
	servers    []string
	peers      map[string]string // by the addresses that the example has
	cert, pair string            // a certificate with its key: the file, and in base64
}

// move copies an example, with other addresses and paths.
func (e *moved) move(t *testing.T, from string) string {
	to := filepath.Join(e.dir, filepath.Base(from))
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		rest, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		copied := filepath.Join(to, rest)
		if err := os.MkdirAll(filepath.Dir(copied), 0o755); err != nil {
			return err
		}
		writeFile(t, filepath.Dir(copied), filepath.Base(copied), e.rewrite(t, readFile(t, path)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

var (
	listening = regexp.MustCompile(`(?m)^addr = ".*"`)
	peersOf   = regexp.MustCompile(`(?m)^addrs = \[[^\]]*("[^"]*"[^\]]*)*\]$`)
	peer      = regexp.MustCompile(`"([^" ]+)( \d+)?"`)
	elsewhere = regexp.MustCompile(`(/tmp|/run|/var/log)/`)
	services  = regexp.MustCompile(`(?m)^(auth_url = "http://)([^/"]+)`)
	keyText   = regexp.MustCompile(`(tls_cert|tls_key) = ".*"`)
)

func (e *moved) rewrite(t *testing.T, text string) string {
	text = elsewhere.ReplaceAllString(text, e.dir+"/")
	text = listening.ReplaceAllStringFunc(text, func(string) string {
		e.servers = append(e.servers, freeAddr(t))
		return fmt.Sprintf("addr = %q", e.servers[len(e.servers)-1])
	})
	text = peersOf.ReplaceAllStringFunc(text, func(list string) string {
		return peer.ReplaceAllStringFunc(list, func(found string) string {
			parts := peer.FindStringSubmatch(found)
			return fmt.Sprintf("%q", e.peer(t, parts[1])+parts[2])
		})
	})
	text = services.ReplaceAllStringFunc(text, func(url string) string {
		parts := services.FindStringSubmatch(url)
		return parts[1] + e.peer(t, parts[2])
	})
	text = keyText.ReplaceAllStringFunc(text, func(line string) string {
		key, value, _ := strings.Cut(line, " = ")
		if strings.Contains(value, "LS0t") {
			return key + ` = "` + e.pair + `"`
		}
		return key + ` = "` + e.cert + `"`
	})
	text = strings.ReplaceAll(text, "$ENV:PINGAP_TEST_TOKEN", "token")
	return text
}

// peer returns the address of a peer that stands in for one of the example: it
// speaks HTTP/1.1 and HTTP/2, with TLS and without, and answers with the address it stands in for.
func (e *moved) peer(t *testing.T, instead string) string {
	if addr := e.peers[instead]; addr != "" {
		return addr
	}
	addr := freeAddr(t)
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	e.peers[instead] = addr
	certificate, err := tls.LoadX509KeyPair(e.cert, e.cert)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %s", instead, r.URL.RequestURI())
		}),
		Protocols: new(http.Protocols),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if strings.HasPrefix(instead, "10.0.0.") && !strings.HasSuffix(instead, ":5000") {
			server.ServeTLS(ln, "", "") // of tls-and-acme, which has an sni
		} else {
			server.Serve(ln)
		}
	}()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	return addr
}

// pay makes the request of a visit.
func (e *moved) pay(t *testing.T, v visit) {
	t.Helper()
	scheme := "http"
	if v.tls {
		scheme = "https"
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", scheme+"://"+e.servers[v.at]+v.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = v.host
	if name, value, ok := strings.Cut(v.field, ": "); ok {
		r.Header.Set(name, value)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: v.host}, DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		t.Errorf("%+v: %v", v, err)
		return
	}
	defer response.Body.Close()
	status := 200
	if v.refused {
		status = 401
	}
	content, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status || !strings.Contains(string(content), v.want) {
		t.Errorf("%+v: got %d %.200s, %v", v, response.StatusCode, content, err)
	}
}

// TestTypicalInvocationsServe begins with the configuration that --template
// prints, and goes on as users do: other formats, other layouts, none at all.
func TestTypicalInvocationsServe(t *testing.T) {
	_, starter, _ := command(t, nil, "--template")
	e := &moved{dir: t.TempDir(), peers: map[string]string{}, cert: selfSigned(t, x509.NewCertPool())}
	file := writeFile(t, e.dir, "starter.toml", e.rewrite(t, starter))
	addr := e.servers[0]
	converted := func(option string) string {
		code, text, problems := command(t, nil, "-c", file, option)
		if code != 0 {
			t.Fatal(problems)
		}
		return writeFile(t, t.TempDir(), "pingap."+strings.TrimPrefix(option, "--to-"), text)
	}
	synced := func(layout string) string {
		to := filepath.Join(t.TempDir(), "conf") + layout
		if code, _, problems := command(t, nil, "-c", file, "--sync", to); code != 0 {
			t.Fatal(problems)
		}
		return to
	}
	for name, args := range map[string][]string{
		"the file":         {"-c", file},
		"HCL":              {"--conf", converted("--to-hcl")},
		"KDL":              {"--conf=" + converted("--to-kdl")},
		"one directory":    {"-c", synced(""), "--log=" + filepath.Join(e.dir, "pingap.log"), "--autorestart"},
		"a file each":      {"--conf=" + synced("?separation"), "--autoreload"},
		"with history":     {"-c", synced("?separation=true&enable_history=true"), "-a", "--threads", "1"},
		"no configuration": {"--upstream", e.peers["127.0.0.1:5000"], "--addr", addr},
		"a domain of many": {"--upstream=" + e.peers["127.0.0.1:5000"] + "," + e.peers["127.0.0.1:5000"], "--addr=" + addr, "--domain=a.example,b.example"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(strings.Join(args, " "), "--upstream") {
				if code, out, problems := command(t, nil, append(args, "-t")...); code != 0 {
					t.Fatal(out, problems)
				}
			}
			p := start(t, binary, args...)
			p.answers(t, addr)
			e.pay(t, visit{path: "/a", host: "b.example", want: "127.0.0.1:5000 /a"})
			p.signal(t, syscall.SIGTERM)
			if code := p.exitCode(t); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

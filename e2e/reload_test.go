package e2e

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// reload puts a configuration in the place of the proxy's, in one step, and
// tells it.
func (p *proxy) reload(t testing.TB, config string) {
	t.Helper()
	next := writeFile(t, p.dir, "next", strings.NewReplacer("<ADDR>", p.addr, "<DIR>", p.dir).Replace(config))
	if err := os.Rename(next, filepath.Join(p.dir, "pingap.toml")); err != nil {
		t.Fatal(err)
	}
	p.signal(t, syscall.SIGHUP)
}

// versions are configurations that follow each other. All of them answer
// /echo from one of the upstreams, and /version with their number.
type versions struct {
	peers        [2]string
	h2c          string // a peer that speaks HTTP/2
	spare        string // an address that every second version listens on
	secure       string // one that speaks TLS
	certificates [2]string
	trusted      *x509.CertPool
}

func newVersions(t *testing.T) *versions {
	peer := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			talkBack(t, w)
			return
		}
		content, _ := io.ReadAll(r.Body) // before the answer: a net/http server drops what is unread then
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		w.Write(content)
	}
	v := &versions{peers: [2]string{serve(t, peer), serve(t, peer)}, spare: freeAddr(t), secure: freeAddr(t), trusted: x509.NewCertPool()}
	ln, err := net.Listen("tcp", freeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	v.h2c = ln.Addr().String()
	only := new(http.Protocols)
	only.SetUnencryptedHTTP2(true)
	second := &http.Server{Handler: http.HandlerFunc(peer), Protocols: only}
	go second.Serve(ln)
	t.Cleanup(func() { second.Close() })
	for i := range v.certificates {
		v.certificates[i] = selfSigned(t, v.trusted)
	}
	return v
}

// talkBack turns a connection into one that returns what it gets.
func talkBack(t *testing.T, w http.ResponseWriter) {
	conn, in, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	io.Copy(conn, in)
}

// selfSigned makes a certificate for proxy.test, trusts it, and returns the path
// of a file with it and its key.
func selfSigned(t *testing.T, trust *x509.CertPool) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{"proxy.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(100 * 24 * time.Hour),
	}
	der, err := x509.CreateCertificate(crand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	trust.AppendCertsFromPEM(certificate)
	return writeFile(t, t.TempDir(), "pair.pem", string(certificate)+string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
}

// text is the n-th configuration, which differs from its neighbours in every
// kind of section.
func (v *versions) text(n int) string {
	var b strings.Builder
	list := func(name string) string { return fmt.Sprintf("%s-%d", name, n%3) } // names come and go
	fmt.Fprintf(&b, "[basic]\nupstream_keepalive_pool_size = %d\n", 64+n%2)
	addr, others := "<ADDR>", ""
	switch n % 4 {
	case 1:
		addr += "," + v.spare
	case 2:
		others = v.spare
	}
	fmt.Fprintf(&b, `
[servers.%q]
addr = %q
locations = ["version", %q]
access_log = "<DIR>/access.log?rolling=never {path} {status} %d"
keepalive_timeout = "%ds"
client_header_buffer_size = "%dkib"
threads = %d
reuse_port = %v

[locations.version]
path = "=/version"
plugins = ["version"]

[plugins.version]
category = "mock"
data = "%d"

[locations.%q]
path = "/echo"
upstream = %q
max_processing = %d
plugins = ["unchanged"]
proxy_set_headers = ["X-Version: %d"]

[plugins.unchanged]
category = "mock"
path = "/echo/never"

[upstreams.%q]
addrs = [%s]
idle_timeout = "%ds"
alpn = %q
`, list("main"), addr, list("echo"), n, 30+n%7, 16+n%5, n%3, n%5 == 0, n,
		list("echo"), list("peers"), 10_000+n, n,
		list("peers"), v.addrs(n), 20+n%3, map[bool]string{true: "h2", false: "h1"}[n%5 == 2])
	if others != "" {
		fmt.Fprintf(&b, "[servers.other]\naddr = %q\nlocations = [\"version\", %q]\n", others, list("echo"))
	}
	fmt.Fprintf(&b, `
[servers.%q]
addr = %q
locations = ["version", %q]
global_certificates = true
enabled_h2 = true
h2_max_streams = %d
[certificates.c]
tls_cert = %[5]q
tls_key = %[5]q
`, list("secure"), v.secure, list("echo"), 100+n, v.certificates[n/2%2])
	for i := range n % 20 {
		fmt.Fprintf(&b, "[locations.filler%d]\npath = \"/filler%d\"\nupstream = %q\n", i, i, list("peers"))
	}
	return b.String()
}

func (v *versions) addrs(n int) string {
	if n%5 == 2 {
		return strconv.Quote(v.h2c)
	}
	switch n % 6 {
	case 0, 1, 2:
		return fmt.Sprintf("%q", v.peers[0])
	case 3:
		return fmt.Sprintf("%q", v.peers[1])
	}
	return fmt.Sprintf(`"%s %d", %q`, v.peers[0], n%6, v.peers[1])
}

// visitor is a client of the proxy while it reloads.
type visitor struct {
	*http.Client
	url   string
	want  int // the version of HTTP; 0 for any
	times []time.Duration
}

// visit asks once; whatever is not an answer of one of the upstreams is an
// error.
func (v *visitor) visit(random *rand.Rand) error {
	began := time.Now()
	var body io.Reader
	size := 0
	method := "GET"
	if random.IntN(4) == 0 {
		size, method = random.IntN(100_000), "POST"
		body = strings.NewReader(strings.Repeat("x", size))
	}
	request, err := http.NewRequest(method, v.url+"/echo", body)
	if err != nil {
		return err
	}
	resp, err := v.Do(request)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != 200 || len(text) != size {
		return fmt.Errorf("%s: %s with %d bytes, want %d", method, resp.Status, len(text), size)
	}
	if v.want != 0 && resp.ProtoMajor != v.want {
		return fmt.Errorf("%s instead of HTTP/%d", resp.Proto, v.want)
	}
	v.times = append(v.times, time.Since(began))
	return nil
}

// Together they hold 200 connections.
const (
	visitors    = 180
	talkers     = 20
	reloadEvery = 100 * time.Millisecond
)

// bring puts a configuration in the place of the proxy's by way of its admin,
// and expects an answer with this status.
func (p *proxy) bring(t testing.TB, admin, config string, status int) {
	t.Helper()
	config = strings.NewReplacer("<ADDR>", p.addr, "<DIR>", p.dir).Replace(config)
	client := newClient(t)
	defer client.CloseIdleConnections()
	resp, err := client.Post("http://"+admin+"/api/configs/import?replace", "application/toml", strings.NewReader(config))
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != status {
		t.Errorf("the admin answers %s, want %d: %s, %v", resp.Status, status, text, err)
	}
}

// wrong makes a configuration wrong.
const wrong = "\n[locations.wrong]\nupstream = \"nobody\"\n"

func TestNoRequestFailsWhileTheConfigurationChanges(t *testing.T) {
	v := newVersions(t)
	admin := freeAddr(t)
	p := startProxy(t, v.text(0), "--threads", "2", "--admin", admin)
	for _, addr := range []string{v.secure, admin} { // which are open later than the first one
		p.answers(t, addr)
	}
	before := p.descriptors(t)
	quiet := v.load(t, p, soak(t)/4, 0, func(int) {})
	var early, late int
	reloads := 0
	const least = 10 // the last of which the admin is to refuse
	moving := v.load(t, p, soak(t), least, func(n int) {
		reloads++
		text, status := v.text(n), http.StatusOK
		if n%7 == 3 {
			text, status = text+wrong, http.StatusUnprocessableEntity
		}
		if n%4 == 2 {
			p.bring(t, admin, text, status)
		} else {
			p.reload(t, text)
		}
		if now := p.memory(t); n < int(soak(t)/reloadEvery)/3 {
			early = max(early, now)
		} else {
			late = max(late, now)
		}
	})
	last := 7 * 1000
	p.reload(t, v.text(last))
	c := newClient(t)
	eventually(t, "serve the last configuration", func() error { return wantAnswer(c, p.url("/version"), strconv.Itoa(last)) })
	c.CloseIdleConnections()
	t.Logf("%d reloads; 99 of 100 requests took %v without and %v with them; memory at most %d KiB at first and %d KiB then",
		reloads, quantile(quiet), quantile(moving), early, late)
	if late > early+early/2+16<<10 {
		t.Errorf("memory has grown from %d to %d KiB", early, late)
	}
	// Those above may have been replaced before they were read.
	p.reload(t, v.text(last)+wrong)
	eventually(t, "report a wrong configuration", func() error {
		if !strings.Contains(p.output.String(), "nobody") {
			return errors.New("the log does not tell of it")
		}
		return nil
	})
	// Whatever belonged to earlier configurations is given back: listeners,
	// logs, connections of upstreams that there are no more.
	p.reload(t, "[servers.last]\naddr = \"<ADDR>\"\n")
	p.settlesAt(t, before+5)
	p.stop(t)
}

// load lets visitors ask for a time, while change is called again and again, at
// least so often. It returns how long the requests took.
func (v *versions) load(t *testing.T, p *proxy, length time.Duration, least int, change func(n int)) (times []time.Duration) {
	t.Helper()
	var mu sync.Mutex
	var running sync.WaitGroup
	end := make(chan struct{})
	for i := range visitors {
		running.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			who := v.visitor(t, p, i)
			defer who.CloseIdleConnections()
			for pause(end, random) {
				if err := who.visit(random); err != nil {
					t.Errorf("visitor %d: %v", i, err)
					return
				}
			}
			mu.Lock()
			defer mu.Unlock()
			times = append(times, who.times...)
		})
	}
	var opening sync.WaitGroup
	for range talkers {
		opening.Add(1)
		running.Go(func() { v.talk(t, p, end, opening.Done) })
	}
	running.Go(func() { v.comeToSpare(t, end) })
	opening.Wait() // some versions have a peer that opens no tunnels
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	deadline := time.After(length)
	over := false
	for n := 1; !over || n <= least; {
		select {
		case <-tick.C:
			change(n)
			n++
		case <-deadline:
			over = true
		}
	}
	close(end)
	running.Wait()
	return times
}

// pause waits a moment; it reports false at the end.
func pause(end chan struct{}, random *rand.Rand) bool {
	select {
	case <-end:
		return false
	case <-time.After(time.Duration(random.IntN(60)) * time.Millisecond):
		return true
	}
}

// visitor makes the i-th visitor: some speak TLS, some of these HTTP/2, and
// some come anew each time.
func (v *versions) visitor(t *testing.T, p *proxy, i int) *visitor {
	who := &visitor{Client: newClient(t), url: p.url("")}
	transport := who.Client.Transport.(*http.Transport)
	if i%2 == 1 {
		who.url = "https://" + v.secure
		transport.TLSClientConfig = &tls.Config{RootCAs: v.trusted, ServerName: "proxy.test"}
		transport.ForceAttemptHTTP2 = i%4 == 1
		who.want = map[bool]int{true: 2, false: 1}[i%4 == 1]
	}
	transport.DisableKeepAlives = i%10 >= 8
	return who
}

// talk opens a tunnel, which it tells of, and talks over it from the first to the
// last moment.
func (v *versions) talk(t *testing.T, p *proxy, end chan struct{}, opened func()) {
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Error(err)
		opened()
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * patience))
	io.WriteString(conn, "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	opened()
	if err != nil || resp.StatusCode != 101 {
		t.Errorf("no tunnel: %v, %v", resp, err)
		return
	}
	random := rand.New(rand.NewPCG(2, 0))
	for pause(end, random) {
		io.WriteString(conn, "hello\n")
		if text, err := in.ReadString('\n'); text != "hello\n" {
			t.Errorf("the tunnel returned %q, %v", text, err)
			return
		}
	}
}

// comeToSpare asks at the address that comes and goes: who gets an answer gets
// the right one. The system resets those who connect in the moment in which the
// address is closed.
func (v *versions) comeToSpare(t *testing.T, end chan struct{}) {
	for {
		select {
		case <-end:
			return
		case <-time.After(time.Millisecond):
		}
		conn, err := net.Dial("tcp", v.spare)
		if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) {
			continue
		}
		if err != nil {
			t.Error(err)
			return
		}
		conn.SetDeadline(time.Now().Add(patience))
		_, lost := io.WriteString(conn, "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		text, err := io.ReadAll(conn)
		conn.Close()
		// The system tells of the reset once, and of an end after that.
		if len(text) == 0 && (errors.Is(lost, syscall.ECONNRESET) || errors.Is(err, syscall.ECONNRESET)) {
			continue
		}
		if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 200 ") {
			t.Errorf("at the address that comes and goes: %q, %v", text, err)
		}
	}
}

// quantile returns what 99 of 100 do not exceed.
func quantile(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[len(times)*99/100]
}

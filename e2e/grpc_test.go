package e2e

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// interopCases are the cases of the gRPC project's interoperability tests that its
// client and server in Go both know. Not among them are
//   - those of a cloud's credentials: compute_engine_creds, service_account_creds,
//     jwt_token_creds, per_rpc_creds, oauth2_auth_token, google_default_credentials,
//     compute_engine_channel_credentials;
//   - pick_first_unary, for which that server has no name to give, and which is about
//     a client with several servers to choose from;
//   - cacheable_unary, a call by GET, which that client cannot make;
//   - those that these programs do not have and ./interop/compression has.
var interopCases = []string{
	"empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream",
	"timeout_on_sleeping_server", "cancel_after_begin", "cancel_after_first_response",
	"status_code_and_message", "special_status_message", "custom_metadata",
	"unimplemented_method", "unimplemented_service", "rpc_soak", "channel_soak",
	"orca_per_rpc", "orca_oob",
}

// interop builds the gRPC project's own client and server, what they lack, and
// a client of gRPC-Web, once, and returns the path of one of them.
func interop(t testing.TB, command string) string {
	t.Helper()
	dir, err := buildInterop()
	if err != nil {
		t.Fatal("build the interoperability tests of gRPC:", err)
	}
	return filepath.Join(dir, command)
}

var buildInterop = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(filepath.Dir(binary), "interop")
	cmd := exec.Command("go", "build", "-C", "interop", "-o", dir+"/",
		"google.golang.org/grpc/interop/client", "google.golang.org/grpc/interop/server", "./compression", "./webclient")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return dir, cmd.Run()
})

// startInterop runs the server, over TLS if there is a certificate.
func startInterop(t testing.TB, pair string) string {
	t.Helper()
	port := freePort(t)
	addr := net.JoinHostPort("127.0.0.1", port)
	args := []string{"-port", port}
	if pair != "" {
		args = append(args, "-use_tls", "-tls_cert_file", pair, "-tls_key_file", pair)
	}
	start(t, interop(t, "server"), args...).answers(t, addr)
	return addr
}

// freePort returns a port that nobody has at any address: the server listens at
// all of them. It is one that the system gives to nobody who does not ask.
func freePort(t testing.TB) string {
	t.Helper()
	var err error
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(10_000))
		var ln net.Listener
		if ln, err = net.Listen("tcp", ":"+port); err == nil {
			ln.Close()
			return port
		}
	}
	t.Fatal(err)
	return ""
}

// runInterop runs a case against what listens at addr, over TLS if there is a
// certificate to trust.
func runInterop(t testing.TB, addr, name, trusted string) {
	t.Helper()
	host, port, _ := net.SplitHostPort(addr)
	args := []string{"-server_host", host, "-server_port", port, "-test_case", name,
		"-service_config_json", `{"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}`, // for orca
		// Whether calls are fast on this machine, now, is not what is asked.
		"-soak_iterations", "50", "-soak_num_threads", "5",
		"-soak_overall_timeout_seconds", "60", "-soak_per_iteration_max_acceptable_latency_ms", "60000"}
	if trusted != "" {
		args = append(args, "-use_tls", "-use_test_ca", "-ca_file", trusted, "-server_host_override", "proxy.test")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	if output, err := exec.CommandContext(ctx, interop(t, "client"), args...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %.2000s", name, err, output)
	}
}

func TestGRPCProjectsOwnClientAndServerMeetThroughTheProxy(t *testing.T) {
	pair := selfSigned(t, x509.NewCertPool())
	for name, pair := range map[string]string{"clear text": "", "TLS": pair} {
		t.Run(name, func(t *testing.T) {
			p := startProxy(t, grpcProxy(startInterop(t, pair), pair))
			for _, name := range interopCases {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					runInterop(t, p.addr, name, pair)
				})
			}
		})
	}
}

func TestCompressedCallsPassTheProxyAndManyAtOnce(t *testing.T) {
	addr := freeAddr(t)
	start(t, interop(t, "compression"), "serve", addr).answers(t, addr)
	p := startProxy(t, grpcProxy(addr, ""))
	client := start(t, interop(t, "compression"), "call", p.addr)
	if code := client.exitCode(t); code != 0 {
		t.Errorf("the client ends with code %d: %s", code, client.output)
	}
}

// grpcProxy is the configuration of a proxy before one server of gRPC. With a
// certificate both sides are over TLS.
func grpcProxy(upstream, pair string) string {
	server, peer, certificates := "", "", ""
	if pair != "" {
		server = "global_certificates = true"
		peer = "sni = \"proxy.test\"\nverify_cert = false"
		certificates = fmt.Sprintf("[certificates.own]\ntls_cert = %q\ntls_key = %q\nis_default = true\n", pair, pair)
	}
	return fmt.Sprintf(`
[servers.main]
addr = "<ADDR>"
locations = ["all"]
enabled_h2 = true
%s

[locations.all]
upstream = "peer"
grpc_web = true

[upstreams.peer]
addrs = [%q]
alpn = "h2"
%s

%s
`, server, upstream, peer, certificates)
}

// newHTTP2Client speaks HTTP/2 in clear text.
func newHTTP2Client(t testing.TB) *http.Client {
	c := newClient(t)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	c.Transport.(*http.Transport).Protocols = protocols
	return c
}

// serveHTTP2 runs a net/http server that speaks HTTP/2 in clear text until the
// test ends, and returns its address.
func serveHTTP2(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	addr := freeAddr(t)
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Protocols: protocols, Handler: handler}
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Serve(ln)
	}()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	return addr
}

// call makes a call of gRPC with an empty message.
func call(t *testing.T, url string, fields ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader("\x00\x00\x00\x00\x00"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("TE", "trailers")
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	resp, err := newHTTP2Client(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// wantStatus expects an answer without messages, which has its status in the
// header.
func wantStatus(t *testing.T, resp *http.Response, code string) {
	t.Helper()
	if resp.StatusCode != 200 || resp.Header.Get("Grpc-Status") != code || resp.Header.Get("Content-Type") != "application/grpc" {
		t.Errorf("%s, %v, want the gRPC status %s", resp.Status, resp.Header, code)
	}
}

func TestErrorsOfTheProxyReachGRPCClientsAsStatuses(t *testing.T) {
	p := startProxy(t, grpcProxy(freeAddr(t), ""))
	wantStatus(t, call(t, p.url("/s/m")), "14")
}

func TestCallEndsAtItsDeadlineWhateverTheUpstreamDoes(t *testing.T) {
	var begun atomic.Int64
	gone := make(chan struct{}, 100)
	p := startProxy(t, grpcProxy(serveHTTP2(t, func(_ http.ResponseWriter, r *http.Request) {
		begun.Add(1)
		<-r.Context().Done() // until the proxy resets the stream
		gone <- struct{}{}
	}), ""))
	// On a busy machine the time may be over before the upstream is asked.
	eventually(t, "reach the upstream in time", func() error {
		wantStatus(t, call(t, p.url("/s/m"), "Grpc-Timeout", "100m"), "4")
		if begun.Load() == 0 {
			return errors.New("the upstream has not been asked")
		}
		return nil
	})
	receive(t, gone, 1, "streams of the upstream have ended")
}

func TestCallThatItsUpstreamBreaksOffHasAStatusUnlessAMessageIsCut(t *testing.T) {
	const message = "\x00\x00\x00\x00\x03one"
	for _, sent := range []string{message, message + message, message[:6], message + message[:2]} {
		p := startProxy(t, grpcProxy(serveHTTP2(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			io.WriteString(w, sent)
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}), ""))
		resp := call(t, p.url("/s/m"))
		got, err := io.ReadAll(resp.Body)
		status := resp.Trailer.Get("Grpc-Status")
		if whole := len(sent)%len(message) == 0; whole && (err != nil || status != "14" || string(got) != sent) || !whole && err == nil {
			t.Errorf("after %q: %q, %v, status %q", sent, got, err, status)
		}
	}
}

package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// To the access log an answer that its upstream has cut short looks like any other:
// it has a status, and the client cannot be told of another one.
func TestAnAnswerThatItsUpstreamCutsShortIsInTheLog(t *testing.T) {
	peer := listen(t, func(conn net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
		if r.URL.Path == "/silent" {
			io.Copy(io.Discard, conn)
		}
	})
	config := withH2(proxyTo(peer, `read_timeout = "100ms"`))
	for version, c := range map[string]*http.Client{"HTTP/1.1": newClient(t), "HTTP/2.0": newH2CClient(t)} {
		t.Run(version, func(t *testing.T) {
			p := startProxy(t, config)
			for path, words := range map[string][]string{
				"/cut":    {"answer cut short", peer, "connection ended inside the response's body", "status=200", "what=body_cut", "location=all", "path=/cut"},
				"/silent": {"answer cut short", peer, "took too long", "status=200", "what=read_timeout", "path=/silent"},
			} {
				resp, err := c.Get(p.url(path))
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.Proto != version || string(got) != "hello" || err == nil {
					t.Errorf("%s %s: %q (%v)", resp.Proto, path, got, err)
				}
				p.says(t, words...)
			}
			if strings.Contains(p.output.String(), "exchange failed") {
				t.Errorf("the log speaks of other failures:\n%s", p.output.String())
			}
		})
	}
}

package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// builtinAddr is where the proxy listens without a configuration.
const builtinAddr = "127.0.0.1:6188"

func TestWithoutConfigurationItWelcomes(t *testing.T) {
	p := start(t, binary)
	p.answers(t, builtinAddr)
	c := newClient(t)
	for path, want := range map[string]string{
		"/":     "Pingap",
		"/ping": "pong",
	} {
		resp, err := c.Get("http://" + builtinAddr + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("GET %s: %s, %q, %v", path, resp.Status, body, err)
		}
	}
}

package e2e

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Without a configuration the proxy listens at builtinAddr, and its admin at
// builtinAdmin.
const (
	builtinAddr  = "127.0.0.1:6188"
	builtinAdmin = "127.0.0.1:3018"
)

func TestWithoutConfigurationItWelcomes(t *testing.T) {
	for _, addr := range []string{builtinAddr, builtinAdmin} {
		eventually(t, "have the port of the built-in configuration, which somebody else may try", func() error {
			ln, err := net.Listen("tcp", addr)
			if err == nil {
				ln.Close()
			}
			return err
		})
	}
	p := start(t, binary)
	p.answers(t, builtinAddr)
	p.answers(t, builtinAdmin)
	c := newClient(t)
	for url, want := range map[string]string{
		"http://" + builtinAddr + "/":     "Pingap",
		"http://" + builtinAddr + "/ping": "pong",
		"http://" + builtinAdmin + "/":    "This is the admin",
	} {
		resp, err := c.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("GET %s: %s, %q, %v", url, resp.Status, body, err)
		}
	}
}

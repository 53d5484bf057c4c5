package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

const splitting = `
[servers.main]
addr = "<ADDR>"
locations = ["none", "all"]
enabled_h2 = true
[locations.all]
plugins = ["canary"]
upstream = "old"
proxy_set_headers = ["X-Asked: $upstream_addr"]
[locations.none]
path = "/none"
plugins = ["canary"]
[plugins.canary]
category = "traffic_splitting"
upstream = "new"
weight = 50
stickiness = true
sticky_cookie = "user"
matcher = "^beta"
[upstreams.old]
addrs = [%q]
[upstreams.new]
addrs = [%q]
`

func naming(t *testing.T, name string) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, name+" "+r.Header.Get("X-Asked")) })
}

func TestTrafficIsSplit(t *testing.T) {
	old, fresh, fresher := naming(t, "old"), naming(t, "new"), naming(t, "newer")
	p := startProxy(t, fmt.Sprintf(splitting, old, fresh))
	for version, c := range bothVersions(t) {
		for cookie, want := range map[string]string{"user=beta7": "new " + fresh, "user=a": "old " + old, "x=beta": "old " + old} {
			if response, content := answerTo(t, c, p.url("/"), "Cookie: "+cookie); content != want {
				t.Errorf("%s with %s: %s %q, want %q", version, cookie, response.Status, content, want)
			}
		}
		for cookie, want := range map[string]int{"user=beta": 200, "user=a": 503} {
			if response, _ := answerTo(t, c, p.url("/none"), "Cookie: "+cookie); response.StatusCode != want {
				t.Errorf("%s: without an upstream, %s: %s", version, cookie, response.Status)
			}
		}
	}
	// The plugin lives on, and its upstream is another one.
	text := strings.NewReplacer("<ADDR>", p.addr).Replace(fmt.Sprintf(splitting, old, fresher))
	writeFile(t, p.dir, "pingap.toml", text)
	p.signal(t, syscall.SIGHUP)
	c := newClient(t)
	eventually(t, "ask the upstream of the new configuration", func() error {
		if _, content := answerTo(t, c, p.url("/"), "Cookie: user=beta"); content != "newer "+fresher {
			return fmt.Errorf("%q", content)
		}
		return nil
	})
}

// Pingap does not look whether the upstream exists.
func TestUpstreamOfASplitHasToExist(t *testing.T) {
	text := strings.Replace(fmt.Sprintf(splitting, "127.0.0.1:1", "127.0.0.1:1"), `upstream = "new"`, `upstream = "nwe"`, 1)
	file := writeFile(t, t.TempDir(), "a.toml", strings.ReplaceAll(text, "<ADDR>", "127.0.0.1:1"))
	code, _, problems := command(t, nil, "-c", file, "-t")
	if want := `a.toml:15: plugins.canary: upstream: there is no upstream "nwe"; did you mean "new"?`; code == 0 || !strings.Contains(problems, want) {
		t.Errorf("exit %d: %s", code, problems)
	}
}

package e2e

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// largeConfig has many locations and upstreams; the last location answers with
// the text.
func largeConfig(peer, text string, locations, upstreams int) string {
	var b strings.Builder
	var names []string
	for i := range upstreams {
		fmt.Fprintf(&b, "[upstreams.u%d]\naddrs = [%q, \"127.0.0.2:%d\"]\n", i, peer, 1000+i)
	}
	for i := range locations {
		names = append(names, fmt.Sprintf("%q", fmt.Sprint("l", i)))
		fmt.Fprintf(&b, "[locations.l%d]\nhost = \"h%d.example.com\"\npath = \"/p%d\"\nupstream = \"u%d\"\nplugins = [\"p%d\"]\nproxy_set_headers = [\"X-Number: %d\"]\n",
			i, i/10, i%10, i%upstreams, i%100, i)
	}
	for i := range 100 {
		fmt.Fprintf(&b, "[plugins.p%d]\ncategory = \"mock\"\npath = \"/mock%d\"\n", i, i)
	}
	fmt.Fprintf(&b, "[locations.last]\npath = \"=/last\"\nplugins = [\"last\"]\n[plugins.last]\ncategory = \"mock\"\ndata = %q\n", text)
	fmt.Fprintf(&b, "[servers.main]\naddr = \"<ADDR>\"\nlocations = [\"last\", %s]\n", strings.Join(names, ", "))
	return b.String()
}

// largePatience is how long a reload of a large configuration may take, which a
// thread does that yields to whatever else the machine has to do.
const largePatience = 10 * patience

// The times are for whoever looks: 1 s for the reload and 2 s for the check are
// what they should stay below on a machine of its own.
func TestTenThousandLocationsAreCheckedAndReloaded(t *testing.T) {
	peer := serve(t, nil)
	p := startProxy(t, largeConfig(peer, "first", 10_000, 2000))
	began := time.Now()
	cmd := exec.Command(binary, "-t", "-c", p.dir)
	cmd.Env = cleanEnvironment()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("-t: %v\n%.1000s", err, out)
	}
	check := time.Since(began)
	began = time.Now()
	p.reload(t, largeConfig(peer, "second", 10_000, 2000))
	c := newClient(t)
	within(t, largePatience, "serve the new configuration", func() error { return wantAnswer(c, p.url("/last"), "second") })
	reload := time.Since(began)
	var took string
	eventually(t, "report", func() error {
		if took = regexp.MustCompile("took=.*").FindString(p.output.String()); took == "" {
			return errors.New("the log does not tell of the reload")
		}
		return nil
	})
	t.Logf("-t took %v, a reload %v, %s in the process", check, reload, took)
}

// For whoever looks, with PINGAP_SOAK, what others feel is compared with reloads of
// another proxy, which keep the machine as busy, and with none.
func TestReloadOfTenThousandLocationsDisturbsNobody(t *testing.T) {
	peer := serve(t, nil)
	config := largeConfig(peer, "before", 10_000, 2000)
	var next []string // made before, since that would take the clients' time
	for i := range 3 {
		next = append(next, largeConfig(peer, fmt.Sprint(i), 10_000, 2000-i))
	}
	p := startProxy(t, config)
	ask := func(reloaded *proxy) []time.Duration {
		var mu sync.Mutex
		var times []time.Duration
		end := make(chan struct{})
		var asking sync.WaitGroup
		for range 10 {
			c := newClient(t)
			asking.Go(func() {
				defer c.CloseIdleConnections()
				random := rand.New(rand.NewPCG(3, 0))
				for pause(end, random) {
					began := time.Now()
					resp, err := c.Get(p.url("/last"))
					if err != nil || resp.StatusCode != 200 {
						t.Errorf("%v, %v", resp, err)
						return
					}
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
					took := time.Since(began)
					mu.Lock()
					times = append(times, took)
					mu.Unlock()
				}
			})
		}
		if reloaded == nil {
			// sleep: so long the time of exchanges is taken without a reload
			<-time.After(time.Second)
		} else {
			reloadEach(t, reloaded, next)
		}
		close(end)
		asking.Wait()
		return times
	}
	t.Logf("99 of 100 requests took %v during reloads", quantile(ask(p)))
	if soak(t) >= time.Minute {
		t.Logf("%v without, and %v during reloads of another proxy", quantile(ask(nil)), quantile(ask(startProxy(t, config))))
	}
}

// reloadEach has a proxy reload configurations, each of which answers with its
// number.
func reloadEach(t *testing.T, p *proxy, next []string) {
	c := newClient(t)
	defer c.CloseIdleConnections()
	for i, config := range next {
		p.reload(t, config)
		within(t, largePatience, "serve the new configuration", func() error { return wantAnswer(c, p.url("/last"), fmt.Sprint(i)) })
	}
}

// wantAnswer checks what a path of the proxy answers.
func wantAnswer(c *http.Client, url, want string) error {
	resp, err := c.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); string(text) != want {
		return fmt.Errorf("%s: %q, %v; want %q", url, text, err, want)
	}
	return nil
}

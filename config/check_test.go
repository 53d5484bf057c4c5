package config

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// TestOverlapsAreWhatTheKernelRefuses listens on pairs of addresses to see
// which of them the system has room for at the same time.
func TestOverlapsAreWhatTheKernelRefuses(t *testing.T) {
	hosts := []string{"0.0.0.0", "127.0.0.1", "127.0.0.2", "[::ffff:127.0.0.1]"}
	if ln, err := net.Listen("tcp", "[::1]:0"); err == nil {
		ln.Close()
		hosts = append(hosts, "", "[::]", "[::1]")
	}
	for _, first := range hosts {
		for _, second := range hosts {
			a, b := addrOf(t, first, 1), addrOf(t, second, 1)
			overlap := a.overlaps(b)
			err := listenOnBoth(t, first, second)
			for i := 0; i < 10 && !overlap && err != nil; i++ {
				err = listenOnBoth(t, first, second) // somebody else may have had the port
			}
			if refused := err != nil; overlap != refused {
				t.Errorf("%s and %s: overlap is %v, but listening on both: %v", a, b, overlap, err)
			}
			if overlap != b.overlaps(a) {
				t.Errorf("%s and %s: the order matters", a, b)
			}
		}
	}
}

// listenOnBoth listens on a port of the first host and then on the same port of
// the second.
func listenOnBoth(t *testing.T, first, second string) error {
	t.Helper()
	port, ln := listenTCP(t, first)
	defer ln.Close()
	again, err := net.Listen(networkOf(second), net.JoinHostPort(strings.Trim(second, "[]"), fmt.Sprint(port)))
	if err == nil {
		again.Close()
	}
	return err
}

// networkOf is the network on which Go listens as the proxy does: on all
// addresses for [::] too.
func networkOf(host string) string {
	if host == "0.0.0.0" {
		return "tcp4"
	}
	return "tcp"
}

func listenTCP(t *testing.T, host string) (port int, ln net.Listener) {
	t.Helper()
	ln, err := net.Listen(networkOf(host), net.JoinHostPort(strings.Trim(host, "[]"), "0"))
	if err != nil {
		t.Fatal(err)
	}
	return ln.Addr().(*net.TCPAddr).Port, ln
}

func addrOf(t *testing.T, host string, port int) ListenAddr {
	t.Helper()
	a, err := parseListenAddr(fmt.Sprintf("%s:%d", host, port))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAddressesThatDifferDoNotOverlap(t *testing.T) {
	for _, pair := range [][2]string{
		{"127.0.0.1:80", "127.0.0.1:81"},
		{"127.0.0.1:80", "127.0.0.2:80"},
		{"0.0.0.0:80", "[::1]:80"},
		{"unix:/run/a", "unix:/run/b"},
		{"unix:/run/a", "0.0.0.0:80"},
		{"a.example:80", "b.example:80"},
	} {
		a, errA := parseListenAddr(pair[0])
		b, errB := parseListenAddr(pair[1])
		if errA != nil || errB != nil || a.overlaps(b) || b.overlaps(a) {
			t.Errorf("%v: %v %v, they overlap: %v", pair, errA, errB, a.overlaps(b))
		}
	}
}

// large is a configuration of n locations, each with an upstream of its own.
func large(n int) []byte {
	var b strings.Builder
	b.WriteString("[servers.web]\naddr = \":80\"\nlocations = [\n")
	for i := range n {
		fmt.Fprintf(&b, "\"location%d\",\n", i)
	}
	b.WriteString("]\n")
	for i := range n {
		fmt.Fprintf(&b, "[locations.location%d]\nhost = \"h%d.example, *.h%d.example\"\npath = \"/api/%d\"\nupstream = \"upstream%d\"\nproxy_set_headers = [\"Host: $host\"]\n", i, i, i, i, i)
		fmt.Fprintf(&b, "[upstreams.upstream%d]\naddrs = [\"10.0.0.1:80\", \"10.0.0.2:80 2\"]\nread_timeout = \"5s\"\n", i)
	}
	return []byte(b.String())
}

func BenchmarkLargeConfigurationIsReadAndChecked(b *testing.B) {
	text := large(10_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		c, problems := Parse("large.toml", text)
		if problems = append(problems, c.Check(Checks{})...); len(problems) > 0 {
			b.Fatal(problems[0])
		}
	}
}

func TestLargeConfigurationFullOfMistakesEndsSoon(t *testing.T) {
	text := strings.ReplaceAll(string(large(2_000)), "upstream = \"upstream", "upstream = \"upstrema")
	c, _ := Parse("large.toml", []byte(text))
	problems := c.Check(Checks{})
	if len(problems) != maxProblems || !strings.Contains(problems[0].Hint, "did you mean") {
		t.Errorf("%d problems, the first: %v", len(problems), problems[0])
	}
}

func TestThousandsOfAddressesAreComparedSoon(t *testing.T) {
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, "[servers.s%d]\naddr = \"10.%d.%d.%d:80\"\nlocations = []\n", i, i>>16, i>>8&255, i&255)
	}
	b.WriteString("[servers.last]\naddr = \":80\"\nlocations = []\n")
	c, problems := Parse("a.toml", []byte(b.String()))
	if problems = append(problems, c.Check(Checks{})...); len(problems) != 1 || !strings.Contains(problems[0].Message, ":80 overlaps with 10.0.0.0:80") {
		t.Errorf("problems are %v", problems)
	}
}

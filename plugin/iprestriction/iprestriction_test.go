package iprestriction

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"pingap/config"
	"pingap/message"
)

// status is what a client gets from a plugin with these settings; 200 where it
// passes.
func status(t *testing.T, settings, client string) int {
	t.Helper()
	p, problems := build(config.TableOf("test", settings), nil)
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	x := &message.Exchange{}
	x.Reset()
	if client != "" {
		x.ClientIP = netip.MustParseAddr(client)
	}
	err := p.Wrap(message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status = 200
		return nil
	})).Serve(x)
	if err != nil {
		t.Error(err)
	}
	return x.Response.Status
}

func TestListDecidesWhoMayPass(t *testing.T) {
	const list = `ip_list = ["10.0.0.0/8", "192.0.2.7", "10.1.0.0/16", "2001:db8::/32", "::ffff:198.51.100.0/120", "fe80::1"]`
	for client, listed := range map[string]bool{
		"10.0.0.0": true, "10.255.255.255": true, "10.1.2.3": true, "9.255.255.255": false, "11.0.0.0": false,
		"192.0.2.7": true, "192.0.2.6": false, "192.0.2.8": false, "::ffff:10.1.2.3": true,
		"2001:db8::1": true, "2001:db9::": false, "::1": false, "fe80::1%eth0": true, "198.51.100.9": true, "198.51.101.1": false,
	} {
		for kind, passes := range map[string]bool{"": listed, `type = "allow"`: listed, `type = "deny"`: !listed, `type = "Deny"`: !listed} {
			want := 403
			if passes {
				want = 200
			}
			if got := status(t, list+"\n"+kind, client); got != want {
				t.Errorf("%s with %q: %d, want %d", client, kind, got, want)
			}
		}
	}
}

func TestClientWithoutAnAddressIsRefused(t *testing.T) {
	for _, kind := range []string{"allow", "deny"} {
		if got := status(t, "ip_list = [\"10.0.0.1\"]\ntype = \""+kind+"\"", ""); got != 400 {
			t.Errorf("with %s: %d", kind, got)
		}
	}
}

// TestNetworksFindWhatASlowSearchFinds compares with looking at each in turn.
func TestNetworksFindWhatASlowSearchFinds(t *testing.T) {
	address := func() netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(rand.IntN(2)), byte(rand.IntN(256))}) }
	for range 2000 {
		var list []config.Network
		for range rand.IntN(20) {
			list = append(list, config.Network{Prefix: netip.PrefixFrom(address(), 22+rand.IntN(11)).Masked()})
		}
		n := newNetworks(list)
		for range 20 {
			a, want := address(), false
			for _, p := range list {
				want = want || p.Contains(a)
			}
			if n.holds(a) != want {
				t.Fatalf("%v in %v: %v", a, list, !want)
			}
		}
	}
}

// Pingap drops entries that are wrong, and takes any word but deny for allow.
func TestWrongSettingsAreProblems(t *testing.T) {
	for settings, want := range map[string]string{
		`ip_list = ["10.0.0"]`:                      "neither an address nor a network",
		`ip_list = ["10.0.0.0/33"]`:                 "neither an address nor a network",
		"ip_list = [\"10.0.0.1\"]\ntype = \"dney\"": `did you mean "deny"?`,
		`ip_list = []`:                              "warning: has no entries, so everybody is refused",
		`type = "deny"`:                             "warning: has no entries, so nobody is refused",
		`ip_list = "10.0.0.1"`:                      "list",
		"ip_list = [\"::1\"]\nips = []":             `unknown key "ips"`,
	} {
		_, problems := build(config.TableOf("test", settings), nil)
		if len(problems) != 1 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want a problem with %q", settings, problems, want)
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	var list []string
	for i := range 1000 {
		list = append(list, fmt.Sprintf(`"10.%d.%d.0/24"`, i/256, i%256))
	}
	p, _ := build(config.TableOf("test", "ip_list = ["+strings.Join(list, ",")+"]"), nil)
	h := p.Wrap(message.HandlerFunc(func(*message.Exchange) error { return nil }))
	x := &message.Exchange{}
	for _, client := range []string{"10.1.2.3", "192.0.2.1"} {
		once := func() {
			x.Reset()
			x.ClientIP = netip.MustParseAddr(client)
			h.Serve(x)
		}
		once()
		if n := testing.AllocsPerRun(100, once); n > 0 {
			t.Errorf("%s: %v allocations", client, n)
		}
	}
}

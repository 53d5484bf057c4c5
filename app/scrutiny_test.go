package app

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// proxyingAt is a configuration whose lines are those of what tests say below.
func proxyingAt(addr, basic, access, peer string) string {
	return fmt.Sprintf("[basic]\n%s\n[servers.web]\naddr = %q\naccess_log = %q\nlocations = [\"all\"]\n[locations.all]\nupstream = \"u\"\n[upstreams.u]\nread_timeout = \"1s\"\naddrs = [%q]\n",
		basic, addr, access, peer)
}

// What a start refuses, -t refuses too, with the same words.
func TestCheckRefusesWhatTheStartWould(t *testing.T) {
	dir := t.TempDir()
	free, peer := "unix:"+socket(t), "127.0.0.1:1"
	file := socket(t)
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"user":           {proxyingAt(free, `user = "nosuchuser"`, "", peer), `:2: basic: user: the system has no user "nosuchuser"; create it`},
		"group":          {proxyingAt(free, `group = "nosuchgroup"`, "", peer), `:2: basic: group: the system has no group "nosuchgroup"; create it`},
		"name":           {proxyingAt("nohost.invalid:23111", "", "", peer), `:4: servers.web: addr: `},
		"same address":   {proxyingAt("127.0.0.1:23111,localhost:23111", "", "", peer), `:4: servers.web: addr: localhost:23111 is the same address as 127.0.0.1:23111, in the same list`},
		"two servers":    {proxyingAt("127.0.0.1:23111", "", "", peer) + "[servers.two]\naddr = \"localhost:23111\"\nlocations = [\"all\"]\n", `:13: servers.two: addr: localhost:23111 is the same address as 127.0.0.1:23111, where server "web" listens`},
		"all addresses":  {proxyingAt("0.0.0.0:23111,localhost:23111", "", "", peer), `:4: servers.web: addr: localhost:23111 overlaps with 0.0.0.0:23111`},
		"access log":     {proxyingAt(free, "", dir+"?rolling=never combined", peer), ":5: servers.web: access_log: open log: open " + dir},
		"upstream":       {proxyingAt(free, "", "", "no.such.invalid:80"), `:11: upstreams.u: addrs: upstream "u" has no peer that can be reached: `},
		"directory":      {proxyingAt("unix:"+dir+"/none/s", "", "", peer), ":4: servers.web: addr: listen on unix:" + dir + "/none/s: "},
		"file in way":    {proxyingAt("unix:"+file, "", "", peer), ":4: servers.web: addr: listen on unix:" + file + ": "},
		"no such IP":     {proxyingAt("192.0.2.1:23111", "", "", peer), ":4: servers.web: addr: listen on 192.0.2.1:23111: "},
		"keys of ticket": {proxyingAt(free, `ticket_key_file = "/none/keys"`, "", peer), ":2: basic: ticket_key_file: "},
		"certificate":    {proxyingAt(free, "", "", peer) + "[certificates.c]\ntls_key = \"/no/k.pem\"\ntls_cert = \"/no/c.pem\"\n", ":14: certificates.c: tls_cert: file /no/c.pem: no such file"},
		"authority":      {proxyingAt(free, "", "", peer) + "tls_ca = \"/no/ca.pem\"\nsni = \"x\"\n", ":12: upstreams.u: tls_ca: file /no/ca.pem: no such file"},
	} {
		path := conf(t, c.text)
		want := c.want
		if want[0] == ':' {
			want = path + want
		}
		for _, args := range [][]string{{"-t", "-c", path}, {"--threads", "1", "-c", path}} {
			code, out, err := call(args)
			if code != 1 || out != "" || strings.Count(err, want) != 1 {
				t.Errorf("%s: %v: exit code %d, output %q, error\n%swant %s", name, args[:1], code, out, err, want)
			}
		}
	}
	if left, err := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("there are %v, %v", left, err)
	}
}

func TestLogThatCannotBeWrittenIsNamedByWhatAskedForIt(t *testing.T) {
	path := conf(t, listening(t, pinging("")))
	dir := t.TempDir()
	for _, c := range []struct {
		args, env []string
		code      int
		want      string
	}{
		{[]string{"--log-level", "loud"}, nil, 2, `pingap: --log-level: "loud" is no log level; use trace, debug,`},
		{nil, []string{"PINGAP_LOG_LEVEL=blah"}, 2, `pingap: PINGAP_LOG_LEVEL: "blah" is no log level`},
		{[]string{"--log", dir + "/z.log?rolling=wekly"}, nil, 2, `pingap: --log: rolling is "wekly"; it is daily,`},
		{nil, []string{"PINGAP_LOG=" + dir + "/z.log?rolling=wekly"}, 2, `pingap: PINGAP_LOG: rolling is "wekly"`},
		{[]string{"--log", dir + "?rolling=never"}, nil, 1, `pingap: --log: open log: open ` + dir},
		{nil, []string{"PINGAP_LOG=" + dir + "?rolling=never"}, 1, `pingap: PINGAP_LOG: open log: open ` + dir},
	} {
		for _, args := range [][]string{{"-t", "-c", path}, {"--threads", "1", "-c", path}} {
			code, out, err := call(append(args, c.args...), c.env...)
			if code != c.code || out != "" || !strings.HasPrefix(err, c.want) {
				t.Errorf("%v %v %v: exit code %d, output %q, error %q, want %s", args[:1], c.args, c.env, code, out, err, c.want)
			}
		}
	}
	code, _, err := call([]string{"-t", "-c", path, "--log", dir + "/a/z.log", "--log-level", "trace"})
	if left, e := os.ReadDir(dir); code != 0 || len(left) > 0 {
		t.Errorf("exit code %d, error %q; there are %v, %v", code, err, left, e)
	}
}

// One that serves is not disturbed by -t, and what it has is not missing.
func TestCheckBesideAProcessThatServes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	log := filepath.Join(t.TempDir(), "logs", "a.log")
	p := launch(t, pinging(log+"?rolling=never {uri}"))
	both := strings.Replace(pinging(log+"?rolling=never {uri}"), "%ADDR%", "unix:"+p.addr+","+taken.Addr().String(), 1)
	if code, _, stderr := call([]string{"-t", "-c", conf(t, both)}); code != 0 {
		t.Errorf("exit code %d, error %q", code, stderr)
	}
	if got := p.get(t, "/ping"); got != "pong" {
		t.Errorf("after: %q", got)
	}
	p.signals <- syscall.SIGTERM
	p.exit(t)
	if text, err := os.ReadFile(log); string(text) != "/ping\n" {
		t.Errorf("the log holds %q, %v", text, err)
	}
}

// Who only writes a configuration elsewhere may do it on another machine.
func TestConvertingLooksNothingUp(t *testing.T) {
	path := conf(t, proxyingAt("nohost.invalid:80", `user = "nosuchuser"`, "/proc/nodir/x.log combined", "no.such.invalid:80"))
	if code, out, err := call([]string{"--to-hcl", "-c", path}); code != 0 || !strings.Contains(out, "nohost.invalid") {
		t.Errorf("exit code %d, error %q", code, err)
	}
}

func TestReloadThatCannotReachItsUpstreamChangesNothing(t *testing.T) {
	p := launch(t, answering)
	said := p.rewrite(t, answering+"[upstreams.u]\naddrs = [\"no.such.invalid:80\"]\n", "the configuration stays as it was: ")
	if !strings.HasPrefix(said, "the configuration is wrong: 1 problem in "+p.conf) || !strings.Contains(p.stderr.String(), p.conf+":13: upstreams.u: addrs: upstream ") {
		t.Errorf("it says %s\n%s", said, p.stderr)
	}
	if got := p.get(t, "/"); got != "first" {
		t.Errorf("after: %q", got)
	}
	p.signals <- syscall.SIGTERM
	p.exit(t)
}

func TestAdminRefusesToSaveWhatCouldNotBePutIntoForce(t *testing.T) {
	p := launch(t, answering, "--admin", "me:secret@127.0.0.1:0")
	url := p.adminOf(t)
	before, err := os.ReadFile(p.conf)
	if err != nil {
		t.Fatal(err)
	}
	for section, c := range map[string]struct{ body, want string }{
		"upstreams/u": {`{"addrs": ["no.such.invalid:80"]}`, "has no peer that can be reached"},
		"servers/two": {`{"addr": "unix:/none/dir/s"}`, "there is no directory /none/dir"},
	} {
		if status, text := tell(t, "POST", url+"api/configs/"+section, c.body); status != 422 || !strings.Contains(text, c.want) {
			t.Errorf("%s: status %d: %s", section, status, text)
		}
	}
	if after, err := os.ReadFile(p.conf); string(after) != string(before) {
		t.Errorf("stored is %s, %v", after, err)
	}
	if got := p.get(t, "/"); got != "first" {
		t.Errorf("after: %q", got)
	}
	p.signals <- syscall.SIGTERM
	p.exit(t)
}

package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// call runs Main to its end; env is NAME=value.
func call(args []string, env ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = Main(args, System{Stdout: &out, Stderr: &err, Getenv: environ(env)})
	return code, out.String(), err.String()
}

func environ(env []string) func(string) string {
	return func(name string) string {
		for _, e := range env {
			if n, v, _ := strings.Cut(e, "="); n == name {
				return v
			}
		}
		return ""
	}
}

// conf writes a configuration and returns its path.
func conf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pingap.toml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

const good = `
[servers.web]
addr = "127.0.0.1:6188"
locations = ["all", "api"]
[locations.all]
plugins = ["pingap:ping"]
[locations.api]
path = "/api"
upstream = "peer"
[locations.spare]
upstream = "peer"
[upstreams.peer]
addrs = ["127.0.0.1:5000"]
`

func TestHelpNamesEveryOption(t *testing.T) {
	for _, arg := range []string{"--help", "-h", "help"} {
		code, out, err := call([]string{arg})
		for _, want := range []string{"--conf", "--test", "--log ", "--log-level", "--threads", "--version", "PINGAP_CONF", "USR1", "Exit status", "trace, debug"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s does not speak of %s", arg, want)
			}
		}
		if code != 0 || err != "" {
			t.Errorf("%s: exit code %d, error %q", arg, code, err)
		}
	}
}

func TestHelpNamesEveryVariable(t *testing.T) {
	_, out, _ := call([]string{"--help"})
	for option, variable := range environment {
		if !strings.Contains(out, variable) || !strings.Contains(out, "--"+option) {
			t.Errorf("--help does not speak of %s for --%s", variable, option)
		}
	}
}

func TestVersionIsALine(t *testing.T) {
	code, out, _ := call([]string{"--version"})
	if _, again, _ := call([]string{"version"}); again != out {
		t.Errorf("%q, and without dashes %q", out, again)
	}
	if code != 0 || !strings.HasPrefix(out, "pingap "+Version) || strings.Count(out, "\n") != 1 {
		t.Errorf("exit code %d, output %q", code, out)
	}
}

func TestWrongCommandLineExitsWithTwo(t *testing.T) {
	for _, c := range []struct {
		args []string
		env  []string
		want string
	}{
		{[]string{"--no-such"}, nil, "--no-such"},
		{[]string{"pingap.toml"}, nil, "-c pingap.toml"},
		{[]string{"reload"}, nil, "HUP to reload"},
		{[]string{"serve"}, nil, "there are encrypt, history, schema, help, version, and"},
		{[]string{"serve"}, nil, "-c serve"},
		{[]string{"--threads", "0"}, nil, "at least 1"},
		{nil, []string{"PINGAP_THREADS=many"}, "PINGAP_THREADS"},
		{nil, []string{"PINGAP_THREADS=-1"}, "at least 1"},
	} {
		code, out, err := call(c.args, c.env...)
		if code != 2 || out != "" || !strings.Contains(err, c.want) || !strings.Contains(err, "--help") || strings.Count(err, "\n") != 1 {
			t.Errorf("%v %v: exit code %d, output %q, error %q", c.args, c.env, code, out, err)
		}
	}
}

func TestCheckSaysWhatWasFound(t *testing.T) {
	path := conf(t, good)
	for _, c := range []struct{ args, env []string }{
		{[]string{"-t", "-c", path}, nil},
		{[]string{"-t"}, []string{"PINGAP_CONF=" + path}},
		{[]string{"-t", "-c", "~/pingap.toml"}, []string{"HOME=" + filepath.Dir(path)}},
		{[]string{"-t", "-c", path}, []string{"PINGAP_CONF=/nowhere"}},
	} {
		code, out, err := call(c.args, c.env...)
		if want := path + ":10: locations.spare: warning: no server lists it, so it answers no request; add \"spare\" to the locations of a server\n"; code != 0 || err != want {
			t.Errorf("%v %v: exit code %d, error %q", c.args, c.env, code, err)
		}
		for _, want := range []string{
			"is right: 1 server, 3 locations, 1 upstream, 0 plugins", "server web on 127.0.0.1:6188", "upstream peer", "plugin pingap:ping", "in no server: spare",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%v: no %q in\n%s", c.args, want, out)
			}
		}
		if strings.Index(out, "upstream peer") > strings.Index(out, "plugin pingap:ping") {
			t.Errorf("the location with the path is not listed first:\n%s", out)
		}
	}
}

func TestCheckNamesEveryProblemWithItsPlace(t *testing.T) {
	path := conf(t, "[servers.web]\naddr = \":80\"\nlocations = [\"al\"]\n[locations.all]\nupstream = \"peeer\"\nproxy_set_headers = [\"X-A: :nothing\"]\n[upstreams.peer]\naddrs = [\"127.0.0.1:1\"]\n")
	for _, args := range [][]string{{"-t", "-c", path}, {"-c", path}} {
		code, out, err := call(args)
		if code != 1 || out != "" {
			t.Errorf("%v: exit code %d, output %q", args, code, out)
		}
		for _, want := range []string{path + ":3:", path + ":5:", path + ":6:", "3 problems in " + path} {
			if !strings.Contains(err, want) {
				t.Errorf("%v: no %q in\n%s", args, want, err)
			}
		}
	}
}

func TestCheckOfWhatIsNotThereFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nothing.toml")
	if code, _, err := call([]string{"-t", "-c", path}); code != 1 || !strings.Contains(err, path) {
		t.Errorf("exit code %d, error %q", code, err)
	}
}

func TestBuiltInConfigurationIsRight(t *testing.T) {
	if code, out, err := call([]string{"-t"}); code != 0 || !strings.Contains(out, "6188") {
		t.Errorf("exit code %d, output %q, error %q", code, out, err)
	}
}

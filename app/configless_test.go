package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pingap/config"
	"pingap/proxy"
)

// touch makes files in a directory.
func touch(t *testing.T, names ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCommandLineIsAConfiguration(t *testing.T) {
	dir := touch(t, "fullchain.pem", "privkey.pem", "cert.pem", `odd "name".pem`)
	for _, c := range []struct {
		s    simple
		want []string
	}{
		{simple{upstream: "127.0.0.1:5000"}, []string{`addr = "0.0.0.0:80"`, `addrs = ["127.0.0.1:5000"]`, `access_log = "combined"`}},
		{simple{upstream: "10.0.0.1:1, 10.0.0.2:2 3", domain: "a.com,b.com", addr: "127.0.0.1:8080"}, []string{`addr = "127.0.0.1:8080"`, `addrs = ["10.0.0.1:1", "10.0.0.2:2 3"]`, `host = "a.com,b.com"`}},
		{simple{upstream: "10.0.0.1:1", cert: dir}, []string{`addr = "0.0.0.0:443"`, "global_certificates = true", "enabled_h2 = true", dir + "/fullchain.pem", dir + "/privkey.pem"}},
		{simple{upstream: "10.0.0.1:1", cert: dir + "/cert.pem", key: dir + `/odd "name".pem`, addr: ":1"}, []string{`addr = ":1"`, dir + "/cert.pem", `/odd \"name\".pem`}},
	} {
		text, err := c.s.text()
		if err != nil {
			t.Error(err)
		}
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%+v: no %q in\n%s", c.s, want, text)
			}
		}
		parsed, problems := config.Parse(commandLine, []byte(text))
		if problems = append(problems, proxy.Check(parsed)...); len(problems) > 0 {
			t.Errorf("%+v: %v in\n%s", c.s, problems, text)
		}
		if c.s.domain == "" && strings.Contains(text, "host") {
			t.Errorf("%+v: a host in\n%s", c.s, text)
		}
	}
}

func TestCertificatesThatAreNotThereAreExplained(t *testing.T) {
	empty, half := touch(t), touch(t, "tls.crt")
	for want, s := range map[string]simple{
		"certificate /nowhere/a.pem does not exist": {cert: "/nowhere/a.pem"},
		"no certificate found in " + empty + ", expected one of: fullchain.pem, cert.pem, tls.crt, server.crt, cert.crt":                  {cert: empty},
		"no private key found in " + half + ", expected one of: privkey.pem, key.pem, tls.key, server.key, cert.key, use --key to set it": {cert: half},
		"private key /nowhere/b.key does not exist": {cert: half, key: "/nowhere/b.key"},
	} {
		if _, err := s.text(); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestStarterIsRight(t *testing.T) {
	c, problems := config.Parse("starter.toml", []byte(starter))
	if problems = append(problems, proxy.Check(c)...); len(problems) > 0 {
		t.Error(problems)
	}
}

func TestUpstreamOnTheCommandLineNeedsNoConfiguration(t *testing.T) {
	code, out, err := call([]string{"--upstream", "127.0.0.1:5000", "--addr", "127.0.0.1:8080", "-t"}, "PINGAP_CONF=/nowhere")
	if code != 0 || !strings.Contains(out, "the command line is right: 1 server, 1 location, 1 upstream") || !strings.Contains(out, "127.0.0.1:8080") {
		t.Errorf("exit code %d, %s%s", code, out, err)
	}
	for line, want := range map[string]string{
		"--upstream=":                    "--upstream should not be empty",
		"--upstream a:1 -c x.toml":       "exclude each other",
		"--addr :80":                     "go with --upstream",
		"--upstream a:1 --key k":         "--key should be used with --cert",
		"--upstream a:1 --domain a.com":  "by ACME",
		"--upstream a:1 --cert /nowhere": "certificate /nowhere does not exist",
		"--upstream nonsense:x":          "the command line:",
	} {
		if code, out, err := call(append(strings.Fields(line), "-t")); code == 0 || out != "" || !strings.Contains(err, want) {
			t.Errorf("%s: exit code %d, %q, %q", line, code, out, err)
		}
	}
}

func TestTemplateIsPrintedWithoutAConfiguration(t *testing.T) {
	code, out, err := call([]string{"--template"})
	if code != 0 || out != starter || err != "" {
		t.Errorf("exit code %d, %q, %q", code, out, err)
	}
}

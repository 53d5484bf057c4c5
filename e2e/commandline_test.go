package e2e

import (
	"context"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// good is a configuration without a mistake.
const good = `
[servers.main]
addr = "127.0.0.1:6188"
locations = ["all"]

[locations.all]
upstream = "peer"

[upstreams.peer]
addrs = ["127.0.0.1:5000"]
`

// command runs the proxy to its end and returns its exit code and all it
// wrote; -1 when it had to be killed.
func command(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	limit, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(limit, binary, args...)
	cmd.Env = append(cleanEnvironment(), env...)
	var out, err strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &err
	if e := cmd.Run(); e != nil && cmd.ProcessState == nil {
		t.Fatal(e)
	}
	return cmd.ProcessState.ExitCode(), out.String(), err.String()
}

func TestVersionAndHelpAnswerAndExit(t *testing.T) {
	for option, want := range map[string]string{
		"--version": `^(?i)pingap \S+`,
		"-V":        `^(?i)pingap \S+`,
		"--help":    `(?s)-c.*-t, --test.*--version`,
		"-h":        `(?s)-c.*-t, --test.*--version`,
	} {
		code, out, err := command(t, nil, option)
		if code != 0 || err != "" || !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("%s: exit code %d, error %q, output %q", option, code, err, out)
		}
	}
}

func TestWrongCommandLinesSayWhatIsWrong(t *testing.T) {
	for line, want := range map[string]string{
		"--no-such-option":         "no-such-option",
		"extra.toml":               "-c extra.toml",
		"--threads 0":              "threads",
		"-c":                       "-c",
		"--threads many -c x.toml": "many",
	} {
		code, out, err := command(t, nil, strings.Fields(line)...)
		if code != 2 || out != "" || !strings.Contains(err, want) || !strings.Contains(err, "--help") {
			t.Errorf("%s: exit code %d, output %q, error %q", line, code, out, err)
		}
	}
}

func TestCheckAcceptsAGoodConfiguration(t *testing.T) {
	file := writeFile(t, t.TempDir(), "pingap.toml", good)
	code, out, err := command(t, nil, "-c", file, "-t")
	if code != 0 || !strings.Contains(out+err, "main") {
		t.Errorf("exit code %d, output %q, error %q", code, out, err)
	}
}

func TestCheckReadsADirectory(t *testing.T) {
	dir := t.TempDir()
	servers, rest, _ := strings.Cut(good, "[locations")
	writeFile(t, dir, "servers.toml", servers)
	writeFile(t, dir, "rest.toml", "[locations"+rest)
	if code, out, err := command(t, nil, "-c", dir, "-t"); code != 0 {
		t.Errorf("exit code %d, output %q, error %q", code, out, err)
	}
}

func TestCheckReadsTheEnvironment(t *testing.T) {
	file := writeFile(t, t.TempDir(), "pingap.toml", "[servers.main]\naddr = 5")
	code, _, err := command(t, []string{"PINGAP_CONF=" + file}, "-t")
	if code != 1 || !strings.Contains(err, file+":2") {
		t.Errorf("exit code %d, error %q", code, err)
	}
}

// bad has several mistakes, each on a line of its own.
const bad = `[servers.main]
addr = "127.0.0.1:6188"
lokations = ["all"]
locations = ["al"]

[locations.all]
upstream = "peeer"
path = "~["

[upstreams.peer]
addrs = ["127.0.0.1:5000"]
read_timeout = 3
`

func TestWrongConfigurationsNameEachMistakeWithItsLine(t *testing.T) {
	file := writeFile(t, t.TempDir(), "pingap.toml", bad)
	for _, args := range [][]string{{"-c", file, "-t"}, {"-c", file}} {
		code, out, err := command(t, nil, args...)
		if code != 1 {
			t.Errorf("%v: exit code %d, want 1", args, code)
		}
		for _, want := range []string{":3: .*lokations.*locations", ":4: .*al", ":7: .*peeer.*peer", ":8: ", ":12: .*read_timeout"} {
			if !regexp.MustCompile(regexp.QuoteMeta(file) + want).MatchString(out + err) {
				t.Errorf("%v: no line matches %q in:\n%s", args, want, out+err)
			}
		}
	}
}

func TestConfigurationsThatCannotBeReadAreNamed(t *testing.T) {
	missing := t.TempDir() + "/missing.toml"
	broken := writeFile(t, t.TempDir(), "broken.toml", "[servers.main\n")
	for file, want := range map[string]string{missing: missing, broken: broken + ":1"} {
		for _, args := range [][]string{{"-c", file}, {"-c", file, "-t"}} {
			code, out, err := command(t, nil, args...)
			if code != 1 || !strings.Contains(out+err, want) {
				t.Errorf("%v: exit code %d, output %q, error %q", args, code, out, err)
			}
		}
	}
}

func TestAnAddressInUseEndsTheStartWithItsName(t *testing.T) {
	p := startProxyTo(t, freeAddr(t))
	file := writeFile(t, t.TempDir(), "second.toml", strings.ReplaceAll(good, "127.0.0.1:6188", p.addr))
	code, out, err := command(t, nil, "-c", file)
	if code != 1 || !strings.HasPrefix(err, "pingap: "+file+":3: servers.main: addr: ") || !strings.Contains(err, p.addr) ||
		!strings.Contains(err, "in use: another process listens there: pingap (process ") {
		t.Errorf("exit code %d, output %q, error %q", code, out, err)
	}
	// Whoever only checks does not need the address.
	if code, _, err := command(t, nil, "-t", "-c", file); code != 0 {
		t.Errorf("-t: exit code %d, error %q", code, err)
	}
}

package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfigurationIsConvertedAndReadAgain(t *testing.T) {
	directory := t.TempDir()
	const text = "[servers.web]\naddr = \"127.0.0.1:1\"\nlocations = [\"all\"]\n[locations.all]\nplugins = [\"pingap:ping\"]\n" +
		"[storages.token]\ncategory = \"secret\"\nvalue = \"mxCICUspqktNH4BscbCFrETbYaEZ\"\nsecret = \"$ENV:PINGAP_TEST_CONVERT\"\n"
	t.Setenv("PINGAP_TEST_CONVERT", "pingap")
	path := filepath.Join(directory, "pingap.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, format := range []struct{ option, extension, want string }{
		{"--to-hcl", ".hcl", "server \"web\" {\n  addr = \"127.0.0.1:1\"\n  locations = [\"all\"]\n}\n"},
		{"--to-kdl", ".kdl", "server \"web\" {\n    addr \"127.0.0.1:1\"\n    locations \"all\"\n}\n"},
	} {
		code, out, err := call([]string{"-c", path, format.option})
		if code != exitOK || !strings.HasPrefix(out, format.want) || !strings.Contains(out, "$ENV:PINGAP_TEST_CONVERT") {
			t.Errorf("%s: exit code %d, %s\n%s", format.option, code, err, out)
		}
		converted := filepath.Join(directory, "converted"+format.extension)
		if err := os.WriteFile(converted, []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out, err := call([]string{"-c", converted, "-t"}); code != exitOK || !strings.Contains(out, "1 server, 1 location") {
			t.Errorf("%s: exit code %d, %s\n%s", converted, code, err, out)
		}
	}
	if code, _, err := call([]string{"-c", path, "--to-hcl", "--to-kdl"}); code != exitUsage {
		t.Errorf("both at once: exit code %d, %s", code, err)
	}
	if code, _, err := call([]string{"--to-hcl"}); code != exitFailed || !strings.Contains(err, "name one with -c") {
		t.Errorf("of the built-in configuration: exit code %d, %s", code, err)
	}
}

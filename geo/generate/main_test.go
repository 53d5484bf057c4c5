package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pingap/geo"
)

const head = "# comment\n# Generated: Thu, 25 Jun 2026 04:33:59 GMT\n"

func TestFilesOfTorBecomeADatabase(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "geoip", head+"16777216,16777471,AU\n16777472,16778239,UK\n16778240,16779263,AN\n\n")
	write(t, dir, "geoip6", head+"2001:200::,2001:200:134:ffff:ffff:ffff:ffff:ffff,JP\n")
	data, err := convert(dir, "package 1.0")
	if err != nil {
		t.Fatal(err)
	}
	var b geo.Builder
	for _, line := range []string{"16777216,16777471,AU", "16777472,16778239,GB", "2001:200::,2001:200:134:ffff:ffff:ffff:ffff:ffff,JP"} {
		if err := addRange(&b, line); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(data, b.Bytes("2026-06-25 package 1.0")) {
		t.Errorf("another database: it begins with %.40q", data)
	}
}

func TestWrongFilesAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "of which day",
		"# Generated: today\n":        "line 1",
		head + "1,2\n":                "line 3",
		head + "2,1,DE\n":             "line 3",
		head + "1,::1,DE\n":           "line 3",
		head + "1,2,DE\nx,3,DE\n":     "line 4",
		head + "1,4294967296,DE\n":    "line 3",
		head + "2001::,2001:::1,DE\n": "line 3",
	} {
		if _, err := add(&geo.Builder{}, strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := convert(t.TempDir(), "package 1.0"); err == nil {
		t.Error("files that are not there are fine")
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

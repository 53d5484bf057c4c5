package app

import (
	"testing"

	"pingap/config"
)

func TestLogLevelIsThatOfTheNearestThatSaysOne(t *testing.T) {
	for _, c := range []struct {
		args       []string
		env        []string
		configured config.LogLevel
		want       string
	}{
		{nil, nil, "", ""},
		{nil, []string{"RUST_LOG=warn"}, "", "warn"},
		{nil, []string{"RUST_LOG=info,pingap::upstream=debug"}, "", "info"},
		{nil, []string{"RUST_LOG=pingap=debug"}, "", ""},
		{nil, []string{"RUST_LOG=debug"}, "error", "error"},
		{nil, []string{"RUST_LOG=debug", "PINGAP_LOG_LEVEL=warn"}, "error", "warn"},
		{[]string{"--log-level", "info"}, []string{"PINGAP_LOG_LEVEL=warn"}, "error", "info"},
	} {
		f, _, err := parseFlags(append([]string{"-c", "x.toml"}, c.args...), environ(c.env))
		if err != nil {
			t.Fatal(err)
		}
		if got := logLevel(&config.Config{Basic: config.Basic{LogLevel: c.configured}}, f); got != c.want {
			t.Errorf("%v %v, configured %q: level %q, want %q", c.args, c.env, c.configured, got, c.want)
		}
	}
}

func TestDaemonsHaveAPidFileUnlessToldOtherwise(t *testing.T) {
	before := pidPaths
	defer func() { pidPaths = before }()
	dir := t.TempDir()
	pidPaths = []string{dir + "/nowhere/pid", dir + "/pid"}
	for _, c := range []struct {
		configured string
		daemon     bool
		want       string
	}{
		{"", false, ""},
		{"", true, dir + "/pid"},
		{"/run/mine.pid", true, "/run/mine.pid"},
		{"/run/mine.pid", false, "/run/mine.pid"},
	} {
		if got := pidPath(c.configured, c.daemon); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

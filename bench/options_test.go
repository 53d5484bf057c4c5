package main

import (
	"slices"
	"strings"
	"testing"
)

func parsed(t *testing.T, args ...string) *options {
	t.Helper()
	o, err := parseOptions(args)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOnlyACompleteRunIsKeptByItself(t *testing.T) {
	for _, args := range [][]string{nil, {"-rounds", "7", "-duration", "5s"}} {
		if o := parsed(t, args...); o.json != keptJSON || o.markdown != keptMarkdown {
			t.Errorf("%q: kept in %q and %q", args, o.json, o.markdown)
		}
	}
	for _, args := range [][]string{{"-quick"}, {"-scenario", "ping"}, {"-peers", "pingap"}, {"-connections", "8"}, {"-binary", "x"}, {"-baseline", "x"}} {
		if o := parsed(t, args...); o.json != "" || o.markdown != "" {
			t.Errorf("%q: kept in %q and %q", args, o.json, o.markdown)
		}
	}
	if o := parsed(t, "-quick", "-json", "x.json"); o.json != "x.json" || o.markdown != "" {
		t.Errorf("kept in %q and %q", o.json, o.markdown)
	}
}

func TestScenariosAreChosenByTheirNames(t *testing.T) {
	o := parsed(t, "-scenario", "^(ping|idle)$", "-connections", "7")
	if got := names(o.scenarios); !slices.Equal(got, []string{"ping", "idle"}) {
		t.Errorf("chose %q", got)
	}
	if got := o.scenarios[0].load.connections; got != 7 {
		t.Errorf("%d connections", got)
	}
	if scenarios[0].load.connections == 7 {
		t.Error("the table was changed")
	}
}

func TestABaselineIsAnotherBinaryWithOurConfiguration(t *testing.T) {
	o := parsed(t, "-peers", "pingap", "-baseline", "old")
	if got := names(o.peers); !slices.Equal(got, []string{ours, "baseline"}) {
		t.Fatalf("peers %q", got)
	}
	if p := o.peers[1]; p.program != "old" || p.config != pingapConfig {
		t.Errorf("baseline is %+v", p)
	}
}

func TestAProfileIsOfUsUnderLoad(t *testing.T) {
	o := parsed(t, "-profile", "dir")
	if got := names(o.peers); !slices.Equal(got, []string{ours}) {
		t.Errorf("peers %q", got)
	}
	if slices.ContainsFunc(o.scenarios, func(s scenario) bool { return s.load == nil }) {
		t.Error("a gauge is profiled")
	}
}

func TestWrongOptionsSayWhatThereIs(t *testing.T) {
	for want, args := range map[string][]string{
		"there are pingap, nginx, haproxy": {"-peers", "apache"},
		"none matches; there are ping":     {"-scenario", "nothing"},
		"whole number of seconds":          {"-duration", "1500ms"},
		"at least one round":               {"-rounds", "0"},
		`unexpected argument "ping"`:       {"ping"},
		"-scenario: ":                      {"-scenario", "("},
	} {
		if _, err := parseOptions(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", args, err, want)
		}
	}
}

func TestTablesAreSound(t *testing.T) {
	for _, s := range scenarios {
		if (s.load == nil) == (s.gauge == nil) {
			t.Errorf("%s: it has either a load or a gauge", s.name)
		}
		for _, b := range s.budgets {
			if b.against != "" && !slices.Contains(names(peers), b.against) || b.most <= 0 {
				t.Errorf("%s: budget %+v", s.name, b)
			}
		}
	}
	for _, p := range peers {
		var text strings.Builder
		if err := p.config.Execute(&text, setting{Dir: "D", Port: 1, Upstream: 2, Sink: 3, Logs: true, Splice: true}); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}

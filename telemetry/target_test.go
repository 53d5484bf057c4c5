package telemetry

import (
	"strings"
	"testing"

	"pingap/logfile"
)

func TestTargetsAreRead(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	for text, want := range map[string]logfile.Series{
		"":                                  {},
		"/var/log/pingap.log":               {Path: "/var/log/pingap.log", Rolling: logfile.Daily},
		"pingap.log?rolling=Hourly":         {Path: "pingap.log", Rolling: logfile.Hourly},
		"/var/log/pingap/?rolling=minutely": {Path: "/var/log/pingap/", Rolling: logfile.Minutely},
		"a?rolling=never":                   {Path: "a"},
		"~/a.log?rolling=never":             {Path: "/home/me/a.log"},
	} {
		if got, err := ParseTarget(text); err != nil || got.Syslog != nil || got.Series != want {
			t.Errorf("%q is read as %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]Syslog{
		"syslog://local":  {Format: 3164, Process: "pingap", Facility: 1},
		"syslog://local/": {Format: 3164, Process: "pingap", Facility: 1},
		"syslog://local?format=5424&process=edge [1]&facility=LOCAL3": {Format: 5424, Process: "edge1", Facility: 19},
		"syslog://local?process=%20&facility=LOG_DAEMON":              {Format: 3164, Process: "pingap", Facility: 3},
		"syslog://local?process=" + strings.Repeat("x", 100):          {Format: 3164, Process: strings.Repeat("x", 48), Facility: 1},
	} {
		got, err := ParseTarget(text)
		if err != nil || got.Syslog == nil || got.Syslog.Format != want.Format || got.Syslog.Process != want.Process || got.Syslog.Facility != want.Facility {
			t.Errorf("%q is read as %+v, %v", text, got.Syslog, err)
		}
	}
}

func TestWrongTargetsAreExplained(t *testing.T) {
	for text, want := range map[string]string{
		"a.log?rolling=weekly":         "daily, hourly, minutely or never",
		"a.log?size=3":                 "there is rolling",
		"a.log?%zz":                    "options of the log",
		"http://logs":                  "syslog://local",
		"syslog://10.0.0.1":            "syslog://local",
		"syslog://local?format=rfc":    "3164 or 5424",
		"syslog://local?facility=none": "syslog(3)",
		"syslog://local?tag=x":         "format, process and facility",
	} {
		if _, err := ParseTarget(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

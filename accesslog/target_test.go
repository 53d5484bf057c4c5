package accesslog

import (
	"strings"
	"testing"
	"time"

	"pingap/logfile"
)

func TestParseTellsFileFromFormat(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	for value, want := range map[string]Target{
		"combined":                       {Capacity: defaultCapacity, FlushTimeout: defaultFlush},
		"{method} /not/a/file":           {Capacity: defaultCapacity, FlushTimeout: defaultFlush},
		"/var/log/a.log combined":        {Series: logfile.Series{Path: "/var/log/a.log", Rolling: logfile.Daily}, Capacity: defaultCapacity, FlushTimeout: defaultFlush},
		"./a.log?rolling=never {method}": {Series: logfile.Series{Path: "./a.log"}, Capacity: defaultCapacity, FlushTimeout: defaultFlush},
		"logs/a combined":                {Series: logfile.Series{Path: "logs/a", Rolling: logfile.Daily}, Capacity: defaultCapacity, FlushTimeout: defaultFlush},
		"access.log {status}":            {Series: logfile.Series{Path: "access.log", Rolling: logfile.Daily}, Capacity: defaultCapacity, FlushTimeout: defaultFlush},
		"~/a.log combined":               {Series: logfile.Series{Path: "/home/me/a.log", Rolling: logfile.Daily}, Capacity: defaultCapacity, FlushTimeout: defaultFlush},
		"~/logs/ combined":               {Series: logfile.Series{Path: "/home/me/logs/", Rolling: logfile.Daily}, Capacity: defaultCapacity, FlushTimeout: defaultFlush},
		"{method} a.log":                 {Capacity: defaultCapacity, FlushTimeout: defaultFlush},
		"/a?rolling=Hourly&channel_buffer=10000&flush_timeout=3s tiny": {Series: logfile.Series{Path: "/a", Rolling: logfile.Hourly}, Capacity: 10000 * typicalLine, FlushTimeout: 3 * time.Second},
	} {
		got, format, err := Parse(value)
		if err != nil || format == nil || got != want {
			t.Errorf("%q is read as %+v (%v), want %+v", value, got, err, want)
		}
	}
}

func TestWrongTargetsAreExplained(t *testing.T) {
	for value, want := range map[string]string{
		"combind":                       `did you mean "combined"?`,
		"/var/log/a.log":                "names a file but no format",
		"a.log?rolling=never":           "names a file but no format",
		"/a?roling=daily combined":      `did you mean "rolling"?`,
		"/a?rolling=weekly combined":    "daily, hourly, minutely or never",
		"/a?flush_timeout=3 combined":   "a duration such as 10s",
		"/a?channel_buffer=no combined": "a number of lines",
		"/a {metod}":                    `did you mean "method"?`,
		"syslog://local combined":       "lines go where --log leads",
		"nonsense of all kinds":         "use one of tiny, short, common, combined",
	} {
		if _, _, err := Parse(value); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", value, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"combined", "/a?rolling=daily combined", "{>X-A} {~b}", "/a?%zz {x", "{{method}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if _, format, err := Parse(value); err == nil && format == nil {
			t.Errorf("%q has neither a format nor an error", value)
		}
	})
}

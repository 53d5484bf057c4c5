package telemetry

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"pingap/logfile"
)

// Target is where the application log goes: to the files of a series, to
// syslog, or to standard error when it is neither.
type Target struct {
	Series logfile.Series
	Syslog *Syslog
}

// ParseTarget reads a target: "" for standard error, the path of a file or a
// directory with options, such as /var/log/pingap.log?rolling=hourly, or
// syslog://local?format=5424&process=pingap&facility=daemon. Without an option a
// new file begins each day.
func ParseTarget(text string) (t Target, err error) {
	if text == "" {
		return t, nil
	}
	if path, _, _ := strings.Cut(text, "?"); strings.Contains(path, "://") {
		t.Syslog, err = parseSyslog(text)
		return t, err
	}
	var others url.Values
	if t.Series, others, err = logfile.ParseSeries(text); err != nil {
		return t, err
	}
	for name := range others {
		return t, fmt.Errorf("the log %s has no option %q; there is rolling", t.Series.Path, name)
	}
	return t, nil
}

// Try returns why a target could not be opened, or nil. It writes nothing.
func Try(target string) error {
	t, err := ParseTarget(target)
	switch {
	case err != nil || t == Target{}:
		return err
	case t.Syslog == nil:
		return t.Series.Check()
	}
	socket, err := t.Syslog.dial()
	if err != nil {
		return err
	}
	return socket.Close()
}

// open opens the target. failed hears, later, of files that cannot be opened.
func (t Target) open(stderr io.Writer, failed func(error)) (sink, error) {
	switch {
	case t.Syslog != nil:
		return t.Syslog.dial()
	case t.Series.Path != "":
		return logfile.Open(t.Series, failed)
	}
	return keepOpen{stderr}, nil
}

// note gives what the log says of itself the form of its records.
func (t Target) note(text string) []byte {
	if t.Syslog == nil {
		return append([]byte(text), '\n')
	}
	return append(t.Syslog.appendHead(nil, time.Now(), severityWarning), text...)
}

// keepOpen is a writer that others use too.
type keepOpen struct{ io.Writer }

func (keepOpen) Reopen() error { return nil }
func (keepOpen) Close() error  { return nil }

// facilities are those of syslog by their names.
var facilities = map[string]int{
	"kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7, "uucp": 8, "cron": 9, "authpriv": 10, "ftp": 11,
	"local0": 16, "local1": 17, "local2": 18, "local3": 19, "local4": 20, "local5": 21, "local6": 22, "local7": 23,
}

func parseSyslog(text string) (*Syslog, error) {
	address, query, _ := strings.Cut(text, "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("options of the log %q: %w", text, err)
	}
	host, ok := strings.CutPrefix(strings.TrimSuffix(address, "/"), "syslog://")
	if !ok {
		return nil, fmt.Errorf("%q is no place for a log; give a file, a directory, or syslog://local", text)
	}
	if host != "local" {
		return nil, fmt.Errorf("syslog://%s is not this machine's; write syslog://local", host)
	}
	s := &Syslog{Format: 3164, Process: "pingap", Facility: facilities["user"]}
	for name, values := range options {
		value := strings.ToLower(values[len(values)-1])
		switch name {
		case "format":
			format, ok := map[string]int{"3164": 3164, "5424": 5424}[value]
			if !ok {
				return nil, fmt.Errorf("the format of syslog is %q; it is 3164 or 5424", value)
			}
			s.Format = format
		case "process":
			s.Process = cmp.Or(processName(values[len(values)-1]), s.Process)
		case "facility":
			facility, ok := facilities[strings.TrimPrefix(value, "log_")]
			if !ok {
				return nil, fmt.Errorf("the facility of syslog is %q; it is user, daemon, local0 to local7, or another that syslog(3) names", value)
			}
			s.Facility = facility
		default:
			return nil, fmt.Errorf("syslog has no option %q; there are format, process and facility", name)
		}
	}
	return s, nil
}

// processName leaves of a name what a header of syslog may hold.
func processName(name string) string {
	const longest = 48 // RFC 5424 section 6.2.5
	clean := strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f || r == '[' || r == ']' || r == ':' {
			return -1
		}
		return r
	}, name)
	return clean[:min(len(clean), longest)]
}

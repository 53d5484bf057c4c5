package accesslog

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"pingap/config"
	"pingap/logfile"
)

// Target is where the lines of a server go, and how: what stands before the
// format, as in "/var/log/access.log?rolling=daily combined".
type Target struct {
	// Series of files; without a path the log output of the process.
	logfile.Series
	// Capacity is how many bytes may wait for the disk before lines are
	// dropped, however few come at a time.
	Capacity int
	// FlushTimeout is how long a line may wait to be written.
	FlushTimeout time.Duration
}

// Defaults of a target.
const (
	defaultCapacity = 4 << 20
	defaultFlush    = time.Second
	// typicalLine converts a number of lines to bytes.
	typicalLine = 256
)

// Parse reads the value of a server's access_log.
func Parse(value string) (Target, *Format, error) {
	target := Target{Capacity: defaultCapacity, FlushTimeout: defaultFlush}
	file, template, hasFile := strings.Cut(strings.TrimSpace(value), " ")
	if !hasFile || !isPath(file) {
		file, template = "", strings.TrimSpace(value)
	}
	if file == "" && isPath(template) {
		return target, nil, fmt.Errorf("%q names a file but no format; write %q", value, template+" combined")
	}
	if file != "" {
		if err := target.parseFile(file); err != nil {
			return target, nil, err
		}
	}
	template = strings.TrimSpace(template)
	if formats[template] == "" && !strings.Contains(template, "{") {
		names := []string{"tiny", "short", "common", "combined"}
		hint := config.Suggest(template, names)
		if hint == "" {
			hint = "use one of " + strings.Join(names, ", ") + `, or a template such as "{method} {uri} {status}"`
		}
		return target, nil, fmt.Errorf("%q is no access log format; %s", template, hint)
	}
	format, err := Compile(template)
	return target, format, err
}

// isPath tells a file from the first word of a template.
func isPath(word string) bool {
	return !strings.Contains(word, "{") && (strings.ContainsAny(word, "/?") || strings.HasSuffix(word, ".log"))
}

func (t *Target) parseFile(file string) error {
	if strings.Contains(file, "://") {
		return fmt.Errorf("access log: %q is no file; without a target lines go where --log leads, such as --log syslog://local", file)
	}
	series, options, err := logfile.ParseSeries(file)
	if err != nil {
		return err
	}
	t.Series = series
	for name, values := range options {
		if err := t.setOption(name, values[len(values)-1]); err != nil {
			return fmt.Errorf("%s: %w", series.Path, err)
		}
	}
	return nil
}

func (t *Target) setOption(name, value string) error {
	switch name {
	case "channel_buffer":
		lines, err := strconv.Atoi(value)
		if err != nil || lines < 1 || lines > 10_000_000 {
			return fmt.Errorf("channel_buffer is %q; it is a number of lines from 1 to 10000000", value)
		}
		t.Capacity = max(lines*typicalLine, 2*chunkSize)
	case "flush_timeout":
		d, err := config.ParseDuration(value)
		if err != nil || d <= 0 {
			return fmt.Errorf("flush_timeout is %q; it is a duration such as 10s", value)
		}
		t.FlushTimeout = d
	default:
		hint := config.Suggest(name, []string{"rolling", "channel_buffer", "flush_timeout"})
		if hint == "" {
			hint = "there are rolling, channel_buffer and flush_timeout"
		}
		return fmt.Errorf("unknown option %q; %s", name, hint)
	}
	return nil
}

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Basic is the section [basic]: what holds for the whole process.
type Basic struct {
	// Name of this instance.
	Name string `config:"name" default:"pingap"`
	// ErrorTemplate is the page for errors made by the proxy: JSON if it
	// begins with {, else HTML. {{version}}, {{error_type}} and {{content}}
	// are replaced. Empty means the built-in page.
	ErrorTemplate string `config:"error_template"`
	// PidFile is where the process writes its number. Empty means nowhere; for
	// a daemon the first of /run/pingap.pid, /var/run/pingap.pid and
	// /tmp/pingap.pid that it may write.
	PidFile string `config:"pid_file"`
	// ErrorLog is the file that the standard error of a daemon goes to.
	ErrorLog string `config:"error_log"`
	// UpgradeSock is the Unix socket at which a process hands its listeners to
	// the one that replaces it.
	UpgradeSock string `config:"upgrade_sock" default:"/tmp/pingap_upgrade.sock"`
	// User and Group are whom the process serves as, once it has opened its
	// listeners. Empty leaves it as it was started.
	User  string `config:"user"`
	Group string `config:"group"`
	// AutoRestartCheckInterval is how often a process started with
	// --autorestart looks for a new program.
	AutoRestartCheckInterval time.Duration `config:"auto_restart_check_interval" default:"90s"`
	// Threads is how many event loops there are; 0 means one for each CPU.
	Threads int `config:"threads" default:"0" min:"0" max:"1024"`
	// GracePeriod is how long a process that stops lets exchanges go on.
	GracePeriod time.Duration `config:"grace_period" default:"5m"`
	// GracefulShutdownTimeout is how long it waits for its parts to end after
	// that.
	GracefulShutdownTimeout time.Duration `config:"graceful_shutdown_timeout" default:"5s"`
	// UpstreamKeepalivePoolSize is how many idle connections to upstreams the
	// process keeps; 0 for none.
	UpstreamKeepalivePoolSize int `config:"upstream_keepalive_pool_size" default:"128" min:"0" max:"1000000"`
	// TrustedProxies are the peers whose X-Forwarded-For and X-Real-IP are
	// believed. Nobody else's are.
	TrustedProxies []Network `config:"trusted_proxies" example:"10.0.0.0/8"`
	// LogLevel is the least serious level in the application log: trace,
	// debug, info, warn, error or off. Empty leaves it to the process.
	LogLevel LogLevel `config:"log_level"`
	// LogFormatJSON makes each line of the application log a JSON object.
	LogFormatJSON bool `config:"log_format_json"`
	// LogBufferedSize is how much of the application log waits, for a second at
	// most, to be written to its file at once. Below 4kib nothing waits.
	LogBufferedSize Size `config:"log_buffered_size" max:"1gib"`
	// LogCompressAlgorithm compresses old files of the application log and of
	// access logs. Empty leaves them as they are.
	LogCompressAlgorithm string `config:"log_compress_algorithm" enum:"gzip,zstd,"`
	// LogCompressLevel is how hard it tries; 0 leaves it to the algorithm.
	LogCompressLevel int `config:"log_compress_level" min:"0" max:"22"`
	// LogCompressDaysAgo is how old files are then.
	LogCompressDaysAgo int `config:"log_compress_days_ago" default:"7" min:"0" max:"36500"`
	// LogCompressTimePointHour is the hour of the day at which it happens.
	LogCompressTimePointHour int `config:"log_compress_time_point_hour" min:"0" max:"23"`
	// TicketKeyFile holds the keys of TLS session tickets, which several
	// instances may share. Empty means that each makes its own.
	TicketKeyFile string `config:"ticket_key_file" example:"/etc/pingap/tickets.key"`
	// Webhook is the URL that is told of events.
	Webhook string `config:"webhook" inert:"true"`
	// WebhookType is the form of what it is told: wecom, dingtalk, or any
	// other word for plain JSON.
	WebhookType string `config:"webhook_type" inert:"true"`
	// WebhookNotifications are the events that it is told of; none unless they
	// are listed.
	WebhookNotifications []Event `config:"webhook_notifications" inert:"true" example:"backend_status"`
	// Sentry is where errors are reported to.
	Sentry string `config:"sentry" inert:"true"`
	// Pyroscope is where profiles are sent to.
	Pyroscope string `config:"pyroscope" inert:"true"`
	// Includes are storages whose keys are taken in; they win over those here.
	Includes []string `config:"includes"`
}

func (*Basic) dropped() map[string]string {
	return map[string]string{
		"work_stealing":         "has no effect: connections stay on the loop that accepted them",
		"listener_tasks_per_fd": "has no effect: every loop accepts as many connections at a time as there are",
		"cache_directory":       "has no effect: caches are configured by their plugins, with the key directory",
		"cache_max_size":        "has no effect: caches are configured by their plugins, with max_size in the key directory",
	}
}

// Event is something that people are told of.
type Event string

var events = []string{
	"backend_status", "upstream_status", "service_discover_fail", "tls_validity", "parse_certificate_fail", "lets_encrypt",
	"diff_config", "reload_config", "reload_config_fail", "restart", "restart_fail",
}

// UnmarshalText reads the name of an event.
func (e *Event) UnmarshalText(text []byte) error {
	*e = Event(text)
	switch {
	case *e == "backend_unhealthy":
		*e = "backend_status"
		return &ValueError{Message: `the event "backend_unhealthy" is called "backend_status" now`, Warning: true}
	case !slices.Contains(events, string(*e)):
		return &ValueError{Message: fmt.Sprintf("there is no event %q", text), Hint: cmp.Or(Suggest(string(text), events), "events are "+strings.Join(events, ", "))}
	}
	return nil
}

// LogLevel is the least serious level that is logged, in lower case.
type LogLevel string

var logLevels = []string{"trace", "debug", "info", "warn", "error", "off"}

// UnmarshalText reads a level, or the level in a list of filters for single
// targets, such as info,pingap::upstream=debug.
func (l *LogLevel) UnmarshalText(text []byte) error {
	var filters []string
	level := ""
	for part := range strings.SplitSeq(strings.ToLower(string(text)), ",") {
		part = strings.TrimSpace(part)
		switch {
		case strings.Contains(part, "="):
			filters = append(filters, part)
		case part == "warning":
			level = "warn"
		case !slices.Contains(logLevels, part):
			return &ValueError{Message: fmt.Sprintf("%q is no log level", part), Hint: "write " + oneOf(logLevels)}
		default:
			level = part
		}
	}
	if level == "" {
		return &ValueError{Message: fmt.Sprintf("%q names no level for the whole log", text), Hint: "write " + oneOf(logLevels)}
	}
	*l = LogLevel(level)
	if len(filters) > 0 {
		return &ValueError{Message: fmt.Sprintf("the level of a single target has no effect: %s", strings.Join(filters, ", ")), Hint: fmt.Sprintf("all is logged from %s", level), Warning: true}
	}
	return nil
}

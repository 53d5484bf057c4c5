package config

import (
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
	// PidFile is where the process writes its number. Empty means nowhere.
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
}

func (*Basic) later() map[string][]any {
	return map[string][]any{
		"webhook": nil, "webhook_type": nil, "webhook_notifications": nil,
		"log_buffered_size": nil, "sentry": nil, "pyroscope": nil,
		"log_compress_algorithm": nil, "log_compress_level": nil, "log_compress_days_ago": nil, "log_compress_time_point_hour": nil,
	}
}

func (*Basic) dropped() map[string]string {
	return map[string]string{
		"work_stealing":         "connections stay on the loop that accepted them",
		"listener_tasks_per_fd": "every loop accepts as many connections at a time as there are",
		"log_capacity":          "Pingap replaced it by log_buffered_size",
		"cache_directory":       "caches are configured by their plugins",
		"cache_max_size":        "caches are configured by their plugins",
	}
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

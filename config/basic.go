package config

import (
	"fmt"
	"strings"
	"time"
)

// Basic is the section [basic]: what holds for the whole process.
type Basic struct {
	// Name of this instance.
	Name string `config:"name" default:"pingap"`
	// ErrorTemplate is the page for errors made by the proxy, HTML or JSON.
	// {{version}}, {{error_type}} and {{content}} are replaced, escaped. Empty
	// means the built-in page.
	ErrorTemplate string `config:"error_template"`
	// PidFile is where the process writes its number. Empty: nowhere.
	PidFile string `config:"pid_file"`
	// Threads is the number of event loops; 0 means one for each CPU.
	Threads int `config:"threads" default:"0" min:"0" max:"1024"`
	// GracePeriod is how long a stopping process lets exchanges in flight go
	// on.
	GracePeriod time.Duration `config:"grace_period" default:"5m"`
	// GracefulShutdownTimeout is how long it then waits for its parts to end.
	GracefulShutdownTimeout time.Duration `config:"graceful_shutdown_timeout" default:"5s"`
	// UpstreamKeepalivePoolSize is how many idle connections to upstreams are
	// kept in all.
	UpstreamKeepalivePoolSize int `config:"upstream_keepalive_pool_size" default:"128" min:"0" max:"1000000"`
	// TrustedProxies are the peers whose X-Forwarded-For and X-Real-IP are
	// believed. Nobody else's are.
	TrustedProxies []Prefix `config:"trusted_proxies"`
	// LogLevel of the application log: debug, info, warn, error or off.
	LogLevel LogLevel `config:"log_level"`
	// LogFormatJSON writes the application log as JSON.
	LogFormatJSON bool `config:"log_format_json"`
}

func (*Basic) laterKeys() map[string][]any {
	return map[string][]any{
		"error_log": nil, "upgrade_sock": nil, "user": nil, "group": nil,
		"webhook": nil, "webhook_type": nil, "webhook_notifications": nil,
		"log_buffered_size": nil, "sentry": nil, "pyroscope": nil,
		"log_compress_algorithm": nil, "log_compress_level": nil,
		"log_compress_days_ago": nil, "log_compress_time_point_hour": nil,
		"auto_restart_check_interval": nil,
	}
}

func (*Basic) droppedKeys() map[string]string {
	return map[string]string{
		"work_stealing":         "loops do not share their connections",
		"listener_tasks_per_fd": "each loop accepts as many connections at a time as there are",
		"log_capacity":          "it was replaced by log_buffered_size",
		"cache_directory":       "caches are configured by their plugins",
		"cache_max_size":        "caches are configured by their plugins",
	}
}

func (b *Basic) check(n *Node, problems *Problems) {
	if len(b.ErrorTemplate) > 1<<20 {
		problems.add(n.Position, "basic", "error_template", "is larger than 1 MiB", "")
	}
}

// LogLevel is the least serious level that is logged, in lower case; "" leaves
// it to the process.
type LogLevel string

var logLevels = []string{"trace", "debug", "info", "warn", "error", "off"}

// UnmarshalText reads a level, or the level in a list of filters by target:
// info,pingap::upstream=debug. The filters of a list have no effect.
func (l *LogLevel) UnmarshalText(text []byte) error {
	for part := range strings.SplitSeq(string(text), ",") {
		part = strings.ToLower(strings.TrimSpace(part))
		if strings.Contains(part, "=") {
			continue
		}
		for _, level := range logLevels {
			if part == level || part == "warning" && level == "warn" {
				*l = LogLevel(level)
				return nil
			}
		}
		return &valueError{fmt.Sprintf("%q is no log level", part), "write one of " + strings.Join(logLevels, ", ")}
	}
	return &valueError{fmt.Sprintf("%q names no level", text), "write one of " + strings.Join(logLevels, ", ")}
}

package proxy

import (
	"log/slog"
	"strings"
	"sync"
	"time"

	"pingap/message"
)

// reportsPerSecond is how many failed exchanges of a server are logged one by
// one. When an upstream is down, the first few tell all that there is to tell,
// and the rest would bury it.
const reportsPerSecond = 10

// reporter logs failed exchanges, a bounded number of them.
type reporter struct {
	logger *slog.Logger
	now    func() time.Time

	mu       sync.Mutex // failures only, and never held for longer than this takes
	second   int64
	reported int
	silent   int // failures since the last report that were not logged
}

func (r *reporter) report(x *message.Exchange, o Outcome, err error) {
	silent, ok := r.allow()
	if !ok {
		return
	}
	args := []any{"status", o.Status, "what", o.Word, "server", x.Server, "location", x.Location,
		"upstream", x.Upstream.Name, "method", strings.Clone(x.Request.Method), "path", strings.Clone(x.Request.Path)}
	if silent > 0 {
		args = append(args, "not_logged_before", silent)
	}
	r.logger.Warn("exchange failed: "+err.Error(), args...)
}

// allow reports whether a failure is to be logged now, and how many have not
// been since the last that was.
func (r *reporter) allow() (silent int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if second := r.now().Unix(); second != r.second {
		r.second, r.reported = second, 0
	}
	if r.reported++; r.reported > reportsPerSecond {
		r.silent++
		return 0, false
	}
	silent, r.silent = r.silent, 0
	return silent, true
}

package proxy

import (
	"errors"
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

// reportCut logs an exchange whose upstream has failed after the head of its answer:
// there is no other answer that could tell the client. Where it is the client that has
// failed, nobody needs to hear of it.
func (r *reporter) reportCut(x *message.Exchange) {
	var failed *message.UpstreamError
	if errors.As(x.Failed, &failed) {
		r.report(x, "answer cut short", upstreamOutcome(failed.Failure).Word, x.Response.Status, failed)
	}
}

// report logs what has happened to an exchange, in a word, and the status that its
// client has got.
func (r *reporter) report(x *message.Exchange, event, word string, status int, err error) {
	silent, ok := r.allow()
	if !ok {
		return
	}
	args := []any{"status", status, "what", word, "server", x.Server, "location", x.Location,
		"upstream", x.Upstream.Name, "method", strings.Clone(x.Request.Method), "path", strings.Clone(x.Request.Path)}
	if silent > 0 {
		args = append(args, "not_logged_before", silent)
	}
	r.logger.Warn(event+": "+err.Error(), args...)
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

package proxy

import (
	"context"
	"time"

	"pingap/accesslog"
	"pingap/config"
	"pingap/logfile"
	"pingap/upstream"
)

// rehearsalTime bounds the looking up of all names.
const rehearsalTime = 10 * time.Second

// Rehearse finds what Compile would not get from outside: the addresses of
// upstreams, and the files of access logs. It leaves nothing behind. What the
// configuration before, which may be nil, has in use already is not asked for.
func Rehearse(ctx context.Context, c, before *config.Config) config.Problems {
	if before == nil {
		before = &config.Config{}
	}
	return append(tryUpstreams(ctx, c, before), tryLogs(c, before)...)
}

func tryUpstreams(ctx context.Context, c, before *config.Config) (problems config.Problems) {
	ctx, cancel := context.WithTimeout(ctx, rehearsalTime)
	defer cancel()
	type attempt struct {
		section    *config.Upstream
		unresolved []error
		err        error
	}
	var attempts []*attempt
	for _, u := range c.Upstreams {
		old := before.Upstream(u.Name)
		if len(u.Addrs) == 0 || old != nil && old.Same(&u.Item) {
			continue
		}
		attempts = append(attempts, &attempt{section: u})
	}
	lookUpEach(attempts, func(a *attempt) {
		a.unresolved, a.err = upstream.Try(ctx, upstreamSpec(a.section, &c.Basic, 1))
	})
	for _, a := range attempts {
		if a.err != nil {
			problems = append(problems, unreachable(a.section, a.err))
			continue
		}
		for _, err := range a.unresolved {
			problems = append(problems, a.section.Warning("addrs", err.Error()+", so it is left out", ""))
		}
	}
	return problems
}

func tryLogs(c, before *config.Config) (problems config.Problems) {
	tried := map[logfile.Series]bool{{}: true}
	for _, s := range before.Servers {
		target, _ := logOf(s)
		tried[target.Series] = true
	}
	for _, s := range c.Servers {
		target, ok := logOf(s)
		if !ok || tried[target.Series] {
			continue
		}
		tried[target.Series] = true
		if err := target.Check(); err != nil {
			problems = append(problems, unwritable(s, err))
		}
	}
	return problems
}

// unwritable says that the file of a server's access log cannot be opened.
func unwritable(s *config.Server, err error) config.Problem {
	return s.Problem("access_log", err.Error(), "name a file in a directory that this process may write, or none")
}

// logOf returns where a server's access log goes. ok is false where that is
// wrong, which Check reports.
func logOf(s *config.Server) (target accesslog.Target, ok bool) {
	if s.AccessLog == "" {
		return target, false
	}
	target, _, err := accesslog.Parse(s.AccessLog)
	return target, err == nil
}

// Package cache is the plugin that keeps answers of the upstream for the next who
// asks for the same. What may be kept, and how long, is for package cache to say.
package cache

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"pingap/cache"
	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a cache plugin.
type settings struct {
	// Directory says where answers are kept: in memory, as "memory://" with the
	// option max_size, such as "memory://?max_size=256mb". Each plugin has a memory of
	// its own, of 64 MiB unless this says otherwise.
	Directory string `config:"directory" example:"memory://?max_size=256mb"`
	// Namespace is a part of the key of each answer.
	Namespace string `config:"namespace"`
	// Headers are fields of requests whose values are a part of the key. Scheme,
	// host, path and query always are, and what answers name in their Vary.
	Headers []string `config:"headers" example:"Accept-Language"`
	// MaxTTL caps how long an answer is used without asking the upstream again.
	MaxTTL time.Duration `config:"max_ttl" min:"0s" example:"1h"`
	// MaxFileSize is the size of the largest content that is kept.
	MaxFileSize config.Size `config:"max_file_size" default:"1mb" min:"1"`
	// Lock is how long a request waits for another that has asked the upstream for
	// the same; "0s" for not at all.
	Lock time.Duration `config:"lock" default:"1s" min:"0s" max:"1h"`
	// Eviction is taken and has no effect: what nobody asks for always makes room.
	Eviction bool `config:"eviction"`
	// Predictor is taken and has no effect: what cannot be kept is always remembered,
	// so that nobody waits for it.
	Predictor bool `config:"predictor"`
	// CheckCacheControl is true to keep only answers with Cache-Control.
	CheckCacheControl bool `config:"check_cache_control"`
	// PurgeIPList are the addresses and networks from which PURGE may remove answers.
	PurgeIPList []config.Network `config:"purge_ip_list" example:"127.0.0.1"`
	// Skip is a regular expression. Requests whose path and query it matches go to
	// the upstream, and their answers are not kept.
	Skip *regexp.Regexp `config:"skip" example:"^/api/"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "cache",
		Steps:    []plugin.Step{plugin.Lookup},
		New:      build,
	})
}

const defaultSize = 64 << 20

func build(table *config.Table, _ *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	for _, key := range []string{"eviction", "predictor"} {
		if table.Has(key) {
			problems = append(problems, table.Warning(key, "has no effect: it is always done", "remove it"))
		}
	}
	size, problem := memorySize(table, s.Directory)
	problems = append(problems, problem...)
	if len(problem.Errors()) == 0 && int64(s.MaxFileSize) > size {
		problems = append(problems, table.Problem("max_file_size", fmt.Sprintf("is more than the %d bytes that directory has room for", size), ""))
	}
	return &plug{
		policy:   cache.Policy{MaxTTL: s.MaxTTL, Declared: s.CheckCacheControl},
		memory:   cache.NewMemory(size, int64(s.MaxFileSize)),
		fills:    cache.NewFills(),
		settings: s,
		largest:  int64(s.MaxFileSize),

		mostPending: size,
	}, problems
}

// memorySize reads the key directory.
func memorySize(table *config.Table, directory string) (int64, config.Problems) {
	wrong := func(what, hint string) (int64, config.Problems) {
		return 0, config.Problems{table.Problem("directory", what, cmp.Or(hint, `write "memory://?max_size=256mb"`))}
	}
	if directory == "" {
		return defaultSize, nil
	}
	if !strings.HasPrefix(directory, "memory://") {
		return defaultSize, config.Problems{table.Warning("directory", fmt.Sprintf("answers are kept in memory, %d MiB of them, and not in files: they are gone after a restart", defaultSize>>20),
			`say how much memory with "memory://?max_size=256mb"`)}
	}
	u, err := url.Parse(directory)
	if err != nil {
		return wrong(fmt.Sprintf("%q cannot be read", directory), "")
	}
	options, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return wrong(fmt.Sprintf("%q has options that cannot be read", directory), "")
	}
	size := config.Size(defaultSize)
	var notes config.Problems
	for name := range options {
		switch name {
		case "max_size":
			if size, err = config.ParseSize(options.Get(name)); err != nil {
				return wrong("max_size: "+err.Error(), "")
			}
			if _, err := strconv.Atoi(options.Get(name)); err == nil && size <= 100 {
				return wrong("a max_size without unit is a part of the memory in Pingap, and bytes here", "")
			}
		case "mode":
			notes = append(notes, table.Warning("directory", "the option mode has no effect", "remove it"))
		default:
			return wrong(fmt.Sprintf("the option %q is not known", name), "the options are max_size and mode")
		}
	}
	if size < 1<<20 {
		return wrong("max_size is less than 1 MiB", "")
	}
	return int64(size), notes
}

// plug is one cache, shared by all locations that name it and all loops.
type plug struct {
	policy   cache.Policy
	memory   *cache.Memory
	fills    *cache.Fills
	settings settings
	largest  int64

	// pending is how many bytes content on its way into memory takes at most.
	pending     atomic.Int64
	mostPending int64
}

// Wrap answers GET and HEAD from what is kept, and PURGE.
func (p *plug) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		q := &x.Request
		switch q.Method {
		case "GET", "HEAD":
			if p.passes(x) {
				return p.pass(x, next)
			}
			return p.serve(x, next)
		case "PURGE":
			p.purge(x)
			return nil
		case "OPTIONS", "TRACE", "CONNECT":
			return next.Serve(x)
		}
		return p.change(x, next)
	})
}

// passes reports whether a request is none for a cache.
func (p *plug) passes(x *message.Exchange) bool {
	q := &x.Request
	switch {
	case q.Length != 0, q.Upgrade != "", q.Header.Has("If-Match"), q.Header.Has("If-Unmodified-Since"):
		return true
	}
	return p.settings.Skip != nil && p.settings.Skip.MatchString(target(x))
}

// target is what the key skip is about.
func target(x *message.Exchange) string {
	if !x.Request.HasQuery {
		return x.Request.Path
	}
	return x.Concat(x.Request.Path, "?", x.Request.Query)
}

// pass asks the upstream without keeping the answer.
func (p *plug) pass(x *message.Exchange, next message.Handler) error {
	if err := next.Serve(x); err != nil {
		return err
	}
	say(x, "bypass")
	return nil
}

// say tells the client what the cache has done.
func say(x *message.Exchange, status string) { x.Response.Header.Set("X-Cache-Status", status) }

// change asks the upstream to do something, after which what is kept may be out of
// date (RFC 9111 section 4.4).
func (p *plug) change(x *message.Exchange, next message.Handler) error {
	err := next.Serve(x)
	if err == nil && x.Response.Status >= 200 && x.Response.Status < 400 {
		p.forget(p.key(x))
	}
	return err
}

func (p *plug) forget(key []byte) {
	p.fills.Void(key)
	p.memory.Delete(key)
}

// key is what answers are kept under. It is valid until the exchange ends. Between
// its parts are zero bytes, which none of them can hold. Locations do not share
// answers, as they can ask different upstreams.
func (p *plug) key(x *message.Exchange) []byte {
	q := &x.Request
	key := x.Scratch()
	for _, part := range [...]string{p.settings.Namespace, x.Location, x.Instead, q.Scheme} {
		key = append(append(key, part...), 0)
	}
	for i := range len(q.Host) {
		c := q.Host[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		key = append(key, c)
	}
	for _, name := range p.settings.Headers {
		key = cache.AppendField(append(key, 0), q, name)
	}
	key = append(append(key, 0), q.Path...)
	if q.HasQuery {
		key = append(append(key, '?'), q.Query...)
	}
	x.Finish(key)
	return key
}

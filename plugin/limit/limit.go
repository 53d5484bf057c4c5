// Package limit is the plugin that limits how many requests a client makes within
// a time, or has in flight at once.
package limit

import (
	"fmt"
	"hash/maphash"
	"strconv"
	"time"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a limit plugin.
type settings struct {
	// Type says what is limited: requests within Interval, or those in flight.
	Type string `config:"type" default:"rate" enum:"rate,inflight"`
	// Tag says what makes requests those of one client: the address, or the value
	// of a header field, a cookie or an argument of the query. A request without
	// one is not limited.
	Tag string `config:"tag" default:"ip" enum:"ip,header,cookie,query"`
	// Key is the name of the field, cookie or argument.
	Key string `config:"key" example:"X-Api-Key"`
	// Max is how many requests are let through.
	Max int `config:"max" required:"true" min:"1" max:"2000000000" example:"100"`
	// Interval is the time within which no more than Max are.
	Interval time.Duration `config:"interval" default:"10s" min:"10ms" max:"31d"`
	// Weight is taken and has no effect. In Pingap it says how the last interval
	// and this one are mixed to an estimate.
	Weight int `config:"weight" min:"0" max:"100"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "limit",
		Steps:    []plugin.Step{plugin.Request, plugin.ProxyUpstream},
		New:      build,
	})
}

func build(table *config.Table, _ *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	switch {
	case s.Tag != "ip" && s.Tag != "" && s.Key == "":
		problems = append(problems, table.Problem("key", fmt.Sprintf("is missing: the tag %q needs a name", s.Tag), ""))
	case s.Tag == "ip" && s.Key != "":
		problems = append(problems, table.Warning("key", "has no effect, since addresses are counted", `write tag = "header" to count by a header field`))
	}
	if table.Has("weight") {
		problems = append(problems, table.Warning("weight", "has no effect: what is counted is what the last interval really held", ""))
	}
	l := &limiter{seed: maphash.MakeSeed(), valueOf: valueOf(s.Tag, s.Key), max: int64(s.Max)}
	if s.Type == "inflight" {
		l.limit = newInflight(l.max).enter
	} else if s.Interval > 0 {
		l.limit = newRate(l.max, s.Interval).enter
	}
	return l, problems
}

// limiter counts for each client.
type limiter struct {
	seed    maphash.Seed // unknown to clients, so that none can choose whom it is counted with
	valueOf func(seed maphash.Seed, x *message.Exchange) (key uint64, ok bool)
	max     int64
	// limit counts an exchange of the client with this key. If that would be too
	// many it returns how many it would make, and when to come again.
	limit func(x *message.Exchange, key uint64) (count int64, wait time.Duration)
}

// Wrap refuses what is too much.
func (l *limiter) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		key, ok := l.valueOf(l.seed, x)
		if !ok {
			return next.Serve(x)
		}
		if count, wait := l.limit(x, key); count > l.max {
			l.refuse(x, count, wait)
			return nil
		}
		return next.Serve(x)
	})
}

// refuse answers with 429 (RFC 6585 section 4), and when to come again.
func (l *limiter) refuse(x *message.Exchange, count int64, wait time.Duration) {
	seconds := max(1, int64((wait+time.Second-1)/time.Second))
	x.Response.Header.Add("Retry-After", x.Finish(strconv.AppendInt(x.Scratch(), seconds, 10)))
	x.Response.Header.Add("Content-Type", "text/plain; charset=utf-8")
	text := append(x.Scratch(), "Plugin limit, exceed limit "...)
	text = append(strconv.AppendInt(text, count, 10), '/')
	text = strconv.AppendInt(text, l.max, 10)
	x.Finish(text)
	plugin.Answer(x, 429, &plugin.Content{Data: text})
}

// valueOf returns what finds the client of an exchange: a number that stands for
// its value, and none where that is empty.
func valueOf(tag, name string) func(maphash.Seed, *message.Exchange) (uint64, bool) {
	text := func(find func(*message.Request) string) func(maphash.Seed, *message.Exchange) (uint64, bool) {
		return func(seed maphash.Seed, x *message.Exchange) (uint64, bool) {
			value := find(&x.Request)
			return maphash.String(seed, value), value != ""
		}
	}
	switch tag {
	case "header":
		return text(func(r *message.Request) string { return r.Field(name) })
	case "cookie":
		return text(func(r *message.Request) string { v, _ := r.Cookie(name); return v })
	case "query":
		return text(func(r *message.Request) string { v, _ := r.Argument(name); return v })
	}
	return address
}

// address counts those of IPv6 by their first 64 bits: a client has a network of
// them to choose from.
func address(seed maphash.Seed, x *message.Exchange) (uint64, bool) {
	ip := x.ClientIP.Unmap()
	bytes := ip.As16()
	if ip.Is6() {
		return maphash.Bytes(seed, bytes[:8]), true
	}
	return maphash.Bytes(seed, bytes[:]), ip.IsValid()
}

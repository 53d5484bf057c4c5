package cache

import (
	"strings"
	"time"

	"pingap/message"
)

// Directives are those of Cache-Control that matter to a shared cache (RFC 9111
// section 5.2).
type Directives struct {
	// Present is set when there is a Cache-Control at all.
	Present bool

	NoStore, NoCache, Private, Public bool
	MustRevalidate, ProxyRevalidate   bool
	OnlyIfCached                      bool

	// Less than 0 where the directive is not there.
	MaxAge, SharedMaxAge        time.Duration
	StaleRevalidate, StaleError time.Duration
}

// absent is the duration of a directive that is not there.
const absent time.Duration = -1

// DirectivesOf reads all fields Cache-Control. A directive that is there twice, or
// with a time that cannot be read, counts as what allows less (section 4.2.1).
func DirectivesOf(h *message.Header) Directives {
	d := Directives{MaxAge: absent, SharedMaxAge: absent, StaleRevalidate: absent, StaleError: absent}
	for _, f := range h.Fields() {
		if !message.EqualFold(f.Name, "Cache-Control") {
			continue
		}
		d.Present = true
		for rest := f.Value; rest != ""; {
			var element string
			element, rest = cutElement(rest)
			d.add(element)
		}
	}
	return d
}

func (d *Directives) add(element string) {
	name, value, _ := strings.Cut(element, "=")
	switch name = message.TrimBlanks(name); {
	case message.EqualFold(name, "no-store"):
		d.NoStore = true
	case message.EqualFold(name, "no-cache"):
		d.NoCache = true
	case message.EqualFold(name, "private"):
		d.Private = true
	case message.EqualFold(name, "public"):
		d.Public = true
	case message.EqualFold(name, "must-revalidate"):
		d.MustRevalidate = true
	case message.EqualFold(name, "proxy-revalidate"):
		d.ProxyRevalidate = true
	case message.EqualFold(name, "only-if-cached"):
		d.OnlyIfCached = true
	case message.EqualFold(name, "max-age"):
		shorten(&d.MaxAge, value)
	case message.EqualFold(name, "s-maxage"):
		shorten(&d.SharedMaxAge, value)
	case message.EqualFold(name, "stale-while-revalidate"):
		shorten(&d.StaleRevalidate, value)
	case message.EqualFold(name, "stale-if-error"):
		shorten(&d.StaleError, value)
	}
}

func shorten(to *time.Duration, value string) {
	d := deltaSeconds(message.TrimBlanks(value))
	if *to == absent || d < *to {
		*to = d
	}
}

// maxSeconds is what larger numbers count as (RFC 9111 section 1.2.2).
const maxSeconds = 1 << 31

// deltaSeconds reads a number of seconds, which some write in quotes. What is none
// counts as 0.
func deltaSeconds(s string) time.Duration {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0
		}
		n = min(10*n+int(s[i]-'0'), maxSeconds)
	}
	return time.Duration(n) * time.Second
}

// cutElement cuts a list at its first comma that is not within quotes.
func cutElement(list string) (element, rest string) {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch {
		case list[i] == '"':
			quoted = !quoted
		case list[i] == '\\' && quoted:
			i++
		case list[i] == ',' && !quoted:
			return message.TrimBlanks(list[:i]), list[i+1:]
		}
	}
	return message.TrimBlanks(list), ""
}

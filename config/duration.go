package config

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// durationUnits are the units of a duration by all their names. Months and
// years are those of an average calendar.
var durationUnits = map[string]time.Duration{
	"ns": time.Nanosecond, "nsec": time.Nanosecond, "nanos": time.Nanosecond,
	"us": time.Microsecond, "µs": time.Microsecond, "usec": time.Microsecond, "micros": time.Microsecond,
	"ms": time.Millisecond, "msec": time.Millisecond, "millis": time.Millisecond,
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": day, "day": day, "days": day,
	"w": 7 * day, "wk": 7 * day, "wks": 7 * day, "week": 7 * day, "weeks": 7 * day,
	"M": 2_630_016 * time.Second, "month": 2_630_016 * time.Second, "months": 2_630_016 * time.Second,
	"y": 31_557_600 * time.Second, "yr": 31_557_600 * time.Second, "yrs": 31_557_600 * time.Second,
	"year": 31_557_600 * time.Second, "years": 31_557_600 * time.Second,
}

// DurationUnits returns the names of all units, sorted.
func DurationUnits() []string { return slices.Sorted(maps.Keys(durationUnits)) }

const day = 24 * time.Hour

const durationHint = `write it as "500ms", "3s", "1m" or "2h 30m"`

// ParseDuration reads a duration: whole numbers with units, such as 500ms, 7d
// or 2h 30m. A bare number is an error, except for 0.
func ParseDuration(text string) (time.Duration, error) {
	rest := strings.TrimSpace(text)
	if rest == "0" {
		return 0, nil
	}
	var total time.Duration
	for first := true; first || rest != ""; first = false {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if digits == 0 {
			return 0, &ValueError{Message: fmt.Sprintf("%q is no duration", text), Hint: durationHint}
		}
		number, err := strconv.ParseInt(rest[:digits], 10, 64)
		rest = strings.TrimLeft(rest[digits:], " ")
		unitEnd := strings.IndexAny(rest, " 0123456789.,-+")
		if unitEnd < 0 {
			unitEnd = len(rest)
		}
		name := rest[:unitEnd]
		unit, ok := durationUnits[name]
		switch {
		case strings.HasPrefix(rest, "."):
			return 0, &ValueError{Message: fmt.Sprintf("the duration %q has a fraction", text), Hint: `use a smaller unit: "1500ms" instead of "1.5s"`}
		case name == "":
			return 0, &ValueError{Message: fmt.Sprintf("the duration %q has no unit", text), Hint: durationHint}
		case !ok:
			return 0, &ValueError{Message: fmt.Sprintf("the duration %q has the unknown unit %q", text, name), Hint: durationHint}
		case err != nil || number > int64(math.MaxInt64-total)/int64(unit):
			return 0, &ValueError{Message: fmt.Sprintf("the duration %q is too long", text), Hint: "the most is 292 years"}
		}
		total += time.Duration(number) * unit
		rest = strings.TrimLeft(rest[unitEnd:], " ")
	}
	return total, nil
}

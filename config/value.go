package config

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// durationUnits are the units of a duration, by all their names.
var durationUnits = map[string]time.Duration{
	"ns": time.Nanosecond, "nsec": time.Nanosecond, "nanos": time.Nanosecond,
	"us": time.Microsecond, "usec": time.Microsecond, "micros": time.Microsecond,
	"ms": time.Millisecond, "msec": time.Millisecond, "millis": time.Millisecond,
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}

// ParseDuration reads a duration: whole numbers with units, such as 500ms or
// 2h 30m.
func ParseDuration(text string) (time.Duration, error) {
	rest := strings.TrimSpace(text)
	if rest == "" {
		return 0, fmt.Errorf("%q is no duration", text)
	}
	var total time.Duration
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		number, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%q is no duration", text)
		}
		rest = strings.TrimLeft(rest[digits:], " ")
		letters := len(rest) - len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz"))
		unit, ok := durationUnits[rest[:letters]]
		switch {
		case letters == 0:
			return 0, fmt.Errorf("the duration %q has no unit", text)
		case !ok:
			return 0, fmt.Errorf("the duration %q has the unknown unit %q", text, rest[:letters])
		case number > int64(math.MaxInt64-total)/int64(unit):
			return 0, fmt.Errorf("the duration %q is too long", text)
		}
		total += time.Duration(number) * unit
		rest = strings.TrimLeft(rest[letters:], " ")
	}
	return total, nil
}

// Size is a number of bytes, written as an integer or with a unit: 4kb, 10MB
// (1000), 1MiB (1024).
type Size int64

var sizeUnits = map[string]int64{
	"": 1, "b": 1,
	"k": 1e3, "kb": 1e3, "kib": 1 << 10, "ki": 1 << 10,
	"m": 1e6, "mb": 1e6, "mib": 1 << 20, "mi": 1 << 20,
	"g": 1e9, "gb": 1e9, "gib": 1 << 30, "gi": 1 << 30,
	"t": 1e12, "tb": 1e12, "tib": 1 << 40, "ti": 1 << 40,
}

// UnmarshalText reads a size.
func (s *Size) UnmarshalText(text []byte) error {
	wrong := &valueError{fmt.Sprintf("%q is no size", text), `write it as "4kb", "10MB" or "1MiB", or as a number of bytes`}
	lower := strings.ToLower(strings.TrimSpace(string(text)))
	digits := len(lower) - len(strings.TrimLeft(lower, "0123456789."))
	unit, ok := sizeUnits[strings.TrimSpace(lower[digits:])]
	number, err := strconv.ParseFloat(lower[:digits], 64)
	if !ok || err != nil || number*float64(unit) >= math.MaxInt64 {
		return wrong
	}
	*s = Size(number * float64(unit))
	return nil
}

// Header is a header field to set or add, written "Name: value".
type Header struct {
	Name, Value string
}

// UnmarshalText reads a field: the first colon ends the name.
func (h *Header) UnmarshalText(text []byte) error {
	name, value, ok := strings.Cut(string(text), ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	hint := `write it as "Name: value"`
	switch {
	case !ok:
		return &valueError{fmt.Sprintf("header %q has no colon", text), hint}
	case !isToken(name):
		return &valueError{fmt.Sprintf("header name %q is invalid", name), "letters, digits and -_.!#$%&'*+^`|~ are allowed"}
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return &valueError{fmt.Sprintf("header value %q holds a control character", value), hint}
	}
	h.Name, h.Value = name, value
	return nil
}

// isToken reports whether s is a token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for _, r := range s {
		alphanumeric := '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !alphanumeric && !strings.ContainsRune("!#$%&'*+-.^_`|~", r) {
			return false
		}
	}
	return s != ""
}

// Prefix is a network, or a single address.
type Prefix struct{ netip.Prefix }

// UnmarshalText reads an address or a network in CIDR notation.
func (p *Prefix) UnmarshalText(text []byte) error {
	if addr, err := netip.ParseAddr(string(text)); err == nil {
		addr = addr.Unmap()
		p.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	prefix, err := netip.ParsePrefix(string(text))
	if err != nil {
		return &valueError{fmt.Sprintf("%q is neither an address nor a network", text), `write it as "10.0.0.1" or "10.0.0.0/8"`}
	}
	p.Prefix = prefix.Masked()
	return nil
}

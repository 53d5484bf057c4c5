package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written as an integer or as text with a unit: 4kb
// and 10MB count in thousands, 1KiB and 1MiB in 1024s.
type Size int64

var sizeUnits = map[string]float64{
	"": 1, "b": 1,
	"k": 1e3, "kb": 1e3, "ki": 1 << 10, "kib": 1 << 10,
	"m": 1e6, "mb": 1e6, "mi": 1 << 20, "mib": 1 << 20,
	"g": 1e9, "gb": 1e9, "gi": 1 << 30, "gib": 1 << 30,
	"t": 1e12, "tb": 1e12, "ti": 1 << 40, "tib": 1 << 40,
	"p": 1e15, "pb": 1e15, "pi": 1 << 50, "pib": 1 << 50,
}

const sizeHint = `write it as "4kb", "10MB" or "1MiB", or as a number of bytes`

// ParseSize reads a size. Upper and lower case mean the same.
func ParseSize(text string) (Size, error) {
	lower := strings.ToLower(strings.TrimSpace(text))
	digits := len(lower) - len(strings.TrimLeft(lower, "0123456789."))
	unit, ok := sizeUnits[strings.TrimSpace(lower[digits:])]
	number, err := strconv.ParseFloat(lower[:digits], 64)
	switch {
	case digits == 0 || err != nil:
		return 0, &ValueError{Message: fmt.Sprintf("%q is no size", text), Hint: sizeHint}
	case !ok:
		return 0, &ValueError{Message: fmt.Sprintf("the size %q has the unknown unit %q", text, strings.TrimSpace(lower[digits:])), Hint: sizeHint}
	case number*unit >= math.MaxInt64:
		return 0, &ValueError{Message: fmt.Sprintf("the size %q is too large", text), Hint: sizeHint}
	}
	return Size(number * unit), nil
}

// UnmarshalText reads a size.
func (s *Size) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSize(string(text))
	return err
}

// UnmarshalInteger takes a number of bytes.
func (s *Size) UnmarshalInteger(v int64) error {
	if v < 0 {
		return &ValueError{Message: fmt.Sprintf("the size %d is negative", v), Hint: sizeHint}
	}
	*s = Size(v)
	return nil
}

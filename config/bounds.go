package config

import (
	"fmt"
	"reflect"
	"strconv"
	"time"
)

// within checks a number, size or duration against its tags min and max, which
// are written as in a file. A value beyond them becomes zero.
func (d *decoder) within(f Field, target reflect.Value, tag reflect.StructTag) {
	var parse func(string) (int64, error)
	tooLow, tooHigh := "is too small", "is too large"
	switch target.Interface().(type) {
	case time.Duration:
		tooLow, tooHigh = "is too short", "is too long"
		parse = func(s string) (int64, error) { v, err := ParseDuration(s); return int64(v), err }
	case Size:
		parse = func(s string) (int64, error) { v, err := ParseSize(s); return int64(v), err }
	case int, int64:
		parse = func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }
	default:
		return
	}
	written := f.Node.Text
	if f.Node.Kind == KindString {
		written = strconv.Quote(written)
	}
	if least, ok := tag.Lookup("min"); ok {
		if low, err := parse(least); err == nil && target.Int() < low {
			d.problem(f, written+" "+tooLow, fmt.Sprintf("the least is %s", least))
			target.SetZero()
			return
		}
	}
	if most, ok := tag.Lookup("max"); ok {
		if high, err := parse(most); err == nil && target.Int() > high {
			d.problem(f, written+" "+tooHigh, fmt.Sprintf("the most is %s", most))
			target.SetZero()
		}
	}
}

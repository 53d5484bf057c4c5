package loop

import (
	"math"
	"testing"
	"time"
)

func TestLongTimeoutsStayWithinWhatTheKernelTakes(t *testing.T) {
	for _, c := range []struct {
		timeout time.Duration
		want    int
	}{
		{-1, -1},
		{0, 0},
		{1, 1},
		{time.Millisecond, 1},
		{time.Millisecond + 1, 2},
		{24 * 24 * time.Hour, 24 * 24 * 3600 * 1000},
		{25 * 24 * time.Hour, math.MaxInt32},
		{124 * 24 * time.Hour, math.MaxInt32},
	} {
		if got := milliseconds(c.timeout); got != c.want {
			t.Errorf("%v: %d, want %d", c.timeout, got, c.want)
		}
	}
}

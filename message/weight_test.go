package message

import (
	"strings"
	"testing"
)

func TestWeightIsThatOfTheTokenOrOfTheStar(t *testing.T) {
	for _, c := range []struct {
		fields, token string
		want          int
		listed        bool
	}{
		{"", "gzip", 0, false},
		{"gzip", "gzip", 1000, true},
		{"GZip", "gzip", 1000, true},
		{"x-gzip", "gzip", 0, false},
		{"br, gzip;q=0.5", "gzip", 500, true},
		{"gzip;q=0", "gzip", 0, true},
		{"gzip; q=0.000", "gzip", 0, true},
		{"gzip ;\tQ=0.123", "gzip", 123, true},
		{"*", "br", 1000, true},
		{"*;q=0.1", "br", 100, true},
		{"br;q=0, *", "br", 0, true},
		{"*, br;q=0", "br", 0, true},
		{"br|gzip", "gzip", 1000, true},
		{"gzip;q=1.000", "gzip", 1000, true},
		{"gzip;q=1.", "gzip", 1000, true},
		{"gzip;q=1.001", "gzip", 0, true},
		{"gzip;q=2", "gzip", 0, true},
		{"gzip;q=", "gzip", 0, true},
		{"gzip;q=.5", "gzip", 0, true},
		{"gzip;q=0.1234", "gzip", 0, true},
		{"gzip;q=0.1x", "gzip", 0, true},
		{"gzip;level=9;q=0.2", "gzip", 200, true},
		{"deflate,,gzip", "gzip", 1000, true},
	} {
		var h Header
		for value := range strings.SplitSeq(c.fields, "|") {
			h.Add("accept-encoding", value)
		}
		if got, listed := h.Weight("Accept-Encoding", c.token); got != c.want || listed != c.listed {
			t.Errorf("%q of %q: %d %v, want %d %v", c.token, c.fields, got, listed, c.want, c.listed)
		}
	}
}

func FuzzWeight(f *testing.F) {
	for _, seed := range []string{"gzip, br;q=0.5", "*;q=0", "gzip;q=1.", ";=,;q==,*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		var h Header
		h.Add("Accept-Encoding", value)
		weight, listed := h.Weight("Accept-Encoding", "gzip")
		if weight < 0 || weight > MaxWeight || weight > 0 && !listed {
			t.Errorf("%q: %d %v", value, weight, listed)
		}
		if named := strings.Contains(strings.ToLower(value), "gzip") || strings.Contains(value, "*"); listed && !named {
			t.Errorf("%q lists gzip", value)
		}
	})
}

func TestMediaWeightIsThatOfTheMostPreciseRange(t *testing.T) {
	for _, c := range []struct {
		fields string
		want   int
		named  bool
	}{
		{"", 0, false},
		{"image/webp", 1000, true},
		{"IMAGE/WebP;q=0.3", 300, true},
		{"image/webp2, image/web", 0, false},
		{"text/html, image/avif, image/webp;q=0.8, */*;q=0.1", 800, true},
		{"*/*", 1000, false},
		{"image/*;q=0.4, */*", 400, false},
		{"*/*, IMAGE/*;q=0.4", 400, false},
		{"*/*;q=0.7, text/*", 700, false},
		{"image/*, image/webp;q=0", 0, true},
		{"image/webp;q=0, image/*", 0, true},
		{"image/*|image/webp;level=1;q=0.5", 500, true},
		{"image/", 0, false},
		{"*", 0, false},
		{"/*, image", 0, false},
	} {
		var h Header
		for value := range strings.SplitSeq(c.fields, "|") {
			h.Add("accept", value)
		}
		if got, named := h.MediaWeight("Accept", "image/webp"); got != c.want || named != c.named {
			t.Errorf("%q: %d, %v, want %d, %v", c.fields, got, named, c.want, c.named)
		}
	}
}

func TestWeighingDoesNotAllocate(t *testing.T) {
	var h Header
	h.Add("Accept", "text/html, image/*;q=0.2, image/avif;q=0.5")
	h.Add("Accept-Encoding", "gzip, br;q=0.5, *")
	if n := testing.AllocsPerRun(100, func() {
		h.Weight("Accept-Encoding", "zstd")
		h.MediaWeight("Accept", "image/webp")
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

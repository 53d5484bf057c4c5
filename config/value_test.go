package config

import (
	"encoding"
	"errors"

	"fmt"
	"math"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestDurationsAreReadAsPingapDoes(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0":                 0,
		"0s":                0,
		"500ms":             500 * time.Millisecond,
		"3s":                3 * time.Second,
		" 3 s ":             3 * time.Second,
		"1m":                time.Minute,
		"2h 30m":            150 * time.Minute,
		"2h30m":             150 * time.Minute,
		"7d":                7 * 24 * time.Hour,
		"1day 2hours 3mins": 26*time.Hour + 3*time.Minute,
		"2w":                14 * 24 * time.Hour,
		"1M":                2_630_016 * time.Second,
		"1y":                31_557_600 * time.Second,
		"15us 3ns":          15003,
		"20µs":              20 * time.Microsecond,
		"1s 1s":             2 * time.Second,
	} {
		if got, err := ParseDuration(text); got != want || err != nil {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", " ", "3", "3 4s", "s", "-1s", "1.5s", "1S", "3x", "3s,", "9999999999999999999s", "300y", "200y 200y", "١s"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func FuzzDurationsThatGoCanReadMeanTheSame(f *testing.F) {
	for _, text := range []string{"0", "500ms", "2h 30m", "7d", "1M", "1h1h", "99999999999h", "15us", "20µs"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseDuration(text)
		if err != nil {
			return
		}
		if got < 0 {
			t.Errorf("%q is %v", text, got)
		}
		if want, err := time.ParseDuration(text); err == nil && got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	})
}

func TestSizesCountInThousandsOrIn1024s(t *testing.T) {
	for text, want := range map[string]Size{
		"0":        0,
		"100":      100,
		"100b":     100,
		"4kb":      4000,
		"4k":       4000,
		"4 KiB":    4096,
		"1mb":      1_000_000,
		"10MB":     10_000_000,
		"1.5MiB":   3 << 19,
		"1gib":     1 << 30,
		"2tb":      2_000_000_000_000,
		" 1 mib  ": 1 << 20,
	} {
		if got, err := ParseSize(text); got != want || err != nil {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "kb", "-1", "1xb", "1 k b", "1..5kb", ".", "1e3", "9999999tb", "0x10", "inf", "nan"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
}

func FuzzSizesAreNeverNegative(f *testing.F) {
	for _, text := range []string{"0", "4kb", "1.5MiB", "9223372036854775807", "9223372036854775808", "8388608tib"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseSize(text)
		if err == nil && got < 0 {
			t.Errorf("%q is %d", text, got)
		}
		if err != nil && got != 0 {
			t.Errorf("%q is wrong and %d", text, got)
		}
	})
}

func TestHostsAreSplitAtCommasOutsideOfExpressions(t *testing.T) {
	for text, want := range map[string][]string{
		"a.example":                         {"a.example"},
		"a.example, *.b.example ,c":         {"a.example", "*.b.example", "c"},
		`~^a{2,3}\.example$`:                {`~^a{2,3}\.example$`},
		`~^(a|b{1,2}),c.example`:            {`~^(a|b{1,2})`, "c.example"},
		`~^[,)]+x, ~[]),]y ,z`:              {`~^[,)]+x`, `~[]),]y`, "z"},
		`~^[^],]a,b`:                        {`~^[^],]a`, "b"},
		`~^\(,a`:                            {`~^\(`, "a"},
		`~[[:alpha:]]+,b`:                   {`~[[:alpha:]]+`, "b"},
		"~ ^a$ , ~^b$":                      {"~ ^a$", "~^b$"},
		"[::1], ::1, 127.0.0.1":             {"[::1]", "::1", "127.0.0.1"},
		"under_score.example, example.com.": {"under_score.example", "example.com."},
	} {
		var h Hosts
		if err := h.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if fmt.Sprintf("%q", h) != fmt.Sprintf("%q", want) {
			t.Errorf("%q is %q, want %q", text, h, want)
		}
	}
}

func FuzzHostsLoseNothingInSplitting(f *testing.F) {
	for _, text := range []string{"", "a,b", "~a{1,2},b", "~[,],c", `~\`, "~[", "~(,", "*.a,~[^]],b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		items := splitHosts(text)
		if got := strings.Join(items, ","); got != text {
			t.Errorf("%q became %q", text, items)
		}
		for _, item := range items {
			// A comma within an item is within an expression, and one that
			// can be compiled is still whole.
			if strings.Contains(item, ",") && !strings.HasPrefix(strings.TrimSpace(item), "~") {
				t.Errorf("%q: the item %q holds a comma", text, item)
			}
		}
	})
}

func FuzzRegexpsAreCompiledOrExplained(f *testing.F) {
	for _, text := range []string{"", "a(b", "a)b", "[a", "[z-a]", `\`, `\1`, `\Q`, "(?!a)", "(?<=a)", "(?<n>a)(?<n>b)", "*", "a**", "a{1001}", "(?i", "\xff", "é(", "x{2,1}", `[\]]()`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, want := regexp.Compile(text)
		re, err := compileRegexp(text)
		if (err == nil) != (want == nil) || (re == nil) != (want != nil) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	})
}

func TestRegexpErrorsTellTheCharacter(t *testing.T) {
	for expression, want := range map[string]string{
		`^/(a|(b)`: "not a regular expression: missing closing ) (character 3)",
		`^/a)b`:    "not a regular expression: unexpected ) (character 4)",
		`é[)(]\()`: "not a regular expression: unexpected ) (character 8)",
		`ab[cd`:    "not a regular expression: missing closing ] (character 3)",
		`é[z-a]`:   "not a regular expression: invalid character class range z-a (character 3)",
		`a\y`:      `not a regular expression: invalid escape sequence \y (character 2)`,
		`(a)\1`:    `not a regular expression: invalid escape sequence \1 (character 4); back-references are not supported`,
		`x(?=y)`:   "not a regular expression: invalid or unsupported Perl syntax (?= (character 2); looking ahead and behind is not supported",
		`x(?<!y)`:  "not a regular expression: invalid named capture (?<!y) (character 2); looking ahead and behind is not supported",
		`a\`:       `not a regular expression: trailing backslash at end of expression (character 2)`,
		`*a`:       "not a regular expression: missing argument to repetition operator * (character 1)",
		`a{2000}`:  "not a regular expression: invalid repeat count {2000} (character 2)",
	} {
		if _, err := compileRegexp(expression); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", expression, err, want)
		}
	}
}

func TestNetworksAreAddressesToo(t *testing.T) {
	for text, want := range map[string]string{
		"10.1.2.3":        "10.1.2.3/32",
		"10.1.2.3/8":      "10.0.0.0/8",
		"0.0.0.0/0":       "0.0.0.0/0",
		"::1":             "::1/128",
		"2001:db8::5/32":  "2001:db8::/32",
		"::ffff:10.0.0.1": "10.0.0.1/32",
	} {
		var n Network
		if err := n.UnmarshalText([]byte(text)); err != nil || n.String() != want {
			t.Errorf("%s is %v, %v; want %s", text, n, err, want)
		}
	}
	for _, text := range []string{"", "10.0.0", "10.0.0.0/", "10.0.0.0/33", "a", "fe80::1%eth0", "10.0.0.1:80"} {
		var n Network
		if err := n.UnmarshalText([]byte(text)); err == nil || n.Prefix != (netip.Prefix{}) {
			t.Errorf("%q is taken for %v", text, n)
		}
	}
}

func FuzzAddressesAreReadAsTheyAreWritten(f *testing.F) {
	for _, text := range []string{"127.0.0.1", "127.0.0.1:80 2", "[::1]:80", "::1", "[::1]", "unix:/a b", "app:1", "a.b.", "[a]:1", "::ffff:0.0.0.0", "unix:@a 3"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var peer PeerAddr
		// A host called unix cannot be written with its port.
		if peer.UnmarshalText([]byte(text)) == nil && peer.Host != "unix" {
			peer.portless = false
			var again PeerAddr
			if err := again.UnmarshalText(fmt.Appendf(nil, "%s %d", peer, peer.Weight)); err != nil || again != peer {
				t.Errorf("%q is %+v, which is read as %+v, %v", text, peer, again, err)
			}
		}
		var listen ListenAddrs
		if listen.UnmarshalText([]byte(text)) == nil {
			for _, a := range listen {
				if a.Host == "unix" {
					continue
				}
				if again, err := parseListenAddr(a.String()); err != nil || again != a {
					t.Errorf("%q is %+v, which is read as %+v, %v", text, a, again, err)
				}
			}
		}
	})
}

func TestSuggestionsAreNear(t *testing.T) {
	known := []string{"path", "plugins", "proxy_set_headers", "upstream", "host"}
	for word, want := range map[string]string{
		"pathh":                      `did you mean "path"?`,
		"pth":                        `did you mean "path"?`,
		"PATH":                       `did you mean "path"?`,
		"plugin":                     `did you mean "plugins"?`,
		"upstraem":                   `did you mean "upstream"?`,
		"proxy_set_header":           `did you mean "proxy_set_headers"?`,
		"proxy-set-headers":          `did you mean "proxy_set_headers"?`,
		"hosts":                      `did you mean "host"?`,
		"x":                          "",
		"":                           "",
		"colour":                     "",
		strings.Repeat("host", 1000): "",
	} {
		if got := Suggest(word, known); got != want {
			t.Errorf("%.20s: %s, want %s", word, got, want)
		}
	}
}

// slowDistance is the definition of distance, for short words.
func slowDistance(a, b string) int {
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	cost := 1
	if a[0] == b[0] {
		cost = 0
	}
	least := min(slowDistance(a[1:], b)+1, slowDistance(a, b[1:])+1, slowDistance(a[1:], b[1:])+cost)
	if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
		least = min(least, slowDistance(a[2:], b[2:])+1)
	}
	return least
}

func FuzzDistanceIsThatOfItsDefinition(f *testing.F) {
	f.Add("path", "ptah")
	f.Add("", "abc")
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = a[:min(len(a), 6)], b[:min(len(b), 6)]
		if got, want := distance(a, b), slowDistance(a, b); got != want {
			t.Errorf("%q and %q are %d apart, want %d", a, b, got, want)
		}
	})
}

func TestIntegersInTextForSizesReachTheLargest(t *testing.T) {
	var s Size
	if err := s.UnmarshalInteger(math.MaxInt64); err != nil || s != math.MaxInt64 {
		t.Errorf("%d, %v", s, err)
	}
}

func TestRewriteOfOnePartReplacesTheWholePath(t *testing.T) {
	for text, right := range map[string]bool{"/interface/$name": true, "$rest": true, "${rest}/x": true, "^/api$": false, "/api": false, "a$b": false} {
		var r Rewrite
		if err := r.UnmarshalText([]byte(text)); (err == nil) != right {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// texts makes a value of each type that is read from a text.
func texts() []encoding.TextUnmarshaler {
	return []encoding.TextUnmarshaler{
		new(Header), new(Path), new(Rewrite), new(Condition), new(Hosts), new(Network), new(NameServers), new(Statuses), new(HealthCheck),
		new(Algo), new(Domains), new(Event), new(LogLevel), new(ListenAddrs), new(PeerAddr), new(Size),
	}
}

func FuzzTextsAreReadOrExplained(f *testing.F) {
	for _, text := range []string{"", " ", "X: y", ":", "=/a", "~*a", "^/a /b", "a,b,,", "10.0.0.1/8", "[::1]:53,", "500,600", "http://a?success=0", "hash:header:", "info,a=debug", "unix:@", "a b c", "\x00", "\xff", "*.a\nb"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, target := range texts() {
			err := target.UnmarshalText([]byte(text))
			if err == nil {
				continue
			}
			errs := []error{err}
			if joined, ok := err.(interface{ Unwrap() []error }); ok {
				errs = joined.Unwrap()
			}
			for _, err := range errs {
				if e, ok := errors.AsType[*ValueError](err); !ok || e.Message == "" || strings.Contains(e.Message, "\n") {
					t.Errorf("%T of %q: %v", target, text, err)
				}
			}
		}
	})
}

func TestTunnelsFollowTheReadTimeoutThatIsWritten(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, `write_timeout = "5s"`: 0, `read_timeout = "60s"`: time.Minute, `read_timeout = "1h"`: time.Hour, `read_timeout = "0s"`: -1,
		`includes = ["slow"]`: time.Second,
	} {
		c, _ := Parse("t.toml", []byte("[storages.slow]\ncategory = \"config\"\nvalue = 'read_timeout = \"1s\"'\n[upstreams.u]\naddrs = [\"127.0.0.1:1\"]\n"+text))
		if got := c.Upstreams[0].TunnelTimeout(); got != want {
			t.Errorf("%s: tunnels may be silent for %v, want %v", text, got, want)
		}
	}
}

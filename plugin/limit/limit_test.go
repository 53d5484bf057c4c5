package limit

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"pingap/config"
	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

func made(t *testing.T, settings string) *limiter {
	t.Helper()
	p, problems := build(config.TableOf("test", settings), nil)
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	return p.(*limiter)
}

// begin serves an exchange that prepare has filled, and leaves it in flight.
func begin(t *testing.T, l *loop.Loop, h message.Handler, prepare func(x *message.Exchange)) *message.Exchange {
	t.Helper()
	x := &message.Exchange{Loop: l}
	x.Reset()
	prepare(x)
	if err := h.Serve(x); err != nil {
		t.Error(err)
	}
	return x
}

var passed = message.HandlerFunc(func(x *message.Exchange) error {
	x.Response.Status = 200
	return nil
})

func client(addr string) func(*message.Exchange) {
	return func(x *message.Exchange) { x.ClientIP = netip.MustParseAddr(addr) }
}

// With Pingap's default weight a fresh client gets twice max in its first window.
func TestFreshClientGetsMaxAndNoMore(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		h := made(t, "max = 3\ninterval = \"1h\"").Wrap(passed)
		for n := 1; n <= 7; n++ {
			x := begin(t, l, h, client("192.0.2.1"))
			want := 200
			if n > 3 {
				want = 429
			}
			if x.Response.Status != want {
				t.Errorf("request %d: %d, want %d", n, x.Response.Status, want)
			}
			if n > 3 {
				text, _ := x.Response.Body.Next()
				if string(text) != "Plugin limit, exceed limit 4/3" {
					t.Errorf("the refusal says %q", text)
				}
				var seconds int
				if fmt.Sscan(x.Response.Header.Get("Retry-After"), &seconds); seconds < 3599 || seconds > 3600+3600/slices {
					t.Errorf("Retry-After: %q", x.Response.Header.Get("Retry-After"))
				}
			}
			x.End()
		}
		if x := begin(t, l, h, client("192.0.2.2")); x.Response.Status != 200 {
			t.Errorf("another client: %d", x.Response.Status)
		}
	})
}

// TestNoIntervalHoldsMoreThanMax compares with a list of all that was let through.
func TestNoIntervalHoldsMoreThanMax(t *testing.T) {
	const most = 7
	for _, interval := range []time.Duration{time.Second, 10 * time.Second, 17 * time.Millisecond} {
		r := &rate{max: most, width: (int64(interval) + slices - 1) / slices}
		var through []int64
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
		for range 20000 {
			now += rand.Int64N(int64(interval) / 5)
			count, wait := r.take(now, 1)
			latest := now - int64(interval)
			if count <= most {
				through = append(through, now)
				if n := len(through); n > most && through[n-1-most] > latest {
					t.Fatalf("%d pass within %v", most+1, time.Duration(now-through[n-1-most]))
				}
				continue
			}
			// Refused: then max did pass, within hardly more than an interval, and
			// who waits as long as is said gets through.
			if first := through[len(through)-most]; now-first > int64(interval)+2*r.width {
				t.Fatalf("refused, though %d passed within %v", most, time.Duration(now-first))
			}
			if wait <= 0 || wait > interval+time.Duration(r.width) {
				t.Fatalf("wait %v of %v", wait, interval)
			}
			if rand.IntN(4) == 0 {
				now += int64(wait)
				if count, _ := r.take(now, 1); count > most {
					t.Fatalf("refused after waiting for %v", wait)
				}
				through = append(through, now)
			}
		}
	}
}

func TestTimeThatGoesBackStandsStill(t *testing.T) {
	r := &rate{max: 2, width: 1000}
	r.take(1_000_000, 1)
	if count, _ := r.take(990_000, 1); count != 2 {
		t.Errorf("counted %d", count)
	}
	if count, _ := r.take(1_000_000, 1); count != 3 {
		t.Errorf("counted %d", count)
	}
}

func TestClientsDoNotGrowMemory(t *testing.T) {
	r := &rate{max: 1, width: 1e9}
	var last uint64
	for n := range uint64(3 * clients) {
		last = n * 0x9e3779b97f4a7c15
		r.take(int64(1e18)+int64(n), last)
	}
	known := 0
	for i := range r.shards {
		known += len(r.shards[i].windows)
	}
	if known > clients {
		t.Errorf("%d windows", known)
	}
	// Who was let through last is still known.
	if count, _ := r.take(int64(1e18)+3*clients, last); count != 2 {
		t.Errorf("the last client has made %d requests", count)
	}
}

// A guard of Pingap's is kept in one place of the request: two limits on one
// location give back the first at once.
func TestTwoLimitsOfWhatIsInFlightAreIndependent(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		wide, narrow := made(t, "type = \"inflight\"\nmax = 3"), made(t, "type = \"inflight\"\ntag = \"query\"\nkey = \"user\"\nmax = 2")
		h := wide.Wrap(narrow.Wrap(passed))
		of := func(user string) func(*message.Exchange) {
			return func(x *message.Exchange) { client("192.0.2.1")(x); x.Request.Query = "user=" + user }
		}
		a, b := begin(t, l, h, of("a")), begin(t, l, h, of("a"))
		if a.Response.Status != 200 || b.Response.Status != 200 {
			t.Fatal(a.Response.Status, b.Response.Status)
		}
		refused := begin(t, l, h, of("a")) // by narrow; wide has counted it until it ends
		if refused.Response.Status != 429 || refused.Response.Header.Get("Retry-After") != "1" {
			t.Errorf("a third is %d", refused.Response.Status)
		}
		refused.End()
		c := begin(t, l, h, of("c"))
		if x := begin(t, l, h, of("d")); c.Response.Status != 200 || x.Response.Status != 429 {
			t.Errorf("%d, %d", c.Response.Status, x.Response.Status)
		}
		a.End()
		d := begin(t, l, h, of("a"))
		if d.Response.Status != 200 {
			t.Errorf("after the end of one: %d", d.Response.Status)
		}
		for _, x := range []*message.Exchange{b, c, d} {
			x.End()
		}
	})
}

func TestWhoIsGoneTakesNoMemory(t *testing.T) {
	f := newInflight(1)
	x := &message.Exchange{}
	x.Reset()
	for key := range uint64(1000) {
		if count, _ := f.enter(x, key); count != 1 {
			t.Fatalf("%d has %d", key, count)
		}
	}
	x.End()
	x.Reset()
	if count, _ := f.enter(x, 7); count != 1 {
		t.Errorf("after the end %d", count)
	}
	x.End()
	for i := range f.shards {
		if n := len(f.shards[i].counts); n > 0 {
			t.Errorf("%d clients are remembered", n)
		}
	}
}

func TestValuesTellClientsApart(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		field := func(name, value string) func(*message.Exchange) {
			return func(x *message.Exchange) { x.Request.Header.Add(name, value) }
		}
		query := func(q string) func(*message.Exchange) {
			return func(x *message.Exchange) { x.Request.Query = q }
		}
		for _, c := range []struct {
			settings           string
			first, same, other func(*message.Exchange)
			unlimited          func(*message.Exchange)
		}{
			{`tag = "ip"`, client("192.0.2.1"), client("::ffff:192.0.2.1"), client("192.0.2.2"), func(*message.Exchange) {}},
			{``, client("2001:db8::1"), client("2001:db8::2:0:0:1"), client("2001:db8:0:1::1"), func(*message.Exchange) {}},
			{"tag = \"header\"\nkey = \"X-Key\"", field("x-key", "a"), field("X-KEY", "a"), field("X-Key", "A"), field("X-Key", "")},
			{"tag = \"cookie\"\nkey = \"id\"", field("Cookie", "x=1; id=a"), field("Cookie", "id=a"), field("Cookie", "id=b"), field("Cookie", "ID=a")},
			{"tag = \"query\"\nkey = \"id\"", query("id=a&x"), query("x&id=a"), query("id=b"), query("id=&x")},
		} {
			h := made(t, c.settings+"\nmax = 1\ninterval = \"1h\"").Wrap(passed)
			var got []int
			for _, prepare := range []func(*message.Exchange){c.first, c.same, c.other, c.unlimited, c.unlimited} {
				x := begin(t, l, h, prepare)
				got = append(got, x.Response.Status)
				x.End()
			}
			if fmt.Sprint(got) != "[200 429 200 200 200]" {
				t.Errorf("%s: %v", c.settings, got)
			}
		}
	})
}

func TestLoopsShareALimit(t *testing.T) {
	const most = 500
	r := &rate{max: most, width: 1e12}
	var through, running sync.WaitGroup
	counts := make([]int, 4)
	through.Add(1)
	for i := range counts {
		running.Go(func() {
			through.Wait()
			for range most {
				if count, _ := r.take(1e18, 42); count <= most {
					counts[i]++
				}
			}
		})
	}
	through.Done()
	running.Wait()
	if sum := counts[0] + counts[1] + counts[2] + counts[3]; sum != most {
		t.Errorf("%d pass", sum)
	}
}

func TestWrongSettingsAreProblems(t *testing.T) {
	for settings, want := range map[string]string{
		``:                           "max: is missing",
		`max = 0`:                    "too small",
		`max = 3000000000`:           "too large",
		"max = 1\ntype = \"rat\"":    `did you mean "rate"?`,
		"max = 1\ntag = \"adress\"":  "is not known",
		"max = 1\ntag = \"header\"":  "needs a name",
		"max = 1\nkey = \"X-Key\"":   "warning: has no effect, since addresses are counted",
		"max = 1\nweight = 50":       "warning: has no effect: what is counted",
		"max = 1\ninterval = \"0s\"": "too short",
		"max = 1\ninterval = 10":     "duration",
	} {
		_, problems := build(config.TableOf("test", settings), nil)
		if len(problems) != 1 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want a problem with %q", settings, problems, want)
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, settings := range []string{"max = 1000000", "max = 1", "max = 5\ntype = \"inflight\""} {
			h := made(t, settings).Wrap(message.HandlerFunc(func(*message.Exchange) error { return nil }))
			x := &message.Exchange{Loop: l}
			once := func() {
				x.Reset()
				x.ClientIP = netip.AddrFrom4([4]byte{192, 0, 2, 1})
				h.Serve(x)
				x.End()
			}
			once()
			once()
			if n := testing.AllocsPerRun(100, once); n > 0 {
				t.Errorf("%s: %v allocations", settings, n)
			}
		}
	})
}

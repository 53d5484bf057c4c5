package main

import (
	"testing"
	"time"
)

func TestParseStatFindsTimesBehindANameWithBlanksAndParentheses(t *testing.T) {
	user, system, err := parseStat("123 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 75 0 0 20 0")
	if err != nil || user != 250 || system != 75 {
		t.Errorf("%d, %d, %v; want 250 and 75", user, system, err)
	}
}

func TestParsersOfProcRefuseWhatTheyDoNotKnow(t *testing.T) {
	for _, text := range []string{"", "garbage", "1 (a) S 1", "1 (a) S 1 2 3 4 5 6 7 8 9 10 x y"} {
		if user, system, err := parseStat(text); err == nil {
			t.Errorf("parseStat(%q) = %d, %d", text, user, system)
		}
		if spent, err := parseSchedstat("x" + text); err == nil {
			t.Errorf("parseSchedstat(%q) = %v", text, spent)
		}
		if pss, err := parsePss(text); err == nil {
			t.Errorf("parsePss(%q) = %v", text, pss)
		}
		if busy, err := parseCoreBusy(text, 0); err == nil {
			t.Errorf("parseCoreBusy(%q) = %v", text, busy)
		}
	}
}

func TestParseSchedstatTakesTheTimeOnACore(t *testing.T) {
	if spent, err := parseSchedstat("2500000123 49314 1\n"); err != nil || spent != 2500*time.Millisecond+123 {
		t.Errorf("%v, %v", spent, err)
	}
}

func TestParsePssIsInBytes(t *testing.T) {
	const rollup = "00400000-7fff [rollup]\nRss:        100 kB\nPss:         42 kB\nPss_Anon:    30 kB\n"
	if pss, err := parsePss(rollup); err != nil || pss != 42*1024 {
		t.Errorf("%v, %v; want %d", pss, err, 42*1024)
	}
}

func TestParseCoreBusyAddsWhatProgramsUsedOfOneCore(t *testing.T) {
	const stat = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 1 1 1 500 1 1 1 0 0 0\ncpu1 10 20 30 500 40 50 60 70 0 0\nintr 1\n"
	if busy, err := parseCoreBusy(stat, 1); err != nil || busy != 600*time.Millisecond {
		t.Errorf("%v, %v; want 600ms: neither idle time nor interrupts", busy, err)
	}
}

func TestUsageIsDividedInProportionToTicks(t *testing.T) {
	earlier := usage{total: time.Second, user: 100, system: 100}
	for name, test := range map[string]struct {
		later        usage
		user, system time.Duration
	}{
		"a quarter in user mode": {usage{total: 3 * time.Second, user: 150, system: 250}, 500 * time.Millisecond, 1500 * time.Millisecond},
		"less than a tick":       {usage{total: time.Second + 5*time.Millisecond, user: 100, system: 100}, 0, 5 * time.Millisecond},
	} {
		if user, system := test.later.since(earlier); user != test.user || system != test.system {
			t.Errorf("%s: user %v, system %v; want %v and %v", name, user, system, test.user, test.system)
		}
	}
}

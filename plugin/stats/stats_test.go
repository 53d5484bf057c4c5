package stats

import (
	"encoding/json"
	"testing"
	"time"

	"pingap/config"
	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
	"pingap/plugin"
)

func TestReportTellsOfServerLocationAndProcess(t *testing.T) {
	env := &plugin.Environment{Process: func() plugin.Process {
		return plugin.Process{Hostname: "edge", Version: "1.2", Started: time.Now().Add(-27 * time.Hour), Resident: 25_600_000, Memory: 2e9, Used: 1e9, Cores: 2, Threads: 9, Files: 17, TCP: 3, TCP6: 4}
	}}
	p, problems := build(config.TableOf("test", `path = "/stats"`), env)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	looptest.Run(t, func(l *loop.Loop) {
		x := &message.Exchange{Loop: l}
		x.Reset()
		x.Request.Path = "/stats"
		x.Processing, x.Accepted = func() int64 { return 5 }, func() int64 { return 50 }
		x.LocationCounts = func() (int64, int64) { return 3, 30 }
		if err := p.Wrap(nil).Serve(x); err != nil {
			t.Error(err)
		}
		text, _ := x.Response.Body.Next()
		var got map[string]any
		if err := json.Unmarshal(text, &got); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		for key, want := range map[string]any{
			"processing": 5.0, "accepted": 50.0, "location_processing": 3.0, "location_accepted": 30.0, "hostname": "edge", "version": "1.2",
			"uptime": "1day 3h", "memory_mb": 25.0, "memory": "25.6MB", "total_memory": "2GB", "used_memory": "1GB", "physical_cpus": 2.0,
			"threads": 9.0, "fd_count": 17.0, "tcp_count": 3.0, "tcp6_count": 4.0,
		} {
			if got[key] != want {
				t.Errorf("%s is %v, want %v", key, got[key], want)
			}
		}
		for _, key := range []string{"start_time", "arch", "cpus", "go_version"} {
			if got[key] == nil {
				t.Errorf("%s is missing", key)
			}
		}
	})
}

func TestOtherPathsPass(t *testing.T) {
	for settings, path := range map[string]string{`path = "/stats"`: "/stats/", ``: "/stats"} {
		p, _ := build(config.TableOf("test", settings), &plugin.Environment{})
		x := &message.Exchange{}
		x.Reset()
		x.Request.Path = path
		passed := false
		p.Wrap(message.HandlerFunc(func(*message.Exchange) error { passed = true; return nil })).Serve(x)
		if !passed {
			t.Errorf("%q answers %s", settings, path)
		}
	}
}

func TestFiguresForPeople(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 59 * time.Second: "59s", 61 * time.Second: "1m 1s", 76*time.Hour + time.Second: "3days 4h", 24 * time.Hour: "1day",
	} {
		if got := age(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0B", 999: "999B", 1200: "1.2KB", 3e6: "3MB"} {
		if got := size(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

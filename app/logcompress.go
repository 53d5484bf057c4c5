package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"pingap/accesslog"
	"pingap/config"
	"pingap/logfile"
)

// compressLogs compresses the old files of all logs once a day, at the hour
// that the configuration in force says. The function that it returns ends that.
func compressLogs(current func() *config.Config, log logfile.Series, logger *slog.Logger) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	working.Go(func() {
		for {
			now := time.Now()
			hour := time.NewTimer(now.Truncate(time.Hour).Add(time.Hour).Sub(now))
			select {
			case <-ctx.Done():
				hour.Stop()
				return
			case now = <-hour.C:
				compressAt(now, current(), log, logger)
			}
		}
	})
	return func() {
		cancel()
		working.Wait()
	}
}

// compressAt does what is due at an hour.
func compressAt(now time.Time, c *config.Config, log logfile.Series, logger *slog.Logger) {
	b := &c.Basic
	if b.LogCompressAlgorithm == "" || now.Hour() != b.LogCompressTimePointHour {
		return
	}
	compression := logfile.Compression{
		Algorithm: b.LogCompressAlgorithm, Level: b.LogCompressLevel, Age: time.Duration(b.LogCompressDaysAgo) * 24 * time.Hour,
	}
	for _, s := range allSeries(c, log) {
		done, err := compression.Compress(s, now)
		if err != nil {
			logger.Error("old logs are left as they are", "log", s.Path, "error", err)
		}
		if len(done) > 0 {
			logger.Info("old logs have been compressed", "log", s.Path, "files", len(done))
		}
	}
}

// allSeries returns the files of all logs, each once.
func allSeries(c *config.Config, log logfile.Series) (all []logfile.Series) {
	seen := map[logfile.Series]bool{{}: true}
	add := func(s logfile.Series) {
		if !seen[s] {
			seen[s] = true
			all = append(all, s)
		}
	}
	add(log)
	for _, s := range c.Servers {
		if target, _, err := accesslog.Parse(s.AccessLog); err == nil && target.Path != "" {
			add(target.Series)
		}
	}
	return all
}

// config returns the configuration in force.
func (r *reloader) config() *config.Config {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current.Config
}

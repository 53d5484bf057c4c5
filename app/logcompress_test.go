package app

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pingap/config"
	"pingap/logfile"
)

func TestOldFilesOfAllLogsAreCompressedAtTheirHour(t *testing.T) {
	dir := t.TempDir()
	c, problems := config.Parse("a.toml", fmt.Appendf(nil, `
[basic]
log_compress_algorithm = "gzip"
log_compress_days_ago = 2
log_compress_time_point_hour = 4
[servers.a]
addr = "127.0.0.1:1"
access_log = "%s/access.log tiny"
[servers.b]
addr = "127.0.0.1:2"
access_log = "%[1]s/access.log tiny"
[servers.c]
addr = "127.0.0.1:3"
access_log = "combined"
`, dir))
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	now := time.Date(2026, 8, 20, 4, 0, 0, 0, time.Local)
	var names []string
	for _, name := range []string{"access.log.2026-08-08", "app.log.2026-08-08", "app.log.2026-08-19"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("x\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		day, _ := time.Parse("2006-01-02", name[len(name)-10:])
		if err := os.Chtimes(path, day, day); err != nil {
			t.Fatal(err)
		}
		names = append(names, path)
	}
	var said bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&said, nil))
	log := logfile.Series{Path: filepath.Join(dir, "app.log"), Rolling: logfile.Daily}
	compressAt(now.Add(-time.Hour), c, log, logger)
	if said.Len() > 0 {
		t.Errorf("an hour too early it says %s", said.String())
	}
	compressAt(now, c, log, logger)
	for i, want := range []bool{true, true, false} {
		_, plain := os.Stat(names[i])
		_, compressed := os.Stat(names[i] + ".gz")
		if (compressed == nil) != want || (plain == nil) == want {
			t.Errorf("%s: %v, compressed %v\n%s", names[i], plain, compressed, said.String())
		}
	}
}

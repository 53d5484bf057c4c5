package proxy

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pingap/message"
)

func TestFailuresAreLoggedAFewTimesASecond(t *testing.T) {
	var log bytes.Buffer
	now := time.Unix(1000, 0)
	r := reporter{logger: slog.New(slog.NewTextHandler(&log, nil)), now: func() time.Time { return now }}
	x := &message.Exchange{}
	x.Reset()
	for range 100 {
		r.report(x, "exchange failed", "connect_failed", 502, errors.New("refused"))
	}
	if n := strings.Count(log.String(), "refused"); n != reportsPerSecond {
		t.Errorf("%d of 100 failures in a second are logged, want %d", n, reportsPerSecond)
	}
	now = now.Add(time.Second)
	log.Reset()
	r.report(x, "exchange failed", "connect_failed", 502, errors.New("refused"))
	if !strings.Contains(log.String(), "not_logged_before=90") {
		t.Errorf("the next says: %s", log.String())
	}
}

package telemetry

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// daemon is a syslog that a test reads.
func daemon(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(30 * time.Second))
	t.Cleanup(func() { c.Close() })
	return c
}

func next(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	b := make([]byte, 64<<10)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// openSyslog opens a log that goes to the daemon at path.
func openSyslog(t *testing.T, format int, asJSON bool, path string) *Log {
	t.Helper()
	target := Target{Syslog: &Syslog{Format: format, Process: "edge", Facility: 3, sockets: []string{"/nowhere/log", path}}}
	sink, err := target.open(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &Log{Level: new(slog.LevelVar), target: target, out: newOutput(sink, 0, target.note)}
	l.Logger = slog.New(l.handler(asJSON))
	t.Cleanup(l.Close)
	return l
}

func TestSyslogHearsRecordsWithTheirSeverity(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	c := daemon(t, path)
	for format, head := range map[int]string{
		3164: `^<%d>[A-Z][a-z]{2} [ 1-3]\d \d\d:\d\d:\d\d edge\[%d\]: `,
		5424: `^<%d>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ edge %d - - `,
	} {
		l := openSyslog(t, format, false, path)
		l.Level.Set(slog.LevelDebug)
		logger := l.Logger.With("server", "web").WithGroup("up")
		for level, severity := range map[slog.Level]int{slog.LevelDebug: 7, slog.LevelInfo: 6, slog.LevelWarn: 4, slog.LevelError: 3} {
			logger.Log(t.Context(), level, "a message", "peer", "10.0.0.1:80")
			want := fmt.Sprintf(head, 3*8+severity, os.Getpid()) + `a message server=web up\.peer=10\.0\.0\.1:80$`
			if got := next(t, c); !regexp.MustCompile(want).MatchString(got) {
				t.Errorf("it hears %q, want %s", got, want)
			}
		}
	}
}

func TestSyslogHearsJSONAndLinesOfOtherLogs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	c := daemon(t, path)
	l := openSyslog(t, 3164, true, path)
	l.Logger.Info("hello", "n", 1)
	_, text, _ := strings.Cut(next(t, c), "]: ")
	var record map[string]any
	if err := json.Unmarshal([]byte(text), &record); err != nil || record["msg"] != "hello" || record["n"] != 1.0 {
		t.Errorf("record %q, %v", text, err)
	}
	fmt.Fprint(l.Output(nil), "one\ntwo\n")
	for _, want := range []string{"one", "two"} {
		if got := next(t, c); !strings.HasPrefix(got, "<30>") || !strings.HasSuffix(got, "]: "+want) {
			t.Errorf("it hears %q, want %q", got, want)
		}
	}
	l.Logger.Info(strings.Repeat("x", 20_000))
	if got := next(t, c); len(got) != maxSyslogMessage || !strings.HasSuffix(got, "xxx...") {
		t.Errorf("it hears %d bytes", len(got))
	}
}

func TestSyslogThatIsStartedAnewIsFoundAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	first := daemon(t, path)
	l := openSyslog(t, 3164, false, path)
	l.Logger.Info("one")
	next(t, first)
	first.Close()
	os.Remove(path)
	second := daemon(t, path)
	l.Logger.Info("two")
	if got := next(t, second); !strings.HasSuffix(got, "two") {
		t.Errorf("it hears %q", got)
	}
}

func TestLinesThatSyslogDoesNotTakeAreReported(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	c := daemon(t, path)
	l := openSyslog(t, 3164, false, path)
	c.Close()
	os.Remove(path)
	if n, err := io.WriteString(l.Output(nil), "one\ntwo\n"); n != 0 || err == nil {
		t.Errorf("without a daemon %d bytes are written, %v", n, err)
	}
	l.Logger.Info("three")
	l.Close()
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	if l.out.lost != 1 {
		t.Errorf("%d records count as lost, want 1", l.out.lost)
	}
}

func TestWhatTheLogSaysOfItselfIsAMessageOfSyslog(t *testing.T) {
	s := &Syslog{Format: 3164, Process: "edge", Facility: 3}
	if got := string(Target{Syslog: s}.note("... 2 records")); !strings.HasPrefix(got, "<28>") || !strings.HasSuffix(got, "]: ... 2 records") {
		t.Errorf("it is %q", got)
	}
}

func TestSyslogOverAStreamEndsMessagesWithZero(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	l := openSyslog(t, 3164, false, path)
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	l.Logger.Info("one")
	b := make([]byte, 1000)
	if n, err := c.Read(b); !strings.HasSuffix(string(b[:n]), "one\x00") {
		t.Errorf("it hears %q, %v", b[:n], err)
	}
}

func TestMissingSyslogIsExplained(t *testing.T) {
	s := &Syslog{sockets: []string{filepath.Join(t.TempDir(), "log")}}
	if _, err := s.dial(); err == nil || !strings.Contains(err.Error(), "rsyslog or journald") {
		t.Errorf("error %v", err)
	}
}

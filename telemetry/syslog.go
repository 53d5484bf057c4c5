package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"time"
)

// Syslog is the system's log, reached by a socket of this machine.
type Syslog struct {
	Format   int    // the RFC: 3164 or 5424
	Process  string // the name that messages bear
	Facility int    // RFC 5424 section 6.2.1

	sockets []string // where the socket may be; nil for where systems have it
}

// syslogSockets are where systems have the socket.
var syslogSockets = []string{"/dev/log", "/var/run/syslog", "/var/run/log"}

// maxSyslogMessage is how long a message may be: daemons refuse or cut longer
// ones.
const maxSyslogMessage = 8 << 10

// Severities of RFC 5424.
const (
	severityError   = 3
	severityWarning = 4
	severityInfo    = 6
	severityDebug   = 7
)

func severity(level slog.Level) int {
	switch {
	case level >= slog.LevelError:
		return severityError
	case level >= slog.LevelWarn:
		return severityWarning
	case level >= slog.LevelInfo:
		return severityInfo
	}
	return severityDebug
}

// appendHead adds what stands before a message.
func (s *Syslog) appendHead(line []byte, at time.Time, severity int) []byte {
	line = append(line, '<')
	line = strconv.AppendInt(line, int64(s.Facility*8+severity), 10)
	line = append(line, '>')
	if s.Format == 3164 {
		// Local time and no host: the daemon knows both (RFC 3164 section 4.1).
		line = at.Local().AppendFormat(line, time.Stamp)
		line = append(line, ' ')
		line = append(line, s.Process...)
		line = append(line, '[')
		line = strconv.AppendInt(line, int64(os.Getpid()), 10)
		return append(line, "]: "...)
	}
	line = append(line, "1 "...)
	line = at.UTC().AppendFormat(line, "2006-01-02T15:04:05.000000Z07:00")
	line = append(line, ' ')
	host, err := os.Hostname()
	if err != nil || processName(host) == "" {
		host = "-"
	}
	line = append(line, host...)
	line = append(line, ' ')
	line = append(line, s.Process...)
	line = append(line, ' ')
	line = strconv.AppendInt(line, int64(os.Getpid()), 10)
	return append(line, " - - "...) // no kind of message, no structured data
}

// syslogHandler puts a head before each record that another handler has given
// its form.
type syslogHandler struct {
	syslog *Syslog
	out    io.Writer
	form   slog.Handler // writes to text

	mu   *sync.Mutex
	text *bytes.Buffer
}

func newSyslogHandler(out io.Writer, s Syslog, form func(io.Writer) slog.Handler) *syslogHandler {
	h := &syslogHandler{syslog: &s, out: out, mu: new(sync.Mutex), text: new(bytes.Buffer)}
	h.form = form(h.text)
	return h
}

// Enabled reports whether records of the level are written.
func (h *syslogHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.form.Enabled(ctx, level)
}

// Handle writes a record in one call.
func (h *syslogHandler) Handle(ctx context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text.Reset()
	if err := h.form.Handle(ctx, r); err != nil {
		return err
	}
	message := h.syslog.appendHead(nil, r.Time, severity(r.Level))
	_, err := h.out.Write(append(message, bytes.TrimRight(h.text.Bytes(), "\n")...))
	return err
}

// WithAttrs returns a handler that adds the attributes to every record.
func (h *syslogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.form = h.form.WithAttrs(attrs)
	return &with
}

// WithGroup returns a handler whose keys belong to the group.
func (h *syslogHandler) WithGroup(name string) slog.Handler {
	with := *h
	with.form = h.form.WithGroup(name)
	return &with
}

// lines returns a writer that makes each line a message of its own.
func (s *Syslog) lines(out io.Writer) io.Writer { return &syslogLines{s, out} }

type syslogLines struct {
	syslog *Syslog
	out    io.Writer
}

// Write writes whole lines, up to the first that cannot be written.
func (l *syslogLines) Write(p []byte) (n int, err error) {
	for line := range bytes.Lines(p) {
		message := l.syslog.appendHead(nil, time.Now(), severityInfo)
		if _, err := l.out.Write(append(message, bytes.TrimRight(line, "\n")...)); err != nil {
			return n, err
		}
		n += len(line)
	}
	return n, nil
}

// syslogConn is a connection to the system's log. It is made again when the
// daemon has been started anew.
type syslogConn struct {
	sockets []string
	conn    net.Conn
}

func (s *Syslog) dial() (*syslogConn, error) {
	c := &syslogConn{sockets: s.sockets}
	if c.sockets == nil {
		c.sockets = syslogSockets
	}
	if err := c.Reopen(); err != nil {
		return nil, err
	}
	return c, nil
}

// Reopen connects again; the old connection stays if that fails.
func (c *syslogConn) Reopen() error {
	var failed []error
	for _, path := range c.sockets {
		for _, network := range []string{"unixgram", "unix"} {
			conn, err := net.Dial(network, path)
			if err == nil {
				c.Close()
				c.conn = conn
				return nil
			}
			if !errors.Is(err, fs.ErrNotExist) {
				failed = append(failed, err)
			}
		}
	}
	if len(failed) == 0 {
		return fmt.Errorf("open syslog: there is none at %v; is a daemon such as rsyslog or journald running?", c.sockets)
	}
	return fmt.Errorf("open syslog: %w", errors.Join(failed...))
}

// syslogPatience is how long the daemon may take for a message.
const syslogPatience = 2 * time.Second

// Write sends a message.
func (c *syslogConn) Write(message []byte) (int, error) {
	size := len(message)
	if size > maxSyslogMessage {
		message = append(message[:maxSyslogMessage-3:maxSyslogMessage-3], "..."...)
	}
	err := c.send(message)
	if err != nil && c.Reopen() == nil {
		err = c.send(message)
	}
	if err != nil {
		return 0, err
	}
	return size, nil
}

func (c *syslogConn) send(message []byte) error {
	c.conn.SetWriteDeadline(time.Now().Add(syslogPatience))
	if c.conn.LocalAddr().Network() == "unix" {
		message = append(message[:len(message):len(message)], 0) // ends a message in a stream
	}
	_, err := c.conn.Write(message)
	return err
}

// Close ends the connection.
func (c *syslogConn) Close() error {
	if c.conn == nil {
		return nil
	}
	return c.conn.Close()
}

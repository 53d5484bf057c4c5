package telemetry

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
)

// lineHandler writes records for people: time, level, message, and then what
// else there is as key=value.
type lineHandler struct {
	out    io.Writer
	level  slog.Leveler
	prefix string // of keys, from groups
	attrs  []byte // already written
	bare   bool   // time and level are somebody else's
}

// Enabled reports whether records of the level are written.
func (h *lineHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

// Handle writes a record in one call.
func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	line := make([]byte, 0, 256)
	if !h.bare {
		line = appendHead(line, r)
	}
	line = appendClean(line, r.Message)
	line = append(line, h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		line = appendAttr(line, h.prefix, a)
		return true
	})
	line = append(line, '\n')
	_, err := h.out.Write(line)
	return err
}

// appendHead adds time and level.
func appendHead(line []byte, r slog.Record) []byte {
	line = r.Time.AppendFormat(line, "2006-01-02T15:04:05.000Z07:00")
	line = append(line, ' ')
	line = append(line, r.Level.String()...)
	for n := len(r.Level.String()); n < len("ERROR"); n++ {
		line = append(line, ' ')
	}
	return append(line, ' ')
}

// WithAttrs returns a handler that adds the attributes to every record.
func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = append([]byte(nil), h.attrs...)
	for _, a := range attrs {
		with.attrs = appendAttr(with.attrs, h.prefix, a)
	}
	return &with
}

// WithGroup returns a handler whose keys begin with the name.
func (h *lineHandler) WithGroup(name string) slog.Handler {
	with := *h
	with.prefix += name + "."
	return &with
}

// appendAttr adds an attribute. Empty ones are left out; a stack and a diff are
// written below the line, where they can be read.
func appendAttr(line []byte, prefix string, a slog.Attr) []byte {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		for _, member := range value.Group() {
			line = appendAttr(line, prefix+a.Key+".", member)
		}
		return line
	}
	text := value.String()
	if text == "" {
		return line
	}
	if a.Key == "stack" || a.Key == "diff" {
		return append(append(line, '\n'), strings.TrimRight(text, "\n")...)
	}
	line = append(line, ' ')
	line = append(line, prefix...)
	line = append(line, a.Key...)
	line = append(line, '=')
	if strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r == '"' || r == '=' || r == 0x7f || r >= 0x80 && !strconv.IsPrint(r)
	}) {
		return strconv.AppendQuote(line, text)
	}
	return append(line, text...)
}

// appendClean adds text that may hold what a client sent: nothing in it may end
// the line.
func appendClean(line []byte, text string) []byte {
	for _, r := range text {
		if r < ' ' || r == 0x7f || r >= 0x80 && !strconv.IsPrint(r) {
			quoted := strconv.QuoteRune(r)
			line = append(line, quoted[1:len(quoted)-1]...)
			continue
		}
		line = append(line, string(r)...)
	}
	return line
}

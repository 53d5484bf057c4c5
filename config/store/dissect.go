package store

import (
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// fragment is a part of a TOML text that belongs to one item: a header, what
// stands below it, and the comments right above it.
type fragment struct {
	id
	start, end int  // of the text, in bytes; whole lines
	lead       int  // where the lines begin that stand loosely before it
	loose      bool // without a header of its own, as in: basic.name = "x"
	line       int  // of its first key
}

// id names an item: a section of the configuration. The name of "basic" is "".
type id struct{ category, name string }

// String returns the header of the item, without its brackets.
func (i id) String() string {
	if i.name == "" {
		return i.category
	}
	return i.category + "." + i.name
}

// dissect finds the items of a TOML text in it. Up to an error of syntax, it
// returns what it has found.
func dissect(text string) ([]fragment, error) {
	d := dissection{text: text}
	d.parser.KeepComments = true
	offset := 0
	if strings.HasPrefix(text, byteOrderMark) {
		offset = len(byteOrderMark)
	}
	d.offset, d.last = offset, offset
	d.parser.Reset([]byte(text[offset:]))
	for d.parser.NextExpression() {
		d.expression(d.parser.Expression())
	}
	if len(d.fragments) > 0 {
		d.closeAt(len(text))
	}
	return d.fragments, d.parser.Error()
}

// byteOrderMark is what some editors put before a text.
const byteOrderMark = "\uFEFF"

// dissection is the state of dissect.
type dissection struct {
	text      string
	offset    int // of what the parser sees
	parser    unstable.Parser
	fragments []fragment

	header   []string // the one that keys stand below
	last     int      // end of the last line that is no comment of its own
	comments []int    // starts of the lines since then that are
}

func (d *dissection) expression(e *unstable.Node) {
	if e.Kind == unstable.Comment {
		d.comments = append(d.comments, d.lineStart(d.offset+int(e.Raw.Offset)))
		return
	}
	var keys []string
	end, first := 0, -1
	for it := e.Key(); it.Next(); {
		key := it.Node()
		keys = append(keys, string(key.Data))
		if first < 0 {
			first = d.offset + int(key.Raw.Offset)
		}
		end = d.offset + int(key.Raw.Offset+key.Raw.Length)
	}
	if e.Kind == unstable.KeyValue {
		end = d.offset + int(e.Raw.Offset+e.Raw.Length)
		d.keyValue(keys, first)
	} else {
		d.header = keys
		d.begin(keys, first, false)
	}
	d.last, d.comments = d.lineEnd(end), d.comments[:0]
}

// keyValue looks whether a key stands below the header of its item.
func (d *dissection) keyValue(keys []string, at int) {
	if path := append(d.header[:len(d.header):len(d.header)], keys...); len(d.header) < 2 && idOf(path) != idOf(d.header) {
		d.begin(path, at, true)
	}
}

// idOf returns the item that a header or a key is of.
func idOf(path []string) id {
	switch {
	case len(path) == 0:
		return id{}
	case len(path) == 1 || path[0] == basic:
		return id{category: path[0]}
	}
	return id{path[0], path[1]}
}

// begin ends the fragment that came before and begins another, unless a header
// goes on with the same item.
func (d *dissection) begin(path []string, at int, loose bool) {
	item, start, lead := idOf(path), d.attached(d.lineStart(at)), 0
	if last := len(d.fragments) - 1; last >= 0 {
		if f := d.fragments[last]; f.id == item && !f.loose && !loose {
			return
		}
		lead = d.closeAt(start)
	}
	d.fragments = append(d.fragments, fragment{id: item, start: start, lead: lead, loose: loose, line: 1 + strings.Count(d.text[:at], "\n")})
}

// attached returns where the comments begin that stand right above a line.
func (d *dissection) attached(start int) int {
	for i := len(d.comments) - 1; i >= 0 && d.lineEnd(d.comments[i]) == start; i-- {
		start = d.comments[i]
	}
	return start
}

// closeAt ends the last fragment before a place: behind its last key, and the
// comments that follow without an empty line.
func (d *dissection) closeAt(place int) int {
	end := d.last
	for _, c := range d.comments {
		if c != end || c >= place {
			break
		}
		end = d.lineEnd(c)
	}
	d.fragments[len(d.fragments)-1].end = min(end, place)
	return min(end, place)
}

func (d *dissection) lineStart(at int) int {
	return max(strings.LastIndexByte(d.text[:at], '\n')+1, d.offset)
}

// lineEnd returns where the line after the one of a place begins.
func (d *dissection) lineEnd(at int) int {
	if i := strings.IndexByte(d.text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(d.text)
}

// withNewline returns a text that ends with a line.
func withNewline(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}

// splice returns a text with some of its items replaced or, by "", left out.
// Whatever else the text holds stays as it was.
func splice(text string, fragments []fragment, will map[id]string) string {
	var b strings.Builder
	at, put := 0, map[id]bool{}
	for _, f := range fragments {
		is, ok := will[f.id]
		if !ok {
			continue
		}
		b.WriteString(text[at:f.start])
		at = f.end
		if is != "" && !put[f.id] {
			b.WriteString(is)
			put[f.id] = true
		} else {
			at = skipEmptyLines(text, at)
		}
	}
	b.WriteString(text[at:])
	return b.String()
}

// skipEmptyLines returns the place behind the empty lines that begin at one.
func skipEmptyLines(text string, at int) int {
	for {
		line := text[at:]
		end := strings.IndexByte(line, '\n')
		if end < 0 || strings.TrimSpace(line[:end]) != "" {
			return at
		}
		at += end + 1
	}
}

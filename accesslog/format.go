// Package accesslog writes a line for each exchange. A Format is compiled once
// from what the user wrote into a list of small operations, which format a line
// without allocating. A Log takes the lines of all loops to a file, off the hot
// path: when the disk stalls it drops lines, counts them and says so, and never
// holds up an exchange.
//
// Every value that a client can choose is escaped, so that no header forges a
// line or a field of one.
package accesslog

import (
	"fmt"
	"os"
	"sort"
	"strings"

	"pingap/config"
	"pingap/message"
)

// formats are the predefined ones; docs/access-log.md lists them.
var formats = map[string]string{
	"tiny":     `{method} {uri} {status} {size_human} - {latency}ms`,
	"short":    `{remote} {method} {uri} {proto} {status} {size_human} - {latency}ms`,
	"common":   `{remote} "{method} {uri} {proto}" {status} {size_human}`,
	"combined": `{remote} "{method} {uri} {proto}" {status} {size_human} "{referer}" "{user_agent}"`,
}

// appender adds a value to a line.
type appender func(dst []byte, x *message.Exchange) []byte

// operation is a piece of a format: literal text, or a value.
type operation struct {
	literal string
	value   appender
}

// Format is a compiled line format.
type Format struct {
	operations []operation
}

// Compile reads a format: the name of a predefined one, or a template with tags
// in braces. Braces around anything that could not be a tag are text, so that a
// template can be JSON. An unknown tag is an error that names the nearest one,
// and so is one that is empty, holds blanks or is not closed.
func Compile(template string) (*Format, error) {
	if predefined, ok := formats[template]; ok {
		template = predefined
	}
	f := &Format{}
	text := 0
	for i := 0; i < len(template); i++ {
		end := tagEnd(template, i)
		if end < 0 {
			if err := notTag(template, i); err != nil {
				return nil, err
			}
			continue
		}
		value, err := tag(template[i+1 : end])
		if err != nil {
			return nil, err
		}
		f.literal(template[text:i])
		f.operations = append(f.operations, operation{value: value})
		i, text = end, end+1
	}
	f.literal(template[text:])
	return f, nil
}

func (f *Format) literal(text string) {
	if text != "" {
		f.operations = append(f.operations, operation{literal: text})
	}
}

// tagEnd returns where the tag that begins at i ends, or -1 if none does.
func tagEnd(template string, i int) int {
	if template[i] != '{' {
		return -1
	}
	for j := i + 1; j < len(template); j++ {
		switch c := template[j]; {
		case c == '}' && j > i+1:
			return j
		case !inTag(c):
			return -1
		}
	}
	return -1
}

// notTag returns an error for a brace that begins no tag, but was meant to.
func notTag(template string, i int) error {
	if template[i] != '{' {
		return nil
	}
	inside := strings.TrimLeft(template[i+1:], " ")
	if strings.HasPrefix(inside, "}") {
		if isValue(template[:i]) {
			return nil
		}
		return fmt.Errorf("%q is an empty tag; write a name into it, such as {status}", template[i:len(template)-len(inside)+1])
	}
	length := strings.IndexFunc(inside, func(r rune) bool { return r >= 0x80 || !inTag(byte(r)) })
	if length < 0 {
		length = len(inside)
	}
	name, rest := inside[:length], strings.TrimLeft(inside[length:], " ")
	if _, err := tag(name); name == "" || err != nil && rest != "" {
		return nil // what a JSON object begins with
	}
	if strings.HasPrefix(rest, "}") {
		return fmt.Errorf("the tag {%s} holds blanks; write {%s}", template[i+1:len(template)-len(rest)], name)
	}
	return fmt.Errorf("the tag {%s is not closed; write {%s}", name, name)
}

// isValue reports whether what follows a text would be a value of JSON, as an
// empty object may be.
func isValue(before string) bool {
	before = strings.TrimRight(before, " ")
	return before != "" && strings.IndexByte(":,[", before[len(before)-1]) >= 0
}

// inTag reports whether a tag may hold c.
func inTag(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("_<>~:$.-", c) >= 0
}

// tag finds the value that a tag stands for.
func tag(name string) (appender, error) {
	if len(name) > 1 {
		rest := name[1:]
		switch name[0] {
		case '~':
			return cookie(rest), nil
		case '>':
			return requestField(rest), nil
		case '<':
			return responseField(rest), nil
		case '$':
			return constant(environment(rest)), nil
		case ':':
			return lookUp(contextTags, "context value", rest)
		}
	}
	return lookUp(tags, "tag", name)
}

func lookUp(known map[string]described, what, name string) (appender, error) {
	if found, ok := known[name]; ok {
		return found.value, nil
	}
	var names []string
	for k := range known {
		names = append(names, k)
	}
	sort.Strings(names)
	hint := config.Suggest(name, names)
	if hint == "" {
		hint = "there are " + strings.Join(names, ", ")
	}
	return nil, fmt.Errorf("unknown %s %q; %s", what, name, hint)
}

// environment returns an environment variable as it is now; $hostname is the
// machine's name.
func environment(name string) string {
	if v, ok := os.LookupEnv(name); ok || name != "hostname" {
		return v
	}
	host, _ := os.Hostname()
	return host
}

// Append adds the line for x to dst, without a line end. It does not allocate
// once dst is large enough.
func (f *Format) Append(dst []byte, x *message.Exchange) []byte {
	for i := range f.operations {
		if o := &f.operations[i]; o.value != nil {
			dst = o.value(dst, x)
		} else {
			dst = append(dst, o.literal...)
		}
	}
	return dst
}

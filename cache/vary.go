package cache

import (
	"slices"
	"strings"

	"pingap/message"
)

// maxVary bounds how many fields an answer can vary on and still be stored.
const maxVary = 16

// VaryOf returns the names of the request's fields on which the choice of the
// answer depended, sorted, in lower case, each once; false if they are too many.
func VaryOf(h *message.Header) ([]string, bool) {
	var names []string
	for _, f := range h.Fields() {
		if !message.EqualFold(f.Name, "Vary") {
			continue
		}
		for name := range strings.SplitSeq(f.Value, ",") {
			if name = message.TrimBlanks(name); name != "" {
				names = append(names, strings.ToLower(name))
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return names, len(names) <= maxVary
}

// AppendVariant appends to a key what tells the entry for a request from others
// behind e (RFC 9111 section 4.1). A field that is not there differs from an empty
// one.
func (e *Entry) AppendVariant(key []byte, q *message.Request) []byte {
	key = append(key, 0)
	for shift := 0; shift < 64; shift += 8 {
		key = append(key, byte(e.Generation>>shift))
	}
	for _, name := range e.Vary {
		key = append(key, 0)
		key = AppendField(key, q, name)
	}
	return key
}

// AppendField appends what a request says in the fields of that name. Values hold
// no zero bytes and no newlines, so that these can tell them apart.
func AppendField(key []byte, q *message.Request, name string) []byte {
	if message.EqualFold(name, "Host") {
		return append(append(key, '\n'), q.Host...)
	}
	for _, f := range q.Header.Fields() {
		if message.EqualFold(f.Name, name) {
			key = append(append(key, '\n'), f.Value...)
		}
	}
	return key
}

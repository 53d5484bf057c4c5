package config

import (
	"fmt"
	"slices"
	"strings"
)

// Header is a header field, written "Name: value". The value may hold
// variables.
type Header struct{ Name, Value string }

const headerHint = `write it as "Name: value"`

// UnmarshalText reads a field: the first colon ends the name, and blanks around
// both parts do not count.
func (h *Header) UnmarshalText(text []byte) error {
	name, value, ok := strings.Cut(string(text), ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch {
	case !ok:
		return &ValueError{Message: fmt.Sprintf("the header %q has no colon", text), Hint: headerHint}
	case name == "":
		return &ValueError{Message: fmt.Sprintf("the header %q has no name", text), Hint: headerHint}
	case !isToken(name):
		return &ValueError{Message: fmt.Sprintf("the header name %q is invalid", name), Hint: tokenHint}
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return &ValueError{Message: fmt.Sprintf("the value %q of header %s holds a control character", value, name), Hint: "a value is one line of text"}
		}
	}
	h.Name, h.Value = name, value
	if slices.ContainsFunc(ownHeaders, func(own string) bool { return strings.EqualFold(name, own) }) {
		return &ValueError{Message: fmt.Sprintf("the header %s has no effect", name), Hint: "the proxy writes it as the connection needs it", Warning: true}
	}
	return nil
}

// FieldName is the name of a header field.
type FieldName string

// UnmarshalText checks a name. An empty one is as if it were absent.
func (n *FieldName) UnmarshalText(text []byte) error {
	if len(text) > 0 && !isToken(string(text)) {
		return &ValueError{Message: fmt.Sprintf("the header name %q is invalid", text), Hint: tokenHint}
	}
	*n = FieldName(text)
	return nil
}

const tokenHint = "names are made of letters, digits and !#$%&'*+-.^_`|~"

// ownHeaders are those that concern one connection alone, or the framing of
// one message (RFC 9110 section 7.6.1, RFC 9112 section 6).
var ownHeaders = []string{"Connection", "Content-Length", "HTTP2-Settings", "Keep-Alive", "Proxy-Connection", "TE", "Transfer-Encoding", "Upgrade"}

// isToken reports whether s is a token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

package config

import (
	"errors"
	"fmt"
	"strings"
)

// Hosts are the items of a location's host, each an exact name,
// *.example.com (any depth of subdomain, not the name itself) or ~regexp.
type Hosts []string

// UnmarshalText splits the list at its commas, except for those within the
// brackets of a regular expression, such as ~^a{2,3}$.
func (h *Hosts) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	var errs []error
	for _, item := range splitHosts(string(text)) {
		item = strings.TrimSpace(item)
		*h, errs = append(*h, item), append(errs, checkHost(item))
	}
	return errors.Join(errs...)
}

// splitHosts splits at commas. One in the brackets of a regular expression is
// none: a host never holds a comma, so one outside of them ends the expression.
func splitHosts(text string) []string {
	var items []string
	for {
		end := len(text)
		if strings.HasPrefix(strings.TrimSpace(text), "~") {
			end = regexpEnd(text)
		} else if i := strings.IndexByte(text, ','); i >= 0 {
			end = i
		}
		items = append(items, text[:end])
		if end == len(text) {
			return items
		}
		text = text[end+1:]
	}
}

// regexpEnd returns where the first comma is that is outside of all brackets.
func regexpEnd(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '[':
			i = classEnd(text, i)
		case '(', '{':
			depth++
		case ')', '}':
			depth--
		case ',':
			if depth <= 0 {
				return i
			}
		}
	}
	return len(text)
}

// checkHost says what is wrong with an item.
func checkHost(item string) error {
	if expression, ok := strings.CutPrefix(item, "~"); ok {
		_, err := compileRegexp(strings.TrimSpace(expression))
		if e, ok := errors.AsType[*ValueError](err); ok {
			e.Message = fmt.Sprintf("%q is %s", item, e.Message)
		}
		return err
	}
	if item == "" {
		return &ValueError{Message: "a host is empty", Hint: "leave the key out for any host"}
	}
	wrong := func(message, hint string) error {
		return &ValueError{Message: fmt.Sprintf(message, item), Hint: hint}
	}
	name := strings.TrimPrefix(item, "*.")
	switch {
	case isIP(withoutBrackets(name)):
		return nil
	case item == "*":
		return wrong("%q is no host", "leave the key out for any host")
	case strings.Contains(name, "*"):
		return wrong("invalid host wildcard pattern: %q", `only "*." at the front is allowed, such as *.example.com`)
	case strings.Contains(name, "/"):
		return wrong("%q holds a slash", "a host is a name alone, such as example.com; a path goes into the key path")
	case strings.Contains(name, ":"):
		return wrong("%q has a port", "write the name alone: the port of a request does not matter")
	case strings.ContainsFunc(name, func(r rune) bool { return r > 0x7f }):
		return wrong("%q is not in ASCII", "clients send the encoded form of such names, which begins with xn--")
	case !isHostName(name):
		return wrong("%q is no host name", "write names separated by commas, such as example.com, *.example.com or ~regexp")
	}
	return nil
}

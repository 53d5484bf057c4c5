package plugin

import (
	"cmp"

	"pingap/config"
	"pingap/message"
)

// Restriction refuses exchanges by whether they are on a list: those that are
// not, or with Deny those that are.
type Restriction struct {
	deny    bool
	refusal Content
}

// NewRestriction makes one of the keys type ("allow" or "deny") and message of a
// plugin; the message goes to who is refused, "" for a general one.
func NewRestriction(kind, text string) Restriction {
	return Restriction{deny: kind == "deny", refusal: Content{
		Header: []message.Field{{Name: "Content-Type", Value: "text/plain; charset=utf-8"}},
		Data:   []byte(cmp.Or(text, "Request is forbidden")),
	}}
}

// CheckList warns of a list without entries, which hardly is what was meant.
func (r *Restriction) CheckList(table *config.Table, key string, entries int) config.Problems {
	switch {
	case entries > 0 || table.Has(key) && table.Text(key) != "":
		return nil
	case r.deny:
		return config.Problems{table.Warning(key, "has no entries, so nobody is refused", "")}
	}
	return config.Problems{table.Warning(key, "has no entries, so everybody is refused", "list who may pass")}
}

// Wrap passes on to next what may pass. listed tells of an exchange whether it
// is on the list.
func (r *Restriction) Wrap(next message.Handler, listed func(*message.Exchange) bool) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		if listed(x) == r.deny {
			Answer(x, 403, &r.refusal)
			return nil
		}
		return next.Serve(x)
	})
}

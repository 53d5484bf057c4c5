package proxy

import (
	"slices"
	"strings"

	"pingap/message"
)

// headerChanges are fields to set and to add.
type headerChanges struct {
	set, add []headerField
}

type headerField struct {
	name  string
	value value
}

func (c *headerChanges) empty() bool { return len(c.set)+len(c.add) == 0 }

// onPages returns the changes that error pages get as well: all but those of
// fields that tell of the content that the location has, or of how long it may be
// kept. A page is none of it, and is to be forgotten with the failure.
func (c *headerChanges) onPages() headerChanges {
	ofContent := func(f headerField) bool {
		return slices.ContainsFunc(contentFields, func(name string) bool { return message.EqualFold(name, f.name) })
	}
	return headerChanges{
		set: slices.DeleteFunc(slices.Clone(c.set), ofContent),
		add: slices.DeleteFunc(slices.Clone(c.add), ofContent),
	}
}

// contentFields are the fields of onPages: those of RFC 9110 section 8, of RFC 9111
// section 5, and their like.
var contentFields = strings.Fields(`
	Accept-Ranges Age Cache-Control CDN-Cache-Control Content-Digest
	Content-Disposition Content-Encoding Content-Language Content-Location
	Content-Range Content-Type ETag Expires Last-Modified Pragma
	Surrogate-Control`)

// fewFields is how many values need no memory of their own.
const fewFields = 32

// apply sets the fields, then adds the others. One whose value is empty is left out, or
// taken away, as nginx does. All values are taken before the first field is changed, so
// that the order of the lists does not matter to variables that read fields.
func (c *headerChanges) apply(x *message.Exchange, h *message.Header) {
	var few [fewFields]string
	values := few[:0]
	for i := range c.set {
		values = append(values, c.set[i].value.of(x))
	}
	for i := range c.add {
		values = append(values, c.add[i].value.of(x))
	}
	for i := range c.set {
		if f := &c.set[i]; f.stays(values[i]) {
			h.Set(f.name, values[i])
		} else {
			h.Del(f.name)
		}
	}
	for i := range c.add {
		if f, v := &c.add[i], values[len(c.set)+i]; f.stays(v) {
			h.Add(f.name, v)
		}
	}
}

// stays reports whether there is such a field with that value, which is not known yet
// where it tells of the connection to the upstream.
func (f *headerField) stays(value string) bool { return value != "" || f.value.late }

// requestChanges are those of a request on its way to the upstream. The host is
// a field like any other to the user, and part of the request's target to the
// wire.
type requestChanges struct {
	headerChanges
	host  *value                         // nil: it stays
	late  bool                           // whether a value tells of the connection to the upstream
	alias func(field message.Field) bool // see poses; bound once, so that it does not allocate
}

func newRequestChanges(set, add []headerField) requestChanges {
	c := requestChanges{headerChanges: headerChanges{add: add}}
	for i := range set {
		if message.EqualFold(set[i].name, "Host") {
			c.host = &set[i].value
		} else {
			c.set = append(c.set, set[i])
		}
		c.late = c.late || set[i].value.late
	}
	c.alias = c.poses
	c.late = c.late || slices.ContainsFunc(add, func(f headerField) bool { return f.value.late })
	return c
}

func (c *requestChanges) empty() bool { return c.headerChanges.empty() && c.host == nil }

// apply changes the request.
func (c *requestChanges) apply(x *message.Exchange) {
	host := x.Request.Host
	if c.host != nil {
		host = c.host.of(x)
	}
	c.headerChanges.apply(x, &x.Request.Header)
	x.Request.Header.DelFunc(c.alias)
	x.Request.Host = host
}

// poses reports whether a field of the client could be taken for one that the
// location sets: to upstreams that know fields as variables, as those of CGI do,
// X_Forwarded_For is the same as X-Forwarded-For (RFC 3875 section 4.1.18).
func (c *requestChanges) poses(field message.Field) bool {
	if strings.IndexByte(field.Name, '_') < 0 {
		return false
	}
	for i := range c.set {
		if name := c.set[i].name; !message.EqualFold(name, field.Name) && message.SameVariable(name, field.Name) {
			return true
		}
	}
	return false
}

// connected gives the values that tell of the connection to the upstream to
// fields that have been put in place before there was one.
func (c *requestChanges) connected(x *message.Exchange) {
	if c.host != nil && c.host.late {
		x.Request.Host = c.host.of(x)
	}
	fields := x.Request.Header.Fields()
	for i := range c.set {
		if f := &c.set[i]; f.value.late {
			if at := slices.IndexFunc(fields, f.is); at >= 0 {
				fields[at].Value = f.value.of(x)
			}
		}
	}
	// Those that were added are the last of their names, in their order.
	for i, end := len(c.add)-1, len(fields); i >= 0; i-- {
		f := &c.add[i]
		if !f.value.late && f.value.of(x) == "" {
			continue // left out
		}
		for at := end - 1; at >= 0; at-- {
			if f.is(fields[at]) {
				if end = at; f.value.late {
					fields[at].Value = f.value.of(x)
				}
				break
			}
		}
	}
}

func (f *headerField) is(other message.Field) bool { return message.EqualFold(f.name, other.Name) }

// changeRequest changes the request for next alone: the log tells what the client
// has sent.
type changeRequest struct {
	changes *requestChanges
	next    message.Handler
}

func (h changeRequest) Serve(x *message.Exchange) error {
	host := x.Request.Host
	x.SetFieldsAside()
	h.changes.apply(x)
	err := h.next.Serve(x)
	x.RestoreFields()
	x.Request.Host = host
	return err
}

// changeResponse changes the response's fields after next.
type changeResponse struct {
	changes headerChanges
	next    message.Handler
}

func (h changeResponse) Serve(x *message.Exchange) error {
	if err := h.next.Serve(x); err != nil {
		return err
	}
	h.changes.apply(x, &x.Response.Header)
	return nil
}

// Package requestid is the plugin that gives each request an id, or keeps the
// one that it has come with. The upstream, the client and the access log are told
// of it.
package requestid

import (
	"cmp"
	"math/rand/v2"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a request_id plugin.
type settings struct {
	// Algorithm makes the ids: UUIDs of version 7, which sort by time, or random
	// letters and digits.
	Algorithm string `config:"algorithm" default:"uuid" enum:"uuid,nanoid"`
	// Size is how many characters a nanoid has.
	Size int `config:"size" default:"8" min:"1" max:"128"`
	// HeaderName is the field of the request that holds its id.
	HeaderName config.FieldName `config:"header_name" default:"X-Request-Id"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category:  "request_id",
		Steps:     []plugin.Step{plugin.Request, plugin.ProxyUpstream},
		New:       build,
		ReadyMade: map[string]string{"pingap:requestId": `algorithm = "uuid"`},
	})
}

func build(table *config.Table, _ *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	r := &requestID{field: cmp.Or(string(s.HeaderName), responseField), size: uuidSize, appendID: appendUUID}
	if s.Algorithm == "nanoid" {
		r.size, r.appendID = s.Size, appendNanoID
	}
	return r, problems
}

// responseField is where the client finds the id, whatever field of the request
// holds it.
const responseField = "X-Request-Id"

// maxGiven bounds an id that a request has come with, in bytes: it goes to logs
// and to the upstream.
const maxGiven = 128

type requestID struct {
	field    string
	size     int // of an id
	appendID func(dst []byte, size int, x *message.Exchange) []byte
}

// Wrap gives the request its id, and tells the client. An answer that stands for
// an error is made further out, which knows of the id by the exchange.
func (r *requestID) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		id := x.Request.Field(r.field)
		if !acceptable(id) {
			id = message.View(r.appendID(x.Buffer(r.size), r.size, x))
			x.Request.Header.Set(r.field, id)
		}
		x.RequestID = id
		err := next.Serve(x)
		if err == nil {
			x.Response.Header.Set(responseField, id)
		}
		return err
	})
}

// acceptable reports whether an id that somebody else has given is kept. What is
// no short visible text is no id, and is replaced.
func acceptable(id string) bool {
	if id == "" || len(id) > maxGiven {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] >= 0x7f {
			return false
		}
	}
	return true
}

// uuidSize is the length of a UUID as text.
const uuidSize = 36

// appendUUID appends a UUID of version 7 (RFC 9562 section 5.7): 48 bits of
// milliseconds, and random ones.
func appendUUID(dst []byte, _ int, x *message.Exchange) []byte {
	ms := uint64(x.Loop.WallTime(x.Loop.Now()).UnixMilli())
	high := ms<<16 | 7<<12 | rand.Uint64()>>52
	low := 2<<62 | rand.Uint64()>>2
	for _, part := range [...]struct {
		value  uint64
		digits int
	}{{high >> 32, 8}, {high >> 16, 4}, {high, 4}, {low >> 48, 4}, {low, 12}} {
		if part.digits != 8 {
			dst = append(dst, '-')
		}
		for shift := 4 * (part.digits - 1); shift >= 0; shift -= 4 {
			dst = append(dst, "0123456789abcdef"[part.value>>shift&15])
		}
	}
	return dst
}

// appendNanoID appends characters that need no escaping anywhere, six random bits
// each.
func appendNanoID(dst []byte, size int, _ *message.Exchange) []byte {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-"
	const perWord = 10
	for i, bits := 0, uint64(0); i < size; i++ {
		if i%perWord == 0 {
			bits = rand.Uint64()
		}
		dst = append(dst, alphabet[bits&63])
		bits >>= 6
	}
	return dst
}

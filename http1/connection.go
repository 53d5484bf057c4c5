package http1

import (
	"strings"

	"pingap/message"
)

// Fields that concern one connection are not passed on (RFC 9110 section
// 7.6.1). A message keeps them in its Header, so that logs and conditions see
// what was sent, and every writer leaves out those for which ConnectionSpecific
// is true. The ones that Connection names besides are removed when the head is
// parsed, before anyone has looked at them: so nobody acts upon a field that
// the next one does not see.

// ConnectionSpecific reports whether a field of this name concerns one
// connection alone, whatever Connection says.
func ConnectionSpecific(name string) bool { return kindOf(name).connectionSpecific() }

func (k kind) connectionSpecific() bool {
	switch k {
	case connectionField, keepAliveField, proxyConnectionField, codingField, upgradeField, teField, settingsField:
		return true
	}
	return false
}

// removeNominated removes the fields that Connection names, unless everyone on
// the way needs them: a client must not be able to make what is behind us
// forget who it is or how its message is framed. The names that stand for
// something else in Connection (close, keep-alive) name no field that matters.
func removeNominated(h *message.Header) {
	h.DelFunc(func(f message.Field) bool {
		return h.HasToken("Connection", f.Name) && !endToEnd(f.Name)
	})
}

// endToEnd reports whether a field is for all recipients, so that naming it in
// Connection means nothing: what frames and routes the message, what describes
// its content, who sent it, and what proxies before us have said.
func endToEnd(name string) bool {
	if kindOf(name) != ordinary {
		return true // the codec's; writers leave out what is for one connection
	}
	for _, prefix := range [...]string{"x-forwarded-", "content-", "if-", "accept", "proxy-auth", "sec-", "access-control-"} {
		if len(name) >= len(prefix) && message.EqualFold(name[:len(prefix)], prefix) {
			return true
		}
	}
	for _, known := range protectedNames {
		if message.EqualFold(name, known) {
			return true
		}
	}
	return false
}

var protectedNames = strings.Fields(`
	authorization cache-control cookie date etag expires forwarded last-modified
	location max-forwards origin pragma range referer server set-cookie
	user-agent vary via www-authenticate x-real-ip x-request-id traceparent
	tracestate`)

// Package grpc is what a proxy does for gRPC calls besides carrying them: it
// answers with statuses of gRPC in place of pages, ends calls whose deadline has
// passed, and translates the calls of browsers, which speak gRPC-Web.
//
// To the proxy a call is an exchange like any other. Its messages are content, each
// behind five bytes that tell its length, and its status stands in the
// trailers; or, when there are no messages, in the header ("Trailers-Only").
package grpc

import (
	"strconv"

	"pingap/message"
)

// Fields of a response that hold the status of a call.
const (
	statusField  = "Grpc-Status"
	messageField = "Grpc-Message"
	detailsField = "Grpc-Status-Details-Bin"
)

// IsCall reports whether r is a call of gRPC or gRPC-Web, so that its client
// looks for a status of gRPC in the answer.
func IsCall(r *message.Request) bool {
	t := parseType(r.Header.Get("Content-Type"))
	return t.dialect != none
}

// Answer fills x.Response, which is empty, with the end of a call that has no
// messages. text is for people.
func Answer(x *message.Exchange, code Code, text string) {
	x.Response.Status = 200
	x.Response.Header.Add("Content-Type", "application/grpc")
	addStatus(&x.Response.Header, code, text)
	if t := answerType(&x.Request); t.dialect.isWeb() {
		web := &translation{x: x}
		x.OnEnd(web.end)
		web.translateResponse(t)
	}
}

// addStatus adds the fields of a call's status.
func addStatus(h *message.Header, code Code, text string) {
	h.Add(statusField, strconv.Itoa(int(code)))
	h.Add(messageField, escape(text))
}

package grpc

import (
	"strings"

	"pingap/message"
)

// dialect is one of the ways in which calls travel.
type dialect uint8

const (
	none    dialect = iota // no call at all
	native                 // gRPC over HTTP/2
	web                    // gRPC-Web
	webText                // gRPC-Web with its content in base64
)

func (d dialect) isWeb() bool { return d >= web }

// base is the content type of each dialect, without the suffix that names the
// format of the messages.
var base = [...]string{
	native:  "application/grpc",
	web:     "application/grpc-web",
	webText: "application/grpc-web-text",
}

// contentType is the type of a call's content.
type contentType struct {
	dialect dialect
	suffix  string // such as +proto; may be empty
}

// parseType reads a content type; parameters do not count.
func parseType(s string) contentType {
	s, _, _ = strings.Cut(s, ";")
	s = message.TrimBlanks(s)
	end := strings.IndexByte(s, '+')
	if end < 0 {
		end = len(s)
	}
	for d := native; d <= webText; d++ {
		if message.EqualFold(s[:end], base[d]) {
			return contentType{d, s[end:]}
		}
	}
	return contentType{}
}

// answerType returns the type in which the client of a call wants its answer:
// the first one of a call that it accepts, otherwise that of its request.
func answerType(r *message.Request) contentType {
	own := parseType(r.Header.Get("Content-Type"))
	if own.dialect.isWeb() {
		for element := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
			if t := parseType(element); t.dialect.isWeb() {
				return t
			}
		}
	}
	return own
}

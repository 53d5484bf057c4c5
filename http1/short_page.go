package http1

import (
	"fmt"

	"pingap/message"
)

// shortPage answers where no one has said how refusals look.
func shortPage(x *message.Exchange, why *Error) {
	title := fmt.Sprintf("%d %s", why.Status, reason(why.Status))
	page := "<!doctype html><title>" + title + "</title><h1>" + title + "</h1><p>" + why.Reason + ".\n"
	x.Response.Header.Add("Content-Type", "text/html; charset=utf-8")
	x.Response.Length = int64(len(page))
	x.Response.Body = &message.BytesBody{Data: []byte(page)}
}

package message

import (
	"strconv"
)

// ShortPage answers where no one has said how refusals look.
func ShortPage(x *Exchange, why *Refusal) {
	status := strconv.Itoa(why.Status)
	phrase := Reason(why.Status)
	const longest = 200
	page := x.Buffer(longest + 2*len(phrase) + len(why.Reason))
	page = append(page, "<!doctype html><title>"...)
	page = append(page, status...)
	page = append(page, ' ')
	page = append(page, phrase...)
	page = append(page, "</title><h1>"...)
	page = append(page, phrase...)
	page = append(page, "</h1><p>"...)
	page = append(page, why.Reason...)
	page = append(page, ".\n"...)
	x.Response.Header.Add("Content-Type", "text/html; charset=utf-8")
	x.Response.Length = int64(len(page))
	x.Response.Body = x.BytesBody(page)
}

// Replace puts a short page that says why in the place of the response that x
// has, and closes that.
func (x *Exchange) Replace(why *Refusal) {
	x.Response.Close()
	x.Response.Reset()
	x.Response.Status = why.Status
	ShortPage(x, why)
}

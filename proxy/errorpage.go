package proxy

import (
	"encoding/json"
	"html"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"time"

	"pingap/message"
	"pingap/proxy/grpc"
)

// defaultErrorTemplate is the page for errors made by the proxy.
const defaultErrorTemplate = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{error_type}}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 15vh auto 0; max-width: 36em; padding: 0 1.5em; color: #222; background: #fff }
h1 { font-size: 1.4em; margin: 0 0 .5em }
p { margin: 0 0 1em; color: #555 }
footer { color: #999; font-size: .85em }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181a1b } p { color: #aaa } }
</style>
</head>
<body>
<h1>{{error_type}}</h1>
<p>{{content}}</p>
<footer>Pingap {{version}}</footer>
</body>
</html>
`

// errorPages makes the answers that stand for errors.
type errorPages struct {
	parts    []pagePart
	json     bool // the template is JSON: values are escaped for that
	reporter reporter
}

// pagePart is text of a template, and the name of the slot behind it, "" at the
// end.
type pagePart struct{ text, slot string }

// slots are the places in a template for what tells of an outcome.
var slots = regexp.MustCompile(`\{\{(error_type|content)\}\}`)

func newErrorPages(template, version string, logger *slog.Logger) *errorPages {
	if template == "" {
		template = defaultErrorTemplate
	}
	begin := strings.TrimSpace(template)
	p := &errorPages{
		json:     strings.HasPrefix(begin, "{") && !strings.HasPrefix(begin, "{{"),
		reporter: reporter{logger: logger, now: time.Now},
	}
	template = strings.ReplaceAll(template, "{{version}}", p.escape(version))
	end := 0
	for _, at := range slots.FindAllStringSubmatchIndex(template, -1) {
		p.parts = append(p.parts, pagePart{template[end:at[0]], template[at[2]:at[3]]})
		end = at[1]
	}
	p.parts = append(p.parts, pagePart{text: template[end:]})
	return p
}

// answer fills the response with what the client is told about err. What the
// operator needs to know goes to the log: the page names the outcome and never
// the inside of the network.
func (p *errorPages) answer(x *message.Exchange, err error) {
	o := OutcomeOf(err)
	if o.Serious {
		p.reporter.report(x, "exchange failed", o.Word, o.Status, err)
	}
	if o.Status == 499 {
		return // nobody is there to answer
	}
	x.Response.Close()
	x.Response.Reset()
	h := &x.Response.Header
	h.Add("X-Pingap-EType", o.Word)
	if x.RequestID != "" {
		h.Add("X-Request-Id", x.RequestID) // most wanted where something has failed
	}
	if grpc.IsCall(&x.Request) {
		code, text := grpcStatus(err)
		grpc.Answer(x, code, text)
		return
	}
	x.Response.Status = o.Status
	if o.Status == 405 {
		h.Add("Allow", allowed) // RFC 9110 section 15.5.6
	}
	if p.json {
		h.Add("Content-Type", "application/json; charset=utf-8")
	} else {
		h.Add("Content-Type", "text/html; charset=utf-8")
	}
	h.Add("Cache-Control", "private, no-store")
	page := p.appendPage(x.Scratch(), &o)
	x.Finish(page)
	x.Response.Length = int64(len(page))
	x.Response.Body = x.BytesBody(page)
}

// appendPage appends what the client is told.
func (p *errorPages) appendPage(page []byte, o *Outcome) []byte {
	for i := range p.parts {
		page = append(page, p.parts[i].text...)
		switch p.parts[i].slot {
		case "error_type":
			page = strconv.AppendInt(page, int64(o.Status), 10)
			page = append(page, ' ')
			page = append(page, p.escape(message.Reason(o.Status))...)
		case "content":
			page = append(page, p.escape(o.Advice)...)
		}
	}
	return page
}

// escape makes of text what the template can hold.
func (p *errorPages) escape(text string) string {
	if p.json {
		return escapeJSON(text)
	}
	return html.EscapeString(text)
}

// escapeJSON escapes s for use between the quotes of a JSON string.
func escapeJSON(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		return "" // a string always marshals
	}
	return string(quoted[1 : len(quoted)-1])
}

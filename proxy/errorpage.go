package proxy

import (
	"encoding/json"
	"html"
	"log/slog"
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
	template string
	json     bool // the template is JSON: values are escaped for that
	version  string
	reporter reporter
}

func newErrorPages(template, version string, logger *slog.Logger) *errorPages {
	if template == "" {
		template = defaultErrorTemplate
	}
	return &errorPages{
		template: template,
		json:     strings.HasPrefix(strings.TrimSpace(template), "{") && !strings.HasPrefix(strings.TrimSpace(template), "{{"),
		version:  version,
		reporter: reporter{logger: logger, now: time.Now},
	}
}

// answer fills the response with what the client is told about err. What the
// operator needs to know goes to the log: the page names the outcome and never
// the inside of the network.
func (p *errorPages) answer(x *message.Exchange, err error) {
	o := OutcomeOf(err)
	if o.Serious {
		p.reporter.report(x, o, err)
	}
	if o.Status == 499 {
		return // nobody is there to answer
	}
	x.Response.Body.Close()
	x.Response.Reset()
	h := &x.Response.Header
	h.Add("X-Pingap-EType", o.Word)
	if grpc.IsCall(&x.Request) {
		code, text := grpcStatus(err)
		grpc.Answer(x, code, text)
		return
	}
	x.Response.Status = o.Status
	page := p.page(o)
	if p.json {
		h.Add("Content-Type", "application/json; charset=utf-8")
	} else {
		h.Add("Content-Type", "text/html; charset=utf-8")
	}
	h.Add("Cache-Control", "private, no-store")
	x.Response.Length = int64(len(page))
	x.Response.Body = &message.BytesBody{Data: []byte(page)}
}

func (p *errorPages) page(o Outcome) string {
	escape := html.EscapeString
	if p.json {
		escape = escapeJSON
	}
	title := strconv.Itoa(o.Status) + " " + message.Reason(o.Status)
	return strings.NewReplacer(
		"{{version}}", escape(p.version),
		"{{error_type}}", escape(title),
		"{{content}}", escape(o.Advice),
	).Replace(p.template)
}

// escapeJSON escapes s for use between the quotes of a JSON string.
func escapeJSON(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		return "" // a string always marshals
	}
	return string(quoted[1 : len(quoted)-1])
}

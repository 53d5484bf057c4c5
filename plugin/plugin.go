// Package plugin holds the contract between the proxy and what can be put
// around an exchange, and the registry of the kinds there are. Each kind lives
// in a package of its own below this one and registers itself when imported;
// package plugin/all is the one list of those imports.
//
// A plugin wraps the handler behind it, so it can act before it, after it,
// around it or in its place:
//
//	func (p *plugin) Wrap(next message.Handler) message.Handler {
//		return message.HandlerFunc(func(x *message.Exchange) error {
//			// x.Request is the client's
//			err := next.Serve(x)
//			// x.Response is the answer, if err is nil
//			return err
//		})
//	}
package plugin

import "pingap/message"

// Plugin is one configured instance. It serves exchanges of all loops at the
// same time, so what it changes while serving must be safe for that.
type Plugin interface {
	// Wrap returns a handler that does the plugin's part and calls next where
	// the exchange is to go on. It is called once for each location that names
	// the plugin, when the configuration is compiled.
	Wrap(next message.Handler) message.Handler
}

// Step is the place of a plugin in the order around the upstream. Plugins of an
// earlier step stand around those of a later one; within a step the order is
// the one in which the location names them.
type Step uint8

// The steps, outermost first.
const (
	// EarlyRequest comes before the path is rewritten.
	EarlyRequest Step = iota + 1
	// Request comes after rewriting, before a cache is asked.
	Request
	// Lookup is the last part of request: a cache is asked, and may answer whom all
	// others have let pass.
	Lookup
	// ProxyUpstream comes only when the upstream is going to be asked.
	ProxyUpstream
	// UpstreamResponse sees the upstream's answer before a cache stores it.
	UpstreamResponse
	// Response sees the answer on its way to the client.
	Response
)

var stepNames = [...]string{
	EarlyRequest:     "early_request",
	Request:          "request",
	Lookup:           "request",
	ProxyUpstream:    "proxy_upstream",
	UpstreamResponse: "upstream_response",
	Response:         "response",
}

// String returns the step as it is written in the configuration.
func (s Step) String() string {
	if s == 0 || int(s) >= len(stepNames) {
		return "unknown step"
	}
	return stepNames[s]
}

// Compare orders steps by the height at which they wrap, outermost first.
func (s Step) Compare(other Step) int { return s.order() - other.order() }

// order is the height at which a step wraps the handler, outermost first. What
// acts on the response on its way to the client stands outside of what may
// answer in the upstream's place, so that it sees those answers too.
func (s Step) order() int {
	switch s {
	case EarlyRequest:
		return 0
	case Response:
		return 1
	case Request:
		return 2
	case Lookup:
		return 3
	case ProxyUpstream:
		return 4
	}
	return 5
}

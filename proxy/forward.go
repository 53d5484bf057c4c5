package proxy

import (
	"errors"
	"strings"

	"pingap/message"
)

// forward passes requests on to the upstream with what HTTP wants of those in
// between: no more than so many may be on the way.
type forward struct{ upstream message.Handler }

func (f forward) Serve(x *message.Exchange) error {
	switch x.Request.Method {
	case "OPTIONS":
		return f.options(x)
	case "TRACE":
		return errTrace
	}
	return f.count(x)
}

// ErrLoop is the outcome of a request that has come through too many proxies to
// be on its way to anybody but this one.
var ErrLoop = errors.New("the request comes back to where it has been: an upstream leads to this proxy")

const (
	// hopsField counts the proxies of this kind that a request has come through.
	// Via would tell it too (RFC 9110 section 7.6.3), but nginx does not compress
	// what it answers to a request that has it.
	hopsField = "X-Pingap-Hops"
	// maxHops is how many they may be. More than a few make no sense; each takes
	// two descriptors, and a process has thousands.
	maxHops = 10
)

// hopCounts are the values of hopsField, so that none is made for a request.
var hopCounts = [maxHops + 1]string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}

// count sends the request on as one that has come through one more proxy. The log
// tells what the client has sent.
func (f forward) count(x *message.Exchange) error {
	h := &x.Request.Header
	fields := h.Fields()
	for i := range fields {
		if !message.EqualFold(fields[i].Name, hopsField) {
			continue
		}
		count := fields[i].Value
		hops := hopsOf(count)
		if hops >= maxHops {
			return ErrLoop
		}
		fields[i].Value = hopCounts[hops+1]
		err := f.upstream.Serve(x)
		fields[i].Value = count
		return err
	}
	h.Add(hopsField, hopCounts[1])
	err := f.upstream.Serve(x)
	h.Truncate(len(fields))
	return err
}

// hopsOf reads a value of hopsField. One that is no count is a client's, and 0.
func hopsOf(value string) int {
	for n, count := range hopCounts {
		if value == count {
			return n
		}
	}
	return 0
}

// Refusals of what is asked of the last one to get a request.
var (
	// An answer to TRACE holds the request as it has arrived (RFC 9110 section
	// 9.3.8), with what this proxy has told the upstream in confidence. Nobody
	// needs it.
	errTrace       = message.Refuse(405, "TRACE is not served here.")
	errMaxForwards = message.Refuse(400, "Max-Forwards is not a number.")
)

// allowed are the methods of Allow: those that are passed on, of the ones that
// RFC 9110 and RFC 5789 define.
const allowed = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

// options obeys Max-Forwards (RFC 9110 section 7.6.2): 0 asks this proxy about
// itself, and anything else the one so many steps behind it.
func (f forward) options(x *message.Exchange) error {
	const name = "Max-Forwards"
	fields := x.Request.Header.Fields()
	at := -1
	for i := range fields {
		if message.EqualFold(fields[i].Name, name) {
			if at >= 0 {
				return errMaxForwards // two counts are none
			}
			at = i
		}
	}
	if at < 0 {
		return f.count(x)
	}
	sent := fields[at].Value
	left, ok := fewer(sent, x.Buffer(len(sent)))
	switch {
	case !ok:
		return errMaxForwards
	case left == nil:
		x.Response.Status = 200
		x.Response.Header.Add("Allow", allowed)
		return nil
	}
	fields[at].Value = message.View(left)
	err := f.count(x)
	x.Request.Header.Fields()[at].Value = sent
	return err
}

// fewer appends to b the decimal number before the one that count is, or returns
// nil if that is 0; it reports false if count is no number. Digit by digit there is
// no number that is too large.
func fewer(count string, b []byte) (_ []byte, ok bool) {
	if count == "" || strings.Trim(count, "0123456789") != "" {
		return nil, false
	}
	b = append(b, count...)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] > '0' {
			b[i]--
			return b, true
		}
		b[i] = '9'
	}
	return nil, true
}

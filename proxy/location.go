package proxy

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"pingap/message"
	"pingap/plugin"
	"pingap/proxy/grpc"
	"pingap/route"
)

// Location is one routing rule's whole treatment of an exchange.
type Location struct {
	name    string
	handler message.Handler

	onPages       headerChanges // of the answer where there is none but an error page
	maxBody       int64         // bytes of request content; 0: unlimited
	maxProcessing int64         // exchanges at a time; 0: unlimited
	counts        *locationCounts
	ended         func(*message.Exchange) // counts one out
	tell          func() (processing, accepted int64)
	bodies        sync.Pool // of *limitedBody
}

func newLocation(name string, maxProcessing int64, counts *locationCounts) *Location {
	loc := &Location{name: name, maxProcessing: maxProcessing, counts: counts, tell: counts.tell}
	loc.ended = func(x *message.Exchange) { counts.end(x.Loop) }
	if maxProcessing > 0 {
		loc.ended = func(*message.Exchange) { counts.limited.Add(-1) }
	}
	loc.bodies.New = func() any {
		b := &limitedBody{}
		b.ended = func(*message.Exchange) {
			b.body = message.NoBody
			loc.bodies.Put(b)
		}
		return b
	}
	return loc
}

// Serve gives the exchange its location and passes it on within the location's
// limits.
func (loc *Location) Serve(x *message.Exchange) error {
	x.Location, x.LocationCounts = loc.name, loc.tell
	if loc.maxProcessing == 0 {
		loc.counts.begin(x.Loop)
	} else if !loc.counts.admit(x.Loop, loc.maxProcessing) {
		// What is refused takes nobody's place, however slowly its client reads
		// the refusal.
		return &TooManyError{Limit: loc.maxProcessing}
	}
	x.OnEnd(loc.ended) // when the last byte is sent, which is long after Serve
	if loc.maxBody > 0 {
		if x.Request.Length > loc.maxBody {
			return &TooLargeError{Limit: loc.maxBody}
		}
		if x.Request.Length == message.UnknownLength {
			b := loc.bodies.Get().(*limitedBody)
			b.body, b.left, b.limit = x.Request.Body, loc.maxBody, loc.maxBody
			x.Request.Body = b
			x.OnEnd(b.ended)
		}
	}
	return loc.handler.Serve(x)
}

// TooLargeError says that a request's content is larger than its location
// takes.
type TooLargeError struct{ Limit int64 }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("request body is larger than client_max_body_size (%d bytes)", e.Limit)
}

// TooManyError says that a location serves as many exchanges as it may.
type TooManyError struct{ Limit int64 }

func (e *TooManyError) Error() string {
	return fmt.Sprintf("Too Many Requests, max:%d", e.Limit)
}

// limitedBody ends with an error where a body of unknown length grows beyond
// the limit.
type limitedBody struct {
	body        message.Body
	left, limit int64
	ended       func(*message.Exchange) // of its exchange: it serves another one
}

func (b *limitedBody) Next() ([]byte, error) {
	if b.left < 0 {
		return nil, &TooLargeError{Limit: b.limit}
	}
	data, err := b.body.Next()
	if b.left -= int64(len(data)); b.left < 0 {
		return nil, &TooLargeError{Limit: b.limit}
	}
	return data, err
}

func (b *limitedBody) Close() { b.body.Close() }

// treatment is what a location's handler is put together from.
type treatment struct {
	plugins         []plugin.Placed
	rewrite         *route.Rewrite
	requestHeaders  requestChanges
	responseHeaders headerChanges
	upstream        message.Handler // nil where a plugin is to answer
	grpcWeb         bool            // whether the upstream is to answer gRPC-Web too
}

// handler wraps the parts of a treatment around each other, innermost first.
func (t *treatment) handler() message.Handler {
	// The upstream is asked with the fields that the location sets, and those
	// of its answer are set before anything else sees it.
	h := message.Handler(message.HandlerFunc(func(*message.Exchange) error { return errNobodyAnswers }))
	if t.upstream != nil {
		h = grpc.Calls(forward{t.upstream}, grpcStatus)
		if t.grpcWeb {
			h = grpc.Web(h)
		}
		if !t.requestHeaders.empty() {
			h = changeRequest{&t.requestHeaders, h}
		}
	}
	outermostFirst := slices.Clone(t.plugins)
	slices.SortStableFunc(outermostFirst, func(a, b plugin.Placed) int { return a.Step.Compare(b.Step) })
	rewritten := t.rewrite == nil
	for _, p := range slices.Backward(outermostFirst) {
		// Plugins of the early step see the path as the client sent it.
		if !rewritten && p.Step == plugin.EarlyRequest {
			h, rewritten = rewritePath{t.rewrite, h}, true
		}
		h = p.Wrap(h)
	}
	if !rewritten {
		h = rewritePath{t.rewrite, h}
	}
	// Whatever answered, a plugin too, the answer leaves with the fields that
	// the location sets.
	if !t.responseHeaders.empty() {
		h = changeResponse{t.responseHeaders, h}
	}
	return h
}

// ErrNoUpstream is the outcome of an exchange that no plugin has answered, where there
// is no upstream to ask. The errors that are it say why.
var ErrNoUpstream = errors.New("no upstream")

var errNobodyAnswers = fmt.Errorf("%w: the location has none and none of its plugins answered", ErrNoUpstream)

// rewritePath rewrites the path before next.
type rewritePath struct {
	rewrite *route.Rewrite
	next    message.Handler
}

func (h rewritePath) Serve(x *message.Exchange) error {
	if err := h.rewrite.Apply(x); err != nil {
		return &PathError{Err: err}
	}
	return h.next.Serve(x)
}

// PathError says that a path cannot be rewritten as its location says, for what
// the client has put into it: the location's own part has been checked.
type PathError struct{ Err error }

func (e *PathError) Error() string { return "rewrite the path: " + e.Err.Error() }

// Unwrap returns what is wrong with the result.
func (e *PathError) Unwrap() error { return e.Err }

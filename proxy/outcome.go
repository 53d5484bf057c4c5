package proxy

import (
	"context"
	"errors"

	"pingap/http1"
	"pingap/message"
	"pingap/proxy/grpc"
)

// Outcome is what becomes of an error: the answer to the client, and the word
// for it in logs, metrics and the X-Pingap-EType field.
type Outcome struct {
	Status int
	Word   string
	// Advice is what the client is told. It says nothing of the inside.
	Advice string
	// Code is what a gRPC client is told in place of Status; 0 for the code
	// that stands for that.
	Code grpc.Code
	// Serious is set where an operator should hear of it.
	Serious bool
}

// OutcomeOf is the one table of the ways in which an exchange can fail.
func OutcomeOf(err error) Outcome {
	var (
		badPath  *PathError
		refused  *http1.Error
		tooLarge *TooLargeError
		tooMany  *TooManyError
		failed   *message.UpstreamError
	)
	switch {
	case errors.Is(err, message.ErrClientGone), errors.Is(err, context.Canceled):
		return Outcome{Status: 499, Word: "client_closed", Advice: "The client has closed the connection."}
	case errors.Is(err, grpc.ErrDeadline):
		return Outcome{Status: 504, Code: grpc.DeadlineExceeded, Word: "deadline_exceeded", Advice: "The deadline of the call has passed."}
	case errors.As(err, &failed):
		return upstreamOutcome(failed.Failure)
	case errors.As(err, &refused):
		return Outcome{Status: refused.Status, Word: "bad_request", Advice: refused.Reason}
	case errors.As(err, &badPath):
		return Outcome{Status: 400, Word: "bad_path", Advice: "There can be nothing at this address."}
	case errors.Is(err, ErrNoLocation):
		return Outcome{Status: 404, Word: "no_location", Advice: "There is nothing at this address."}
	case errors.Is(err, ErrAmbiguousPath):
		return Outcome{Status: 400, Word: "ambiguous_path", Advice: "This address can be read in more than one way: leave out dot segments, and encoded or repeated slashes."}
	case errors.Is(err, ErrLoop):
		return Outcome{Status: 508, Word: "loop", Advice: "This address leads back to itself.", Serious: true}
	case errors.Is(err, ErrNoUpstream):
		return Outcome{Status: 503, Word: "no_upstream", Advice: "No server is available for this request.", Serious: true}
	case errors.As(err, &tooLarge):
		return Outcome{Status: 413, Word: "body_too_large", Advice: "The request is larger than is allowed here."}
	case errors.As(err, &tooMany):
		return Outcome{Status: 429, Word: "too_many_requests", Advice: err.Error()}
	}
	return Outcome{Status: 500, Word: "internal", Advice: "The proxy could not serve this request.", Serious: true}
}

func upstreamOutcome(f message.UpstreamFailure) Outcome {
	o := Outcome{Status: 502, Serious: true, Advice: "The server behind this address did not give an answer."}
	switch f {
	case message.NoPeer:
		o.Status, o.Word, o.Advice = 503, "no_peer", "No server is available for this request."
	case message.ConnectFailed:
		o.Word = "connect_failed"
	case message.ConnectTimeout:
		o.Status, o.Word = 504, "connect_timeout"
	case message.WriteTimeout:
		o.Status, o.Word = 504, "write_timeout"
	case message.ReadTimeout:
		o.Status, o.Word = 504, "read_timeout"
	case message.ConnectionLost:
		o.Word = "connection_lost"
	case message.BadResponse:
		o.Word = "bad_response"
	default:
		o.Word = "body_cut"
	}
	if o.Status == 504 {
		o.Advice = "The server behind this address did not answer in time."
	}
	return o
}

// grpcStatus is what the client of a gRPC call is told of an error.
func grpcStatus(err error) (grpc.Code, string) {
	o := OutcomeOf(err)
	if o.Code == 0 {
		o.Code = grpc.CodeOf(o.Status)
	}
	return o.Code, o.Advice
}

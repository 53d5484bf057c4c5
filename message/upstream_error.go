package message

import "fmt"

// UpstreamFailure is the way in which an upstream has failed an exchange.
type UpstreamFailure uint8

const (
	// NoPeer: the upstream has nobody to ask.
	NoPeer UpstreamFailure = iota
	// ConnectFailed: the peer refuses connections or cannot be reached.
	ConnectFailed
	// ConnectTimeout: the connection was not there in time.
	ConnectTimeout
	// WriteTimeout: the peer did not take the request in time.
	WriteTimeout
	// ReadTimeout: the response, or its next part, did not come in time.
	ReadTimeout
	// ConnectionLost: the connection ended before the head of the response.
	ConnectionLost
	// BadResponse: what the peer sent is not a response that HTTP allows.
	BadResponse
	// BodyCut: the connection ended before the content of the response did.
	BodyCut
)

// String returns the failure in words.
func (f UpstreamFailure) String() string {
	switch f {
	case NoPeer:
		return "no peer is available"
	case ConnectFailed:
		return "connecting failed"
	case ConnectTimeout:
		return "connecting took too long"
	case WriteTimeout:
		return "sending the request took too long"
	case ReadTimeout:
		return "waiting for the response took too long"
	case ConnectionLost:
		return "connection ended before the response"
	case BadResponse:
		return "response is malformed"
	}
	return "connection ended inside the response's body"
}

// UpstreamError is the error of an exchange that its upstream failed. Errors
// whose cause is the client, or the proxy itself, are others.
type UpstreamError struct {
	Failure UpstreamFailure
	Peer    string // its address; "" with NoPeer
	Err     error  // the cause; may be nil

	// What had happened by then decides whether the request may be sent again
	// to somebody else.
	Sent     bool // a byte of the request may have reached the peer
	Received bool // a byte of the response has come
	Consumed bool // content of the request is gone, so that it cannot be repeated
}

func (e *UpstreamError) Error() string {
	text := e.Failure.String()
	if e.Err != nil {
		text = fmt.Sprintf("%s: %v", text, e.Err)
	}
	if e.Peer != "" {
		text = e.Peer + ": " + text
	}
	return text
}

// Unwrap returns the cause.
func (e *UpstreamError) Unwrap() error { return e.Err }

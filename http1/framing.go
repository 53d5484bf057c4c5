package http1

import "pingap/message"

// framing is how the end of a message's content is told (RFC 9112 section 6).
type framing uint8

const (
	noContent  framing = iota
	sized              // Content-Length
	chunked            // Transfer-Encoding: chunked
	untilClose         // responses only: the content ends with the connection
)

// requestFraming decides how the content of a request is framed, and its
// length (RFC 9112 section 6.3). A message that says it in two ways, or in one
// that its version does not have, is refused.
func requestFraming(version message.Version, c *control) (framing, int64, error) {
	if err := checkCoding(version, c); err != nil {
		return 0, 0, err
	}
	switch {
	case c.chunked:
		return chunked, message.UnknownLength, nil
	case c.length > 0:
		return sized, c.length, nil
	}
	return noContent, 0, nil
}

// responseFraming decides how the content of a response to method is framed,
// and its length: the one that the content would have where the answer to HEAD
// or a 304 tells it.
func responseFraming(method string, status int, version message.Version, c *control) (framing, int64, error) {
	if err := checkCoding(version, c); err != nil {
		return 0, 0, err
	}
	length := int64(message.UnknownLength)
	if c.hasLength {
		length = c.length
	}
	switch {
	case method == "HEAD", status == 304:
		return noContent, length, nil
	case status < 200, status == 204, method == "CONNECT" && status < 300:
		return noContent, 0, nil
	case c.chunked:
		return chunked, message.UnknownLength, nil
	case c.hasLength && length == 0:
		return noContent, 0, nil
	case c.hasLength:
		return sized, length, nil
	}
	return untilClose, message.UnknownLength, nil
}

func checkCoding(version message.Version, c *control) error {
	switch {
	case !c.chunked:
		return nil
	case version == message.HTTP10:
		return errCoding10
	case c.hasLength:
		return errLengthCoding
	}
	return nil
}

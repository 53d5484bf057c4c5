package http1

import "pingap/message"

// settleHost decides for which host the request is. The authority of the
// request target wins over Host (RFC 9112 section 3.2.2), but since the two
// could be read by two recipients, they must be the same. A request without
// Host is one of HTTP/1.0.
func settleHost(req *message.Request, authority string, c *control) *Error {
	switch {
	case c.hosts > 1:
		return errHostRepeated
	case c.hosts == 0 && req.Version != message.HTTP10:
		return errHostMissing
	}
	if c.hosts == 1 {
		if err := message.CheckAuthority(c.host); err != nil {
			return err
		}
		if authority != "" && !message.EqualFold(authority, c.host) {
			return errHostMismatch
		}
	}
	req.Host = c.host
	if authority != "" {
		req.Host = authority
	}
	return nil
}

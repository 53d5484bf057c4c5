package http1

import (
	"strings"

	"pingap/message"
)

// parseTarget takes a request target (RFC 9112 section 3.2) apart into the
// path and query of req, and returns the authority it names, or "". The bytes
// of the path and query stay as they were sent; only what no two recipients
// could read alike is refused.
func parseTarget(req *message.Request, target string) (authority string, err *Error) {
	if err := message.CheckTarget(target); err != nil {
		return "", err
	}
	switch {
	case req.Method == "CONNECT":
		return target, checkConnectTarget(target)
	case target == "":
		return "", errRequestLine
	case target[0] == '/':
		return "", message.SplitPath(req, target)
	case target == "*":
		if req.Method != "OPTIONS" {
			return "", errAsterisk
		}
		req.Path = target
		return "", nil
	}
	return parseAbsolute(req, target)
}

// checkConnectTarget accepts the authority form of RFC 9112 section 3.2.3:
// unlike elsewhere, the port must be there.
func checkConnectTarget(target string) *Error {
	if err := message.CheckAuthority(target); err != nil {
		if err == message.ErrUserInfo {
			return err
		}
		return errConnectTarget
	}
	colon := strings.LastIndexByte(target, ':')
	if colon < strings.LastIndexByte(target, ']') || colon < 0 {
		return errConnectTarget
	}
	return nil
}

// parseAbsolute takes the absolute form of RFC 9112 section 3.2.2 apart. Its
// scheme only has to be one of HTTP's: how the client reached us is what
// counts.
func parseAbsolute(req *message.Request, target string) (authority string, err *Error) {
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok {
		return "", errTarget
	}
	if !message.EqualFold(scheme, "http") && !message.EqualFold(scheme, "https") {
		return "", errTargetScheme
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, path := rest[:end], rest[end:]
	if err := message.CheckAuthority(authority); err != nil {
		return "", err
	}
	switch {
	case path == "" && req.Method == "OPTIONS":
		req.Path = "*" // RFC 9112 section 3.2.4
		return authority, nil
	case path == "":
		req.Path = "/"
		return authority, nil
	case path[0] == '?':
		req.Path = "/"
		req.Query, req.HasQuery = path[1:], true
		return authority, nil
	}
	return authority, message.SplitPath(req, path)
}

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
	if err := checkTargetBytes(target); err != nil {
		return "", err
	}
	switch {
	case req.Method == "CONNECT":
		return target, checkConnectTarget(target)
	case target == "":
		return "", errRequestLine
	case target[0] == '/':
		return "", splitPath(req, target)
	case target == "*":
		if req.Method != "OPTIONS" {
			return "", errAsterisk
		}
		req.Path = target
		return "", nil
	}
	return parseAbsolute(req, target)
}

func checkTargetBytes(target string) *Error {
	for i := range len(target) {
		if class[target[i]]&targetByte == 0 {
			if target[i] == '#' {
				return errFragment
			}
			return errTargetByte
		}
	}
	return nil
}

// checkConnectTarget accepts the authority form of RFC 9112 section 3.2.3:
// unlike elsewhere, the port must be there.
func checkConnectTarget(target string) *Error {
	if err := checkAuthority(target); err != nil {
		if err == errUserInfo {
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
	if err := checkAuthority(authority); err != nil {
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
	return authority, splitPath(req, path)
}

// splitPath separates path and query at the first "?". Percent-encodings of
// the path must be well-formed: whoever decodes it next would have to guess.
func splitPath(req *message.Request, target string) *Error {
	path := target
	if mark := strings.IndexByte(target, '?'); mark >= 0 {
		path = target[:mark]
		req.Query, req.HasQuery = target[mark+1:], true
	}
	for i := 0; ; i++ {
		escape := strings.IndexByte(path[i:], '%')
		if escape < 0 {
			break
		}
		if i += escape; !isEscape(path, i) {
			return errEscape
		}
	}
	req.Path = path
	return nil
}

// isEscape reports whether a percent-encoding stands at s[i:].
func isEscape(s string, i int) bool {
	return i+2 < len(s) && class[s[i+1]]&hexByte != 0 && class[s[i+2]]&hexByte != 0
}

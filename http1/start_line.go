package http1

import (
	"bytes"

	"pingap/message"
)

// parseRequestLine parses the request line (RFC 9112 section 3) at the start
// of b into req. It returns the length of the line, line end included, and the
// authority that the target names, or "".
func parseRequestLine(b []byte, req *message.Request) (n int, authority string, err error) {
	lf := bytes.IndexByte(b, '\n')
	if lf < 0 {
		return 0, "", errIncomplete
	}
	line, err := endedByCRLF(b[:lf])
	if err != nil {
		return 0, "", err
	}
	i := 0
	for i < len(line) && message.Class[line[i]]&message.TokenByte != 0 {
		i++
	}
	if i == 0 || i == len(line) || line[i] != ' ' {
		return 0, "", methodError(line, i)
	}
	req.Method = message.View(line[:i])
	rest := line[i+1:]
	space := bytes.IndexByte(rest, ' ')
	if space < 0 {
		return 0, "", errRequestLine
	}
	// The version first: a request of another major version need not look
	// like ours for the rest.
	if req.Version, err = parseVersion(rest[space+1:]); err != nil {
		return 0, "", err
	}
	authority, refusal := parseTarget(req, message.View(rest[:space]))
	if refusal != nil {
		return 0, "", refusal
	}
	return lf + 1, authority, nil
}

// methodError says what is wrong with a request line whose method ends at i.
func methodError(line []byte, i int) *Error {
	if i == len(line) || i == 0 && (len(line) == 0 || line[0] == ' ') {
		return errRequestLine
	}
	return errMethod
}

// endedByCRLF takes the CR off a line that was cut at its LF, and refuses
// other control characters that could pass for a line end.
func endedByCRLF(line []byte) ([]byte, error) {
	if len(line) == 0 || line[len(line)-1] != '\r' {
		return nil, errBareLF
	}
	line = line[:len(line)-1]
	if bytes.IndexByte(line, '\r') >= 0 {
		return nil, errBareCR
	}
	return line, nil
}

// parseVersion parses HTTP-version (RFC 9112 section 2.3). A minor version that
// is higher than ours means the highest that we know (RFC 9110 section 2.5).
func parseVersion(b []byte) (message.Version, error) {
	if string(b) == "HTTP/1.1" {
		return message.HTTP11, nil
	}
	if len(b) != 8 || string(b[:5]) != "HTTP/" || message.Class[b[5]]&message.DigitByte == 0 || b[6] != '.' || message.Class[b[7]]&message.DigitByte == 0 {
		return 0, errVersion
	}
	switch {
	case b[5] != '1':
		return 0, errMajor
	case b[7] == '0':
		return message.HTTP10, nil
	}
	return message.HTTP11, nil
}

// parseStatusLine parses the status line (RFC 9112 section 4) at the start of
// b. It returns the length of the line, line end included. The reason phrase
// means nothing and is dropped.
func parseStatusLine(b []byte) (n, status int, version message.Version, err error) {
	lf := bytes.IndexByte(b, '\n')
	if lf < 0 {
		return 0, 0, 0, errIncomplete
	}
	line, err := endedByCRLF(b[:lf])
	if err != nil {
		return 0, 0, 0, err
	}
	// The space before an absent reason phrase is often absent too.
	if len(line) < len("HTTP/1.1 200") || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return 0, 0, 0, errStatusLine
	}
	if version, err = parseVersion(line[:8]); err != nil {
		return 0, 0, 0, errStatusLine
	}
	for _, c := range line[9:12] {
		if message.Class[c]&message.DigitByte == 0 {
			return 0, 0, 0, errStatusLine
		}
		status = status*10 + int(c-'0')
	}
	if status < 100 || status > 599 || message.EndOfValue(line, 12) < len(line) {
		return 0, 0, 0, errStatusLine
	}
	return lf + 1, status, version, nil
}

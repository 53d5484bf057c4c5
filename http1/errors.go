package http1

import "errors"

// Error is why a message that came in is refused. Only what the other end sent
// is the cause of an Error; failures of the connection are other errors.
type Error struct {
	// Status is what a server answers, 4xx or 5xx.
	Status int
	// Reason says what is wrong, for logs and for who looks at the answer.
	Reason string
}

// Error returns the reason.
func (e *Error) Error() string { return e.Reason }

// errIncomplete says that what is there is the beginning of something valid.
var errIncomplete = errors.New("message is incomplete")

// Refusals are values, so that a flood of bad requests allocates nothing.
var (
	errEmptyLines  = &Error{400, "more than one empty line before the request line"}
	errBareCR      = &Error{400, "CR that does not end a line"}
	errBareLF      = &Error{400, "line ends in LF without CR"}
	errRequestLine = &Error{400, "request line is not 'method target version'"}
	errMethod      = &Error{400, "method is not a token"}
	errVersion     = &Error{400, "HTTP version is malformed"}
	errMajor       = &Error{505, "HTTP version is not 1.0 or 1.1"}
	errStatusLine  = &Error{502, "status line is malformed"}
	errURITooLong  = &Error{414, "request line is too long"}

	errTarget        = &Error{400, "request target is malformed"}
	errTargetByte    = &Error{400, "request target holds a byte that must be percent-encoded"}
	errFragment      = &Error{400, "request target holds a fragment"}
	errEscape        = &Error{400, "request target holds a malformed percent-encoding"}
	errTargetScheme  = &Error{400, "scheme of the request target is not http or https"}
	errAsterisk      = &Error{400, "request target * is for OPTIONS only"}
	errConnectTarget = &Error{400, "target of CONNECT is not host:port"}

	errHost         = &Error{400, "Host is malformed"}
	errHostMissing  = &Error{400, "Host is missing"}
	errHostRepeated = &Error{400, "Host is repeated"}
	errHostMismatch = &Error{400, "Host differs from the request target"}
	errUserInfo     = &Error{400, "user information in the authority"}

	errFieldName   = &Error{400, "field name is not a token"}
	errNoColon     = &Error{400, "field line has no colon"}
	errEmptyName   = &Error{400, "field name is empty"}
	errSpaceColon  = &Error{400, "white space between field name and colon"}
	errFolded      = &Error{400, "field line is folded"}
	errControlByte = &Error{400, "control character in a field value"}
	errManyFields  = &Error{431, "too many fields"}
	errLargeHead   = &Error{431, "head is too large"}

	errLength         = &Error{400, "Content-Length is not a number"}
	errLengthRepeated = &Error{400, "Content-Length is repeated"}
	errLengthLarge    = &Error{400, "Content-Length is too large"}
	errLengthCoding   = &Error{400, "both Content-Length and Transfer-Encoding"}
	errCoding         = &Error{400, "transfer coding other than a single chunked"}
	errCoding10       = &Error{400, "Transfer-Encoding in HTTP/1.0"}
	errManyOptions    = &Error{400, "too many connection options"}
	errExpectation    = &Error{417, "expectation other than 100-continue"}

	errChunkSize      = &Error{400, "chunk size is malformed"}
	errChunkLarge     = &Error{400, "chunk size is too large"}
	errChunkExtension = &Error{400, "chunk extension is malformed"}
	errChunkLine      = &Error{400, "chunk line is too long, or there are too many chunk extensions"}
	errChunkEnd       = &Error{400, "chunk does not end in CRLF"}
	errConnectContent = &Error{400, "CONNECT with content"}
	errTrailerName    = &Error{400, "Trailer announces a field that frames the message"}
	errLargeTrailer   = &Error{400, "trailer section is too large"}

	errHeadLate = &Error{408, "head did not come in time"}
	errHeadCut  = &Error{400, "connection ended inside the head"}
	errBodyLate = &Error{408, "content did not come in time"}
	errTooSlow  = &Error{408, "content comes too slowly"}

	errNoAnswer  = &Error{500, "handler gave no valid response"}
	errPanic     = &Error{500, "handler panicked"}
	errNoConnect = &Error{501, "CONNECT is not served here"}
)

package http1

import (
	"errors"

	"pingap/message"
)

// Error is why a message that came in is refused.
type Error = message.Refusal

// errIncomplete says that what is there is the beginning of something valid.
var errIncomplete = errors.New("message is incomplete")

// Refusals are values, so that a flood of bad requests allocates nothing.
var (
	errEmptyLines  = message.Refuse(400, "more than one empty line before the request line")
	errBareCR      = message.Refuse(400, "CR that does not end a line")
	errBareLF      = message.Refuse(400, "line ends in LF without CR")
	errRequestLine = message.Refuse(400, "request line is not 'method target version'")
	errMethod      = message.Refuse(400, "method is not a token")
	errVersion     = message.Refuse(400, "HTTP version is malformed")
	errMajor       = message.Refuse(505, "HTTP version is not 1.0 or 1.1")
	errStatusLine  = message.Refuse(502, "status line is malformed")
	errURITooLong  = message.Refuse(414, "request line is too long")

	errTarget        = message.Refuse(400, "request target is malformed")
	errTargetScheme  = message.Refuse(400, "scheme of the request target is not http or https")
	errAsterisk      = message.Refuse(400, "request target * is for OPTIONS only")
	errConnectTarget = message.Refuse(400, "target of CONNECT is not host:port")

	errHostMissing  = message.Refuse(400, "Host is missing")
	errHostRepeated = message.Refuse(400, "Host is repeated")
	errHostMismatch = message.Refuse(400, "Host differs from the request target")

	errFieldName   = message.Refuse(400, "field name is not a token")
	errNoColon     = message.Refuse(400, "field line has no colon")
	errEmptyName   = message.Refuse(400, "field name is empty")
	errSpaceColon  = message.Refuse(400, "white space between field name and colon")
	errFolded      = message.Refuse(400, "field line is folded")
	errControlByte = message.Refuse(400, "control character in a field value")
	errManyFields  = message.Refuse(431, "too many fields")
	errLargeHead   = message.Refuse(431, "head is too large")

	errLength         = message.Refuse(400, "Content-Length is not a number")
	errLengthRepeated = message.Refuse(400, "Content-Length is repeated")
	errLengthLarge    = message.Refuse(400, "Content-Length is too large")
	errLengthCoding   = message.Refuse(400, "both Content-Length and Transfer-Encoding")
	errCoding         = message.Refuse(400, "transfer coding other than a single chunked")
	errCoding10       = message.Refuse(400, "Transfer-Encoding in HTTP/1.0")
	errManyOptions    = message.Refuse(400, "too many connection options")
	errExpectation    = message.Refuse(417, "expectation other than 100-continue")

	errChunkSize      = message.Refuse(400, "chunk size is malformed")
	errChunkLarge     = message.Refuse(400, "chunk size is too large")
	errChunkExtension = message.Refuse(400, "chunk extension is malformed")
	errChunkLine      = message.Refuse(400, "chunk line is too long, or there are too many chunk extensions")
	errChunkEnd       = message.Refuse(400, "chunk does not end in CRLF")
	errConnectContent = message.Refuse(400, "CONNECT with content")
	errTrailerName    = message.Refuse(400, "Trailer announces a field that frames the message")
	errLargeTrailer   = message.Refuse(400, "trailer section is too large")

	errHeadLate = message.Refuse(408, "head did not come in time")
	errHeadCut  = message.Refuse(400, "connection ended inside the head")
	errBodyLate = message.Refuse(408, "content did not come in time")
	errTooSlow  = message.Refuse(408, "content comes too slowly")

	errNoAnswer = message.Refuse(500, "handler gave no valid response")
	errPanic    = message.Refuse(500, "handler panicked")
)

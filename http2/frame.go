package http2

import (
	"encoding/binary"
	"fmt"
)

// frameType is the type of a frame (RFC 9113 section 6).
type frameType uint8

const (
	frameData           frameType = 0x0
	frameHeaders        frameType = 0x1
	framePriority       frameType = 0x2
	frameResetStream    frameType = 0x3
	frameSettings       frameType = 0x4
	framePushPromise    frameType = 0x5
	framePing           frameType = 0x6
	frameGoAway         frameType = 0x7
	frameWindowUpdate   frameType = 0x8
	frameContinuation   frameType = 0x9
	framePriorityUpdate frameType = 0x10 // RFC 9218 section 7.1
)

// Flags of frames. What a bit means depends on the type.
const (
	flagEndStream  = 0x1
	flagAck        = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

// frameHeaderSize is the length of what stands before each frame's payload.
const frameHeaderSize = 9

// Bounds of RFC 9113 sections 4.2 and 6.9.
const (
	leastMaxFrame  = 16384
	mostMaxFrame   = 1<<24 - 1
	mostWindow     = 1<<31 - 1
	firstWindow    = 65535
	mostStreamID   = 1<<31 - 1
	reservedBit    = 1 << 31
	clientPreface  = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	settingLength  = 6
	maxPendingAcks = 4
)

// frame is a frame without its payload.
type frame struct {
	length int
	kind   frameType
	flags  uint8
	stream uint32
}

// has reports whether a flag is set.
func (f frame) has(flag uint8) bool { return f.flags&flag != 0 }

// parseFrame takes the first frameHeaderSize bytes of b apart.
func parseFrame(b []byte) frame {
	_ = b[frameHeaderSize-1]
	return frame{
		length: int(b[0])<<16 | int(b[1])<<8 | int(b[2]),
		kind:   frameType(b[3]),
		flags:  b[4],
		stream: binary.BigEndian.Uint32(b[5:]) &^ reservedBit,
	}
}

// appendFrame appends the header of a frame.
func appendFrame(b []byte, length int, kind frameType, flags uint8, stream uint32) []byte {
	return append(b, byte(length>>16), byte(length>>8), byte(length), byte(kind), flags,
		byte(stream>>24), byte(stream>>16), byte(stream>>8), byte(stream))
}

// Code is an error code (RFC 9113 section 7).
type Code uint32

// The error codes.
const (
	NoError            Code = 0x0
	ProtocolError      Code = 0x1
	InternalError      Code = 0x2
	FlowControlError   Code = 0x3
	SettingsTimeout    Code = 0x4
	StreamClosed       Code = 0x5
	FrameSizeError     Code = 0x6
	RefusedStream      Code = 0x7
	Cancel             Code = 0x8
	CompressionError   Code = 0x9
	ConnectError       Code = 0xa
	EnhanceYourCalm    Code = 0xb
	InadequateSecurity Code = 0xc
	HTTP11Required     Code = 0xd
)

var codeNames = [...]string{
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
	"FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
	"INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
}

// String returns the name of the code in RFC 9113.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return fmt.Sprintf("error code %#x", uint32(c))
}

// connError ends a connection (RFC 9113 section 5.4.1).
type connError struct {
	code   Code
	reason string
}

func (e *connError) Error() string { return e.reason + " (" + e.code.String() + ")" }

// protocolError is the connError of most violations.
func protocolError(reason string) error { return &connError{ProtocolError, reason} }

// StreamError is what an exchange sees whose stream the peer has reset (RFC
// 9113 section 5.4.2).
type StreamError struct{ Code Code }

// Error names the code.
func (e *StreamError) Error() string { return "the peer reset the stream: " + e.Code.String() }

// GoneError is what exchanges see whose connection the peer has ended by GOAWAY
// (RFC 9113 section 6.8), or that was lost.
type GoneError struct {
	Code Code
	Err  error // the connection's, where that was lost
}

// Error says how the connection ended.
func (e *GoneError) Error() string {
	if e.Err != nil {
		return "the connection was lost: " + e.Err.Error()
	}
	return "the peer ended the connection: " + e.Code.String()
}

// Unwrap returns Err.
func (e *GoneError) Unwrap() error { return e.Err }

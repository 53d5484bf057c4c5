package http2

import (
	"encoding/binary"
	"io"

	"pingap/message"
)

// frame takes one frame.
func (c *conn) frame(f frame, payload []byte) error {
	if c.block.open && (f.kind != frameContinuation || f.stream != c.block.stream) {
		return protocolError("another frame inside a header section")
	}
	if !c.settled && f.kind != frameSettings {
		return protocolError("the first frame is not SETTINGS")
	}
	switch f.kind {
	case frameData:
		return c.data(f, payload)
	case frameHeaders:
		return c.headers(f, payload)
	case framePriority:
		return c.priority(f, payload)
	case frameResetStream:
		return c.resetByPeer(f, payload)
	case frameSettings:
		return c.setting(f, payload)
	case framePushPromise:
		return protocolError("PUSH_PROMISE, which nobody has asked for")
	case framePing:
		return c.ping(f, payload)
	case frameGoAway:
		return c.goneByPeer(f, payload)
	case frameWindowUpdate:
		return c.windowUpdate(f, payload)
	case frameContinuation:
		if !c.block.open {
			return protocolError("CONTINUATION without HEADERS")
		}
		return c.fragment(payload, f.has(flagEndHeaders))
	case framePriorityUpdate:
		return c.priorityUpdate(f, payload)
	}
	return c.owe(costOfControl) // RFC 9113 section 5.5: unknown, ignored
}

// unpad removes the padding of a frame (RFC 9113 section 6.1).
func unpad(f frame, payload []byte) ([]byte, error) {
	if !f.has(flagPadded) {
		return payload, nil
	}
	if len(payload) == 0 {
		return nil, &connError{FrameSizeError, "a padded frame without the length of its padding"}
	}
	padding := int(payload[0])
	if padding > len(payload)-1 {
		return nil, protocolError("padding longer than its frame")
	}
	return payload[1 : len(payload)-padding], nil
}

// data takes DATA (RFC 9113 section 6.1).
func (c *conn) data(f frame, payload []byte) error {
	if f.stream == 0 {
		return protocolError("DATA on stream 0")
	}
	content, err := unpad(f, payload)
	if err != nil {
		return err
	}
	if c.idle(f.stream) {
		return protocolError("DATA on an idle stream")
	}
	if len(content) == 0 && !f.has(flagEndStream) {
		if err := c.owe(costOfControl); err != nil {
			return err
		}
	}
	w := &c.windows
	if w.left -= int64(f.length); w.left < 0 {
		return &connError{FlowControlError, "more content than the connection's window lets in"}
	}
	s := c.streams[f.stream]
	if s == nil || s.remoteDone || s.failed != nil {
		w.credit += int64(f.length)
		c.giveBack()
		switch {
		case s == nil && !c.reset.has(f.stream):
			return c.late(f.stream, "DATA on a stream that is closed")
		case s == nil || s.failed != nil:
			return nil
		}
		return c.offend(s, StreamClosed, "content behind the end of a message")
	}
	if s.receiveLeft -= int64(f.length); s.receiveLeft < 0 {
		w.credit += int64(f.length)
		return c.offend(s, FlowControlError, "more content than the stream's window lets in")
	}
	s.received += int64(len(content))
	switch {
	case s.headless:
		w.credit += int64(f.length)
		return c.offend(s, ProtocolError, "content ahead of the header section")
	case s.length >= 0 && (s.received > s.length || f.has(flagEndStream) && s.received != s.length):
		w.credit += int64(f.length)
		return c.offend(s, ProtocolError, "content that differs from its length") // RFC 9113 section 8.1.1
	}
	// Padding is read as soon as it is here.
	s.consumed(f.length - len(content))
	s.take(content)
	if f.has(flagEndStream) {
		s.endRemote(io.EOF)
	}
	return nil
}

// late deals with a frame on a stream that is over (RFC 9113 section 5.1): those
// on their way when this end has reset it are nothing, others are not allowed.
func (c *conn) late(id uint32, what string) error {
	switch {
	case c.reset.has(id):
		return c.owe(costOfControl)
	case c.done.has(id):
		return &connError{StreamClosed, what}
	}
	// It may be one of those that are forgotten.
	return c.offendOn(id, StreamClosed, what)
}

// idle reports whether a stream has not been opened yet.
func (c *conn) idle(id uint32) bool {
	if c.ownStream(id) {
		return id >= c.next
	}
	return id > c.highest
}

// ownStream reports whether streams of this number are opened by this end.
func (c *conn) ownStream(id uint32) bool { return c.client == (id%2 == 1) }

// headers takes HEADERS (RFC 9113 section 6.2).
func (c *conn) headers(f frame, payload []byte) error {
	if f.stream == 0 || f.stream%2 == 0 {
		return protocolError("HEADERS on a stream that is not a client's")
	}
	fragment, err := unpad(f, payload)
	if err != nil {
		return err
	}
	if f.has(flagPriority) {
		if len(fragment) < 5 {
			return &connError{FrameSizeError, "HEADERS too short for its priority"}
		}
		if binary.BigEndian.Uint32(fragment)&^reservedBit == f.stream {
			return protocolError("a stream that depends on itself")
		}
		fragment = fragment[5:]
	}
	c.block.stream, c.block.flags = f.stream, f.flags
	return c.fragment(fragment, f.has(flagEndHeaders))
}

// fragment takes a part of a header section, and the section when it is whole.
func (c *conn) fragment(fragment []byte, last bool) error {
	if len(fragment) == 0 && !last {
		if err := c.owe(costOfControl); err != nil {
			return err
		}
	}
	section, err := c.block.add(fragment, last)
	if err != nil || !last {
		return err
	}
	id := c.block.stream
	s := c.streams[id]
	if err := c.block.decode(section, c.fieldsTo(id, s)); err != nil {
		return err
	}
	return c.side.section(id, s, c.block.flags&flagEndStream != 0)
}

// fieldsTo returns where the fields of a section on stream id go.
func (c *conn) fieldsTo(id uint32, s *stream) *message.Header {
	switch {
	case s != nil && s.section != nil && !s.remoteDone:
		return s.section
	case s == nil && c.idle(id):
		return c.side.fresh()
	}
	c.scratch.Reset()
	return &c.scratch
}

// priority takes PRIORITY, which RFC 9113 section 6.3 has made void.
func (c *conn) priority(f frame, payload []byte) error {
	switch {
	case f.stream == 0:
		return protocolError("PRIORITY on stream 0")
	case len(payload) != 5:
		return c.offendOn(f.stream, FrameSizeError, "PRIORITY is not 5 bytes long")
	case binary.BigEndian.Uint32(payload)&^reservedBit == f.stream:
		return c.offendOn(f.stream, ProtocolError, "a stream that depends on itself")
	}
	return c.owe(costOfControl)
}

// offend resets a stream for what the peer has done on it (RFC 9113 section
// 5.4.2). That costs the peer as much as a reset of its own: work can be thrown
// away in either way.
func (c *conn) offend(s *stream, code Code, reason string) error {
	s.abort(code, reason)
	return c.owe(costOfReset)
}

// offendOn is offend for a stream that need not be there.
func (c *conn) offendOn(id uint32, code Code, reason string) error {
	if s := c.streams[id]; s != nil {
		return c.offend(s, code, reason)
	}
	c.sendReset(id, code)
	return c.owe(costOfReset)
}

// resetByPeer takes RST_STREAM (RFC 9113 section 6.4).
func (c *conn) resetByPeer(f frame, payload []byte) error {
	switch {
	case f.stream == 0 || c.idle(f.stream):
		return protocolError("RST_STREAM on an idle stream")
	case len(payload) != 4:
		return &connError{FrameSizeError, "RST_STREAM is not 4 bytes long"}
	}
	c.reset.forget(f.stream) // the peer knows as well that it is over
	if s := c.streams[f.stream]; s != nil {
		s.fail(&StreamError{Code(binary.BigEndian.Uint32(payload))})
	}
	return c.owe(costOfReset)
}

// ping takes PING (RFC 9113 section 6.7).
func (c *conn) ping(f frame, payload []byte) error {
	switch {
	case f.stream != 0:
		return protocolError("PING on a stream")
	case len(payload) != 8:
		return &connError{FrameSizeError, "PING is not 8 bytes long"}
	case f.has(flagAck):
		c.side.pong()
		return c.owe(costOfControl)
	}
	b := appendFrame(c.raw.Output(frameHeaderSize+8), 8, framePing, flagAck, 0)
	c.raw.SetOutput(append(b, payload...))
	return c.owe(costOfControl)
}

// goneByPeer takes GOAWAY (RFC 9113 section 6.8).
func (c *conn) goneByPeer(f frame, payload []byte) error {
	switch {
	case f.stream != 0:
		return protocolError("GOAWAY on a stream")
	case len(payload) < 8:
		return &connError{FrameSizeError, "GOAWAY is too short"}
	}
	c.peerGone = true
	if c.client {
		last := binary.BigEndian.Uint32(payload) &^ reservedBit
		code := Code(binary.BigEndian.Uint32(payload[4:]))
		for id, s := range c.streams {
			if id > last {
				s.fail(&GoneError{Code: code})
			}
		}
	}
	c.side.changed()
	return c.owe(costOfControl)
}

// Settings of RFC 9113 section 6.5.2, RFC 8441 section 3 and RFC 9218 section
// 2.1.
const (
	settingTableSize     = 0x1
	settingPush          = 0x2
	settingMaxStreams    = 0x3
	settingWindow        = 0x4
	settingMaxFrame      = 0x5
	settingMaxHead       = 0x6
	settingConnect       = 0x8
	settingNoPriorities  = 0x9
	maxSettingsInOneTurn = 64
)

// setting takes SETTINGS.
func (c *conn) setting(f frame, payload []byte) error {
	switch {
	case f.stream != 0:
		return protocolError("SETTINGS on a stream")
	case f.has(flagAck) && len(payload) > 0, len(payload)%settingLength != 0:
		return &connError{FrameSizeError, "SETTINGS of a wrong length"}
	case !c.settled && f.has(flagAck):
		return protocolError("the first frame is not SETTINGS")
	case f.has(flagAck):
		return c.owe(costOfControl)
	case len(payload) > maxSettingsInOneTurn*settingLength:
		return &connError{EnhanceYourCalm, "too many settings"}
	}
	c.settled = true
	for ; len(payload) > 0; payload = payload[settingLength:] {
		err := c.set(binary.BigEndian.Uint16(payload), binary.BigEndian.Uint32(payload[2:]))
		if err != nil {
			return err
		}
	}
	c.raw.SetOutput(appendFrame(c.raw.Output(frameHeaderSize), 0, frameSettings, flagAck, 0))
	c.side.changed()
	c.wakeBlocked()
	return c.owe(costOfControl)
}

func (c *conn) set(id uint16, value uint32) error {
	switch id {
	case settingPush:
		if value > 1 || c.client && value == 1 {
			return protocolError("SETTINGS_ENABLE_PUSH out of bounds")
		}
	case settingMaxStreams:
		c.peer.maxStreams = value
	case settingWindow:
		if value > mostWindow {
			return &connError{FlowControlError, "SETTINGS_INITIAL_WINDOW_SIZE out of bounds"}
		}
		change := int64(value) - c.peer.window
		c.peer.window = int64(value)
		for _, s := range c.streams {
			if s.sendWindow += change; s.sendWindow > mostWindow {
				return &connError{FlowControlError, "SETTINGS_INITIAL_WINDOW_SIZE makes a window overflow"}
			}
		}
	case settingMaxFrame:
		if value < leastMaxFrame || value > mostMaxFrame {
			return protocolError("SETTINGS_MAX_FRAME_SIZE out of bounds")
		}
		c.peer.maxFrame = int(min(value, outputHigh/2))
	case settingMaxHead:
		c.peer.maxHead = value
	case settingConnect:
		if value > 1 {
			return protocolError("SETTINGS_ENABLE_CONNECT_PROTOCOL out of bounds")
		}
		c.peer.connect = value == 1
	case settingNoPriorities:
		if value > 1 {
			return protocolError("SETTINGS_NO_RFC7540_PRIORITIES out of bounds")
		}
	}
	return nil
}

// windowUpdate takes WINDOW_UPDATE (RFC 9113 section 6.9).
func (c *conn) windowUpdate(f frame, payload []byte) error {
	if len(payload) != 4 {
		return &connError{FrameSizeError, "WINDOW_UPDATE is not 4 bytes long"}
	}
	n := int64(binary.BigEndian.Uint32(payload) &^ reservedBit)
	if f.stream == 0 {
		if n == 0 {
			return protocolError("WINDOW_UPDATE of 0")
		}
		if c.sendWindow += n; c.sendWindow > mostWindow {
			return &connError{FlowControlError, "WINDOW_UPDATE makes the connection's window overflow"}
		}
		c.wakeBlocked()
		return c.oweForWindow(n)
	}
	if c.idle(f.stream) {
		return protocolError("WINDOW_UPDATE on an idle stream")
	}
	s := c.streams[f.stream]
	if s == nil || s.failed != nil {
		return c.owe(costOfControl)
	}
	if n == 0 {
		return c.offend(s, ProtocolError, "WINDOW_UPDATE of 0")
	}
	if s.sendWindow += n; s.sendWindow > mostWindow {
		return c.offend(s, FlowControlError, "WINDOW_UPDATE makes the stream's window overflow")
	}
	c.wakeBlocked()
	return c.oweForWindow(n)
}

// oweForWindow counts windows that are too small to be worth their frame.
func (c *conn) oweForWindow(n int64) error {
	if n >= 1024 {
		return nil
	}
	return c.owe(costOfControl)
}

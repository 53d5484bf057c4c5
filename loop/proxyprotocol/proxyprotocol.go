// Package proxyprotocol is the PROXY protocol of HAProxy, versions 1 and 2: a
// header in front of a connection in which a proxy says for whom it has made it.
package proxyprotocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/netip"
	"strconv"
	"strings"
)

// Header is what a header says. Both addresses are invalid where it says
// nothing: for checks of the proxy itself, and for clients without addresses.
type Header struct {
	Source      netip.AddrPort // the client
	Destination netip.AddrPort // where it connected to
}

var (
	// ErrIncomplete says that what is there is the beginning of a header.
	ErrIncomplete = errors.New("PROXY header is incomplete")
	// ErrMissing says that what is there does not begin a header.
	ErrMissing = errors.New("there is no PROXY header")
	// ErrMalformed says that a header has begun that is none.
	ErrMalformed = errors.New("PROXY header is malformed")
)

const (
	signature1 = "PROXY "
	signature2 = "\r\n\r\n\x00\r\nQUIT\n"
	// longest1 is how long a header of version 1 may be.
	longest1 = 107
	fixed2   = 16
	// Longest is the length of the longest header that is taken: the protocol
	// allows 64 KiB, of which nobody uses a tenth.
	Longest = 4096
)

// Parse reads the header that b begins with, and returns its length.
func Parse(b []byte) (h Header, n int, err error) {
	switch {
	case begins(b, signature1):
		return parse1(b)
	case begins(b, signature2):
		return parse2(b)
	}
	return Header{}, 0, ErrMissing
}

// begins reports whether b begins with text, as far as it goes.
func begins(b []byte, text string) bool {
	n := min(len(b), len(text))
	return string(b[:n]) == text[:n]
}

// parse1 reads a line of text: PROXY TCP4 source destination port port.
func parse1(b []byte) (h Header, n int, err error) {
	end := bytes.Index(b[:min(len(b), longest1)], []byte("\r\n"))
	if end < 0 {
		if len(b) >= longest1 {
			return h, 0, ErrMalformed
		}
		return h, 0, ErrIncomplete
	}
	n = end + 2
	words := strings.Split(string(b[:end]), " ")
	if len(words) >= 2 && words[1] == "UNKNOWN" {
		return h, n, nil // whatever follows
	}
	if len(words) != 6 {
		return h, 0, ErrMalformed
	}
	var ok1, ok2 bool
	h.Source, ok1 = address(words[1], words[2], words[4])
	h.Destination, ok2 = address(words[1], words[3], words[5])
	if !ok1 || !ok2 {
		return Header{}, 0, ErrMalformed
	}
	return h, n, nil
}

// address reads one of version 1's.
func address(family, host, port string) (netip.AddrPort, bool) {
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Zone() != "" || family != map[bool]string{true: "TCP4", false: "TCP6"}[addr.Is4()] {
		return netip.AddrPort{}, false
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || len(port) > 1 && port[0] == '0' || port[0] == '+' {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(number)), true
}

// parse2 reads the binary form.
func parse2(b []byte) (h Header, n int, err error) {
	if len(b) < fixed2 {
		return h, 0, ErrIncomplete
	}
	command, family := b[12], b[13]
	n = fixed2 + int(binary.BigEndian.Uint16(b[14:]))
	switch {
	case command>>4 != 2 || command&0xf > 1 || n > Longest:
		return h, 0, ErrMalformed
	case len(b) < n:
		return h, 0, ErrIncomplete
	}
	rest := b[fixed2:n]
	if command == local || family == unspecified {
		return h, n, nil // whatever follows
	}
	size := addressSize(family)
	if size == 0 {
		return h, 0, ErrMalformed
	}
	length := 2 * size
	if size != unixAddress {
		length += 4 // ports
	}
	if len(rest) < length || !intact(b[:n], fixed2+length) {
		return h, 0, ErrMalformed
	}
	if size != unixAddress {
		source, _ := netip.AddrFromSlice(rest[:size])
		destination, _ := netip.AddrFromSlice(rest[size : 2*size])
		h.Source = netip.AddrPortFrom(source.Unmap(), binary.BigEndian.Uint16(rest[2*size:]))
		h.Destination = netip.AddrPortFrom(destination.Unmap(), binary.BigEndian.Uint16(rest[2*size+2:]))
	}
	return h, n, nil
}

// Bytes of version 2 behind its signature: the command with the version, and the
// family of the addresses with the transport.
const (
	local       = 0x20 // a connection of the proxy's own, such as a check
	unspecified = 0x00
	unixAddress = 108 // bytes
)

// addressSize returns the length of one address of a family, 0 when there is none
// such. Whether connections or datagrams came makes no difference.
func addressSize(family byte) int {
	switch family {
	case 0x11, 0x12:
		return 4
	case 0x21, 0x22:
		return 16
	case 0x31, 0x32:
		return unixAddress
	}
	return 0
}

// tlvChecksum is the type of the value that holds a CRC32c of the header.
const tlvChecksum = 0x03

// intact reports whether the values from i on are well-formed, and the checksum
// right if there is one.
func intact(header []byte, i int) bool {
	for i < len(header) {
		if len(header)-i < 3 {
			return false
		}
		kind, length := header[i], int(binary.BigEndian.Uint16(header[i+1:]))
		i += 3
		if length > len(header)-i {
			return false
		}
		if kind == tlvChecksum {
			if length != 4 {
				return false
			}
			blank := bytes.Clone(header)
			clear(blank[i : i+4])
			if crc32.Checksum(blank, crc32.MakeTable(crc32.Castagnoli)) != binary.BigEndian.Uint32(header[i:]) {
				return false
			}
		}
		i += length
	}
	return true
}

// Append1 appends a header of version 1.
func Append1(b []byte, h Header) []byte {
	source, destination, family := h.pair()
	if family == 0 {
		return append(b, "PROXY UNKNOWN\r\n"...)
	}
	b = append(b, "PROXY TCP"...)
	b = append(b, family, ' ')
	b = source.Addr().AppendTo(b)
	b = append(b, ' ')
	b = destination.Addr().AppendTo(b)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(source.Port()), 10)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(destination.Port()), 10)
	return append(b, "\r\n"...)
}

// Append2 appends a header of version 2.
func Append2(b []byte, h Header) []byte {
	source, destination, family := h.pair()
	b = append(b, signature2...)
	switch family {
	case 0:
		return append(b, 0x20, 0, 0, 0)
	case '4':
		b = append(b, 0x21, 0x11, 0, 12)
	default:
		b = append(b, 0x21, 0x21, 0, 36)
	}
	b = append(b, source.Addr().AsSlice()...)
	b = append(b, destination.Addr().AsSlice()...)
	b = binary.BigEndian.AppendUint16(b, source.Port())
	return binary.BigEndian.AppendUint16(b, destination.Port())
}

// pair returns the addresses in one family, '4' or '6'; 0 when there are none.
func (h Header) pair() (source, destination netip.AddrPort, family byte) {
	s, d := h.Source.Addr().Unmap(), h.Destination.Addr().Unmap()
	switch {
	case !s.IsValid() || !d.IsValid():
		return source, destination, 0
	case s.Is4() && d.Is4():
		family = '4'
	default:
		family = '6'
		s, d = netip.AddrFrom16(s.As16()), netip.AddrFrom16(d.As16())
	}
	return netip.AddrPortFrom(s.WithZone(""), h.Source.Port()), netip.AddrPortFrom(d.WithZone(""), h.Destination.Port()), family
}

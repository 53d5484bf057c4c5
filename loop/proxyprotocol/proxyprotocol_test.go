package proxyprotocol

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"strings"
	"testing"
)

func header(source, destination string) Header {
	return Header{netip.MustParseAddrPort(source), netip.MustParseAddrPort(destination)}
}

var headers = []Header{
	header("192.0.2.1:1234", "192.0.2.2:443"),
	header("[2001:db8::1]:1", "[2001:db8::2]:65535"),
	header("0.0.0.0:0", "255.255.255.255:0"),
	{},
}

func TestHeadersAreReadAsTheyWereWritten(t *testing.T) {
	for _, h := range headers {
		for version, write := range map[int]func([]byte, Header) []byte{1: Append1, 2: Append2} {
			b := write(nil, h)
			got, n, err := Parse(append(bytes.Clone(b), "GET / HTTP/1.1\r\n"...))
			if err != nil || n != len(b) || got != h {
				t.Errorf("version %d: %q is read as %v, %d of %d bytes, %v", version, b, got, n, len(b), err)
			}
			for i := range b {
				if _, _, err := Parse(b[:i]); err != ErrIncomplete {
					t.Errorf("version %d: the first %d bytes of %q: %v", version, i, b, err)
				}
			}
		}
	}
}

func TestAddressesOfBothFamiliesAreWrittenInTheLargerOne(t *testing.T) {
	h := header("192.0.2.1:1", "[2001:db8::2]:2")
	if got, want := string(Append1(nil, h)), "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHeadersOfVersion1(t *testing.T) {
	for text, want := range map[string]error{
		"PROXY UNKNOWN\r\n":                                           nil,
		"PROXY UNKNOWN ffff:: ffff:: 1 2\r\n":                         nil,
		"PROXY TCP4 1.2.3.4 5.6.7.8 0 65535\r\n":                      nil,
		"PROXY TCP6 ::1 ::ffff:1.2.3.4 1 2\r\n":                       nil,
		"PROXY TCP4 ::1 ::2 1 2\r\n":                                  ErrMalformed,
		"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n":                          ErrMalformed,
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n":                      ErrMalformed,
		"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n":                         ErrMalformed,
		"PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n":                         ErrMalformed,
		"PROXY TCP4 1.2.3.4 5.6.7.8  1 2\r\n":                         ErrMalformed,
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n":                        ErrMalformed,
		"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n":                            ErrMalformed,
		"PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n":                         ErrMalformed,
		"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n":                         ErrMalformed,
		"PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n":                          ErrMalformed,
		"PROXY \r\n":                                                  ErrMalformed,
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n" + strings.Repeat("x", 100): ErrMalformed,
		"PROXY TCP4 1.2.3.4":                                          ErrIncomplete,
		"PROX":                                                        ErrIncomplete,
		"":                                                            ErrIncomplete,
		"GET / HTTP/1.1\r\n":                                          ErrMissing,
		"proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n":                          ErrMissing,
		"\r\n\r\n\x00\r\nQUIT\r":                                      ErrMissing,
	} {
		if _, _, err := Parse([]byte(text)); err != want {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

// binaryHeader makes a header of version 2.
func binaryHeader(command, family byte, rest ...byte) []byte {
	b := append([]byte(signature2), command, family)
	b = binary.BigEndian.AppendUint16(b, uint16(len(rest)))
	return append(b, rest...)
}

func TestHeadersOfVersion2(t *testing.T) {
	addrs := []byte{1, 2, 3, 4, 5, 6, 7, 8, 0, 80, 1, 187}
	with := func(more ...byte) []byte { return append(bytes.Clone(addrs), more...) }
	summed := binaryHeader(0x21, 0x11, with(tlvChecksum, 0, 4, 0, 0, 0, 0)...)
	binary.BigEndian.PutUint32(summed[len(summed)-4:], crc32.Checksum(summed, crc32.MakeTable(crc32.Castagnoli)))
	wrongSum := bytes.Clone(summed)
	wrongSum[len(wrongSum)-1] ^= 1
	for name, c := range map[string]struct {
		header []byte
		want   error
		addr   bool
	}{
		"IPv4":                  {binaryHeader(0x21, 0x11, addrs...), nil, true},
		"datagrams":             {binaryHeader(0x21, 0x12, addrs...), nil, true},
		"values behind":         {binaryHeader(0x21, 0x11, with(1, 0, 2, 'h', '2')...), nil, true},
		"checksum":              {summed, nil, true},
		"wrong checksum":        {wrongSum, ErrMalformed, false},
		"checksum too short":    {binaryHeader(0x21, 0x11, with(tlvChecksum, 0, 1, 0)...), ErrMalformed, false},
		"value cut":             {binaryHeader(0x21, 0x11, with(1, 0, 9, 'h')...), ErrMalformed, false},
		"value without length":  {binaryHeader(0x21, 0x11, with(1, 0)...), ErrMalformed, false},
		"the proxy's own":       {binaryHeader(0x20, 0x11, addrs...), nil, false},
		"the proxy's own, bare": {binaryHeader(0x20, 0x00), nil, false},
		"the proxy's own, odd":  {binaryHeader(0x20, 0x99, 1, 2, 3), nil, false},
		"Unix sockets":          {binaryHeader(0x21, 0x31, make([]byte, 216)...), nil, false},
		"unspecified":           {binaryHeader(0x21, 0x00, 1, 2, 3), nil, false},
		"Unix datagrams":        {binaryHeader(0x21, 0x32, append(make([]byte, 216), 1, 0, 2, 'h', '2')...), nil, false},
		"Unix sockets, cut":     {binaryHeader(0x21, 0x31, make([]byte, 215)...), ErrMalformed, false},
		"neither":               {binaryHeader(0x21, 0x10, addrs...), ErrMalformed, false},
		"addresses cut":         {binaryHeader(0x21, 0x11, addrs[:11]...), ErrMalformed, false},
		"version 3":             {binaryHeader(0x31, 0x11, addrs...), ErrMalformed, false},
		"unknown command":       {binaryHeader(0x22, 0x11, addrs...), ErrMalformed, false},
		"unknown family":        {binaryHeader(0x21, 0x41, addrs...), ErrMalformed, false},
		"too long":              {binaryHeader(0x21, 0x11, make([]byte, Longest)...), ErrMalformed, false},
	} {
		h, n, err := Parse(c.header)
		if err != c.want || err == nil && (n != len(c.header) || h.Source.IsValid() != c.addr) {
			t.Errorf("%s: %v, %d bytes, %v", name, h, n, err)
		}
	}
}

// What is read, written again, is read as the same.
func FuzzParse(f *testing.F) {
	for _, h := range headers {
		f.Add(Append1(nil, h))
		f.Add(Append2(nil, h))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, err := Parse(b)
		if err != nil {
			if n != 0 {
				t.Fatalf("%d bytes and %v", n, err)
			}
			return
		}
		if n > len(b) || n > Longest {
			t.Fatalf("%d of %d bytes", n, len(b))
		}
		again, _, err := Parse(Append2(nil, h))
		if err != nil || again.Source != h.Source || again.Destination != h.Destination {
			t.Fatalf("%v becomes %v, %v", h, again, err)
		}
	})
}

package grpc

import "pingap/message"

// errBase64 refuses content that is not base64.
var errBase64 = message.Refuse(400, "the content of a gRPC-Web call is not in base64")

// base64Decoder decodes base64 that comes in pieces of any size. Unlike that of
// RFC 4648 it may hold padding anywhere between two groups: clients encode
// message by message.
type base64Decoder struct {
	bits  uint32 // of the group that has begun
	chars int    // how many of its characters have passed, padding included
	pad   bool   // the group must end with one more sign of padding
}

// noDigit stands in base64Digits for what is none.
const noDigit = 0xff

// base64Digits is the value of each character.
var base64Digits = func() (table [256]byte) {
	for i := range table {
		table[i] = noDigit
	}
	for value, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		table[c] = byte(value)
	}
	return table
}()

// decode decodes from src to dst until one of them is used up or less than a
// group fits into dst. It returns how many bytes it has written and read.
func (d *base64Decoder) decode(dst, src []byte) (written, read int, err error) {
	for read < len(src) && len(dst)-written >= 3 {
		if d.chars == 0 {
			w, r := decodeGroups(dst[written:], src[read:])
			if written, read = written+w, read+r; r > 0 {
				continue
			}
		}
		n, err := d.take(dst[written:], src[read])
		if err != nil {
			return written, read, err
		}
		written += n
		read++
	}
	return written, read, nil
}

// decodeGroups decodes groups that are complete and without padding, up to the
// first that is not.
func decodeGroups(dst, src []byte) (written, read int) {
	for len(dst)-written >= 3 && len(src)-read >= 4 {
		s := src[read : read+4]
		a, b, c, e := base64Digits[s[0]], base64Digits[s[1]], base64Digits[s[2]], base64Digits[s[3]]
		if (a|b|c|e)&0x80 != 0 {
			break
		}
		t := dst[written : written+3]
		t[0], t[1], t[2] = a<<2|b>>4, b<<4|c>>2, c<<6|e
		written += 3
		read += 4
	}
	return written, read
}

// take takes one character and returns how many bytes that has put into dst.
func (d *base64Decoder) take(dst []byte, c byte) (int, error) {
	if c == '=' {
		return d.takePadding(dst)
	}
	digit := base64Digits[c]
	if digit == noDigit || d.pad {
		return 0, errBase64
	}
	d.bits = d.bits<<6 | uint32(digit)
	if d.chars++; d.chars < 4 {
		return 0, nil
	}
	dst[0], dst[1], dst[2] = byte(d.bits>>16), byte(d.bits>>8), byte(d.bits)
	*d = base64Decoder{}
	return 3, nil
}

func (d *base64Decoder) takePadding(dst []byte) (int, error) {
	switch {
	case d.pad:
		dst[0] = byte(d.bits >> 4)
		*d = base64Decoder{}
		return 1, nil
	case d.chars == 2:
		d.pad = true
		d.chars++
		return 0, nil
	case d.chars == 3:
		dst[0], dst[1] = byte(d.bits>>10), byte(d.bits>>2)
		*d = base64Decoder{}
		return 2, nil
	}
	return 0, errBase64
}

// complete reports whether all groups that have begun are complete.
func (d *base64Decoder) complete() bool { return d.chars == 0 }

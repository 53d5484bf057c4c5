package imageoptim

import (
	"encoding/binary"
	"strings"
)

// isSRGB reports whether a color profile calls itself one of sRGB (ICC.1:2022
// sections 7.3 and 9.2.41). Without such a profile colors mean the same.
func isSRGB(profile []byte) bool { return strings.HasPrefix(describe(profile), "sRGB") }

// describe returns the beginning of a profile's description, "" if there is none.
func describe(profile []byte) string {
	const header, entry = 128, 12
	if len(profile) < header+4 {
		return ""
	}
	tags := profile[header+4:]
	for n := binary.BigEndian.Uint32(profile[header:]); n > 0 && len(tags) >= entry; n, tags = n-1, tags[entry:] {
		if string(tags[:4]) != "desc" {
			continue
		}
		from := uint64(binary.BigEndian.Uint32(tags[4:]))
		to := from + uint64(binary.BigEndian.Uint32(tags[8:]))
		if to > uint64(len(profile)) {
			return ""
		}
		return text(profile[from:to])
	}
	return ""
}

// text reads a tag of one of the two types that a description has: desc of older
// profiles, mluc of newer ones, in the first of its languages.
func text(tag []byte) string {
	switch {
	case len(tag) > 12 && string(tag[:4]) == "desc":
		return string(tag[12:])
	case len(tag) >= 28 && string(tag[:4]) == "mluc":
		from := uint64(binary.BigEndian.Uint32(tag[24:]))
		if from > uint64(len(tag)) {
			return ""
		}
		var ascii []byte
		for wide := tag[from:]; len(wide) >= 2 && wide[0] == 0; wide = wide[2:] {
			ascii = append(ascii, wide[1])
		}
		return string(ascii)
	}
	return ""
}

package imageoptim

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
)

// look is what can be told of an image without decoding it.
type look struct {
	width, height int
	// orientation is how the pixels are to be turned to be seen, 1 to 8 as in Exif,
	// or 0.
	orientation int
}

// lookAt reads what stands before the pixels. It fails where something would be lost
// that is to be seen: movement, or colors that are not those of sRGB.
func lookAt(own format, content []byte) (look, error) {
	if own == png {
		return lookAtPNG(content)
	}
	return lookAtJPEG(content)
}

const pngSignature = "\x89PNG\r\n\x1a\n"

// lookAtPNG reads the chunks of a PNG up to its pixels.
func lookAtPNG(content []byte) (l look, err error) {
	rest, ok := bytes.CutPrefix(content, []byte(pngSignature))
	if !ok {
		return l, unfit("is no PNG")
	}
	var colors pngColors
	for len(rest) >= 12 {
		size, name := binary.BigEndian.Uint32(rest), string(rest[4:8])
		if uint64(size)+12 > uint64(len(rest)) {
			break
		}
		data := rest[8 : 8+size]
		rest = rest[12+size:]
		switch name {
		case "IHDR":
			if size != 13 {
				return l, unfit("has a damaged header")
			}
			l.width, l.height = int(binary.BigEndian.Uint32(data)), int(binary.BigEndian.Uint32(data[4:]))
		case "acTL":
			return l, unfit("is animated")
		case "eXIf":
			l.orientation = orientationOf(data)
		case "IDAT":
			if l.width <= 0 || l.height <= 0 {
				return l, unfit("has no size")
			}
			return l, colors.check()
		default:
			colors.note(name, data)
		}
	}
	return l, unfit("has no pixels")
}

// pngColors are the chunks that tell what the colors of a PNG are.
type pngColors struct {
	srgb, others bool
	profile      []byte
}

// Values of chunks that say the same as sRGB (PNG, third edition, section 11.3.2).
const (
	srgbGamma          = "\x00\x00\xb1\x8f"
	srgbChromaticities = "\x00\x00\x7a\x26\x00\x00\x80\x84\x00\x00\xfa\x00\x00\x00\x80\xe8\x00\x00\x75\x30\x00\x00\xea\x60\x00\x00\x3a\x98\x00\x00\x17\x70"
)

func (c *pngColors) note(name string, data []byte) {
	switch name {
	case "sRGB":
		c.srgb = true
	case "iCCP":
		c.profile = data
	case "gAMA":
		c.others = c.others || string(data) != srgbGamma
	case "cHRM":
		c.others = c.others || string(data) != srgbChromaticities
	case "cICP":
		c.others, c.srgb = true, false
	}
}

// maxProfile is how much of a color profile is looked at.
const maxProfile = 64 << 10

func (c *pngColors) check() error {
	if c.profile != nil {
		_, packed, _ := bytes.Cut(c.profile, []byte{0})
		if len(packed) < 1 {
			return unfit("has a damaged color profile")
		}
		unpacked, err := zlib.NewReader(bytes.NewReader(packed[1:]))
		if err != nil {
			return unfit("has a damaged color profile")
		}
		profile, _ := io.ReadAll(io.LimitReader(unpacked, maxProfile)) // what is cut names nothing
		if !isSRGB(profile) {
			return unfit("has a color profile")
		}
		return nil
	}
	if c.others && !c.srgb {
		return unfit("has other colors than sRGB")
	}
	return nil
}

// lookAtJPEG reads the segments of a JPEG up to its first scan.
func lookAtJPEG(content []byte) (l look, err error) {
	rest, ok := bytes.CutPrefix(content, []byte{0xff, 0xd8})
	if !ok {
		return l, unfit("is no JPEG")
	}
	var profile []byte
	for len(rest) >= 4 && rest[0] == 0xff {
		marker := rest[1]
		if marker == 0xff { // filling
			rest = rest[1:]
			continue
		}
		size := int(binary.BigEndian.Uint16(rest[2:]))
		if size < 2 || size+2 > len(rest) {
			break
		}
		data := rest[4 : 2+size]
		rest = rest[2+size:]
		switch {
		case marker == 0xe1 && bytes.HasPrefix(data, []byte("Exif\x00\x00")):
			if l.orientation == 0 {
				l.orientation = orientationOf(data[6:])
			}
		case marker == 0xe1 && bytes.Contains(data, []byte("hdrgm:Version")):
			return l, unfit("has a gain map for bright screens")
		case marker == 0xe2 && bytes.HasPrefix(data, []byte("ICC_PROFILE\x00")) && len(data) > 14:
			profile = append(profile, data[14:]...) // all encoders write the parts in order
		case marker >= 0xc0 && marker <= 0xc2:
			if len(data) < 6 {
				return l, unfit("has a damaged header")
			}
			l.height, l.width = int(binary.BigEndian.Uint16(data[1:])), int(binary.BigEndian.Uint16(data[3:]))
			if data[5] != 1 && data[5] != 3 {
				return l, unfit("has neither gray nor three colors")
			}
		case marker == 0xda:
			if l.width <= 0 || l.height <= 0 {
				return l, unfit("has no size")
			}
			if profile != nil && !isSRGB(profile) {
				return l, unfit("has a color profile")
			}
			return l, nil
		}
	}
	return l, unfit("has no pixels")
}

package http1

import (
	"bytes"

	"pingap/message"
)

// Chunked content (RFC 9112 section 7.1) is a row of chunks, each a line with
// its size, that many bytes, and CRLF; then a chunk of size 0 and the trailer
// section.

const (
	// maxChunkLine bounds the line before a chunk: 16 digits and a little
	// for extensions, which nobody uses.
	maxChunkLine = 256
	// maxExtensions bounds the extensions of a whole body, so that one byte
	// of content cannot be sent with hundreds around it for ever.
	maxExtensions = 4 << 10
)

// chunkState is where in the chunked coding the next byte stands.
type chunkState uint8

const (
	atSize    chunkState = iota // at the line of a chunk
	inChunk                     // in its data
	atEnd                       // at the CRLF behind its data
	inTrailer                   // behind the last chunk
	finished                    // behind the trailer section
)

// chunkDecoder follows the chunked coding. It is given the bytes as they come,
// at any boundaries, and tells what of them is content.
type chunkDecoder struct {
	state      chunkState
	left       int64 // of the present chunk's data
	extensions int   // bytes of extensions so far
	lines      fieldLines
}

// next looks at b, the bytes that come next. It passes over skip bytes of
// framing, behind which stand n bytes of content; both are then consumed. n is
// 0 at the end of the content (state finished) or with errIncomplete: more
// bytes are needed behind those at b[skip:]. Trailers go to h; they are views
// of b, which must not move while the state is inTrailer.
func (d *chunkDecoder) next(b []byte, h *message.Header, limits *Limits) (skip, n int, err error) {
	for {
		rest := b[skip:]
		switch d.state {
		case inChunk:
			if len(rest) == 0 {
				return skip, 0, errIncomplete
			}
			n = int(min(d.left, int64(len(rest))))
			if d.left -= int64(n); d.left == 0 {
				d.state = atEnd
			}
			return skip, n, nil
		case finished:
			return skip, 0, nil
		case inTrailer:
			err = d.trailer(rest, h, limits)
			if err == nil {
				skip += d.lines.pos
			}
		case atEnd:
			err = d.end(rest, &skip)
		case atSize:
			err = d.size(rest, &skip)
		}
		if err != nil {
			return skip, 0, err
		}
	}
}

// end takes the CRLF behind a chunk's data.
func (d *chunkDecoder) end(b []byte, skip *int) error {
	if len(b) > 0 && b[0] != '\r' || len(b) > 1 && b[1] != '\n' {
		return errChunkEnd
	}
	if len(b) < 2 {
		return errIncomplete
	}
	*skip += 2
	d.state = atSize
	return nil
}

// size takes the line of a chunk.
func (d *chunkDecoder) size(b []byte, skip *int) error {
	line := b[:min(len(b), maxChunkLine)]
	lf := bytes.IndexByte(line, '\n')
	if lf < 0 {
		if len(line) == maxChunkLine {
			return errChunkLine
		}
		return errIncomplete
	}
	line, err := endedByCRLF(line[:lf])
	if err != nil {
		return err
	}
	size, extension, err := parseChunkLine(line)
	if err != nil {
		return err
	}
	if d.extensions += len(extension); d.extensions > maxExtensions {
		return errChunkLine
	}
	*skip += lf + 1
	d.left = size
	if d.state = inChunk; size == 0 {
		d.state = inTrailer
		d.lines = fieldLines{trailer: true}
	}
	return nil
}

// parseChunkLine parses the line of a chunk without its line end. RFC 9112
// lets white space stand between size and extension for the sake of old
// senders; recipients have read that differently, so it is refused.
func parseChunkLine(line []byte) (size int64, extension []byte, err error) {
	i := 0
	for i < len(line) && message.Class[line[i]]&message.HexByte != 0 {
		if i == 16 || size > (1<<63-1)>>4 {
			return 0, nil, errChunkLarge
		}
		size = size<<4 | int64(hexValue(line[i]))
		i++
	}
	if i == 0 {
		return 0, nil, errChunkSize
	}
	extension = line[i:]
	if len(extension) == 0 {
		return size, nil, nil
	}
	if extension[0] != ';' {
		return 0, nil, errChunkSize
	}
	if message.EndOfValue(extension, 0) < len(extension) {
		return 0, nil, errChunkExtension
	}
	return size, extension, nil
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// trailer takes the trailer section.
func (d *chunkDecoder) trailer(b []byte, h *message.Header, limits *Limits) error {
	err := d.lines.parse(b[:min(len(b), limits.Head)], h, limits.Fields)
	switch {
	case err == nil:
		d.state = finished
	case err == errIncomplete && len(b) >= limits.Head:
		return errLargeTrailer
	case err == errManyFields:
		return errLargeTrailer
	}
	return err
}

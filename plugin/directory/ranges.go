package directory

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"

	"pingap/message"
)

// byteRange is a part of a file that is there.
type byteRange struct{ start, length int64 }

func (r byteRange) contentRange(size int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", r.start, r.start+r.length-1, size)
}

// maxRanges bounds how many parts are sent at a time. No honest client wants more,
// and each costs a trip to the disk.
const maxRanges = 32

// parseRanges reads a Range field: the ranges that a file of that size has, without
// those that begin behind its end. It is not valid, and then to be ignored, where it
// is no list of ranges of bytes (RFC 9110 section 14.1.2), or too long a one.
func parseRanges(value string, size int64) (ranges []byteRange, valid bool) {
	unit, list, ok := strings.Cut(value, "=")
	if !ok || !message.EqualFold(unit, "bytes") {
		return nil, false
	}
	count := 0
	for spec := range strings.SplitSeq(list, ",") {
		spec = message.TrimBlanks(spec)
		if spec == "" {
			continue
		}
		if count++; count > maxRanges {
			return nil, false
		}
		r, ok := parseRange(spec, size)
		if !ok {
			return nil, false
		}
		if r.length > 0 {
			ranges = append(ranges, r)
		}
	}
	return ranges, count > 0
}

// parseRange reads "a-b", "a-" or "-n". The length is 0 where the file has nothing
// of it.
func parseRange(spec string, size int64) (byteRange, bool) {
	from, to, ok := strings.Cut(spec, "-")
	if !ok {
		return byteRange{}, false
	}
	if from == "" {
		n, ok := parsePosition(to)
		n = min(n, size)
		return byteRange{size - n, n}, ok
	}
	start, ok := parsePosition(from)
	if !ok {
		return byteRange{}, false
	}
	last := size - 1
	if to != "" {
		end, ok := parsePosition(to)
		if !ok || end < start {
			return byteRange{}, false
		}
		last = min(last, end)
	}
	if start > last {
		return byteRange{}, true
	}
	return byteRange{start, last - start + 1}, true
}

// parsePosition reads digits. A number that is too large is beyond every file.
func parsePosition(s string) (int64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		const beyond = 1<<63 - 1
		return beyond, true
	}
	return n, true
}

// excessive reports whether ranges are more than the file itself, as those of
// somebody who wants to make work do (RFC 9110 section 17.15).
func excessive(ranges []byteRange, size int64) bool {
	total := int64(0)
	for _, r := range ranges {
		if total += r.length; total > size {
			return true
		}
	}
	return false
}

// part is a piece of an answer: a text, and then some of the file.
type part struct {
	text          string
	start, length int64
}

func lengthOf(parts []part) (n int64) {
	for _, p := range parts {
		n += int64(len(p.text)) + p.length
	}
	return n
}

// inParts appends the parts of an answer with several ranges (RFC 9110 section
// 14.6), and returns its type.
func inParts(parts []part, ranges []byteRange, kind string, size int64) ([]part, string) {
	boundary := rand.Text()
	line := "--" + boundary
	for _, r := range ranges {
		text := line + "\r\nContent-Type: " + kind + "\r\nContent-Range: " + r.contentRange(size) + "\r\n\r\n"
		parts = append(parts, part{text, r.start, r.length})
		line = "\r\n--" + boundary
	}
	return append(parts, part{text: line + "--\r\n"}), "multipart/byteranges; boundary=" + boundary
}

package grpc

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"pingap/message"
)

// split is the obvious twin of frames: it cuts content into frames and returns
// what is left behind the last that is complete.
func split(content string) (all []string, rest string) {
	for len(content) >= frameHead {
		end := frameHead + uint64(binary.BigEndian.Uint32([]byte(content[1:frameHead])))
		if uint64(len(content)) < end {
			break
		}
		all = append(all, content[:end])
		content = content[end:]
	}
	return all, content
}

// frame is a message as content.
func frame(flags byte, content string) string {
	return string(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(content)))) + content
}

func FuzzFramesAreFollowedWhereverTheyAreCut(f *testing.F) {
	f.Add("", 0)
	f.Add(frame(0, ""), 3)
	f.Add(frame(0, "one")+frame(1, "two"), 7)
	f.Add(frame(0, "one")[:4], 2)
	f.Add("\x00\xff\xff\xff\xffx", 1)
	f.Fuzz(func(t *testing.T, content string, cut int) {
		cut = max(0, min(cut, len(content)))
		var whole, parts frames
		whole.advance([]byte(content))
		parts.advance([]byte(content[:cut]))
		if _, rest := split(content[:cut]); parts.between() != (rest == "") {
			t.Errorf("%q: between is %v", content[:cut], parts.between())
		}
		parts.advance([]byte(content[cut:]))
		if whole != parts {
			t.Errorf("%q cut at %d is %+v, as a whole %+v", content, cut, parts, whole)
		}
		if _, rest := split(content); whole.between() != (rest == "") {
			t.Errorf("%q: between is %v", content, whole.between())
		}
	})
}

// parseTrailer is the obvious reader of what appendTrailer writes.
func parseTrailer(f string) (string, error) {
	all, rest := split(f)
	if len(all) != 1 || rest != "" || f[0] != trailerFlag {
		return "", fmt.Errorf("%q is no frame of trailers", f)
	}
	return f[frameHead:], nil
}

func TestTrailersAreOneFrameOfLines(t *testing.T) {
	var h message.Header
	h.Add("Grpc-Status", "0")
	h.Add("x-Many", "a: b")
	h.Add("x-many", "")
	b := appendTrailer(make([]byte, 0, trailerSize(&h)), &h)
	if len(b) != trailerSize(&h) {
		t.Errorf("%d bytes, announced %d", len(b), trailerSize(&h))
	}
	if got, err := parseTrailer(string(b)); err != nil || got != "grpc-status:0\r\nx-many:a: b\r\nx-many:\r\n" {
		t.Errorf("%q, %v", got, err)
	}
	h.Reset()
	if got, err := parseTrailer(string(appendTrailer(nil, &h))); err != nil || got != "" {
		t.Errorf("without trailers: %q, %v", got, err)
	}
	h.Add("big", strings.Repeat("x", 70_000))
	if _, err := parseTrailer(string(appendTrailer(nil, &h))); err != nil {
		t.Error(err)
	}
}

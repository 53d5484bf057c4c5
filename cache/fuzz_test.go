package cache

import (
	"testing"

	"pingap/message"
)

func FuzzDirectives(f *testing.F) {
	f.Add(`max-age=60, private="a, b", s-maxage="5"`)
	f.Add(`"\`)
	f.Fuzz(func(t *testing.T, value string) {
		h := fields("Cache-Control: "+value, "Age: "+value)
		d := DirectivesOf(&h)
		if d.MaxAge < absent || d.MaxAge > maxSeconds*1e9 || !d.Present {
			t.Errorf("%+v", d)
		}
		if age := ageOf(&h, now, now); age < 0 {
			t.Errorf("age %v", age)
		}
		h.Add("Cache-Control", "no-store")
		if !DirectivesOf(&h).NoStore {
			t.Error("what stands before it hides no-store")
		}
	})
}

func FuzzRangesAndConditions(f *testing.F) {
	f.Add("bytes=0-4", `"a", W/"b"`)
	f.Add("bytes=-", `"`)
	f.Fuzz(func(t *testing.T, ranges, tags string) {
		e := &Entry{Status: 200, Body: []byte("0123456789"), Fields: []message.Field{{Name: "ETag", Value: `"a"`}}}
		q := &message.Request{Header: fields("Range: "+ranges, "If-None-Match: "+tags, "If-Range: "+tags)}
		if part, partial := e.RangeOf(q); partial {
			_ = e.Body[part.From:part.To]
		}
		e.NotModified(q)
	})
}

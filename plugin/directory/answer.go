package directory

import (
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"pingap/message"
)

// fields are those of every answer with a file.
type fields struct {
	own      []message.Field // as configured
	cache    string          // Cache-Control of all but HTML
	charset  string          // "" or "; charset=..."
	download bool
}

const askEachTime = "private, no-cache"

func newFields(s *settings) fields {
	f := fields{cache: askEachTime, download: s.Download}
	if s.MaxAge > 0 {
		who := "public"
		if s.Private {
			who = "private"
		}
		f.cache = fmt.Sprintf("%s, max-age=%d", who, s.MaxAge/time.Second)
	}
	if s.Charset != "" {
		f.charset = "; charset=" + s.Charset
	}
	for _, h := range s.Headers {
		f.own = append(f.own, message.Field{Name: h.Name, Value: h.Value})
	}
	return f
}

func isCharset(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > '~' || message.Class[r]&message.TokenByte == 0 })
}

// add adds the fields of a file to an answer. One that is configured stands in the
// place of what would be there.
func (f *fields) add(x *message.Exchange, name, kind string) {
	h := &x.Response.Header
	for _, own := range f.own {
		h.Add(own.Name, own.Value)
	}
	if !h.Has("Cache-Control") {
		cache := f.cache
		if kind == "text/html" {
			cache = askEachTime // what names all the others has to be fresh
		}
		h.Add("Cache-Control", cache)
	}
	if f.download && !h.Has("Content-Disposition") {
		h.Add("Content-Disposition", disposition(path.Base(name)))
	}
}

// typeOf is the type as it is told: texts with their charset.
func (f *fields) typeOf(kind string) string {
	if f.charset != "" && strings.HasPrefix(kind, "text/") {
		return kind + f.charset
	}
	return kind
}

// disposition names a file to be kept (RFC 6266): once in ASCII, and once as it is
// where that is not the same.
func disposition(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '_'
		}
		return r
	}, name)
	value := `attachment; filename="` + plain + `"`
	if plain != name {
		value += "; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
	}
	return value
}

// answer answers with a file, or the parts of it that are wanted.
func (d *directory) answer(x *message.Exchange, b *fileBody, found finding) {
	kind := typeOf(found.name)
	v := validators{tag: tagOf(&found), modified: found.modified}
	if status := v.conditions(&x.Request); status == 412 {
		refuse(x, 412)
		return
	} else if status == 304 {
		x.Response.Status, x.Response.Length = 304, message.UnknownLength
		v.add(x)
		d.header.add(x, found.name, kind)
		return
	}
	told := d.header.typeOf(kind)
	ranges, satisfiable := v.wanted(&x.Request, found.size)
	if !satisfiable {
		refuse(x, 416)
		x.Response.Header.Add("Content-Range", "bytes */"+strconv.FormatInt(found.size, 10))
		return
	}
	r := &x.Response
	r.Status, r.Body = 200, b
	switch {
	case len(ranges) == 0:
		b.parts = append(b.parts, part{length: found.size})
	case len(ranges) == 1:
		r.Status = 206
		r.Header.Add("Content-Range", ranges[0].contentRange(found.size))
		b.parts = append(b.parts, part{start: ranges[0].start, length: ranges[0].length})
	default:
		r.Status = 206
		b.parts, told = inParts(b.parts, ranges, told, found.size)
	}
	r.Length = lengthOf(b.parts)
	d.header.add(x, found.name, kind)
	if len(ranges) > 1 || !r.Header.Has("Content-Type") {
		r.Header.Set("Content-Type", told)
	}
	r.Header.Add("Accept-Ranges", "bytes")
	v.add(x)
}

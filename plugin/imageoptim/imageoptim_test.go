package imageoptim

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
	"pingap/plugin/plugintest"
)

// answer is what the handler behind the plugin gives.
type answer struct {
	method string // "" for GET
	accept string // "" for none
	status int    // 0 for 200
	fields string // "Name: value", separated by |
	body   message.Body
	length int64
}

func imageOf(kind string, content []byte) answer {
	return answer{fields: "Content-Type: image/" + kind + `|ETag: "x"|Accept-Ranges: bytes`, body: &message.BytesBody{Data: content}, length: int64(len(content))}
}

func (a answer) askedFor(accept string) answer {
	a.accept = accept
	return a
}

// prepared are the codecs of all tests, since it takes long to make them ready.
var prepared = sync.OnceValue(newCodecs)

func made(t testing.TB, settings string) *optimizer {
	t.Helper()
	o := plugintest.Make(t, build, settings).(*optimizer)
	o.codecs = prepared()
	return o
}

// served is the response after the plugin has had its part, with its content.
func served(t testing.TB, l *loop.Loop, o *optimizer, a answer) (r message.Response, content []byte) {
	t.Helper()
	x := &message.Exchange{Loop: l}
	x.Reset()
	x.Request.Method = "GET"
	if a.method != "" {
		x.Request.Method = a.method
	}
	if a.accept != "" {
		x.Request.Header.Add("Accept", a.accept)
	}
	err := o.Wrap(message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status = 200
		if a.status != 0 {
			x.Response.Status = a.status
		}
		for f := range strings.SplitSeq(a.fields, "|") {
			if name, value, ok := strings.Cut(f, ": "); ok {
				x.Response.Header.Add(name, value)
			}
		}
		x.Response.Body, x.Response.Length = a.body, a.length
		return nil
	})).Serve(x)
	if err != nil {
		t.Error(err)
	}
	for x.Request.Method != "HEAD" {
		var view []byte
		if view, err = x.Response.Body.Next(); err != nil {
			break
		}
		content = append(content, view...)
	}
	if err != nil && err != io.EOF {
		t.Logf("the content ends with %v", err)
	}
	r = x.Response
	x.Response.Close()
	x.Settle()
	x.End()
	if n := o.pending.Load(); n != 0 {
		t.Errorf("%d bytes are still pending", n)
	}
	return r, content
}

const both = `output_types = "avif,webp"`

func TestImageComesInTheFormatThatTheClientWantsMost(t *testing.T) {
	photos, pngs := jpegOf(t, photo(200, 150)), map[bool][]byte{true: pngOf(t, poster(200, 150)), false: pngOf(t, photo(200, 150))}
	looptest.Run(t, func(l *loop.Loop) {
		o := made(t, both)
		for _, c := range []struct{ accept, want string }{
			{"", "own"},
			{"*/*", "own"},
			{"image/*", "own"},
			{"image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "image/avif"},
			{"image/webp,image/avif", "image/avif"},
			{"image/webp", "image/webp"},
			{"IMAGE/WEBP", "image/webp"},
			{"image/avif;q=0.5, image/webp", "image/webp"},
			{"image/avif;q=0, image/webp;q=0.1", "image/webp"},
			{"image/avif;q=0, image/webp;q=0, */*", "own"},
			{"image/avif;q=0, */*", "own"},
			{"image/webp;q=0.2, image/png, image/jpeg", "own"},
			{"image/webp;q=0.2, image/*", "own"},
			{"image/avif2, image/webp-x", "own"},
			{"image/webp;q=x", "own"},
		} {
			for kind, content := range map[string][]byte{"jpeg": photos, "png": pngs[c.want == "own"]} {
				r, got := served(t, l, o, imageOf(kind, content).askedFor(c.accept))
				want := c.want
				if want == "own" {
					want = "image/" + kind
				}
				if is := r.Header.Get("Content-Type"); is != want {
					t.Fatalf("%s for %q: %s, want %s", kind, c.accept, is, want)
				}
				if w, h := size(t, want, got); w != 200 || h != 150 || len(got) >= len(content) {
					t.Errorf("%s for %q: %d by %d, %d bytes of %d", kind, c.accept, w, h, len(got), len(content))
				}
				if r.Length != int64(len(got)) || r.Header.Get("Vary") != "Accept" || r.Header.Get("ETag") != `W/"x"` || r.Header.Has("Accept-Ranges") {
					t.Errorf("%s for %q: length %d, %v", kind, c.accept, r.Length, r.Header.Fields())
				}
			}
		}
	})
}

func TestImagesLookAsBefore(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		o := made(t, both)
		for _, c := range []struct {
			kind, accept string
			content      []byte
			most         float64 // difference
		}{
			{"png", "image/webp", pngOf(t, drawing(150, 100)), 0.01},
			{"png", "image/webp", pngOf(t, photo(150, 100)), 0},
			{"png", "", pngOf(t, drawing(200, 150)), 0.01},
			{"jpeg", "image/webp", jpegOf(t, photo(150, 100)), 6},
			{"jpeg", "", jpegOf(t, photo(150, 100)), 6},
		} {
			r, got := served(t, l, o, imageOf(c.kind, c.content).askedFor(c.accept))
			before, after := opened(t, "image/"+c.kind, c.content), opened(t, r.Header.Get("Content-Type"), got)
			if d := apart(before, after); d > c.most || len(got) >= len(c.content) {
				t.Errorf("%s for %q: differs by %.2f, %d bytes of %d", c.kind, c.accept, d, len(got), len(c.content))
			}
		}
	})
}

func TestOtherAnswersPassUnchanged(t *testing.T) {
	content := pngOf(t, photo(60, 40))
	looptest.Run(t, func(l *loop.Loop) {
		o := made(t, both)
		for name, change := range map[string]func(a *answer){
			"another type":   func(a *answer) { a.fields = "Content-Type: image/gif" },
			"no type":        func(a *answer) { a.fields = "" },
			"a part":         func(a *answer) { a.status, a.fields = 206, a.fields+"|Content-Range: bytes 0-9/10" },
			"an error":       func(a *answer) { a.status = 404 },
			"not modified":   func(a *answer) { a.status, a.body = 304, message.NoBody },
			"no transform":   func(a *answer) { a.fields += "|Cache-Control: max-age=1, no-transform" },
			"encoded":        func(a *answer) { a.fields += "|Content-Encoding: br" },
			"a POST":         func(a *answer) { a.method = "POST" },
			"said too long":  func(a *answer) { a.length = maxContent + 1 },
			"said too short": func(a *answer) { a.length = 10 },
		} {
			a := imageOf("png", content).askedFor("image/webp")
			change(&a)
			want := a.fields
			if name == "said too short" {
				want += "|Vary: Accept"
			}
			r, got := served(t, l, o, a)
			var fields []string
			for _, f := range r.Header.Fields() {
				fields = append(fields, f.Name+": "+f.Value)
			}
			if is := strings.Join(fields, "|"); is != want || r.Length != a.length || a.status != 304 && !bytes.Equal(got, content) {
				t.Errorf("%s: %d bytes, length %d, %s", name, len(got), r.Length, is)
			}
		}
	})
}

// In Pingap the client gets no content at all when an image cannot be decoded.
func TestTrapDamagedImagePassesUnchanged(t *testing.T) {
	whole, scanned := pngOf(t, photo(60, 40)), jpegOf(t, photo(60, 40))
	bomb := bytes.Clone(pngOf(t, photo(1, 1)))
	copy(bomb[16:], "\x7f\xff\xff\xff\x7f\xff\xff\xff")
	wide := withSegment(scanned, 0xc0, "\x08\xff\xff\xff\xff\x01\x01\x11\x00")
	looptest.Run(t, func(l *loop.Loop) {
		o := made(t, both)
		for name, c := range map[string]struct {
			kind    string
			content []byte
		}{
			"no image":            {"png", []byte("hello")},
			"one byte":            {"jpeg", []byte{0xff}},
			"cut":                 {"png", whole[:len(whole)/2]},
			"a cut scan":          {"jpeg", scanned[:200]},
			"the other type":      {"jpeg", whole},
			"a bomb":              {"png", bomb},
			"a JPEG too large":    {"jpeg", wide},
			"animated":            {"png", withChunk(whole, "acTL", "\x00\x00\x00\x02\x00\x00\x00\x00")},
			"other colors":        {"png", withChunk(whole, "cICP", "\x09\x10\x00\x01")},
			"another gamma":       {"png", withChunk(whole, "gAMA", "\x00\x01\x86\xa0")},
			"a profile":           {"jpeg", withSegment(scanned, 0xe2, "ICC_PROFILE\x00\x01\x01"+profile("Display P3", true))},
			"a damaged profile":   {"png", withChunk(whole, "iCCP", "x\x00\x00nothing")},
			"a gain map":          {"jpeg", withSegment(scanned, 0xe1, `http://ns.adobe.com/xap/1.0/ hdrgm:Version="1.0"`)},
			"four colors of inks": {"jpeg", withSegment(scanned, 0xc0, "\x08\x00\x01\x00\x01\x04")},
		} {
			for _, accept := range []string{"", "image/avif", "image/webp"} {
				r, got := served(t, l, o, imageOf(c.kind, c.content).askedFor(accept))
				if r.Header.Get("Content-Type") != "image/"+c.kind || !bytes.Equal(got, c.content) || r.Length != int64(len(got)) || r.Header.Get("ETag") != `"x"` {
					t.Errorf("%s for %q: %d bytes of %d, %v", name, accept, len(got), len(c.content), r.Header.Fields())
				}
				if r.Header.Get("Vary") != "Accept" {
					t.Errorf("%s for %q: another client might have got something else, and Vary is %q", name, accept, r.Header.Get("Vary"))
				}
			}
		}
	})
}

func TestHeadTellsNothingThatIsNotKnown(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		o := made(t, both)
		for accept, want := range map[string]string{"": "image/png", "image/webp": ""} {
			a := imageOf("png", nil).askedFor(accept)
			a.method, a.length = "HEAD", 12345
			r, _ := served(t, l, o, a)
			if r.Length != message.UnknownLength || r.Header.Get("Content-Type") != want || r.Header.Get("ETag") != `W/"x"` || r.Header.Get("Vary") != "Accept" {
				t.Errorf("for %q: %d, %v", accept, r.Length, r.Header.Fields())
			}
		}
	})
}

func TestWithoutOutputTypesNothingVaries(t *testing.T) {
	content := pngOf(t, drawing(200, 150))
	looptest.Run(t, func(l *loop.Loop) {
		r, got := served(t, l, made(t, ""), imageOf("png", content).askedFor("image/avif"))
		if r.Header.Has("Vary") || r.Header.Get("Content-Type") != "image/png" || len(got) >= len(content) {
			t.Errorf("%d bytes of %d, %v", len(got), len(content), r.Header.Fields())
		}
	})
}

// pieces is a body that gives texts one by one, and then an error.
type pieces struct {
	list []string
	end  error
}

func (p *pieces) Next() ([]byte, error) {
	if len(p.list) == 0 {
		return nil, p.end
	}
	piece := p.list[0]
	p.list = p.list[1:]
	return []byte(piece), nil
}

func (p *pieces) Close() {}

func TestContentMayComeInPieces(t *testing.T) {
	content := string(pngOf(t, photo(60, 40)))
	cut := errors.New("cut")
	long := strings.Split(content[:100]+strings.Repeat("x", maxContent), "xxxxxxxx")
	for i := range long {
		long[i] += "xxxxxxxx"
	}
	looptest.Run(t, func(l *loop.Loop) {
		o := made(t, both)
		a := answer{accept: "image/webp", fields: "Content-Type: image/png", length: message.UnknownLength}
		a.body = &pieces{list: strings.SplitAfter(content, "\x00"), end: io.EOF}
		if r, got := served(t, l, o, a); r.Header.Get("Content-Type") != "image/webp" || len(got) == 0 || r.Length != int64(len(got)) {
			t.Errorf("in pieces: %d bytes, %v", len(got), r.Header.Fields())
		}
		a.body = &pieces{list: []string{content[:10], content[10:20]}, end: cut}
		if r, got := served(t, l, o, a); r.Header.Get("Content-Type") != "image/png" || string(got) != content[:20] || r.Length != message.UnknownLength {
			t.Errorf("cut: %q, %v", got, r.Header.Fields())
		}
		a.body = &pieces{list: long, end: io.EOF}
		if r, got := served(t, l, o, a); r.Header.Get("Content-Type") != "image/png" || string(got) != strings.Join(long, "") {
			t.Errorf("too long: %d bytes, %v", len(got), r.Header.Fields())
		}
	})
}

func TestTooMuchPendingContentPasses(t *testing.T) {
	content := pngOf(t, photo(60, 40))
	looptest.Run(t, func(l *loop.Loop) {
		o := made(t, both)
		o.pending.Add(maxPending)
		x := &message.Exchange{Loop: l}
		x.Reset()
		x.Response.Body, x.Response.Length = &message.BytesBody{Data: content}, int64(len(content))
		if o.gather(x) != nil || o.pending.Load() != maxPending {
			t.Error("more is gathered than there is room for")
		}
		if view, err := x.Response.Body.Next(); !bytes.Equal(view, content) || err != nil {
			t.Errorf("%d bytes, %v", len(view), err)
		}
	})
}

func TestProblemsWithSettingsAreTold(t *testing.T) {
	for settings, want := range map[string]string{
		both + "\npng_quality = 90\njpeg_quality = 80\navif_quality = 75\navif_speed = 3": "",
		`output_types = " webp , avif,"`: "",
		`output_types = "avif,wepb"`:     `output_types: there is no format "wepb" to make of images`,
		`output_types = "image/webp"`:    `output_types: there is no format "image/webp" to make of images`,
		`output_types = "webp,jpeg"`:     "output_types: jpeg has no effect: an image that becomes no other format keeps its own",
	} {
		if got := plugintest.Problems(build, settings); got != want {
			t.Errorf("%s: %q, want %q", settings, got, want)
		}
	}
	for _, settings := range []string{"png_quality = 101", "jpeg_quality = 0", "avif_quality = -1", "avif_speed = 11"} {
		key, _, _ := strings.Cut(settings, " ")
		if got := plugintest.Problems(build, settings); !strings.HasPrefix(got, key+": ") {
			t.Errorf("%s: %q", settings, got)
		}
	}
}

func TestOptimizerIsMadeWithoutPreparingItsCodecs(t *testing.T) {
	o := plugintest.Make(t, build, both).(*optimizer)
	if o.codecs.avif.runtime != nil || o.codecs.webp.runtime != nil {
		t.Error("a start of the proxy would wait for that")
	}
	if _, err := o.codecs.encodeWebP(photo(8, 8), true, 80); err != nil || o.codecs.webp.runtime == nil {
		t.Errorf("not prepared when it is used: %v", err)
	}
	o.codecs.close()
	if _, err := o.codecs.encodeWebP(photo(8, 8), true, 80); !errors.Is(err, errClosed) || o.codecs.webp.runtime != nil {
		t.Errorf("closed: %v", err)
	}
	if _, err := o.codecs.encodeAVIF(photo(8, 8), 80, 10); !errors.Is(err, errClosed) {
		t.Errorf("closed before it was used: %v", err)
	}
}

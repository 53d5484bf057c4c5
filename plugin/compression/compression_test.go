package compression

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"pingap/config"
	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
	"pingap/plugin"
)

// answer is what the handler behind the plugin gives.
type answer struct {
	method string
	accept string // Accept-Encoding, "" for none
	status int
	fields string // "Name: value", separated by |
	body   message.Body
	length int64
}

// served is the exchange after the plugin has had its part.
func served(t *testing.T, l *loop.Loop, settings string, a answer) *message.Exchange {
	t.Helper()
	return servedBy(made(t, settings), l, a)
}

func made(t *testing.T, settings string) plugin.Plugin {
	t.Helper()
	p, problems := build(config.TableOf("test", settings), nil)
	if len(problems) > 0 {
		t.Error(problems)
	}
	return p
}

func servedBy(p plugin.Plugin, l *loop.Loop, a answer) *message.Exchange {
	x := &message.Exchange{Loop: l}
	x.Reset()
	x.Request.Method = "GET"
	if a.method != "" {
		x.Request.Method = a.method
	}
	if a.accept != "" {
		x.Request.Header.Add("Accept-Encoding", a.accept)
	}
	p.Wrap(message.HandlerFunc(func(x *message.Exchange) error {
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
		if a.body == nil {
			x.Response.Body, x.Response.Length = &message.BytesBody{Data: []byte(text)}, int64(len(text))
		}
		return nil
	})).Serve(x)
	return x
}

// finish is what a codec does at the end of an exchange.
func finish(x *message.Exchange) {
	x.Response.Close()
	x.Settle()
	x.End()
	x.Reset()
}

// read pulls all of the content.
func read(x *message.Exchange) ([]byte, error) {
	var all []byte
	for {
		view, err := x.Response.Body.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, view...)
	}
}

func decoded(t *testing.T, name string, content []byte) string {
	t.Helper()
	var r io.Reader = bytes.NewReader(content)
	var err error
	switch name {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "br":
		r = brotli.NewReader(r)
	case "zstd":
		var d *zstd.Decoder
		if d, err = zstd.NewReader(r); err == nil {
			defer d.Close()
			r = d
		}
	}
	if err != nil {
		t.Error(err)
		return ""
	}
	all, err := io.ReadAll(r)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return string(all)
}

var text = strings.Repeat("All work and no play makes Jack a dull boy.\n", 3000)

const every = "gzip_level = 6\nbr_level = 6\nzstd_level = 6\n"

const isText = "Content-Type: text/plain"

func fieldsOf(x *message.Exchange) string {
	var all []string
	for _, f := range x.Response.Header.Fields() {
		all = append(all, f.Name+": "+f.Value)
	}
	return strings.Join(all, "|")
}

func TestContentComesInTheCodingThatTheClientWantsMost(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []struct{ settings, accept, want string }{
			{every, "gzip, deflate, br, zstd", "zstd"},
			{every, "gzip, deflate, br", "br"},
			{every, "gzip", "gzip"},
			{every, "gzip;q=1, br;q=0.5, zstd;q=0.1", "gzip"},
			{every, "gzip;q=0.5, *;q=0.4", "gzip"},
			{every, "*", "zstd"},
			{every, "identity, gzip;q=0.5", ""},
			{every, "identity;q=0.5, gzip", "gzip"},
			{every, "zstd;q=0, br;q=0, gzip", "gzip"},
			{every, "x-gzip", ""}, // once taken for gzip
			{every, "deflate", ""},
			{every, "", ""},
			{"br_level = 4", "zstd, gzip", ""},
			{"gzip_level = 1", "zstd, gzip", "gzip"},
		} {
			x := served(t, l, c.settings, answer{accept: c.accept, fields: isText})
			content, err := read(x)
			if got := x.Response.Header.Get("Content-Encoding"); got != c.want || err != nil || decoded(t, got, content) != text {
				t.Errorf("%q with %q: coding %q, %d bytes, %v; want %q", c.settings, c.accept, got, len(content), err, c.want)
			}
			if got := x.Response.Header.Get("Vary"); got != "Accept-Encoding" {
				t.Errorf("%q with %q: Vary is %q", c.settings, c.accept, got)
			}
			if c.want != "" && len(content) > len(text)/10 {
				t.Errorf("%q with %q: %d bytes are left of %d", c.settings, c.accept, len(content), len(text))
			}
			finish(x)
		}
	})
}

func TestEveryLevelCompresses(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for coding, levels := range map[string][]string{
			"gzip": {"gzip_level = 1", "gzip_level = 9"},
			"br":   {"br_level = 1", "br_level = 8", "br_level = 9", "br_level = 11"},
			"zstd": {"zstd_level = 1", "zstd_level = 3", "zstd_level = 9", "zstd_level = 22"},
		} {
			for _, settings := range levels {
				p := made(t, settings)
				for range 2 { // the second has the encoder of the first
					x := servedBy(p, l, answer{accept: coding, fields: isText})
					content, err := read(x)
					if err != nil || decoded(t, coding, content) != text {
						t.Errorf("%s: %d bytes, %v", settings, len(content), err)
					}
					finish(x)
				}
			}
		}
	})
}

func TestWhatMustNotBeCompressedIsNot(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for name, a := range map[string]answer{
			"no-transform":           {fields: isText + "|Cache-Control: public, no-transform"},
			"another coding":         {fields: isText + "|Content-Encoding: br"},
			"a type that is small":   {fields: "Content-Type: image/png"},
			"gRPC":                   {fields: "Content-Type: application/grpc+proto"},
			"gRPC-Web":               {fields: "Content-Type: application/grpc-web"},
			"no type":                {},
			"a part":                 {status: 206, fields: isText + "|Content-Range: bytes 0-1/2"},
			"many parts":             {status: 206, fields: "Content-Type: text/x"},
			"no content":             {status: 204, fields: isText},
			"not modified":           {status: 304, fields: isText},
			"nothing":                {fields: isText, body: message.NoBody},
			"shorter than is wanted": {fields: isText, body: &message.BytesBody{Data: []byte("short")}, length: 5},
		} {
			a.accept = "gzip"
			a.fields += `|ETag: "x"`
			x := served(t, l, every+"min_length = 100", a)
			if got := x.Response.Header.Get("Content-Encoding"); got != "" && name != "another coding" {
				t.Errorf("%s: in coding %q", name, got)
			}
			if x.Response.Header.Get("ETag") != `"x"` || x.Response.Length == message.UnknownLength {
				t.Errorf("%s: the answer was changed: %s", name, fieldsOf(x))
			}
			finish(x)
		}
	})
}

func TestTypesThatBecomeSmallerAreCompressed(t *testing.T) {
	for name, want := range map[string]bool{
		"text/html; charset=utf-8": true, "TEXT/CSS": true, "application/json": true, "application/javascript": true, "text/javascript": true,
		"image/svg+xml": true, "application/wasm": true, "application/ld+json": true, "application/problem+json;x=y": true, "application/rss+xml": true,
		"text/event-stream": true, "font/ttf": true,
		"image/png": false, "font/woff2": false, "video/mp4": false, "application/zip": false, "application/octet-stream": false, "": false, "text/": false, "+json": false,
		"application/grpc": false, "application/grpc+json": false,
	} {
		if got := compressible(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestFieldsFitTheNewContent(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, method := range []string{"GET", "HEAD"} {
			x := served(t, l, every, answer{method: method, accept: "br",
				fields: isText + `|ETag: "abc"|Accept-Ranges: bytes|Content-MD5: x|Repr-Digest: y|Vary: Origin|Last-Modified: z`})
			if got := fieldsOf(x); got != isText+`|ETag: W/"abc"|Vary: Origin|Last-Modified: z|Vary: Accept-Encoding|Content-Encoding: br` || x.Response.Length != message.UnknownLength {
				t.Errorf("%s: %s, length %d", method, got, x.Response.Length)
			}
			finish(x)
		}
		x := served(t, l, every, answer{accept: "br", fields: isText + `|ETag: W/"abc"|Vary: accept-encoding, origin`})
		if got := fieldsOf(x); got != isText+`|ETag: W/"abc"|Vary: accept-encoding, origin|Content-Encoding: br` {
			t.Error(got)
		}
		finish(x)
	})
}

func TestErrorsOfTheSourceComeThrough(t *testing.T) {
	broken := errors.New("broken")
	looptest.Run(t, func(l *loop.Loop) {
		for _, a := range []answer{
			{accept: "gzip", fields: isText, body: &pieces{list: []string{text, text}, end: broken}, length: message.UnknownLength},
			{accept: "none", fields: isText + "|Content-Encoding: gzip", body: &pieces{list: []string{"\x1f\x8b\x08\x00"}, end: broken}, length: message.UnknownLength},
		} {
			x := served(t, l, every+"decompression = true", a)
			for range 2 {
				if _, err := read(x); err != broken {
					t.Errorf("the content ends with %v", err)
				}
			}
			finish(x)
		}
	})
}

func TestModeSaysWhereThePluginActs(t *testing.T) {
	for settings, want := range map[string]plugin.Step{every: plugin.EarlyRequest, every + `mode = "upstream"`: plugin.UpstreamResponse} {
		if got := made(t, settings).(plugin.Settler).Step(); got != want {
			t.Errorf("%s: at %v", settings, got)
		}
	}
}

func TestSettingsThatAreWrongAreProblems(t *testing.T) {
	for settings, want := range map[string]string{
		"gzip_level = 10": "the most is 9", "br_level = 12": "the most is 11", "zstd_level = 23": "the most is 22", `mode = "up"`: "upstream", "min_length = -1": "negative",
		"": "warning: does nothing: all levels are 0; write gzip_level = 6",
	} {
		_, problems := build(config.TableOf("test", settings), nil)
		if len(problems) != 1 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want a problem with %q", settings, problems, want)
		}
	}
}

func TestEncodersInUseAreBounded(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		p := made(t, every)
		p.(*compression).codecs[2].most = 2
		var open []*message.Exchange
		for i := range 3 {
			x := servedBy(p, l, answer{accept: "gzip", fields: isText})
			if got := x.Response.Header.Get("Content-Encoding") == "gzip"; got != (i < 2) {
				t.Errorf("content %d of 2 that may be encoded: %v", i+1, got)
			}
			open = append(open, x)
		}
		finish(open[0])
		open[0] = servedBy(p, l, answer{accept: "gzip", fields: isText})
		if !open[0].Response.Header.Has("Content-Encoding") {
			t.Error("an encoder that was given back is not used")
		}
		for _, x := range open {
			finish(x)
		}
		if n := p.(*compression).codecs[2].inUse.Load(); n != 0 {
			t.Errorf("%d encoders have not been given back", n)
		}
	})
}

package subfilter

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"pingap/config"
	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
	"pingap/plugin"
)

// pieces is a body that gives texts one by one.
type pieces struct {
	list []string
	end  error // nil for io.EOF
}

func (p *pieces) Next() ([]byte, error) {
	if len(p.list) == 0 {
		if p.end != nil {
			return nil, p.end
		}
		return nil, io.EOF
	}
	piece := p.list[0]
	p.list = p.list[1:]
	return []byte(piece), nil
}

func (p *pieces) Close() {}

// served is the answer to a request, "METHOD path", with content in these pieces.
func served(t *testing.T, l *loop.Loop, settings, request string, status int, fields []string, body *pieces) (content, header, behind string, err error) {
	t.Helper()
	p, problems := build(config.TableOf("test", settings), &plugin.Environment{Logger: slog.New(slog.DiscardHandler)})
	if len(problems) > 0 {
		t.Error(problems)
		return
	}
	x := &message.Exchange{Loop: l}
	x.Reset()
	x.Request.Method, x.Request.Path, _ = strings.Cut(request, " ")
	x.Request.Header.Add("Accept-Encoding", "gzip")
	x.Request.Header.Add("Range", "bytes=0-1")
	p.Wrap(message.HandlerFunc(func(x *message.Exchange) error {
		behind = x.Request.Header.Get("Accept-Encoding") + x.Request.Header.Get("Range")
		x.Response.Status, x.Response.Body, x.Response.Length = status, body, message.UnknownLength
		for _, f := range fields {
			name, value, _ := strings.Cut(f, ": ")
			x.Response.Header.Add(name, value)
		}
		return nil
	})).Serve(x)
	if got := x.Request.Header.Get("Accept-Encoding") + x.Request.Header.Get("Range"); got != "gzipbytes=0-1" {
		t.Errorf("the request is left with %q", got)
	}
	for _, f := range x.Response.Header.Fields() {
		header += f.Name + ": " + f.Value + "|"
	}
	header = strings.Clone(header)
	for {
		view, e := x.Response.Body.Next()
		content += string(view)
		if e != nil {
			if e != io.EOF {
				err = e
			}
			break
		}
	}
	x.Response.Close()
	x.End()
	x.Reset()
	return content, header, behind, err
}

func TestTextsAreReplaced(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []struct{ filters, content, want string }{
			{`["sub_filter 'a' 'b'"]`, "a a A", "b a A"},
			{`["sub_filter 'a' 'b' g"]`, "a a A", "b b A"},
			{`["sub_filter 'a' 'b' gi"]`, "a a A", "b b b"},
			{`["sub_filter 'a' 'b' i g"]`, "a a A", "b b b"},
			{`["sub_filter 'a.c' '$1' gi"]`, "abc A.C", "abc $1"},
			{`["sub_filter 'a' '' g"]`, "banana", "bnn"},
			{`["sub_filter 'a' 'aa' g"]`, "aaa", "aaaaaa"},
			{`["subs_filter '(h)(.)' '$2${1}' g"]`, "ha ho", "ah oh"},
			{`["subs_filter '(h)(.)' '$2${1}'"]`, "ha ho", "ah ho"},
			{`["subs_filter 'H.' 'x' gi"]`, "ha ho", "x x"},
			{`["subs_filter 'x*' '-' g"]`, "axb", "-a-b-"},
			{`["subs_filter '^a' 'x' g"]`, "aaa", "xaa"},
			{`["sub_filter 'a' 'b' g", "sub_filter 'b' 'c' g"]`, "ab", "cc"},
			{`["  sub_filter   'a'  'b'   g  "]`, "aa", "bb"},
			{`["sub_filter 'none' 'b'"]`, "", ""},
		} {
			for _, list := range [][]string{{c.content}, strings.Split(c.content, ""), {"", c.content}} {
				if got, _, _, err := served(t, l, "filters = "+c.filters, "GET /", 200, nil, &pieces{list: list}); got != c.want || err != nil {
					t.Errorf("%s of %q: %q, %v, want %q", c.filters, list, got, err, c.want)
				}
			}
		}
	})
}

const filters = `filters = ["sub_filter 'old' 'new' g"]` + "\n"

func TestFieldsFitTheNewContent(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, request := range []string{"GET /", "HEAD /"} {
			_, header, behind, _ := served(t, l, filters, request, 200, []string{`ETag: "x"`, "Accept-Ranges: bytes", "Content-Type: text/html"}, &pieces{})
			if header != `ETag: W/"x"|Content-Type: text/html|` || behind != "" {
				t.Errorf("%s: %s, and the upstream was asked for %q", request, header, behind)
			}
		}
	})
}

func TestOtherAnswersPassUnchanged(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for name, c := range map[string]struct {
			settings string
			status   int
			fields   []string
			want     string
		}{
			"compressed":     {filters, 200, []string{"Content-Encoding: gzip"}, "old"}, // was searched all the same
			"no-transform":   {filters, 200, []string{"Cache-Control: no-transform"}, "old"},
			"events":         {filters, 200, []string{"Content-Type: text/event-stream; charset=utf-8"}, "old"},
			"gRPC":           {filters, 200, []string{"Content-Type: application/grpc+proto"}, "old"},
			"a part":         {filters, 206, nil, "old"},
			"another status": {filters + `status_codes = "201, 202"`, 200, nil, "old"},
			"that status":    {filters + `status_codes = "201, 200"`, 200, nil, "new"},
			"another path":   {filters + `path = "^/x"`, 200, nil, "old"},
			"that path":      {filters + `path = "^/p"`, 200, nil, "new"},
		} {
			fields := append(c.fields, `ETag: "x"`)
			got, header, behind, _ := served(t, l, c.settings, "GET /path", c.status, fields, &pieces{list: []string{"old"}})
			if got != c.want || strings.Contains(header, `ETag: "x"`) != (c.want == "old") || (behind == "") == (name == "another path") {
				t.Errorf("%s: %q with %s, behind %q", name, got, header, behind)
			}
		}
	})
}

// TestMemoryIsBounded: Pingap gathers whatever comes.
func TestMemoryIsBounded(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		long := strings.Repeat("old ", maxContent/8)
		if got, _, _, err := served(t, l, filters, "GET /", 200, nil, &pieces{list: []string{long}}); got != strings.ReplaceAll(long, "old", "new") || err != nil {
			t.Errorf("%d bytes of %d, %v", len(got), len(long), err)
		}
		list := []string{long, long, long}
		if got, _, _, err := served(t, l, filters, "GET /", 200, nil, &pieces{list: list}); got != long+long+long || err != nil {
			t.Errorf("too long content has %d bytes of %d, %v", len(got), 3*len(long), err)
		}
		for _, filter := range []string{"sub_filter 'a' '0123456789' g", "subs_filter 'a' '0123456789' g", "subs_filter '.' 'x' g"} {
			content := strings.Repeat("a", 1<<20)
			got, _, _, err := served(t, l, fmt.Sprintf(`filters = [%q, "sub_filter 'aa' 'b'"]`, filter), "GET /", 200, nil, &pieces{list: []string{content}})
			if got != "b"+content[2:] || err != nil {
				t.Errorf("%s: %d bytes, %v", filter, len(got), err)
			}
		}
	})
}

func TestErrorsOfTheSourceComeThrough(t *testing.T) {
	broken := errors.New("broken")
	looptest.Run(t, func(l *loop.Loop) {
		if _, _, _, err := served(t, l, filters, "GET /", 200, nil, &pieces{list: []string{"old"}, end: broken}); err != broken {
			t.Errorf("the content ends with %v", err)
		}
	})
}

func TestSettingsThatAreWrongAreProblems(t *testing.T) {
	for settings, want := range map[string]string{
		"":                                         "filters: is missing",
		`filters = []`:                             "is empty",
		`filters = ["replace 'a' 'b'"]`:            "begins with neither sub_filter nor subs_filter",
		`filters = ["sub_filter a b"]`:             "no text between single quotes",
		`filters = ["sub_filter '' 'b'"]`:          "no text between single quotes",
		`filters = ["sub_filter 'a' 'b"]`:          "no replacement between single quotes",
		`filters = ["sub_filter 'a'"]`:             "no replacement",
		`filters = ["sub_filter 'a' 'b' gx"]`:      "the flag 'x'; there are g and i",
		`filters = ["subs_filter '(' 'b'"]`:        "missing closing )",
		filters + `status_codes = "2xx"`:           `"2xx" is no status`,
		filters + `status_codes = "200,100"`:       `"100" is no status`,
		filters + `path = "("`:                     "regular expression",
		`filters = "sub_filter 'a' 'b'"`:           "a list is expected",
		`filters = ["sub_filter 'it''s' 'b' 'c'"]`: "flag",
	} {
		_, problems := build(config.TableOf("test", settings), &plugin.Environment{})
		if len(problems) != 1 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want a problem with %q", settings, problems, want)
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, seed := range []string{"sub_filter 'a' 'b' g", "subs_filter '(a)' '$1$1' gi", "sub_filter 'a' ''"} {
		f.Add(seed, "banana")
	}
	f.Fuzz(func(t *testing.T, text, content string) {
		filter, err := parseFilter(text)
		if err != nil {
			return
		}
		got, err := filter.apply(nil, []byte(content), 1000)
		if err == nil && len(got) > 1000 {
			t.Errorf("%q makes of %q %d bytes", text, content, len(got))
		}
	})
}

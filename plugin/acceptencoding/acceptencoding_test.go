package acceptencoding

import (
	"strings"
	"testing"

	"pingap/config"
	"pingap/message"
)

// seen returns the field as those behind the plugin see it, "none" for none, and
// as those around it do.
func seen(t *testing.T, settings string, fields ...string) (behind, around string) {
	t.Helper()
	p, problems := build(config.TableOf("test", settings), nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	x := &message.Exchange{}
	x.Reset()
	for _, value := range fields {
		x.Request.Header.Add("accept-encoding", value)
	}
	read := func() string {
		if v, ok := x.Request.Header.Lookup("Accept-Encoding"); ok {
			return v
		}
		return "none"
	}
	if err := p.Wrap(message.HandlerFunc(func(*message.Exchange) error {
		behind = read()
		return nil
	})).Serve(x); err != nil {
		t.Fatal(err)
	}
	return behind, read()
}

func TestCodingsAreLeftInTheConfiguredOrder(t *testing.T) {
	const all, one = `encodings = "zstd, br, gzip"`, "encodings = \"zstd, BR ,gzip\"\nonly_one_encoding = true"
	for _, c := range []struct{ settings, sent, want string }{
		{all, "gzip, deflate, br, zstd", "zstd, br, gzip"},
		{one, "gzip, deflate, br, zstd", "zstd"},
		{one, "gzip, br", "br"},
		{all, "gzip;q=1, br;q=0.1", "br, gzip"},
		{all, "br;q=0, gzip", "gzip"},
		{all, "x-gzip", "none"},
		{all, "deflate", "none"},
		{all, "*", "zstd, br, gzip"},
		{all, "*, br;q=0", "zstd, gzip"},
		{all, "", "none"},
		{"", "gzip", "none"},
	} {
		behind, around := seen(t, c.settings, c.sent)
		if behind != c.want || around != c.sent {
			t.Errorf("%s, %q: %q behind and %q around it, want %q", c.settings, c.sent, behind, around, c.want)
		}
	}
}

func TestFieldsOfTheSameNameAreOneList(t *testing.T) {
	if behind, around := seen(t, `encodings = "br, gzip"`, "gzip", "br"); behind != "br, gzip" || around != "gzip, br" {
		t.Errorf("%q behind and %q around it", behind, around)
	}
}

func TestAbsentFieldStaysAbsent(t *testing.T) {
	if behind, around := seen(t, `encodings = "gzip"`); behind != "none" || around != "none" {
		t.Errorf("%q behind and %q around it", behind, around)
	}
}

func TestUnknownCodingIsAProblem(t *testing.T) {
	_, problems := build(config.TableOf("test", `encodings = "gizp, br"`), nil)
	if len(problems) != 1 || !strings.Contains(problems.Error(), `encodings: there is no content coding "gizp"; did you mean "gzip"?`) {
		t.Error(problems)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	p, _ := build(config.TableOf("test", `encodings = "br, gzip"`), nil)
	h := p.Wrap(message.HandlerFunc(func(*message.Exchange) error { return nil }))
	x := &message.Exchange{}
	x.Reset()
	x.Request.Header.Add("Accept-Encoding", "gzip, br")
	x.Buffer(100)
	if n := testing.AllocsPerRun(100, func() {
		h.Serve(x)
		arena := x.Request.Header
		x.Request.Header = message.Header{}
		x.Reset()
		x.Request.Header = arena
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

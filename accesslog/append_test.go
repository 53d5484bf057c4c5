package accesslog

import (
	"math/rand/v2"
	"testing"
	"unicode/utf8"
)

// escapedNaively looks at one character after the other.
func escapedNaively(s string) string {
	var out []byte
	for i, r := range s {
		size := utf8.RuneLen(r)
		if r == utf8.RuneError && (len(s) < i+3 || s[i:i+3] != "\uFFFD") {
			size = 1
		}
		text := s[i : i+size]
		if size == 1 && ' ' <= text[0] && text[0] < 0x7f && text != `"` && text != `\` || size > 1 && isPrintable(r) {
			out = append(out, text...)
			continue
		}
		for _, c := range []byte(text) {
			out = append(out, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return string(out)
}

func TestValuesAreEscapedAsTheNaiveTwinDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "plain text of some length", `"`, `\`, "\n", "\x7f", " ", "~", "\x1f", "\x80", "\xff", "é", "\u2028", "\u00a0", "漢", "\xe2\x80", "😀", "\uFFFD"}
	for range 20_000 {
		s := ""
		for range random.IntN(8) {
			s += pieces[random.IntN(len(pieces))]
		}
		if got, want := string(appendEscaped([]byte("line "), s)), "line "+escapedNaively(s); got != want {
			t.Fatalf("%q becomes %q, want %q", s, got, want)
		}
	}
	for c := range 256 {
		for at := range 20 {
			b := []byte("xxxxxxxxxxxxxxxxxxxx")
			b[at] = byte(c)
			if got, want := string(appendEscaped(nil, string(b))), escapedNaively(string(b)); got != want {
				t.Fatalf("%q becomes %q, want %q", b, got, want)
			}
		}
	}
}

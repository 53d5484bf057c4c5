package grpc

import (
	"net/url"
	"testing"
	"testing/quick"
)

func TestStatusesHaveTheCodesThatGRPCGivesThem(t *testing.T) {
	for status, want := range map[int]Code{
		400: 13, 401: 16, 403: 7, 404: 12, 405: 2, 408: 2, 413: 8, 429: 14, 431: 2, 500: 2, 502: 14, 503: 14, 504: 14,
	} {
		if got := CodeOf(status); got != want {
			t.Errorf("%d becomes %d, want %d", status, got, want)
		}
	}
}

func TestMessagesOfStatusesAreEscapedAndNothingIsLost(t *testing.T) {
	if got := escape("100% \t\n ünd ~\x7f"); got != "100%25 %09%0A %C3%BCnd ~%7F" {
		t.Errorf("escaped to %q", got)
	}
	err := quick.Check(func(b []byte) bool {
		escaped := escape(string(b))
		for _, c := range []byte(escaped) {
			if c < ' ' || c > '~' {
				return false
			}
		}
		back, err := url.PathUnescape(escaped)
		return err == nil && back == string(b)
	}, nil)
	if err != nil {
		t.Error(err)
	}
}

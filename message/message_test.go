package message

import "testing"

func TestCookieAndArgumentAreTheFirstOfTheirName(t *testing.T) {
	var r Request
	r.Query = "a=1&b&c=x=y&a=2&=e"
	r.Header.Add("Cookie", "a=1; b; c=\"q\"")
	r.Header.Add("cookie", "a=2;d=4")
	for _, c := range []struct {
		find  func(string) (string, bool)
		name  string
		value string
		found bool
	}{
		{r.Argument, "a", "1", true}, {r.Argument, "b", "", true}, {r.Argument, "c", "x=y", true}, {r.Argument, "", "e", true},
		{r.Argument, "A", "", false}, {r.Argument, "d", "", false},
		{r.Cookie, "a", "1", true}, {r.Cookie, "b", "", true}, {r.Cookie, "c", `"q"`, true}, {r.Cookie, "d", "4", true}, {r.Cookie, "A", "", false},
	} {
		if value, found := c.find(c.name); value != c.value || found != c.found {
			t.Errorf("%q is %q, %v; want %q, %v", c.name, value, found, c.value, c.found)
		}
	}
}

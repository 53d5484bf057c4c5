package message

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func text(h *Header) string {
	var b strings.Builder
	for _, f := range h.Fields() {
		fmt.Fprintf(&b, "%s=%s ", f.Name, f.Value)
	}
	return strings.TrimSpace(b.String())
}

func TestHeaderKeepsOrderAndFoldsNames(t *testing.T) {
	var h Header
	h.Add("Accept", "1")
	h.Add("X-A", "2")
	h.Add("ACCEPT", "3")
	if h.Get("accept") != "1" || !h.Has("x-a") || h.Has("x-b") {
		t.Errorf("header %s", text(&h))
	}
	h.Set("accept", "4")
	if got := text(&h); got != "Accept=4 X-A=2" {
		t.Errorf("after Set: %s", got)
	}
	h.Set("X-C", "5")
	h.Del("x-a")
	if got := text(&h); got != "Accept=4 X-C=5" {
		t.Errorf("after Del: %s", got)
	}
	h.Reset()
	if h.Len() != 0 {
		t.Errorf("after Reset: %s", text(&h))
	}
}

func TestHeaderDoesAsAMapOfListsWould(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	names := []string{"a", "B", "cc", "DD"}
	for range 200 {
		var h Header
		twin := make(map[string][]string)
		for i := range 30 {
			name := names[random.IntN(len(names))]
			key, value := strings.ToLower(name), fmt.Sprint(i)
			switch random.IntN(4) {
			case 0:
				h.Set(strings.ToUpper(name), value)
				twin[key] = []string{value}
			case 1:
				h.Del(name)
				delete(twin, key)
			default:
				h.Add(name, value)
				twin[key] = append(twin[key], value)
			}
		}
		got := make(map[string][]string)
		for _, f := range h.Fields() {
			got[strings.ToLower(f.Name)] = append(got[strings.ToLower(f.Name)], f.Value)
		}
		if fmt.Sprint(got) != fmt.Sprint(twin) {
			t.Fatalf("header has %v, the map %v", got, twin)
		}
	}
}

func TestHasTokenReadsLists(t *testing.T) {
	var h Header
	h.Add("Connection", "keep-alive,\tUpgrade ")
	h.Add("connection", "x")
	for token, want := range map[string]bool{"upgrade": true, "Keep-Alive": true, "X": true, "grade": false, "": false} {
		if got := h.HasToken("Connection", token); got != want {
			t.Errorf("token %q: %v", token, got)
		}
	}
}

// Unicode folds the Kelvin sign to k; header names must not.
func TestEqualFoldKnowsOnlyASCII(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"Host", "hOST", true}, {"K", "\u212a", false}, {"a", "b", false}, {"@", "`", false}, {"[", "{", false}, {"a", "ab", false}} {
		if got := EqualFold(c.a, c.b); got != c.want {
			t.Errorf("EqualFold(%q, %q) is %v", c.a, c.b, got)
		}
	}
}

func TestCookiesAreCutOneByOne(t *testing.T) {
	rest, got := "a=1;  b=x=y;c;; =z", ""
	for rest != "" {
		var name, value string
		name, value, rest = CutCookie(rest)
		got += name + ":" + value + "|"
	}
	if got != "a:1|b:x=y|c:|:|:z|" {
		t.Errorf("cookies are %s", got)
	}
}

package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// plain turns a tree into maps and slices, without positions.
func plain(n *Node) any {
	switch n.Kind {
	case KindTable:
		table := make(map[string]any)
		for _, f := range n.Fields {
			table[f.Key] = plain(f.Node)
		}
		return table
	case KindArray:
		list := make([]any, 0, len(n.Items))
		for _, item := range n.Items {
			list = append(list, plain(item))
		}
		return list
	case KindBool:
		return n.Bool
	case KindInteger:
		return n.Integer
	case KindString:
		return n.Text
	}
	return n.Kind // how floats and dates are read does not matter: no key takes one
}

// ofLibrary turns what the library reads into the same form.
func ofLibrary(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = ofLibrary(value)
		}
		return v
	case []any:
		for i, value := range v {
			v[i] = ofLibrary(value)
		}
		return v
	case float64:
		return KindFloat
	case bool, int64, string:
		return v
	}
	return KindDate
}

// nesting returns how deep values and tables stand in each other.
func nesting(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, value := range v {
			deepest = max(deepest, nesting(value)+1)
		}
	case []any:
		for _, value := range v {
			deepest = max(deepest, nesting(value)+1)
		}
	}
	return deepest
}

// holdsUnread reports whether there is a date or a fraction in a tree. What it says is not
// read, since no key takes one.
func holdsUnread(n *Node) bool {
	if n.Kind == KindDate || n.Kind == KindFloat || slices.ContainsFunc(n.Items, holdsUnread) {
		return true
	}
	return slices.ContainsFunc(n.Fields, func(f Field) bool { return holdsUnread(f.Node) })
}

// documents are TOML texts that try the rules on what may be written twice.
var documents = []string{
	"",
	"a = 1\nb = \"x\"\n[c]\nd = true\n",
	"[a.b.c]\nx = 1\n[a]\ny = 2\n[a.b]\nz = 3\n",
	"[a]\nb.c = 1\nb.d = 2\n",
	"[a]\nb.c = 1\n[a.b]\nd = 2\n",
	"[a]\nb.c = 1\n[a.b.d]\ne = 2\n",
	"[a.b]\nc = 1\n[a]\nb.d = 2\n",
	"[a.b.c]\nz = 9\n[a]\nb.c.t = 1\n",
	"[a.b.c.d]\nz = 9\n[a]\nb.c.d.k = 1\n",
	"[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\nd = 3\n[[a.e]]\nf = 4\n[[a.e]]\nf = 5\n",
	"a = [1, 2]\n[[a]]\nb = 1\n",
	"[[a]]\n[a]\n",
	"[a]\n[[a]]\n",
	"a = { b = 1, c.d = 2, c.e = 3 }\n[a.f]\ng = 1\n",
	"a = { b = 1 }\na.c = 2\n",
	"a = 1\na = 2\n",
	"a.b = 1\na.b.c = 2\n",
	"[a]\n[a]\n",
	"a = [[1, [2]], {b = [3]}, \"x\", 1.5, 1979-05-27, 07:32:00]\n",
	"a = 0x1f\nb = -0\nc = +7\nd = 1_000\ne = 0b101\nf = 0o17\n",
	"\"a b\" = 1\n'c.d' = 2\n\"\" = 3\n",
	"a = '''\nx\n'''\nb = \"\"\"\ny \\\n   z\"\"\"\n",
	"a = \"\\u00e9\\n\\t\\\\\"\r\nb = 2\r\n",
	"a = 99999999999999999999\n",
	"\xff\xfe",
	"\uFEFFa = 1\n",
	"a = [\n # c\n 1, # d\n]\n# e",
}

func FuzzTreeIsWhatTheLibraryReads(f *testing.F) {
	for _, d := range documents {
		f.Add(d)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d Document
		d.AddTOML("a.toml", []byte(text))
		var want map[string]any
		err := toml.Unmarshal([]byte(strings.TrimPrefix(text, byteOrderMark)), &want)
		switch {
		case err == nil && len(d.found.problems) > 0 && nesting(want) <= maxNesting:
			t.Errorf("%q: the library takes it, but: %v", text, d.found.problems)
		case err != nil && len(d.found.problems) == 0 && !holdsUnread(&d.root):
			t.Errorf("%q: no problem, but the library says: %v", text, err)
		case err == nil && len(d.found.problems) == 0:
			if got, want := fmt.Sprint(plain(&d.root)), fmt.Sprint(ofLibrary(want)); got != want {
				t.Errorf("%q:\n got %s\nwant %s", text, got, want)
			}
		}
	})
}

func FuzzProblemsHavePositions(f *testing.F) {
	for _, d := range documents {
		f.Add(d)
	}
	f.Add(string(defaultText))
	f.Add("[basic]\nthreads = \"x\"\n[servers.a]\naddr = \"x\"\nlocations = [1]\n[locations.a]\nhost = \"~(\"\npath = \"x\"\n[upstreams.u]\naddrs = [\"::\"]\n[plugins.p]\nrules = [{}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(text, "\n")
		problems, _ := foundIn("# file: a.toml\n" + text)
		for _, p := range problems {
			if p.Message == noServer {
				continue
			}
			if p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.Column > len(lines[p.Line-1])+1 {
				t.Errorf("%q: %d:%d is not in the text: %v", text, p.Line, p.Column, p)
			}
		}
	})
}

func TestNodesKnowWhereTheyStand(t *testing.T) {
	const text = "top = 1\n\n[servers.web] # comment\n  addr = \"x\"\nlocations = [\n  \"a\",\n  \"b\", [3]\n]\nlimits = { size = 2,\n  every = 3 }\n[[plugins.p.rules]]\nx.y = true\n[servers.b.deep]\n[servers.b]\n"
	var d Document
	d.AddTOML("a.toml", []byte(text))
	if len(d.found.problems) > 0 {
		t.Fatal(d.found.problems)
	}
	for path, want := range map[string]string{
		"top":                      "1:1 1:7",
		"servers":                  "3:2 3:2",
		"servers/web":              "3:10 3:10",
		"servers/web/addr":         "4:3 4:10",
		"servers/web/locations":    "5:1 5:1",
		"servers/web/locations/0":  "6:3",
		"servers/web/locations/1":  "7:3",
		"servers/web/limits":       "9:1 9:10",
		"servers/web/limits/size":  "9:12 9:19",
		"servers/web/limits/every": "10:3 10:11",
		"servers/b":                "14:10 14:10",
		"plugins/p/rules":          "11:13 11:13",
		"plugins/p/rules/0":        "11:13",
		"plugins/p/rules/0/x":      "12:1 12:1",
		"plugins/p/rules/0/x/y":    "12:3 12:7",
	} {
		if got := placeOf(&d.root, path); got != want {
			t.Errorf("%s stands at %s, want %s", path, got, want)
		}
	}
}

// Small tables have no index of their keys, large ones do.
func TestTablesFindTheirKeysHoweverManyTheyHave(t *testing.T) {
	n := &Node{Kind: KindTable}
	for i := range 3 * fewFields {
		key := fmt.Sprint("k", i)
		if _, ok := n.Field(key); ok {
			t.Errorf("%s is there before it is set", key)
		}
		if !n.Set(Field{Key: key, Node: &Node{Integer: int64(i)}}) || n.Set(Field{Key: key}) {
			t.Errorf("%s can be set twice, or not at all", key)
		}
		n.put(Field{Key: key, Node: &Node{Integer: int64(100 + i)}})
		for j := range i + 1 {
			if f, ok := n.Field(fmt.Sprint("k", j)); !ok || f.Node.Integer != int64(100+j) {
				t.Errorf("with %d keys k%d is %+v, %v", i+1, j, f, ok)
			}
		}
		without := n.without(key)
		if _, ok := without.Field(key); ok || len(without.Fields) != i {
			t.Errorf("without %s there are %d keys", key, len(without.Fields))
		}
	}
}

// placeOf returns line:column of the key, if there is one, and of the value at
// a path.
func placeOf(n *Node, path string) string {
	key := ""
	for part := range strings.SplitSeq(path, "/") {
		key = ""
		var index int
		if _, err := fmt.Sscan(part, &index); err == nil {
			n = n.Items[index]
			continue
		}
		f, ok := n.Field(part)
		if !ok {
			return "nowhere"
		}
		key, n = fmt.Sprintf("%d:%d ", f.Position.Line, f.Position.Column), f.Node
	}
	return fmt.Sprintf("%s%d:%d", key, n.Position.Line, n.Position.Column)
}

func TestTextThatIsTooLargeIsRefused(t *testing.T) {
	var d Document
	d.AddTOML("a.toml", make([]byte, maxText+1))
	if got, want := d.found.problems.Error(), "a.toml: is larger than 64 MiB; is it a configuration?"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTextThatIsNotUTF8IsRefusedWithItsPlace(t *testing.T) {
	_, problems := Parse("a.toml", []byte("a = 1\nb = \"\xff\"\n"))
	p := problems[0]
	if p.Line != 2 || p.Column != 6 || p.Message != "is not UTF-8 text" {
		t.Errorf("got %+v", p)
	}
}

func TestDeepNestingEndsInAProblem(t *testing.T) {
	for _, text := range []string{
		"a = " + strings.Repeat("[", 1_000_000),
		"a = " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"a = " + strings.Repeat("{a=", 5000) + "1" + strings.Repeat("}", 5000),
		strings.Repeat("a.", 100_000) + "a = 1",
		"[" + strings.Repeat("a.", 100_000) + "a]",
	} {
		if _, problems := Parse("a.toml", []byte(text)); len(problems.Errors()) == 0 {
			t.Errorf("%.20s...: no problem", text)
		}
	}
}

func TestProblemsAreBounded(t *testing.T) {
	_, problems := Parse("a.toml", []byte(strings.Repeat("x = 1\n", 5000)))
	if len(problems) != maxProblems {
		t.Errorf("%d problems, want %d", len(problems), maxProblems)
	}
	if last := problems[len(problems)-1]; !strings.Contains(last.Message, "more problems") {
		t.Errorf("the last is %v", last)
	}
}

package kdl

import (
	"strings"
	"testing"

	"pingap/config"
)

// problemsIn reads a text and returns what is wrong with it, in order.
func problemsIn(text string) (*config.Config, config.Problems) {
	var d config.Document
	Add(&d, "a.kdl", []byte(text))
	c, problems := d.Decode()
	problems = append(problems, c.Check(config.Checks{Categories: []string{"mock"}, ReadyMade: []string{"pingap:ping"}})...)
	problems.Sort()
	return c, problems
}

const nested = `
/- kdl-version 2
basic threads=2 { // a comment
    trusted_proxies "10.0.0.0/8"
    log_format_json #true; name edge
}
/* another /* with one */ inside */
server "web" {
    addr "0.0.0.0:80"
    locations "first"
    location "api" path="/api" {
        match_query debug
        match_headers "X-A: 1" \ // goes on
            "X-B"
        upstream "app" {
            addrs "127.0.0.1:5000 2"
            addrs "127.0.0.1:5001" /-"127.0.0.1:5002"
            read_timeout "5s"
            /-write_timeout "never"
        }
        upstream "other" { addrs "127.0.0.1:6000"; }
        plugins "pingap:ping"
        plugin "page" {
            category mock
            status 2_01
            data """
                Hello,
                  \"$name\"\u{21}

                """
            headers "X-One: 1"
            limits size="1kb"
            rules {
                item { pattern #"a\d"# }
                item pattern=b
            }
            ratio 0.5
        }
    }
    location "named" { upstream "app"; }
    certificate "web" { tls_cert "/web.pem"; }
}
/-server "other" {
    nonsense
}
locations "first" upstream=app weight=9
`

func TestNestedNodesAreSectionsThatAreNamed(t *testing.T) {
	c, problems := problemsIn(nested)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if got := strings.Join(c.Servers[0].Locations, " "); got != "first api named" {
		t.Errorf("locations are %s", got)
	}
	api := c.Location("api")
	if api.Upstream != "app" || strings.Join(api.Plugins, " ") != "pingap:ping page" || api.Path != "/api" || len(api.MatchQuery) != 1 || len(api.MatchHeaders) != 2 {
		t.Errorf("api is %+v", api)
	}
	if l := c.Location("named"); l.Upstream != "app" {
		t.Errorf("named is %+v", l)
	}
	app := c.Upstream("app")
	if len(app.Addrs) != 2 || app.Addrs[0].Weight != 2 || app.ReadTimeout.Seconds() != 5 || c.Upstream("other") == nil {
		t.Errorf("app is %+v", app)
	}
	if b := c.Basic; b.Threads != 2 || len(b.TrustedProxies) != 1 || !b.LogFormatJSON || b.Name != "edge" {
		t.Errorf("basic is %+v", b)
	}
	if c.Certificates[0].TLSCert != "/web.pem" || c.Location("first").Weight.Value != 9 || len(c.Servers) != 1 {
		t.Errorf("the rest is %+v", c)
	}
	var settings struct {
		Status  int             `config:"status"`
		Data    string          `config:"data"`
		Headers []config.Header `config:"headers"`
		Ratio   any
		Limits  struct {
			Size config.Size `config:"size"`
		} `config:"limits"`
		Rules []struct {
			Pattern string `config:"pattern"`
		} `config:"rules"`
	}
	problems = c.Plugin("page").Table.Decode(&settings)
	if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), `a.kdl:37: plugins.page: unknown key "ratio"`) {
		t.Errorf("problems are %v", problems)
	}
	if settings.Status != 201 || settings.Data != "Hello,\n  \"$name\"!\n" || len(settings.Headers) != 1 || settings.Limits.Size != 1000 || len(settings.Rules) != 2 || settings.Rules[0].Pattern != `a\d` {
		t.Errorf("settings are %+v", settings)
	}
	if at := c.Upstream("app").At("read_timeout").String(); at != "a.kdl:18" {
		t.Errorf("read_timeout stands at %s", at)
	}
}

func TestProblemsHaveTheirPlaces(t *testing.T) {
	const rest = "\nserver web { \n addr \":80\"\n locations all \n}\nlocation all {\n upstream app\n}\nupstream app {\n addrs \"127.0.0.1\"\n}\n"
	for _, c := range []struct{ text, want string }{
		{"basic {\n  threads \"4\"\n}", "a.kdl:2: basic: threads: is text; an integer is expected; without quotes it is one: threads = 4"},
		{"basic {\n  thread 4\n}", `a.kdl:2: basic: unknown key "thread"; did you mean "threads"?`},
		{"basic x {\n}", `a.kdl:1: basic: has a name, "x"; there is one such section, without a name`},
		{"basic 5 {\n}", `a.kdl:1: basic: has an argument that is no name; write basic "main" { }`},
		{"basic {\n threads 1\n", "a.kdl:1: not KDL: the block has no closing brace"},
		{"basic {\n threads 1\n}}", `a.kdl:3: not KDL: '}' stands where the name of a node is expected`},
		{"basic {\n log_format_json true\n}", "a.kdl:2: not KDL: true is no value; write #true"},
		{"basic {\n name null\n}", "a.kdl:2: not KDL: null is no value; leave the key out"},
		{"(list)basic {\n (list)threads 1\n}", "a.kdl:2: basic: threads: is a list; an integer is expected, such as threads = 0"},
		{"basic {\n name\n}", `a.kdl:2: basic: name: has no value; write name "value"`},
		{"basic {\n name \"a\n}", "a.kdl:2: not KDL: the text has no closing quote on its line; several lines stand between \"\"\" and \"\"\""},
		{"basic {\n name \"a\\d\"\n}", "a.kdl:2: not KDL: the text holds a backslash that means nothing; write \\\\ for a backslash, or put the text between #\" and \"#"},
		{"basic {\n threads 99999999999999999999\n}", "a.kdl:2: not KDL: 99999999999999999999 is too large for an integer"},
		{"basic {\n threads 10s\n}", `a.kdl:2: not KDL: 10s is no value; text that is no plain word stands in quotes: "10s"`},
		{"basic {\n trusted_proxies [\"10.0.0.1\"]\n}", `a.kdl:2: not KDL: '[' stands where a value is expected; a list is written as several values, without brackets`},
		{"basic {\n name \"\"\"a\n\"\"\"\n}", `a.kdl:2: not KDL: the text begins on the line of its quotes; write it on lines of its own between """ and """`},
		{"basic {\n name \"\"\"\n  a\n b\n  \"\"\"\n}", "a.kdl:2: not KDL: a line of the text has less indentation than its closing quotes"},
		{"basic /* {\n}", "a.kdl:1: not KDL: the comment has no end"},
		{"basic threads=1 threads=2", "a.kdl:1: basic: threads: is written a second time"},
		{"threads 1", `a.kdl:1: unknown section "threads"; sections are basic, server, location, upstream, plugin, certificate, storage`},
		{"sever web {\n}", `a.kdl:1: unknown section "sever"; did you mean "server"?`},
		{"location {\n}", `a.kdl:1: locations: has no name; write location "main"`},
		{"upstream app {\n addrs \"127.0.0.1:1\"\n}", "a.kdl:11: upstreams.app: is written a second time; the first is at a.kdl:1"},
		{"upstream u {\n addrs \"127.0.0.1:1\"\n location l { }\n}", "a.kdl:3: upstreams.u: a location cannot stand here; write it outside"},
		{"upstream u {\n addrs \"127.0.0.1:1\" \\\n  \"0.0.0.0\"\n}", "a.kdl:3: upstreams.u: addrs: 0.0.0.0 is an unspecified address, which is that of no server; write the address of the server itself, such as 127.0.0.1 for this machine"},
		{"storage s {\n category config\n value \"\"\"\n  weight = 1\n  plugins = oh\n  \"\"\"\n}\nlocation l {\n upstream app\n includes s\n}", `a.kdl:5: storages.s: the text is not in quotes; write plugins = "oh"`},
		{strings.Repeat("a {", 40), "a.kdl:1: not KDL: blocks stand in each other more than 32 deep"},
		{strings.Repeat("/*", 40), "a.kdl:1: not KDL: comments stand in each other more than 32 deep"},
		{"basic {\n name \"\xff\"\n}", "a.kdl:2: not KDL: is not UTF-8 text"},
	} {
		_, problems := problemsIn(c.text + rest)
		if len(problems) == 0 || problems[0].String() != c.want {
			t.Errorf("%s:\n got %v\nwant %s", c.text, problems, c.want)
		}
	}
}

// everyValue is TOML with every kind of value.
const everyValue = `
[basic]
name = "quo\"te \\ ${name} \u0007 ü 😀\ttab"
threads = 16
log_format_json = true
trusted_proxies = ["10.0.0.1"]

[servers."web.example 服务"]
addr = ":80"
locations = []

[locations.all]
plugins = ["page", "true"]
path = "-5"

[plugins.page]
category = "mock"
data = """
several
lines
"""
ratio = 0.5
small = -3
one = ["x"]
empty = []
lists = [[], [[]], ["y"]]
limits = { size = 1, "odd key" = [[1, 5], [2, "x"]], "#a" = { a = false }, none = {} }
rules = [{ pattern = "a\nb" }, { pattern = "\r" }]
last = [{ pattern = "a" }]
`

func TestWrittenKDLIsReadAsTheSame(t *testing.T) {
	var d config.Document
	d.AddTOML("a.toml", []byte(everyValue))
	text, err := Write(&d)
	if err != nil {
		t.Fatal(err)
	}
	var again config.Document
	Add(&again, "a.kdl", text)
	if problems := again.Problems(); len(problems) > 0 {
		t.Fatalf("%v in\n%s", problems, text)
	}
	if !again.Root().Equal(d.Root()) {
		t.Errorf("it became another:\n%s", text)
	}
}

func TestWhatKDLCannotHoldIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"[plugins.p]\nwhen = 2020-01-01": "a.toml:2: a date cannot be written in KDL",
		"[plugins.p]\na = nan":           "a.toml:2: the number nan cannot be written in KDL",
	} {
		var d config.Document
		d.AddTOML("a.toml", []byte(text))
		if _, err := Write(&d); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// TestValuesAreThoseOfTheSpecification holds what KDL 2.0.0 says of single
// values.
func TestValuesAreThoseOfTheSpecification(t *testing.T) {
	for text, want := range map[string]any{
		`a`: "a", `-a`: "-a", `+`: "+", `.a`: ".a", `a.b-c_d`: "a.b-c_d", `$x`: "$x", `"a b"`: "a b", `"\n\t\\\"\s\u{e9}"`: "\n\t\\\" é",
		"\"a \\\n   b\"": "a b", `#"a\n"#`: `a\n`, `##"a"#b"##`: `a"#b`, "\"\"\"\n\t\ta\n\t\t b\n\t\t\"\"\"": "a\n b",
		"#\"\"\"\n a\\\n \"\"\"#": `a\`, "\"\"\"\n \\\"\"\"\n \"\"\"": `"""`, `(type)"a"`: "a", `"""` + "\n" + `"""`: "",
		`1`: int64(1), `-0x1F`: int64(-31), `0o17`: int64(15), `0b1_01`: int64(5), `+1_000`: int64(1000), `007`: int64(7),
		`#true`: true, `#false`: false,
	} {
		nodes, problem := parse("a.kdl", []byte("n "+text+"\n"))
		if problem != nil || len(nodes) != 1 || len(nodes[0].args) != 1 {
			t.Errorf("%s: %v, %v", text, nodes, problem)
			continue
		}
		n := nodes[0].args[0]
		got := any(n.Text)
		switch n.Kind {
		case config.KindInteger:
			got = n.Integer
		case config.KindBool:
			got = n.Bool
		}
		if got != want {
			t.Errorf("%s is %#v, want %#v", text, got, want)
		}
	}
	for _, text := range []string{`.5`, `-.5`, `1a`, `a"b"`, `"a"b`, `#null`, `#x`, `a=`, `=a`, `1=2`, `{} a`, `{} {}`, `a \ b`, `"\u{d800}"`, `"\u{1234567}"`, `(a`, `a/b`, `0x`, `"\`, `#"a`, `"""a"""`, `(`, `a(`} {
		if nodes, problem := parse("a.kdl", []byte("n "+text+"\n")); problem == nil {
			t.Errorf("%s is taken for %+v", text, nodes[0])
		}
	}
}

func FuzzEveryProblemHasAPlace(f *testing.F) {
	f.Add(nested)
	f.Add("basic {\n a 1 \"x\" -1.5\n}\nserver x {")
	f.Add("a #\"\"\"\n b\n \"\"\"# \\\n  /-{} {}")
	f.Fuzz(func(t *testing.T, text string) {
		var d config.Document
		Add(&d, "a.kdl", []byte(text))
		c, problems := d.Decode()
		lines := strings.Count(text, "\n") + 1
		for _, p := range append(problems, c.Check(config.Checks{})...) {
			if (p.Line < 1 || p.Line > lines) && !strings.Contains(p.Message, "no server") {
				t.Errorf("%q: %d is no line of the text: %v", text, p.Line, p)
			}
		}
	})
}

func FuzzWrittenKDLIsReadAsTheSame(f *testing.F) {
	f.Add(everyValue)
	f.Fuzz(func(t *testing.T, text string) {
		var d, again config.Document
		d.AddTOML("a.toml", []byte(text))
		if len(d.Problems()) > 0 || len(d.Root().Fields) != 1 || d.Root().Fields[0].Key != "plugins" {
			return
		}
		if _, problems := d.Decode(); len(problems) > 0 {
			return
		}
		written, err := Write(&d)
		if err != nil {
			return
		}
		if Add(&again, "a.kdl", written); len(again.Problems()) > 0 || !again.Root().Equal(d.Root()) {
			t.Errorf("%q was written as %q: %v", text, written, again.Problems())
		}
	})
}

package hcl

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	hcl "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"pingap/config"
)

// problemsIn reads a text and returns what is wrong with it, in order.
func problemsIn(text string) (*config.Config, config.Problems) {
	var d config.Document
	Add(&d, "a.hcl", []byte(text))
	c, problems := d.Decode()
	problems = append(problems, c.Check(config.Checks{Categories: []string{"mock"}})...)
	problems.Sort()
	return c, problems
}

const nested = `
basic {
  threads = 2
  trusted_proxies = ["10.0.0.0/8"]
}

server "web" {
  addr = "0.0.0.0:80"
  locations = ["first"]
  location "api" {
    path = "/api"
    match_query = ["debug"]
    upstream "app" {
      addrs = [
        "127.0.0.1:5000 2",
        "127.0.0.1:5001",
      ]
      read_timeout = "5s"
    }
    upstream "other" {
      addrs = ["127.0.0.1:6000"]
    }
    plugin "page" {
      category = "mock"
      status = 201
      data = <<EOT
Hello, $${name}
EOT
      limits {
        size = "1kb"
      }
      rules {
        pattern = "a"
      }
      rules {
        pattern = "b"
      }
    }
  }
  location "named" {
    upstream = "app"
    upstream "app2" { addrs = ["127.0.0.1:1"] }
  }
  certificate "web" {
    tls_cert = "/web.pem"
  }
}
locations "first" {
  upstream = "app"
  weight = 9
}
`

func TestNestedBlocksAreSectionsThatAreNamed(t *testing.T) {
	c, problems := problemsIn(nested)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if got := strings.Join(c.Servers[0].Locations, " "); got != "first api named" {
		t.Errorf("locations are %s", got)
	}
	api := c.Location("api")
	if api.Upstream != "app" || strings.Join(api.Plugins, " ") != "page" || api.Path != "/api" || len(api.MatchQuery) != 1 {
		t.Errorf("api is %+v", api)
	}
	if l := c.Location("named"); l.Upstream != "app" {
		t.Errorf("named is %+v", l)
	}
	app := c.Upstream("app")
	if len(app.Addrs) != 2 || app.Addrs[0].Weight != 2 || app.ReadTimeout.Seconds() != 5 || c.Upstream("other") == nil || c.Upstream("app2") == nil {
		t.Errorf("app is %+v", app)
	}
	if c.Basic.Threads != 2 || len(c.Basic.TrustedProxies) != 1 || c.Certificates[0].TLSCert != "/web.pem" || c.Location("first").Weight.Value != 9 {
		t.Errorf("the rest is %+v", c)
	}
	var settings struct {
		Status int    `config:"status"`
		Data   string `config:"data"`
		Limits struct {
			Size config.Size `config:"size"`
		} `config:"limits"`
		Rules []struct {
			Pattern string `config:"pattern"`
		} `config:"rules"`
	}
	problems = c.Plugin("page").Table.Decode(&settings)
	if len(problems) > 0 || settings.Status != 201 || settings.Data != "Hello, ${name}\n" || settings.Limits.Size != 1000 || len(settings.Rules) != 2 || settings.Rules[1].Pattern != "b" {
		t.Errorf("settings are %+v, %v", settings, problems)
	}
	if at := c.Upstream("app").At("read_timeout").String(); at != "a.hcl:18" {
		t.Errorf("read_timeout stands at %s", at)
	}
}

// tooMany is what is said of a text that would make the parser overflow its
// stack.
func tooMany(line int) string {
	return fmt.Sprintf("a.hcl:%d: there are no expressions, and this text has hundreds; values are text in quotes, numbers, true, false, lists and tables", line)
}

func TestProblemsHaveTheirPlaces(t *testing.T) {
	const rest = "\nserver \"web\" { \n addr = \":80\"\n locations = [\"all\"] \n}\nlocation \"all\" {\n upstream = \"app\"\n}\nupstream \"app\" {\n addrs = [\"127.0.0.1\"]\n}\n"
	for _, c := range []struct{ text, want string }{
		{"basic {\n  threads = \"4\"\n}", "a.hcl:2: basic: threads: is text; an integer is expected; without quotes it is one: threads = 4"},
		{"basic {\n  thread = 4\n}", `a.hcl:2: basic: unknown key "thread"; did you mean "threads"?`},
		{"basic \"x\" {\n}", `a.hcl:1: basic: has a name, "x"; there is one such section, without a name`},
		{"basic {\n threads = 1\n", "a.hcl:1: not HCL: unclosed configuration block; there is no closing brace for this block before the end of the file. This may be caused by incorrect brace nesting elsewhere in this file"},
		{"basic {\n name = app\n}", `a.hcl:2: basic: name: is no plain value; there are no variables: text stands in quotes, and "${" is written "$${"`},
		{"basic {\n name = upper(\"a\")\n}", "a.hcl:2: basic: name: is no plain value; there are no functions"},
		{"basic {\n name = \"a ${b}\"\n}", `a.hcl:2: basic: name: is no plain value; there are no variables: text stands in quotes, and "${" is written "$${"`},
		{"basic {\n name = null\n}", "a.hcl:2: basic: name: is null; leave the key out"},
		{"threads = 1", `a.hcl:1: the key "threads" stands outside of any section; keys stand in a block such as basic { }`},
		{"sever \"web\" {\n}", `a.hcl:1: unknown section "sever"; did you mean "server"?`},
		{"location {\n}", `a.hcl:1: locations: has no name; write location "main"`},
		{"location \"a\" \"b\" {\n upstream = \"app\"\n}", `a.hcl:1: locations.a: has more than one name; write location "a"`},
		{"upstream \"app\" {\n addrs = [\"127.0.0.1:1\"]\n}", "a.hcl:11: upstreams.app: is written a second time; the first is at a.hcl:1"},
		{"upstream \"u\" {\n addrs = [\"127.0.0.1:1\"]\n location \"l\" { }\n}", "a.hcl:3: upstreams.u: a location cannot stand here; write it outside"},
		{"location \"l\" {\n upstream = \"app\"\n server \"s\" { }\n}", "a.hcl:3: locations.l: a server cannot stand here; here may stand upstream, plugin"},
		{"upstream \"u\" {\n addrs = [\n  \"127.0.0.1:1\",\n  \"0.0.0.0\",\n ]\n}", "a.hcl:4: upstreams.u: addrs: 0.0.0.0 is an unspecified address, which is that of no server; write the address of the server itself, such as 127.0.0.1 for this machine"},
		{"storage \"s\" {\n category = \"config\"\n value = <<EOT\nweight = 1\nplugins = oh\nEOT\n}\nlocation \"l\" {\n upstream = \"app\"\n includes = [\"s\"]\n}", `a.hcl:5: storages.s: the text is not in quotes; write plugins = "oh"`},
		{"basic {\n name = \"a\"\n threads = -(1)\n}", "a.hcl:3: basic: threads: -1 is too small; the least is 0"},
		{strings.Repeat("(", 300), "a.hcl:1: brackets stand in each other more than 256 deep"},
		{"basic {\n name = \"" + strings.Repeat("(", 300) + "\"\n thread = 1\n}", `a.hcl:3: basic: unknown key "thread"; did you mean "threads"?`},
		{"basic {\n threads = " + strings.Repeat("-", 1<<16) + "1\n}", tooMany(2)},
		{"basic {\n threads = 1" + strings.Repeat("+1", 1<<16) + "\n}", tooMany(2)},
		{"basic {\n threads = (1" + strings.Repeat("\n+1", 300) + ")\n}", tooMany(259)},
		{"basic {\n name = " + strings.Repeat("true ? 1 : ", 1<<16) + "1\n}", tooMany(2)},
		{"basic {\n name = [1]" + strings.Repeat("[0]", 1<<16) + "\n}", tooMany(2)},
		{"basic {\n name = a" + strings.Repeat(".a", 1<<16) + "\n}", tooMany(2)},
		{"basic {\n name = \"" + strings.Repeat("%{if true}", 1<<16) + "\"\n}", tooMany(2)},
		{"basic {\n threads = 1e300000000\n}", "a.hcl:2: the number is too large for any key"},
		{"basic {\n threads = " + strings.Repeat("9", 1<<16) + "\n}", "a.hcl:2: the number is too large for any key"},
	} {
		_, problems := problemsIn(c.text + rest)
		problems = problems.Errors() // locations are in no server
		if len(problems) == 0 || problems[0].String() != c.want {
			t.Errorf("%.300s:\n got %.300v\nwant %s", c.text, problems, c.want)
		}
	}
}

// What the parser cannot read is one problem, and not what is missing then.
func TestNothingFollowsFromWhatIsNoHCL(t *testing.T) {
	const want = "a.hcl:2: not HCL: invalid expression; expected the start of an expression, but found an invalid expression token"
	_, problems := problemsIn("server \"web\" {\n addr = \n locations = [\"all\"]\n}\nlocation \"all\" {\n upstream = \"app\"\n}\nupstream \"app\" {\n addrs = [\"127.0.0.1\"]\n}\n")
	if len(problems) != 1 || problems[0].String() != want {
		t.Errorf("got %v, want %s", problems, want)
	}
}

// everyValue is TOML with every kind of value.
const everyValue = `
[basic]
name = "quo\"te \\ ${name} %{if} \u0007 ü 😀\ttab"
threads = 16
log_format_json = true

[servers."web.example 服务"]
addr = ":80"
locations = ["all"]

[locations.all]
plugins = ["page"]
proxy_set_headers = ["X-A-Rather-Long-Name: and a rather long value", "X-Another-Long-Name: and a value", "X-C: 1"]

[plugins.page]
category = "mock"
data = """
several
lines with ${name}
EOT
"""
ratio = 0.5
small = -3
empty = []
limits = { size = 1, "odd key" = [1, [2, "x"]], inner = { a = false } }
rules = [{ pattern = "a\nb" }, { pattern = "\r" }]
`

func TestWrittenHCLIsReadAsTheSame(t *testing.T) {
	var d config.Document
	d.AddTOML("a.toml", []byte(everyValue))
	text, err := Write(&d)
	if err != nil {
		t.Fatal(err)
	}
	var again config.Document
	Add(&again, "a.hcl", text)
	if problems := again.Problems(); len(problems) > 0 {
		t.Fatalf("%v in\n%s", problems, text)
	}
	if !again.Root().Equal(d.Root()) {
		t.Errorf("it became another:\n%s", text)
	}
}

func TestWhatHCLCannotHoldIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"[plugins.p]\nwhen = 2020-01-01": "a.toml:2: a date cannot be written in HCL",
		"[plugins.p]\n\"a b\" = 1":       `a.toml:2: the key "a b" cannot be written in HCL`,
		"[plugins.p]\na = nan":           "a.toml:2: the number nan cannot be written in HCL",
	} {
		var d config.Document
		d.AddTOML("a.toml", []byte(text))
		if _, err := Write(&d); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func FuzzEveryProblemHasAPlace(f *testing.F) {
	f.Add(nested)
	f.Add("basic {\n a = [1, {\"x\" = -1.5}]\n}\nserver \"x\" {")
	f.Add("a = <<-X\n b\n X\n")
	f.Fuzz(func(t *testing.T, text string) {
		var d config.Document
		Add(&d, "a.hcl", []byte(text))
		c, problems := d.Decode()
		lines := strings.Count(text, "\n") + 1
		for _, p := range append(problems, c.Check(config.Checks{})...) {
			if (p.Line < 1 || p.Line > lines) && !strings.Contains(p.Message, "no server") {
				t.Errorf("%q: %d is no line of the text: %v", text, p.Line, p)
			}
		}
	})
}

func FuzzWrittenHCLIsReadAsTheSame(f *testing.F) {
	f.Add(everyValue)
	f.Add("[plugins.\"${a}\"]\ncategory = \"%%{b}\"\nc = \"\"\"\n$\n\n{\n\"\"\"\nd = 0x10\n")
	f.Fuzz(func(t *testing.T, text string) {
		var d, again config.Document
		d.AddTOML("a.toml", []byte(text))
		if len(d.Problems()) > 0 || cty.NormalizeString(text) != text || strings.Contains(text, `\u`) || strings.Contains(text, `\U`) {
			return // texts that HCL normalises become others
		}
		if _, problems := d.Decode(); len(problems.Errors()) > 0 || hasFraction(d.Root()) {
			return
		}
		written, err := Write(&d)
		if err != nil {
			return
		}
		if Add(&again, "a.hcl", written); len(again.Problems()) > 0 || !again.Root().Equal(d.Root()) {
			t.Errorf("%q was written as %q: %v", text, written, again.Problems())
		}
	})
}

// hasFraction reports whether a tree holds a number that can be written in
// several ways.
func hasFraction(n *config.Node) bool {
	return n.Kind == config.KindFloat || slices.ContainsFunc(n.Items, hasFraction) ||
		slices.ContainsFunc(n.Fields, func(f config.Field) bool { return hasFraction(f.Node) })
}

func TestNamesAreThoseThatTheTextsReferTo(t *testing.T) {
	for _, name := range []string{"e\u0301", "\u00e9"} {
		_, problems := problemsIn("server \"s\" {\n addr = \":80\"\n locations = [\"" + name + "\"]\n}\nlocation \"" + name + "\" {\n upstream = \"u\"\n}\nupstream \"u\" {\n addrs = [\"127.0.0.1\"]\n}\n")
		if len(problems) > 0 {
			t.Errorf("%q: %v", name, problems)
		}
	}
}

func FuzzPlainTextHasNothingToBound(f *testing.F) {
	f.Add(nested)
	for _, text := range []string{"a = 1\n", "a = \"x\\\"\" # b\nc \"d\" {\n e = [\"f\", [1]]\n}\n", "a = b[0]", "a = 1e5", "a = -1", "a == b", "a = \"${b}\"", "a = <<X\nX\n", "a = a.b", "\"a\"[0]", "a = [1][0]", "a = 1\n[0]"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !isPlainText([]byte(text)) {
			return
		}
		tokens, _ := hclsyntax.LexConfig([]byte(text), "a.hcl", hcl.InitialPos)
		for i := range tokens {
			if isOperator(tokens, i) || tokens[i].Type == hclsyntax.TokenNumberLit && !isShort(tokens[i].Bytes) || tokens[i].Type == hclsyntax.TokenOHeredoc {
				t.Errorf("%q is plain, but holds %q", text, tokens[i].Bytes)
			}
		}
	})
}

func TestMostTextsArePlain(t *testing.T) {
	text := "server \"web\" {\n  addr = \"0.0.0.0:80\" # here\n  locations = [\"a-b\", \"c\"]\n  threads = 2\n}\nlocation \"a-b\" {\n  proxy_set_headers = [\n    \"Host: $host\",\n  ]\n}\n"
	if !isPlainText([]byte(text)) {
		t.Error("it is not plain")
	}
}

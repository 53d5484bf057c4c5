package config

import (
	"fmt"
	"strings"
	"testing"
)

// mustParse reads a configuration that has no problems.
func mustParse(t *testing.T, text string) *Config {
	t.Helper()
	c, problems := Parse("pingap.toml", []byte(text))
	if problems = append(problems, c.Check(Checks{Categories: []string{"mock"}})...); len(problems) > 0 {
		t.Fatal(problems)
	}
	return c
}

func TestSectionsKeepTheirOrderAndAreFoundByName(t *testing.T) {
	c, _ := Parse("pingap.toml", []byte("[locations.z]\n[upstreams.b]\n[locations.a]\n[plugins.p]\ncategory = \"x\"\n[locations.m]\n"))
	var order []string
	for _, l := range c.Locations {
		order = append(order, l.Name)
		if c.Location(l.Name) != l {
			t.Errorf("location %s is not found by its name", l.Name)
		}
	}
	if got := strings.Join(order, " "); got != "z a m" {
		t.Errorf("the order is %s", got)
	}
	if c.Location("b") != nil || c.Upstream("b") == nil || c.Plugin("p") == nil {
		t.Error("sections are not found by kind and name")
	}
	if at := c.Location("m").Source; at.String() != "pingap.toml:6" {
		t.Errorf("location m is said to stand at %s", at)
	}
}

func TestWrongValuesAreLeftAtZero(t *testing.T) {
	c, _ := Parse("pingap.toml", []byte(`
[servers.web]
addr = "127.0.0.1:80,nowhere"
client_header_timeout = "0s"
[locations.all]
host = "a.example, *"
path = "~("
rewrite = "( /"
weight = 70000
client_max_body_size = "x"
proxy_set_headers = ["A: 1", "B", "C: 3"]
[upstreams.app]
addrs = ["127.0.0.1:1 0", "127.0.0.1:2"]
`))
	s, l, u := c.Servers[0], c.Locations[0], c.Upstreams[0]
	if s.Addr != nil || s.ClientHeaderTimeout != 0 {
		t.Errorf("server: %+v", s)
	}
	if l.Host != nil || l.Path != "" || l.Rewrite != "" || l.Weight.Set || l.ClientMaxBodySize != 0 {
		t.Errorf("location: %+v", l)
	}
	if fmt.Sprint(l.ProxySetHeaders) != "[{A 1} {C 3}]" {
		t.Errorf("headers: %v", l.ProxySetHeaders)
	}
	if len(u.Addrs) != 1 || u.Addrs[0].Port != 2 {
		t.Errorf("addresses: %v", u.Addrs)
	}
}

func TestPluginsDecodeTheirOwnKeys(t *testing.T) {
	c, problems := Parse("pingap.toml", []byte(`
[plugins.page]
category = "mock"
step = "response"
remark = "x"
path = "/a"
headers = ["A: 1"]
delay = "1m 30s"
match = "^a+$"
rules = [{ pattern = "a" }, { pattern = "b", not = true }]
[plugins.page.limits]
size = 5
exact = 9
`))
	var s exampleSettings
	problems = append(problems, c.Plugins[0].Table.Decode(&s)...)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := fmt.Sprintf("%v %v %v %v %v %v %v %v %v", s.Path, s.Status, s.Headers, s.Delay, s.Match, len(s.Rules), s.Rules[1].Pattern, s.Rules[1].Not, *s.Limits)
	if want := "/a 200 [{A 1}] 1m30s ^a+$ 2 b true {5 10s 9}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var none exampleSettings
	if problems := TableOf("pingap:page", `path = "/b"`).Decode(&none); len(problems) > 0 || none.Path != "/b" || none.Limits != nil {
		t.Errorf("%+v, %v", none, problems)
	}
}

func TestProblemsOfATableStandAtItsKeys(t *testing.T) {
	c, _ := Parse("pingap.toml", []byte("\n[plugins.page]\ncategory = \"mock\"\nstatus =   300\n"))
	for key, want := range map[string]string{
		"status":   "pingap.toml:4: plugins.page: status: is odd; be even",
		"category": "pingap.toml:3: plugins.page: category: is odd; be even",
		"":         "pingap.toml:2: plugins.page: is odd; be even",
	} {
		if got := c.Plugins[0].Table.Problem(key, "is odd", "be even").String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got := c.Plugins[0].Problem(key, "is odd", "be even").String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestChecksOfOthersAreAskedAboutEachSection(t *testing.T) {
	c, _ := Parse("pingap.toml", []byte(everything+"\n[plugins.other]\ncategory = \"unheard\"\n"))
	asked := ""
	problems := c.Check(Checks{
		Categories: []string{"mock"},
		Server: func(s *Server) []Problem {
			asked += " server " + s.Name
			return []Problem{s.Problem("access_log", "no", "")}
		},
		Location: func(l *Location) []Problem { asked += " location " + l.Name; return nil },
		Plugin:   func(p *Plugin) []Problem { asked += " plugin " + p.Name; return nil },
	})
	if asked != " server web location all plugin page" {
		t.Errorf("asked about%s", asked)
	}
	if len(problems) != 2 || problems[0].Key != "access_log" || problems[1].Key != "category" {
		t.Errorf("problems are %v", problems)
	}
}

func TestDefaultConfigurationIsRight(t *testing.T) {
	c := Default()
	if problems := c.Check(Checks{Categories: []string{"mock"}, ReadyMade: []string{"pingap:ping"}}); len(problems) > 0 {
		t.Error(problems)
	}
	if got := c.Servers[0].Addr[0].String(); got != ":6188" {
		t.Errorf("it listens on %s", got)
	}
	// The page shows a configuration, which has to be right as well.
	_, example, _ := strings.Cut(string(defaultText), "<pre><code>[")
	example, _, _ = strings.Cut(example, "</code>")
	mustParse(t, "["+example)
}

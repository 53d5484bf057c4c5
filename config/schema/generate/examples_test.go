package main

import (
	"regexp"
	"testing"

	"pingap/config"
	"pingap/config/hcl"
	"pingap/config/kdl"
)

var codeBlock = regexp.MustCompile("(?ms)^```(toml|hcl|kdl)(?: part)?\n(.*?)^```")

func TestExamplesOfThePageAreRight(t *testing.T) {
	t.Setenv("PINGAP_SECRET", "a long passphrase")
	const rest = "[servers.rest]\naddr = \"127.0.0.1:1\"\nlocations = [\"app\"]\n"
	const upstream = "[upstreams.app]\naddrs = [\"127.0.0.1\"]\n"
	blocks := codeBlock.FindAllStringSubmatch(introduction, -1)
	if len(blocks) != 4 {
		t.Fatalf("%d examples", len(blocks))
	}
	for _, block := range blocks {
		var d config.Document
		format, text := block[1], []byte(block[2])
		switch format {
		case "toml":
			d.AddTOML("page", text)
			d.AddTOML("rest", []byte(rest+upstream))
		case "hcl":
			hcl.Add(&d, "page", text)
		case "kdl":
			kdl.Add(&d, "page", text)
		}
		c, problems := d.Decode()
		if problems = append(problems, c.Check(config.Checks{})...); len(problems) > 0 {
			t.Errorf("%v in\n%s", problems, text)
		}
	}
}

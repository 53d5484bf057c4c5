package house

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maxLines is the length from which a file is surely about two things.
const maxLines = 700

func TestFilesStayShort(t *testing.T) {
	for _, s := range goFiles(t) {
		if s.lines > maxLines && !isGenerated(s) {
			t.Errorf("%s has %d lines, more than %d: it is about more than one thing", s.path, s.lines, maxLines)
		}
	}
}

func isGenerated(s source) bool {
	for _, group := range s.file.Comments {
		if group.Pos() < s.file.Package && strings.HasPrefix(group.List[0].Text, "// Code generated ") {
			return true
		}
	}
	return false
}

func TestPackagesAreNamedByWhatTheyProvide(t *testing.T) {
	vague := []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "base", "types", "lib"}
	for _, s := range goFiles(t) {
		if slices.Contains(vague, path.Base(s.dir)) || slices.Contains(vague, s.file.Name.Name) {
			t.Errorf("%s: the package's name does not say what it provides", s.path)
		}
	}
}

func TestOnlyPluginsAndStoresRegisterThemselves(t *testing.T) {
	for _, s := range goFiles(t) {
		_, entry := rank(s.dir)
		if s.isTest || entry == "plugin/*" || entry == "config/store" {
			continue
		}
		for _, f := range functions(s) {
			if f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: init hides what it does from the reader of main; plugins and stores alone register that way", s.at(f))
			}
		}
	}
}

// unwanted are things that do not belong into the tree, and what to do about
// them. The patterns are broken up so as not to match themselves.
var unwanted = []struct{ pattern, instead string }{
	{`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`, "do it now, or leave it out"},
	{`(^|[\s"'(=:` + "`" + `])/(wo` + `rk|ro` + `ot|Use` + `rs)/`, "a path of somebody's machine"},
	{`(^|[\s"'(=:` + "`" + `])/tm` + `p/[a-z]/`, "a path of somebody's machine"},
	{`(proxy\.gol` + `ang\.org|sum\.gol` + `ang\.org|registry\.np` + `mjs|files\.pythonho` + `sted|static\.crat` + `es\.io|deb\.deb` + `ian\.org)`, "the host of a registry: name the package, the tools know where it is"},
	{`(?m)^(<<<<` + `<<<|>>>>` + `>>>) `, "the mark of a merge that was not finished"},
}

func TestTheTreeHoldsNothingUnwanted(t *testing.T) {
	for _, rule := range unwanted {
		pattern := regexp.MustCompile(rule.pattern)
		for _, f := range textFiles(t) {
			if at := pattern.FindStringIndex(f.content); at != nil {
				line := 1 + strings.Count(f.content[:at[0]], "\n")
				t.Errorf("%s:%d: %q: %s", f.path, line, f.content[at[0]:at[1]], rule.instead)
			}
		}
	}
}

func TestTextEndsWithOneNewline(t *testing.T) {
	for _, f := range textFiles(t) {
		switch path.Ext(f.path) {
		case ".md", ".go", ".toml", ".yml":
			if f.content != strings.TrimRight(f.content, "\n")+"\n" {
				t.Errorf("%s does not end with one newline", f.path)
			}
		}
	}
}

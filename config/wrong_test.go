package config

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the problems that are found into the files of testdata/wrong")

// TestWrongConfigurationsAreExplained reads the files in testdata/wrong. Each
// holds a configuration and below it the problems that are found in it, in
// order, and the notes. A comment "file: name" begins another file of the same configuration.
func TestWrongConfigurationsAreExplained(t *testing.T) {
	files, err := filepath.Glob("testdata/wrong/*.toml")
	if err != nil {
		t.Fatal(err)
	}
	wrong, sections := 0, map[string]int{}
	messages := map[string]bool{}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".toml"), func(t *testing.T) {
			errors := explainsWrong(t, file).Errors()
			if len(errors) > 0 {
				wrong++
			}
			for _, p := range errors {
				kind, _, _ := strings.Cut(p.Section, ".")
				sections[kind]++
				messages[p.Key+p.Message] = true
			}
		})
	}
	if wrong < 150 || len(messages) < 150 {
		t.Errorf("only %d configurations are wrong, with %d messages", wrong, len(messages))
	}
	for _, kind := range append([]string{""}, sectionKinds...) {
		if sections[kind] < 5 {
			t.Errorf("only %d mistakes in sections %q", sections[kind], kind)
		}
	}
}

const problemsMark = "\n# problems:\n"

func explainsWrong(t *testing.T, file string) Problems {
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	input, want, ok := strings.Cut(string(content), problemsMark)
	if !ok {
		t.Fatalf("no line says %q", strings.TrimSpace(problemsMark))
	}
	var got strings.Builder
	problems, notes := foundIn(input)
	for _, p := range problems {
		got.WriteString("# " + p.String() + "\n")
		if p.Line == 0 && p.Message != noServer || p.Column == 0 && p.Line != 0 {
			t.Errorf("no position: %+v", p)
		}
	}
	for _, n := range notes {
		got.WriteString("# " + n.String() + "\n")
	}
	if *update {
		if err := os.WriteFile(file, []byte(input+problemsMark+got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return problems
	}
	if got.String() != want || want == "" {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
	return problems
}

var fileMark = regexp.MustCompile(`(?m)^# file: (.*)\n`)

// foundIn reads and checks a configuration, of one or more files.
func foundIn(input string) (Problems, []Note) {
	var d Document
	marks := fileMark.FindAllStringSubmatchIndex(input, -1)
	if len(marks) == 0 {
		d.AddTOML("pingap.toml", []byte(input))
	}
	for i, m := range marks {
		end := len(input)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		d.AddTOML(input[m[2]:m[3]], []byte(input[m[1]:end]))
	}
	c, problems := d.Decode()
	problems = append(problems, c.Check(Checks{
		Categories: []string{"mock", "ping"},
		ReadyMade:  []string{"pingap:ping"},
		Plugin:     func(p *Plugin) []Problem { return p.Table.Decode(&exampleSettings{}) },
	})...)
	problems.Sort()
	return problems, c.Notes
}

// exampleSettings are those of a plugin with every type of value.
type exampleSettings struct {
	Path    string         `config:"path"`
	Status  int            `config:"status" default:"200" min:"200" max:"599"`
	Headers []Header       `config:"headers"`
	Data    string         `config:"data"`
	Delay   time.Duration  `config:"delay"`
	Match   *regexp.Regexp `config:"match"`
	Rules   []exampleRule  `config:"rules"`
	Limits  *exampleLimits `config:"limits"`
}

type exampleRule struct {
	Pattern *regexp.Regexp `config:"pattern" required:"true"`
	Not     bool           `config:"not"`
}

type exampleLimits struct {
	Size  Size          `config:"size" max:"1mb"`
	Every time.Duration `config:"every" default:"10s"`
	Exact int64         `config:"exact"`
}

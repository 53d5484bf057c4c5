package georestriction

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
	"pingap/plugin/plugintest"
)

// Addresses in countries, by the embedded database.
const (
	german   = "131.188.0.1"
	japanese = "133.11.0.1"
	private  = "10.1.2.3"
	german6  = "2001:638::1"
)

// answer is what a client gets from a plugin with these settings.
func answer(t *testing.T, settings, client string) plugintest.Answer {
	t.Helper()
	return served(t, plugintest.Make(t, build, settings), client)
}

func served(t *testing.T, p plugin.Plugin, client string) plugintest.Answer {
	t.Helper()
	a := plugintest.Answer{Exchange: &message.Exchange{}}
	a.Reset()
	if client != "" {
		a.ClientIP = netip.MustParseAddr(client)
	}
	a.Serve(t, p)
	return a
}

func TestCountryDecidesWhoMayPass(t *testing.T) {
	for client, listed := range map[string]bool{german: true, german6: true, "::ffff:" + german: true, japanese: false, "8.8.8.8": true, "2001:200::1": false} {
		for settings, passes := range map[string]bool{
			`type = "allow"`: listed, `type = "deny"`: !listed, `type = "Deny"`: !listed,
		} {
			for _, codes := range []string{`["DE", "US"]`, `["DE US"]`, `["DE,US"]`, `["FR, de", "", " us ,"]`} {
				a := answer(t, "country_codes = "+codes+"\n"+settings, client)
				if a.Passed != passes || !passes && (a.Response.Status != 403 || a.Text != "Access from your country is not allowed") {
					t.Errorf("%s with %s of %s: %d %q", client, settings, codes, a.Response.Status, a.Text)
				}
			}
		}
	}
}

func TestUnknownCountryIsOnNoListButThatWhichNamesIt(t *testing.T) {
	for _, client := range []string{private, "127.0.0.1", "::1", "fe80::1%eth0", ""} {
		for settings, passes := range map[string]bool{
			"country_codes = [\"DE\"]\ntype = \"allow\"": false, "country_codes = [\"DE\"]\ntype = \"deny\"": true,
			"country_codes = [\"DE\", \"??\"]\ntype = \"allow\"": true, "country_codes = [\"??\"]\ntype = \"deny\"": false,
		} {
			if a := answer(t, settings, client); a.Passed != passes {
				t.Errorf("%q with %s: %v", client, settings, a.Passed)
			}
		}
	}
}

func TestMessageIsTold(t *testing.T) {
	if a := answer(t, "country_codes = [\"DE\"]\ntype = \"deny\"\nmessage = \"not here\"", german); a.Text != "not here" {
		t.Errorf("%q", a.Text)
	}
}

func TestWrongSettingsAreProblems(t *testing.T) {
	for settings, want := range map[string]string{
		`type = "allow"`:                                       "country_codes: has no entries, so everybody is refused",
		"type = \"deny\"\ncountry_codes = []":                  "country_codes: has no entries, so nobody is refused",
		"type = \"deny\"\ncountry_codes = [\" , \"]":           "country_codes: has no entries, so nobody is refused",
		`country_codes = ["DE"]`:                               "type: ",
		"type = \"dney\"\ncountry_codes = [\"DE\"]":            "type: ",
		"type = \"deny\"\ncountry_codes = [\"UK\"]":            `"UK" is the code of no country`,
		"type = \"deny\"\ncountry_codes = [\"DE, Germany\"]":   `"Germany" is the code of no country`,
		"type = \"deny\"\ncountry_codes = [\"DE\", \"DEU\"]":   `"DEU" is the code of no country`,
		"type = \"deny\"\ncountry_codes = \"DE\"":              "country_codes: ",
		"type = \"reporting\"\ndatabase = \"/nowhere/x.mmdb\"": "database: the file cannot be used: stat /nowhere/x.mmdb: no such file",
		"type = \"reporting\"\ncodes = []":                     `unknown key "codes"`,
	} {
		if got := plugintest.Problems(build, settings); !strings.Contains(got, want) || strings.Contains(got, "\n") {
			t.Errorf("%s: %q, want a problem with %q", settings, got, want)
		}
	}
	if got := plugintest.Problems(build, `type = "reporting"`); got != "" {
		t.Errorf("a report on all countries: %q", got)
	}
}

func TestAllWrongCodesOfATextAreTold(t *testing.T) {
	got := plugintest.Problems(build, "type = \"deny\"\ncountry_codes = [\"DE, Germany UK\"]")
	if !strings.Contains(got, `"Germany"`) || !strings.Contains(got, `"UK"`) {
		t.Errorf("%q", got)
	}
}

func TestHintsTellTheCodeThatIsMeant(t *testing.T) {
	for code, want := range map[string]string{"UK": `"GB"`, "Germany": "two letters"} {
		_, problems := build(config.TableOf("test", "type = \"deny\"\ncountry_codes = [\""+code+"\"]"), nil)
		if !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want %s", code, problems, want)
		}
	}
}

func TestReportTellsTheLogNowAndThenAndRefusesNobody(t *testing.T) {
	var log bytes.Buffer
	env := &plugin.Environment{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	p, problems := build(config.TableOf("test", "type = \"reporting\"\ncountry_codes = [\"DE\"]"), env)
	if problems != nil {
		t.Fatal(problems)
	}
	r := p.(*restriction)
	told := func() string {
		defer log.Reset()
		var lines []string
		for line := range strings.Lines(log.String()) {
			_, facts, _ := strings.Cut(strings.TrimSpace(line), "country=")
			lines = append(lines, facts)
		}
		return strings.Join(lines, "; ")
	}
	at := time.Now()
	note := func(client string) { r.report.note(r.database.Country(netip.MustParseAddr(client)), at) }
	for range 3 {
		note(german)
		note(private)
	}
	if got := told(); got != "DE listed=true requests=1; ?? listed=false requests=1" {
		t.Errorf("at first: %s", got)
	}
	at = at.Add(reportInterval - 1)
	note(german)
	if got := told(); got != "" {
		t.Errorf("too early: %s", got)
	}
	at = at.Add(1)
	note(german)
	if got := told(); got != "DE listed=true requests=4" {
		t.Errorf("after a minute: %s", got)
	}
	note(german)
	r.Close()
	if got := told(); got != "?? listed=false requests=2; DE listed=true requests=1" {
		t.Errorf("at the end: %s", got)
	}
}

func TestChangedFileIsNotCurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "countries.mmdb")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	r := &restriction{path: path, file: info}
	if !r.Current() || !(&restriction{}).Current() {
		t.Error("what has not changed is not current")
	}
	write("other")
	if r.Current() {
		t.Error("a file of another size is current")
	}
	write("two")
	if err := os.Chtimes(path, time.Time{}, info.ModTime().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if r.Current() {
		t.Error("a file of another time is current")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if r.Current() {
		t.Error("a file that is gone is current")
	}
}

func TestNothingIsAllocated(t *testing.T) {
	p := plugintest.Make(t, build, "country_codes = [\"DE\"]\ntype = \"allow\"")
	h := p.Wrap(message.HandlerFunc(func(*message.Exchange) error { return nil }))
	x := &message.Exchange{}
	for _, client := range []netip.Addr{netip.MustParseAddr(german), netip.MustParseAddr(german6), netip.MustParseAddr(japanese)} {
		once := func() {
			x.Reset()
			x.ClientIP = client
			h.Serve(x)
		}
		once()
		if n := testing.AllocsPerRun(100, once); n > 0 {
			t.Errorf("%v: %v allocations", client, n)
		}
	}
}

// FuzzCountryCodes reads lists of codes: what is taken is all of two letters.
func FuzzCountryCodes(f *testing.F) {
	for _, seed := range []string{"DE", "de,US fr", "??", " , ", "UK", "DEU"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var c countries
		if c.UnmarshalText([]byte(text)) != nil {
			return
		}
		var codes []string
		for _, country := range c {
			codes = append(codes, country.String())
		}
		plain := strings.Join(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t", r) }), " ")
		if got := strings.Join(codes, " "); !strings.EqualFold(got, plain) {
			t.Errorf("%q is %q", text, got)
		}
	})
}

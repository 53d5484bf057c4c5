package e2e

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

const countriesApart = `
[basic]
trusted_proxies = ["127.0.0.1"]
[servers.main]
addr = "<ADDR>"
locations = ["allowed", "denied", "own", "counted"]
enabled_h2 = true
[locations.allowed]
path = "/allowed"
plugins = ["allowed"]
upstream = "peer"
[locations.denied]
path = "/denied"
plugins = ["denied"]
upstream = "peer"
[locations.own]
path = "/own"
plugins = ["own"]
upstream = "peer"
[locations.counted]
path = "/counted"
plugins = ["counted"]
upstream = "peer"
[plugins.allowed]
category = "geo_restriction"
country_codes = ["DE FR", "US"]
type = "allow"
[plugins.denied]
category = "geo_restriction"
country_codes = ["JP"]
type = "deny"
message = "not you"
[plugins.own]
category = "geo_restriction"
country_codes = ["SE"]
type = "allow"
database = "<DIR>/countries.mmdb"
[plugins.counted]
category = "geo_restriction"
country_codes = ["JP"]
type = "reporting"
[upstreams.peer]
addrs = [%q]
`

// startApart runs a proxy with countriesApart, and a database that has 192.0.2.0/24
// in Sweden.
func startApart(t *testing.T) *proxy {
	t.Helper()
	peer := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "passed") })
	dir := t.TempDir()
	countriesOf(t, dir, "192.0.2.0/24", "SE")
	config := strings.ReplaceAll(fmt.Sprintf(countriesApart, peer), "<DIR>/countries.mmdb", dir+"/countries.mmdb")
	p := startProxy(t, config)
	p.dir = dir // of the database
	return p
}

// countriesOf writes a database in MaxMind's format with one network, in place of
// one that is there.
func countriesOf(t *testing.T, dir, network, code string) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test-Country", IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	_, n, err := net.ParseCIDR(network)
	if err == nil {
		err = tree.Insert(n, mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(code)}})
	}
	if err != nil {
		t.Fatal(err)
	}
	var written strings.Builder
	if _, err := tree.WriteTo(&written); err != nil {
		t.Fatal(err)
	}
	next := writeFile(t, dir, "next", written.String())
	if err := os.Rename(next, filepath.Join(dir, "countries.mmdb")); err != nil {
		t.Fatal(err)
	}
}

func TestCountriesAreKeptApart(t *testing.T) {
	p := startApart(t)
	const german, japanese, american6, japanese6 = "131.188.0.1", "133.11.0.1", "2001:4860:4860::8888", "2001:200::1"
	for version, c := range bothVersions(t) {
		for _, visit := range []struct {
			path, client string
			status       int
			content      string
		}{
			{"/allowed", german, 200, "passed"}, {"/allowed", american6, 200, "passed"},
			{"/allowed", japanese, 403, "Access from your country is not allowed"}, {"/allowed", japanese6, 403, "Access from your country is not allowed"},
			{"/allowed", "", 403, "Access from your country is not allowed"}, // 127.0.0.1 is in no country
			{"/denied", german, 200, "passed"}, {"/denied", "", 200, "passed"}, {"/denied", "10.0.0.1", 200, "passed"},
			{"/denied", japanese, 403, "not you"}, {"/denied", japanese6, 403, "not you"},
			// Of several it is the last that nobody on the way can have made up.
			{"/denied", german + ", " + japanese, 403, "not you"}, {"/denied", japanese + ", " + german, 200, "passed"},
			{"/own", "192.0.2.9", 200, "passed"}, {"/own", german, 403, "Access from your country is not allowed"},
			{"/counted", german, 200, "passed"}, {"/counted", japanese, 200, "passed"},
		} {
			var fields []string
			if visit.client != "" {
				fields = append(fields, "X-Forwarded-For: "+visit.client)
			}
			response, content := answerTo(t, c, p.url(visit.path), fields...)
			if response.StatusCode != visit.status || content != visit.content {
				t.Errorf("%s: %s from %q: %s %q, want %d %q", version, visit.path, visit.client, response.Status, content, visit.status, visit.content)
			}
			if kept := response.Header.Get("Cache-Control"); visit.status == 403 && kept != "private, no-cache" {
				t.Errorf("a refusal may be kept: %q", kept)
			}
		}
	}
}

func TestReportIsInTheLog(t *testing.T) {
	p := startApart(t)
	answerTo(t, newClient(t), p.url("/counted"), "X-Forwarded-For: 133.11.0.1")
	p.says(t, "requests from a country", "JP")
}

// says waits for a line of the log with all of the words.
func (p *proxy) says(t *testing.T, words ...string) {
	t.Helper()
	eventually(t, "the log says "+strings.Join(words, " "), func() error {
		for line := range strings.Lines(p.output.String()) {
			if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
				return nil
			}
		}
		return errors.New("it does not")
	})
}

func TestDatabaseOfCountriesIsReadAgain(t *testing.T) {
	p := startApart(t)
	c := newClient(t)
	swedish := func() int {
		response, _ := answerTo(t, c, p.url("/own"), "X-Forwarded-For: 192.0.2.9")
		return response.StatusCode
	}
	becomes := func(status int) {
		t.Helper()
		eventually(t, "another country", func() error {
			if got := swedish(); got != status {
				return fmt.Errorf("status %d, want %d", got, status)
			}
			return nil
		})
	}
	if got := swedish(); got != 200 {
		t.Fatalf("at first: %d", got)
	}
	countriesOf(t, p.dir, "192.0.2.0/24", "NO")
	if got := swedish(); got != 200 {
		t.Errorf("before the reload: %d", got)
	}
	p.signal(t, syscall.SIGHUP)
	becomes(403)

	// One that is damaged changes nothing.
	writeFile(t, p.dir, "countries.mmdb", "nonsense")
	p.signal(t, syscall.SIGHUP)
	p.says(t, "invalid MaxMind DB")
	if got := swedish(); got != 403 {
		t.Errorf("with a damaged file: %d", got)
	}
	countriesOf(t, p.dir, "192.0.2.0/24", "SE")
	p.signal(t, syscall.SIGHUP)
	becomes(200)
}

func TestDatabaseThatCannotBeReadIsAProblemWithItsLine(t *testing.T) {
	dir := t.TempDir()
	text := "[plugins.own]\ncategory = \"geo_restriction\"\ncountry_codes = [\"DE\", \"UK\"]\ntype = \"deny\"\ndatabase = \"" + dir + "/no.mmdb\"\n"
	file := writeFile(t, dir, "pingap.toml", text)
	code, _, err := command(t, nil, "-c", file, "-t")
	if code == 0 {
		t.Error("the file is right")
	}
	for _, want := range []string{file + ":5:", "no.mmdb: no such file", file + ":3:", `the United Kingdom has "GB"`} {
		if !strings.Contains(err, want) {
			t.Errorf("%q is not said: %s", want, err)
		}
	}
}

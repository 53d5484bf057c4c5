// Package georestriction is the plugin that lets clients of some countries pass
// and refuses others, or tells where they come from.
package georestriction

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"pingap/config"
	"pingap/geo"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a geo_restriction plugin.
type settings struct {
	// CountryCodes are codes of two letters (ISO 3166-1), several in one text with
	// commas or blanks between them; "??" stands for clients of unknown countries.
	CountryCodes []countries `config:"country_codes" example:"DE"`
	// Type says whether clients of those countries alone may pass, or all others,
	// or whether everybody may and the log tells where they come from.
	Type string `config:"type" required:"true" enum:"allow,deny,reporting"`
	// Message is what is told to who is refused.
	Message string `config:"message" default:"Access from your country is not allowed"`
	// Database is a file in MaxMind's format (.mmdb) that tells the countries of
	// addresses; empty for what is part of the program. It is read again with each
	// reload before which it has changed.
	Database string `config:"database" example:"/var/lib/GeoIP/GeoLite2-Country.mmdb"`
}

// countries are the codes of one text.
type countries []geo.Country

// UnmarshalText reads codes with commas or blanks between them.
func (c *countries) UnmarshalText(text []byte) error {
	var wrong []error
	codes := strings.FieldsFunc(string(text), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
	for _, code := range codes {
		country, ok := geo.Parse(code)
		if !ok {
			wrong = append(wrong, &config.ValueError{Message: fmt.Sprintf("%q is the code of no country", code), Hint: hint(code)})
		}
		*c = append(*c, country)
	}
	return errors.Join(wrong...)
}

// hint tells the code that is meant by what others than ISO write.
func hint(code string) string {
	if strings.EqualFold(code, "UK") {
		return `the United Kingdom has "GB"`
	}
	return `two letters are expected (ISO 3166-1 alpha-2), such as "DE"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "geo_restriction",
		Steps:    []plugin.Step{plugin.Request},
		New:      build,
	})
}

func build(table *config.Table, env *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	r := &restriction{Restriction: plugin.NewRestriction(s.Type, s.Message), path: s.Database}
	entries := slices.Concat(s.CountryCodes...)
	for _, c := range entries {
		r.listed.Add(c)
	}
	if s.Type == "reporting" {
		r.report = &report{logger: env.Logger, listed: &r.listed}
	} else if len(problems) == 0 {
		problems = r.CheckList(table, "country_codes", len(entries))
	}
	if err := r.load(); err != nil {
		problems = append(problems, table.Problem("database", "the file cannot be used: "+err.Error(), "a database of countries in MaxMind's format is expected (.mmdb)"))
	}
	return r, problems
}

type restriction struct {
	plugin.Restriction
	database *geo.Database
	path     string      // of its file; "" for the embedded one
	file     os.FileInfo // what it was
	listed   geo.Set
	report   *report // nil where who is listed matters
}

func (r *restriction) load() (err error) {
	if r.path == "" {
		r.database = geo.Embedded()
		return nil
	}
	r.database, r.file, err = open(r.path)
	return err
}

// Current reports whether the database's file is what has been read.
func (r *restriction) Current() bool {
	if r.path == "" {
		return true
	}
	now, err := os.Stat(r.path)
	return err == nil && os.SameFile(now, r.file) && now.Size() == r.file.Size() && now.ModTime().Equal(r.file.ModTime())
}

// Close tells the log what it has not been told.
func (r *restriction) Close() error {
	if r.report != nil {
		r.report.flush()
	}
	return nil
}

// Wrap looks at the address of the client that the exchange is for: that of the
// peer, or what a trusted proxy has reported. Who comes by a Unix socket has none,
// and so comes from an unknown country.
func (r *restriction) Wrap(next message.Handler) message.Handler {
	if r.report == nil {
		return r.Restriction.Wrap(next, func(x *message.Exchange) bool { return r.listed.Has(r.database.Country(x.ClientIP)) })
	}
	return message.HandlerFunc(func(x *message.Exchange) error {
		r.report.note(r.database.Country(x.ClientIP), x.Loop.WallTime(x.Loop.Now()))
		return next.Serve(x)
	})
}

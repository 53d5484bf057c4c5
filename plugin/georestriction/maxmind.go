package georestriction

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"pingap/geo"
)

// maxFile is how large a file of a database may be: those with every city have a
// quarter of that.
const maxFile = 256 << 20

// open reads a database in MaxMind's format that has countries, as GeoLite2 and
// GeoIP2 Country, DB-IP's and others have. It returns with it what the file was, to
// be compared with what it is later.
//
// It may take a second, and the file is not needed afterwards: of its
// networks a table like the embedded one is made, which is smaller, does not suffer
// when somebody writes over the file, and has shown whether all of it can be read.
// Codes that no country has stand for geo.Unknown.
func open(name string) (*geo.Database, os.FileInfo, error) {
	// Who opens a pipe may wait forever.
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, nil, err
	case !info.Mode().IsRegular():
		return nil, nil, fmt.Errorf("%s is no file with content", name)
	case info.Size() > maxFile:
		return nil, nil, fmt.Errorf("%s is larger than %d MiB", name, maxFile>>20)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, err
	}
	d, err := ofMaxMind(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, info, nil
}

// ofMaxMind makes a database of the content of a file in MaxMind's format.
func ofMaxMind(data []byte) (*geo.Database, error) {
	reader, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	m := maxMind{reader: reader, known: make(map[uintptr]geo.Country)}
	if err := m.read(); err != nil {
		return nil, err
	}
	day := time.Unix(int64(reader.Metadata.BuildEpoch), 0).UTC().Format(time.DateOnly)
	return m.Database(fmt.Sprintf("%s %q", day, reader.Metadata.DatabaseType)), nil
}

// maxMind reads a database of that format.
type maxMind struct {
	geo.Builder
	reader *maxminddb.Reader
	known  map[uintptr]geo.Country // by where the record is
	found  bool                    // a country
}

// errNoTree is what a file gets whose networks would never end.
var errNoTree = errors.New("its networks overlap each other")

func (m *maxMind) read() error {
	left := 4 * (uint64(m.reader.Metadata.NodeCount) + 1) // a tree has a leaf more than nodes
	for result := range m.reader.Networks() {
		if left--; left == 0 {
			return errNoTree
		}
		c, err := m.country(result)
		if err != nil {
			return err
		}
		m.AddNetwork(result.Prefix(), c)
	}
	if !m.found {
		return fmt.Errorf("it has no countries: its type is %q", m.reader.Metadata.DatabaseType)
	}
	return nil
}

// country returns the country of a record.
func (m *maxMind) country(record maxminddb.Result) (geo.Country, error) {
	if err := record.Err(); err != nil {
		return geo.Unknown, err
	}
	if c, ok := m.known[record.Offset()]; ok {
		return c, nil
	}
	var code string
	if err := record.DecodePath(&code, "country", "iso_code"); err != nil || code == "" {
		// Smaller databases have no more than the code.
		if err := record.DecodePath(&code, "country_code"); err != nil {
			return geo.Unknown, err
		}
	}
	c, ok := geo.Parse(code)
	m.found = m.found || ok
	m.known[record.Offset()] = c
	return c, nil
}

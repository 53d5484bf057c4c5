package geo

import (
	_ "embed" // the countries
	"errors"
	"net/netip"
	"strings"
)

// Database tells the countries of addresses. It does not change, so everybody may
// ask it at the same time.
type Database struct {
	// About tells where the data comes from and of which day it is.
	About  string
	v4, v6 table
}

//go:generate go run ./generate countries.bin

// countries is made by the generator, of data that is under a licence of its own:
// see NOTICE.
//
//go:embed countries.bin
var countries string

// Embedded returns the database that is part of the program. That costs nothing:
// of the data, those pages are read from the disk that somebody searches.
func Embedded() *Database {
	d, err := parse(countries)
	if err != nil {
		panic("geo: the embedded database: " + err.Error())
	}
	return d
}

// parse reads what a Builder has written: a line about the data, the codes that
// its numbers stand for, and the tables of IPv4 and IPv6.
func parse(data string) (*Database, error) {
	about, data, _ := strings.Cut(data, "\n")
	known, data, found := strings.Cut(data, "\n")
	if !found {
		return nil, errDamaged
	}
	if known != codes {
		return nil, errors.New("it was made with other codes of countries")
	}
	d := &Database{About: about}
	var err error
	if d.v4, data, err = cutTable(data); err != nil {
		return nil, err
	}
	if d.v6, data, err = cutTable(data); err != nil {
		return nil, err
	}
	if data != "" {
		return nil, errDamaged
	}
	return d, nil
}

// Country returns the country of an address; Unknown too for the zero Addr. An
// IPv4 address may be written as one of IPv6.
func (d *Database) Country(a netip.Addr) Country {
	a = a.Unmap()
	switch {
	case a.Is4():
		return d.v4.find(number(a))
	case a.Is6():
		return d.v6.find(number(a))
	}
	return Unknown
}

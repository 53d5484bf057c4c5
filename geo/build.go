package geo

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Builder makes a database of ranges of addresses.
type Builder struct {
	v4, v6 tableBuilder
}

// Add tells that the addresses from first to last, of the same family, are in a
// country. Ranges come in ascending order, those of each family on their own; what
// an earlier one has covered, a later one does not change.
//
// Of IPv6 the first 64 bits count, so who comes first within them has all: the rest
// numbers machines in one network.
func (b *Builder) Add(first, last netip.Addr, c Country) {
	if first.Is4() {
		b.v4.add(number(first), number(last), c)
	} else {
		b.v6.add(number(first), number(last), c)
	}
}

// AddNetwork is Add for the addresses of a network.
func (b *Builder) AddNetwork(p netip.Prefix, c Country) {
	first := number(p.Masked().Addr())
	if p.Addr().Is4() {
		b.v4.add(first, first|(1<<(32-p.Bits())-1), c)
	} else {
		b.v6.add(first, first|^uint64(0)>>p.Bits(), c)
	}
}

// Bytes returns the database in the form that parse reads. about is a line, so it
// has no end of one, and tells where it comes from and of which day it is.
func (b *Builder) Bytes(about string) []byte {
	data := []byte(about + "\n" + codes + "\n")
	data = b.v4.append(data, 1<<32)
	return b.v6.append(data, 0)
}

// Database returns the database as Bytes has it.
func (b *Builder) Database(about string) *Database {
	d, err := parse(string(b.Bytes(about)))
	if err != nil {
		panic("geo: " + err.Error())
	}
	return d
}

// number is what stands for an address in the table of its family.
func number(a netip.Addr) uint64 {
	if a.Is4() {
		b := a.As4()
		return uint64(binary.BigEndian.Uint32(b[:]))
	}
	b := a.As16()
	return binary.BigEndian.Uint64(b[:])
}

// tableBuilder collects the ranges of a table, those of no country too.
type tableBuilder struct {
	ranges []countryRange
	next   uint64 // the first number that no range covers
	full   bool   // all are covered, and next is 0
}

// countryRange ends where the next begins.
type countryRange struct {
	start   uint64
	country Country
}

func (b *tableBuilder) add(first, last uint64, c Country) {
	if b.full || last < b.next {
		return
	}
	if first > b.next {
		b.begin(b.next, Unknown)
	}
	b.begin(max(first, b.next), c)
	b.next = last + 1
	b.full = b.next == 0
}

// begin starts a range, unless the one before goes on.
func (b *tableBuilder) begin(start uint64, c Country) {
	if n := len(b.ranges); n == 0 || b.ranges[n-1].country != c {
		b.ranges = append(b.ranges, countryRange{start, c})
	}
}

// append adds the table to data. end is the number after the last one, 0 where
// that is too large to be written.
func (b *tableBuilder) append(data []byte, end uint64) []byte {
	if !b.full && b.next != end || len(b.ranges) == 0 {
		b.begin(b.next, Unknown)
	}
	var w tableWriter
	for i, r := range b.ranges {
		until := end
		if i+1 < len(b.ranges) {
			until = b.ranges[i+1].start
		}
		w.write(r.start, until-r.start, r.country)
	}
	data = binary.LittleEndian.AppendUint32(data, uint32(len(w.offsets)/4))
	data = binary.LittleEndian.AppendUint32(data, uint32(len(w.entries)))
	data = append(data, w.starts...)
	data = append(data, w.offsets...)
	return append(data, w.entries...)
}

// tableWriter writes the three parts of a table.
type tableWriter struct {
	count                    int
	starts, offsets, entries []byte
}

// write adds a range. length is 0 for all the numbers there are.
func (w *tableWriter) write(start, length uint64, c Country) {
	exponent := bits.TrailingZeros64(length)
	odd := length >> exponent
	switch {
	case length == 0:
		w.write(start, 1<<63, c)
		w.write(start+1<<63, 1<<63, c)
		return
	case odd>>59 > 0: // too large for an entry
		w.write(start, 1<<exponent, c)
		w.write(start+1<<exponent, length-1<<exponent, c)
		return
	}
	if w.count%blockEntries == 0 {
		w.starts = binary.LittleEndian.AppendUint64(w.starts, start)
		w.offsets = binary.LittleEndian.AppendUint32(w.offsets, uint32(len(w.entries)))
	}
	w.count++
	w.entries = append(w.entries, byte(c))
	w.entries = binary.AppendUvarint(w.entries, odd>>1<<6|uint64(exponent))
}

package geo

import "errors"

// table tells the country of each number from 0 on. It is searched as it is
// written, so that one that is part of the program costs memory only where it is
// looked at.
//
// The numbers are cut into ranges of one country each, without gaps, and the
// ranges into blocks. An entry is a range: a byte for the country, and a uvarint
// for how many numbers it has. That is an odd number times a power of two, for
// nearly all networks a small one: (odd>>1)<<6 | exponent, mostly one byte. Of each
// block starts has the first number, and offsets where its entries begin; both are
// little-endian.
type table struct {
	starts  string // 8 bytes each
	offsets string // 4 bytes each
	entries string
}

// blockEntries is how many entries a block has: the more, the smaller is the
// table, and the longer takes a search.
const blockEntries = 16

var errDamaged = errors.New("the data is damaged")

// cutTable returns the table with which data begins, and what comes after it.
func cutTable(data string) (t table, rest string, err error) {
	if len(data) < 8 {
		return t, "", errDamaged
	}
	blocks, size := uint64(le32(data)), uint64(le32(data[4:]))
	data = data[8:]
	if blocks == 0 || uint64(len(data)) < 12*blocks+size {
		return t, "", errDamaged
	}
	t.starts, data = data[:8*blocks], data[8*blocks:]
	t.offsets, data = data[:4*blocks], data[4*blocks:]
	t.entries, data = data[:size], data[size:]
	return t, data, nil
}

// find returns the country of a number; Unknown where the table makes no sense.
func (t *table) find(number uint64) Country {
	low, high := 0, len(t.starts)/8 // the block is at low or after it, and before high
	for high-low > 1 {
		if middle := int(uint(low+high) / 2); le64(t.starts[8*middle:]) <= number {
			low = middle
		} else {
			high = middle
		}
	}
	start, entries := le64(t.starts[8*low:]), t.entries
	if at := le32(t.offsets[4*low:]); uint64(at) <= uint64(len(entries)) {
		entries = entries[at:]
	}
	for range blockEntries {
		var country Country
		var length uint64
		country, length, entries = cutEntry(entries)
		if number-start < length {
			return country
		}
		start += length
	}
	return Unknown
}

// cutEntry returns the entry with which entries begins, and what comes after it.
func cutEntry(entries string) (c Country, length uint64, rest string) {
	var packed uint64
	for i := 1; i < len(entries) && i <= 10; i++ {
		b := entries[i]
		packed |= uint64(b&0x7f) << (7 * (i - 1))
		if b < 0x80 {
			return Country(entries[0]), (packed>>6<<1 | 1) << (packed & 63), entries[i+1:]
		}
	}
	return Unknown, 0, ""
}

func le32(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func le64(s string) uint64 { return uint64(le32(s)) | uint64(le32(s[4:]))<<32 }

// Package geo tells in which country an address is.
//
// It has a database that is part of the program (see Embedded), and makes others of
// ranges of addresses (see Builder). A search of one takes some 100 ns, and allocates
// nothing.
package geo

import "strings"

// Country is one of those that have a code, or Unknown.
type Country uint8

// Unknown is the country of addresses that no database knows: private ones, and
// those that nobody has been given.
const Unknown Country = 0

// codes are the two letters of each country, sorted: those of ISO 3166-1, and what
// registries and databases have besides, AP and EU for somewhere in Asia or Europe,
// and XK for Kosovo. Country n has the n-th; tables hold these numbers.
const codes = "??" +
	"ADAEAFAGAIALAMAOAPAQARASATAUAWAXAZ" +
	"BABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZ" +
	"CACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZ" +
	"DEDJDKDMDODZ" + "ECEEEGEHERESETEU" + "FIFJFKFMFOFR" +
	"GAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGY" + "HKHMHNHRHTHU" + "IDIEILIMINIOIQIRISIT" +
	"JEJMJOJP" + "KEKGKHKIKMKNKPKRKWKYKZ" + "LALBLCLILKLRLSLTLULVLY" +
	"MAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZ" + "NANCNENFNGNINLNONPNRNUNZ" + "OM" +
	"PAPEPFPGPHPKPLPMPNPRPSPTPWPY" + "QA" + "RERORSRURW" +
	"SASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZ" +
	"TCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZ" + "UAUGUMUSUYUZ" +
	"VAVCVEVGVIVNVU" + "WFWS" + "XK" + "YEYT" + "ZAZMZW"

// Parse returns the country of a code in upper or lower case, where "??" is that
// of Unknown; false if no country has it.
func Parse(code string) (Country, bool) {
	if len(code) != 2 {
		return Unknown, false
	}
	code = strings.ToUpper(code)
	for at := 0; at < len(codes); at += 2 {
		if codes[at:at+2] == code {
			return Country(at / 2), true
		}
	}
	return Unknown, false
}

// String returns the code, in upper case.
func (c Country) String() string {
	if at := 2 * int(c); at < len(codes) {
		return codes[at : at+2]
	}
	return codes[:2]
}

// Set is some of the countries.
type Set [4]uint64

// Add makes c one of them.
func (s *Set) Add(c Country) { s[c/64] |= 1 << (c % 64) }

// Has reports whether c is one of them.
func (s *Set) Has(c Country) bool { return s[c/64]&(1<<(c%64)) != 0 }

package certificate

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	"pingap/config"
)

// suite is a cipher suite up to TLS 1.2, with OpenSSL's name for it and the
// words by which an expression selects it.
type suite struct {
	id    uint16
	name  string
	words string
}

// suites are those that crypto/tls has and OpenSSL still builds, best first.
var suites = []suite{
	{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ECDHE-ECDSA-AES128-GCM-SHA256", "kECDHE aECDSA AES128 AESGCM SHA256 TLSv1.2 FS"},
	{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "ECDHE-RSA-AES128-GCM-SHA256", "kECDHE aRSA AES128 AESGCM SHA256 TLSv1.2 FS"},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "ECDHE-ECDSA-AES256-GCM-SHA384", "kECDHE aECDSA AES256 AESGCM SHA384 TLSv1.2 FS"},
	{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "ECDHE-RSA-AES256-GCM-SHA384", "kECDHE aRSA AES256 AESGCM SHA384 TLSv1.2 FS"},
	{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-ECDSA-CHACHA20-POLY1305", "kECDHE aECDSA CHACHA20 TLSv1.2 FS"},
	{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-RSA-CHACHA20-POLY1305", "kECDHE aRSA CHACHA20 TLSv1.2 FS"},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, "ECDHE-ECDSA-AES128-SHA256", "kECDHE aECDSA AES128 CBC SHA256 TLSv1.2 FS"},
	{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, "ECDHE-RSA-AES128-SHA256", "kECDHE aRSA AES128 CBC SHA256 TLSv1.2 FS"},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, "ECDHE-ECDSA-AES128-SHA", "kECDHE aECDSA AES128 CBC SHA1 TLSv1 FS"},
	{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, "ECDHE-RSA-AES128-SHA", "kECDHE aRSA AES128 CBC SHA1 TLSv1 FS"},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, "ECDHE-ECDSA-AES256-SHA", "kECDHE aECDSA AES256 CBC SHA1 TLSv1 FS"},
	{tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, "ECDHE-RSA-AES256-SHA", "kECDHE aRSA AES256 CBC SHA1 TLSv1 FS"},
	{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, "AES128-GCM-SHA256", "kRSA aRSA AES128 AESGCM SHA256 TLSv1.2"},
	{tls.TLS_RSA_WITH_AES_256_GCM_SHA384, "AES256-GCM-SHA384", "kRSA aRSA AES256 AESGCM SHA384 TLSv1.2"},
	{tls.TLS_RSA_WITH_AES_128_CBC_SHA256, "AES128-SHA256", "kRSA aRSA AES128 CBC SHA256 TLSv1.2"},
	{tls.TLS_RSA_WITH_AES_128_CBC_SHA, "AES128-SHA", "kRSA aRSA AES128 CBC SHA1 TLSv1"},
	{tls.TLS_RSA_WITH_AES_256_CBC_SHA, "AES256-SHA", "kRSA aRSA AES256 CBC SHA1 TLSv1"},
}

// synonyms are other words for the words of suites. A broad word such as HIGH
// selects what has forward secrecy; the rest must be asked for by name.
var synonyms = map[string][]string{
	"ECDHE": {"kECDHE"}, "EECDH": {"kECDHE"}, "kEECDH": {"kECDHE"},
	"ECDSA": {"aECDSA"}, "RSA": {"kRSA"}, "SHA": {"SHA1"},
	"AES": {"AES128", "AES256"},
	"ALL": {"FS"}, "HIGH": {"FS"}, "DEFAULT": {"FS"}, "SSLv3": {"TLSv1"}, "TLSv1.0": {"TLSv1"},
}

// absent are words and suites of OpenSSL that select nothing here.
var absent = strings.Fields(`aNULL eNULL NULL EXPORT EXP LOW MEDIUM DES 3DES RC4 RC2 IDEA SEED MD5 PSK kPSK aPSK SRP kSRP aSRP
	DSS aDSS DH kDH aDH DHE kDHE EDH kEDH ADH AECDH kDHEPSK kECDHEPSK kRSAPSK ECDH kECDH aECDH CAMELLIA CAMELLIA128 CAMELLIA256
	ARIA ARIA128 ARIA256 ARIAGCM AESCCM AESCCM8 GOST kGOST aGOST COMPLEMENTOFDEFAULT COMPLEMENTOFALL SSLv2
	DHE-RSA-AES128-GCM-SHA256 DHE-RSA-AES256-GCM-SHA384 DHE-RSA-CHACHA20-POLY1305 DHE-RSA-AES128-SHA256 DHE-RSA-AES256-SHA256
	DHE-RSA-AES128-SHA DHE-RSA-AES256-SHA DHE-DSS-AES128-GCM-SHA256 DHE-DSS-AES256-GCM-SHA384 DHE-DSS-AES128-SHA DHE-DSS-AES256-SHA
	DHE-RSA-AES128-CCM DHE-RSA-AES256-CCM DHE-RSA-CAMELLIA128-SHA DHE-RSA-CAMELLIA256-SHA CAMELLIA128-SHA CAMELLIA256-SHA
	ECDHE-ECDSA-AES256-SHA384 ECDHE-RSA-AES256-SHA384 ECDHE-ECDSA-AES128-CCM ECDHE-ECDSA-AES256-CCM
	ECDHE-ECDSA-AES128-CCM8 ECDHE-ECDSA-AES256-CCM8 AES256-SHA256 AES128-CCM AES256-CCM DES-CBC3-SHA
	ECDHE-RSA-DES-CBC3-SHA ECDHE-ECDSA-DES-CBC3-SHA EDH-RSA-DES-CBC3-SHA DHE-RSA-DES-CBC3-SHA RC4-SHA RC4-MD5 ECDHE-RSA-RC4-SHA ECDHE-ECDSA-RC4-SHA`)

// standard are the suites when the user lists none: those with forward secrecy
// and authenticated encryption, which every client of the last ten years has.
// Before TLS 1.2 there were no such, so a server that goes back further has
// those with CBC too.
func standard(minVersion uint16) (ids []uint16) {
	for _, s := range suites {
		if s.has("FS") && (s.has("AESGCM") || s.has("CHACHA20") || minVersion < tls.VersionTLS12 && s.has("TLSv1")) {
			ids = append(ids, s.id)
		}
	}
	return ids
}

func (s suite) has(word string) bool { return slices.Contains(strings.Fields(s.words), word) }

// parseCipherList evaluates an expression of OpenSSL (its manual, ciphers(1)):
// names and words, separated by colons, each to add, or with ! or - in front to
// take away. What selects nothing here is a warning, what nobody knows an error.
// The order has no effect: crypto/tls puts the fastest of the best first.
func parseCipherList(list string) (ids []uint16, warnings []string, err error) {
	selected, banned := map[uint16]bool{}, map[uint16]bool{}
	for _, term := range strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(":,; \t\n", r) }) {
		if strings.HasPrefix(term, "@") { // @STRENGTH, @SECLEVEL: order and OpenSSL's own bounds
			continue
		}
		word := strings.TrimLeft(term, "!-+")
		found, err := selectSuites(word)
		if err != nil {
			return nil, nil, err
		}
		if len(found) == 0 && word == term {
			warnings = append(warnings, fmt.Sprintf("%s is left out: TLS in Go does not have it", word))
		}
		for _, s := range found {
			switch term[0] {
			case '!':
				banned[s.id] = true
			case '-':
				delete(selected, s.id)
			case '+': // moves them to the end
			default:
				selected[s.id] = true
			}
		}
	}
	for _, s := range suites {
		if selected[s.id] && !banned[s.id] {
			ids = append(ids, s.id)
		}
	}
	if len(ids) == 0 {
		return nil, nil, fmt.Errorf("%.200q selects no cipher suite that TLS in Go has: leave the key out, or name some of %s", list, strings.Join(suiteNames()[:6], ":"))
	}
	return ids, warnings, nil
}

// selectSuites returns the suites that have all the words joined by +, or the
// name. None is not an error when OpenSSL knows the word.
func selectSuites(word string) (found []suite, err error) {
	for _, part := range strings.Split(word, "+") {
		if !knownWord(part) {
			return nil, unknownWord(part)
		}
	}
next:
	for _, s := range suites {
		for _, part := range strings.Split(word, "+") {
			if !s.matches(part) {
				continue next
			}
		}
		found = append(found, s)
	}
	return found, nil
}

// matches reports whether a word selects s, by either of its names or a
// property.
func (s suite) matches(word string) bool {
	if word == s.name || word == tls.CipherSuiteName(s.id) || s.has(word) {
		return true
	}
	return slices.ContainsFunc(synonyms[word], s.has)
}

func knownWord(word string) bool {
	return slices.Contains(absent, word) || synonyms[word] != nil || slices.ContainsFunc(suites, func(s suite) bool { return s.matches(word) })
}

func unknownWord(word string) error {
	if _, ok := suites13[word]; ok {
		return fmt.Errorf("%s belongs to TLS 1.3, which has no use for this key", word)
	}
	suggestion := config.Suggest(word, suiteNames())
	if suggestion == "" {
		suggestion = "known are " + strings.Join(suiteNames(), ", ")
	}
	return fmt.Errorf("%.80q is no cipher suite; %s", word, suggestion)
}

func suiteNames() (names []string) {
	for _, s := range suites {
		names = append(names, s.name)
	}
	return names
}

// suites13 are the suites of TLS 1.3 (RFC 8446 appendix B.4), and whether
// crypto/tls has them.
var suites13 = map[string]bool{
	"TLS_AES_128_GCM_SHA256": true, "TLS_AES_256_GCM_SHA384": true, "TLS_CHACHA20_POLY1305_SHA256": true,
	"TLS_AES_128_CCM_SHA256": false, "TLS_AES_128_CCM_8_SHA256": false,
}

// checkCiphersuites checks a list of suites of TLS 1.3. They cannot be chosen:
// crypto/tls offers all three that it has, and takes AES or ChaCha20 by what
// both machines are fast at. A list that says otherwise is a warning.
func checkCiphersuites(list string) (warning string, err error) {
	wanted := 0
	for _, name := range strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(":, \t", r) }) {
		has, known := suites13[name]
		if !known {
			names := []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
			suggestion := config.Suggest(name, names)
			if suggestion == "" {
				suggestion = "known are " + strings.Join(names, ", ")
			}
			return "", fmt.Errorf("%.80q is no cipher suite of TLS 1.3; %s", name, suggestion)
		}
		if has {
			wanted++
		}
	}
	if wanted == 3 {
		return "", nil
	}
	return "has no effect: TLS 1.3 has three cipher suites in Go, all of them safe, and they cannot be chosen: the fastest for client and server is taken", nil
}

package certificate

import (
	"crypto/tls"
	"fmt"
	"strings"
)

// versions are the words for versions of TLS.
var versions = map[string]uint16{"tlsv1.1": tls.VersionTLS11, "tlsv1.2": tls.VersionTLS12, "tlsv1.3": tls.VersionTLS13}

// parseVersion reads a version in upper or lower case, with or without the v:
// both spellings are in use. Empty is the one that stands for it.
func parseVersion(word string, empty uint16) (uint16, error) {
	if word == "" {
		return empty, nil
	}
	lower := strings.ToLower(word)
	if rest, ok := strings.CutPrefix(lower, "tls"); ok && !strings.HasPrefix(rest, "v") {
		lower = "tlsv" + rest
	}
	if v, ok := versions[lower]; ok {
		return v, nil
	}
	return 0, fmt.Errorf("%.40q is no version of TLS: write tlsv1.2 or tlsv1.3 (or tlsv1.1, which is broken)", word)
}

// parseVersions reads the range of versions of a server.
func parseVersions(minimum, maximum string) (lowest, highest uint16, err error) {
	if lowest, err = parseVersion(minimum, tls.VersionTLS12); err != nil {
		return 0, 0, fmt.Errorf("tls_min_version: %w", err)
	}
	if highest, err = parseVersion(maximum, tls.VersionTLS13); err != nil {
		return 0, 0, fmt.Errorf("tls_max_version: %w", err)
	}
	if highest < lowest && minimum == "" { // only the upper end was set, to tlsv1.1
		lowest = highest
	}
	if highest < lowest {
		return 0, 0, fmt.Errorf("tls_min_version %s is above tls_max_version %s: no client could connect", minimum, maximum)
	}
	return lowest, highest, nil
}

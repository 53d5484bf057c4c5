package config

import (
	"fmt"
	"slices"
	"strings"
)

// Algo is how the peers of an upstream take turns.
type Algo string

const algoHint = "write round_robin, hash:ip, hash:path, hash:url, or hash:header:, hash:cookie: or hash:query: and a name"

// UnmarshalText reads the name of an algorithm; upper and lower case mean the
// same, but not in the names of fields, cookies and parameters.
func (a *Algo) UnmarshalText(text []byte) error {
	kind, rest, _ := strings.Cut(string(text), ":")
	of, name, named := strings.Cut(rest, ":")
	kind, of = strings.ToLower(kind), strings.ToLower(of)
	switch {
	case kind == "round_robin" && rest == "", len(text) == 0:
		*a = "round_robin"
	case kind == "hash" && rest == "":
		return &ValueError{Message: "a hash needs something to be taken of", Hint: `write "hash:path" or "hash:ip"; Pingap takes "hash" for round_robin`}
	case kind == "hash" && !named && slices.Contains([]string{"ip", "path", "url"}, of):
		*a = Algo("hash:" + of)
	case kind == "hash" && name != "" && slices.Contains([]string{"header", "cookie", "query"}, of):
		*a = Algo("hash:" + of + ":" + name)
	case kind == "hash" && slices.Contains([]string{"header", "cookie", "query"}, of):
		return &ValueError{Message: fmt.Sprintf("%q does not say of which %s", text, of), Hint: fmt.Sprintf(`write "hash:%s:name"`, of)}
	default:
		return &ValueError{Message: fmt.Sprintf("%q is not known", text), Hint: algoHint}
	}
	return nil
}

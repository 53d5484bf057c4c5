package config

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// Credentials are a name and a password with a colon between, which is in no
// name.
type Credentials string

// UnmarshalText reads the base64 of credentials. What is wrong with them is said
// without repeating them.
func (c *Credentials) UnmarshalText(text []byte) error {
	plain, err := DecodeBase64(string(text))
	if err != nil || !bytes.Contains(plain, []byte{':'}) {
		return &ValueError{Message: "is not the base64 of a name and a password", Hint: "printf 'name:password' | base64 makes one"}
	}
	*c = Credentials(plain)
	return nil
}

// Name returns whose credentials they are.
func (c Credentials) Name() string {
	name, _, _ := strings.Cut(string(c), ":")
	return name
}

// Complete reports whether both the name and the password are something.
func (c Credentials) Complete() bool {
	name, password, _ := strings.Cut(string(c), ":")
	return name != "" && password != ""
}

// DecodeBase64 reads base64 with or without padding, and nothing else: the library
// would overlook the ends of lines (RFC 4648 section 3.3).
func DecodeBase64(text string) ([]byte, error) {
	if i := strings.IndexAny(text, "\r\n"); i >= 0 {
		return nil, base64.CorruptInputError(i)
	}
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
}

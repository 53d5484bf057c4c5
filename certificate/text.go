package certificate

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"pingap/config"
)

// maxText is how large the text of a certificate with its chain, of a key or of
// a list of CAs may be. All the roots of a browser take less.
const maxText = 1 << 20

// begin is what every block of PEM has in front (RFC 7468 section 2).
const begin = "-----BEGIN "

// readText returns the PEM text that value is, encodes in base64, or names the
// file of. path is that file, or "".
func readText(value string) (text []byte, path string, err error) {
	if text := asPEM([]byte(value)); text != nil {
		return text, "", nil
	}
	if strings.TrimSpace(value) == "" {
		return nil, "", errors.New("is empty: give PEM text, base64 of it, or the path of a file")
	}
	path, err = config.ExpandHome(strings.TrimSpace(value))
	if err != nil {
		return nil, "", err
	}
	content, err := readBounded(path)
	if err != nil {
		return nil, "", explainPath(value, path, err)
	}
	if text = asPEM(content); text == nil {
		return nil, "", fmt.Errorf("file %s %s", path, describeContent(content))
	}
	return text, path, nil
}

// asPEM returns the PEM text that content is or encodes in base64, or nil.
func asPEM(content []byte) []byte {
	if bytes.Contains(content, []byte(begin)) {
		return content
	}
	packed := bytes.Join(bytes.Fields(content), nil)
	text, err := base64.StdEncoding.DecodeString(string(packed))
	if err != nil || !bytes.Contains(text, []byte(begin)) {
		return nil
	}
	return text
}

// readBounded reads a regular file of at most maxText bytes.
func readBounded(path string) ([]byte, error) {
	// Opening a pipe would wait for whoever writes to it.
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("is not a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err == nil && len(content) > maxText {
		err = fmt.Errorf("is larger than %d KiB", maxText>>10)
	}
	return content, err
}

// explainPath says why there is no text in value, which was taken for a path.
// It does not repeat what does not look like one: that may be a key, cut short.
func explainPath(value, path string, err error) error {
	if !looksLikePath(path) {
		return fmt.Errorf("is neither PEM text, nor base64 of it, nor the path of a file (%d characters, not shown)", len(value))
	}
	var in *fs.PathError
	if errors.As(err, &in) {
		err = in.Err
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("file %s: %w for user %d: this process has to be able to read it", path, err, os.Geteuid())
	}
	return fmt.Errorf("file %s: %w", path, err)
}

// looksLikePath reports whether value may be shown as a path.
func looksLikePath(value string) bool {
	if len(value) > 256 || strings.ContainsFunc(value, unicode.IsControl) {
		return false
	}
	return strings.HasPrefix(value, "/") || strings.HasPrefix(value, ".") || strings.Contains(filepath.Base(value), ".")
}

// describeContent says what a file holds that is not PEM.
func describeContent(content []byte) string {
	switch {
	case len(bytes.TrimSpace(content)) == 0:
		return "is empty"
	case content[0] == 0x30:
		return "holds DER, not PEM: convert it with openssl x509 -inform der (a certificate) or openssl pkey -inform der (a key)"
	}
	return "holds no PEM: there is no line that starts with " + strings.TrimSpace(begin)
}

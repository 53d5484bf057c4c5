package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ExpandHome puts the home directory in the place of the ~ that a path begins
// with.
func ExpandHome(path string) (string, error) {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok || rest != "" && rest[0] != '/' {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("~ stands for the home directory, which is not known: %w", err)
	}
	return filepath.Join(home, rest) + slash(rest), nil
}

// slash is what Join takes away from the end of a path, where it tells a
// directory from a file.
func slash(path string) string {
	if strings.HasSuffix(path, "/") {
		return "/"
	}
	return ""
}

package config

import _ "embed"

// DefaultName is what positions in the built-in configuration have for a file.
const DefaultName = "built-in configuration"

//go:embed default.toml
var defaultText []byte

// Default returns the built-in configuration: what runs when none is given.
func Default() (*Config, Problems) {
	root := &Node{Kind: Table}
	problems := ParseTOML(root, DefaultName, defaultText)
	c, more := Decode(root)
	return c, append(problems, more...)
}

package config

import _ "embed"

// DefaultName is the file in problems of the built-in configuration.
const DefaultName = "built-in configuration"

//go:embed default.toml
var defaultText []byte

// Default returns the built-in configuration, which runs when the user gives
// none: a page that welcomes, and /ping. It has no problems.
func Default() *Config {
	c, problems := Parse(DefaultName, defaultText)
	if len(problems) > 0 {
		panic("config: " + problems.Error())
	}
	return c
}

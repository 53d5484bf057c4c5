// Package schema is the JSON Schema of a configuration, for editors and forms.
// It and the reference page docs/configuration.md are made of the structs in
// config and of those in which plugins have their settings: their tags say what
// holds, their comments what it means.
package schema

import _ "embed"

//go:generate go run ./generate ../..

//go:embed schema.json
var text []byte

// JSON returns the schema (draft 2020-12). It must not be changed.
func JSON() []byte { return text }

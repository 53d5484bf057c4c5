package compression

import (
	"strings"

	"pingap/message"
)

// compressible reports whether content of that type becomes smaller. What is
// compressed by its own format does not.
func compressible(contentType string) bool {
	name, _, _ := strings.Cut(contentType, ";")
	name = message.TrimBlanks(name)
	if grpc := "application/grpc"; len(name) >= len(grpc) && message.EqualFold(name[:len(grpc)], grpc) {
		return false // its messages are compressed by its own rules
	}
	for _, suffix := range [...]string{"+json", "+xml", "+yaml", "+text"} {
		if len(name) > len(suffix) && message.EqualFold(name[len(name)-len(suffix):], suffix) {
			return true
		}
	}
	if len(name) > len("text/") && message.EqualFold(name[:len("text/")], "text/") {
		return true
	}
	for _, t := range types {
		if message.EqualFold(name, t) {
			return true
		}
	}
	return false
}

// types are those that the general rules leave out.
var types = []string{
	"application/json", "application/xml", "application/javascript", "application/x-javascript", "application/ecmascript",
	"application/wasm", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/yaml", "application/x-yaml",
	"application/toml", "application/graphql", "application/sql", "application/rtf", "application/xhtml", "application/x-sh",
	"application/manifest", "application/vnd.ms-fontobject", "application/x-web-app-manifest+json", "application/x-protobuf",
	"font/ttf", "font/otf", "font/sfnt", "application/x-font-ttf", "application/x-font-otf",
	"image/bmp", "image/x-icon", "image/vnd.microsoft.icon", "image/x-portable-pixmap",
}

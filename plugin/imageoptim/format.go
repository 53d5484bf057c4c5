package imageoptim

import (
	"strings"

	"pingap/message"
)

// format is a format of images.
type format uint8

const (
	none format = iota
	png
	jpeg
	webp
	avif
)

var mediaTypes = [...]string{png: "image/png", jpeg: "image/jpeg", webp: "image/webp", avif: "image/avif"}

// mediaType returns the format as it is written in Content-Type.
func (f format) mediaType() string { return mediaTypes[f] }

// formatOf returns the format of content that can be changed, or none.
func formatOf(contentType string) format {
	name, _, _ := strings.Cut(contentType, ";")
	switch name = message.TrimBlanks(name); {
	case message.EqualFold(name, "image/png"):
		return png
	case message.EqualFold(name, "image/jpeg"):
		return jpeg
	}
	return none
}

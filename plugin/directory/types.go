package directory

import (
	"path"
	"strings"
)

// typeOf returns the type of a file by the end of its name. What the machine knows
// of types is not asked: the same configuration serves the same everywhere.
func typeOf(name string) string {
	if t, ok := types[strings.ToLower(path.Ext(name))]; ok {
		return t
	}
	return "application/octet-stream"
}

var types = map[string]string{
	".html": "text/html", ".htm": "text/html", ".css": "text/css", ".csv": "text/csv", ".txt": "text/plain", ".log": "text/plain", ".md": "text/markdown",
	".js": "text/javascript", ".mjs": "text/javascript", ".ics": "text/calendar", ".vtt": "text/vtt", ".xml": "text/xml", ".yaml": "application/yaml", ".yml": "application/yaml",
	".json": "application/json", ".map": "application/json", ".jsonld": "application/ld+json", ".geojson": "application/geo+json", ".webmanifest": "application/manifest+json",
	".wasm": "application/wasm", ".pdf": "application/pdf", ".rtf": "application/rtf", ".toml": "application/toml", ".sql": "application/sql",
	".atom": "application/atom+xml", ".rss": "application/rss+xml", ".xhtml": "application/xhtml+xml", ".epub": "application/epub+zip",
	".zip": "application/zip", ".gz": "application/gzip", ".tgz": "application/gzip", ".bz2": "application/x-bzip2", ".xz": "application/x-xz", ".zst": "application/zstd",
	".tar": "application/x-tar", ".7z": "application/x-7z-compressed", ".rar": "application/vnd.rar", ".jar": "application/java-archive",
	".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet",
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif", ".svg": "image/svg+xml",
	".ico": "image/x-icon", ".bmp": "image/bmp", ".tif": "image/tiff", ".tiff": "image/tiff", ".jxl": "image/jxl", ".heic": "image/heic",
	".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".aac": "audio/aac", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg", ".wav": "audio/wav", ".flac": "audio/flac", ".weba": "audio/webm",
	".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg", ".mov": "video/quicktime", ".avi": "video/x-msvideo", ".mkv": "video/matroska", ".ts": "video/mp2t", ".m3u8": "application/vnd.apple.mpegurl",
	".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf", ".eot": "application/vnd.ms-fontobject",
}

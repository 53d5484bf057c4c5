package plugin

import (
	"path"
	"strings"
	"time"

	"pingap/config"
	"pingap/message"
)

// AdminEntry is a way to the admin of the process: where it is, and who may use
// it.
type AdminEntry struct {
	Prefix    string               // of all paths, such as "/pingap"; "" for none
	Users     []config.Credentials // none: whoever comes by the loopback interface
	MaxAge    time.Duration        // of a token
	FailLimit int                  // how many wrong credentials an address may show
}

// ValidAdminPrefix reports whether a prefix can be that of an AdminEntry: none, or
// a path of whole segments that means what it says as it stands.
func ValidAdminPrefix(prefix string) bool {
	for i := range len(prefix) {
		if c := prefix[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"#%<>?\\^`{|}", c) >= 0 {
			return false
		}
	}
	return prefix == "" || prefix[0] == '/' && prefix != "/" && path.Clean(prefix) == prefix
}

// Admin is a plugin that answers the requests below a path with the admin of the
// process. The zero value passes on everything.
type Admin struct {
	Prefix  string          // as in AdminEntry
	Handler message.Handler // nil to answer nothing
}

// Takes reports whether requests for a path are the admin's. The prefix is whole
// segments, and the path is compared as it was sent.
func (a *Admin) Takes(path string) bool {
	rest, ok := strings.CutPrefix(path, a.Prefix)
	return ok && a.Handler != nil && (rest == "" && path != "" || strings.HasPrefix(rest, "/"))
}

// Wrap passes on what is not the admin's.
func (a *Admin) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		if a.Takes(x.Request.Path) {
			return a.Handler.Serve(x)
		}
		return next.Serve(x)
	})
}

// Package combinedauth is the plugin that lets those applications pass that show
// a digest of a secret and of the time.
package combinedauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a combined_auth plugin.
type settings struct {
	// Authorizations are the applications that may pass.
	Authorizations []authorization `config:"authorizations" required:"true"`
}

// authorization is what an application has to show.
type authorization struct {
	// AppID is the name of the application, the argument app_id of its requests.
	AppID string `config:"app_id" required:"true"`
	// Secret is what digests are made with. "*" asks for no digest.
	Secret string `config:"secret" required:"true"`
	// Deviation is by how many seconds the time of a request may be wrong.
	Deviation int `config:"deviation" min:"0" max:"31536000"`
	// IPList are the addresses and networks that the application may ask from;
	// empty for any.
	IPList []config.Network `config:"ip_list"`
}

// anySecret is the secret of an application that is let pass without a digest.
const anySecret = "*"

func init() {
	plugin.Register(plugin.Kind{
		Category: "combined_auth",
		Steps:    []plugin.Step{plugin.Request},
		New:      build,
	})
}

func build(table *config.Table, _ *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	c := &combinedAuth{apps: make(map[string]*authorization)}
	for i := range s.Authorizations {
		a := &s.Authorizations[i]
		switch {
		case a.AppID == "" || a.Secret == "": // has been reported
			continue
		case c.apps[a.AppID] != nil:
			problems = append(problems, table.Problem("authorizations", fmt.Sprintf("has the app_id %q twice", a.AppID), "remove one of them"))
		case a.Secret == anySecret && len(a.IPList) == 0:
			problems = append(problems, table.Warning("authorizations", fmt.Sprintf(`lets everybody pass who knows the app_id %q: its secret is "*"`, a.AppID), "set a secret, or an ip_list"))
		case a.Secret != anySecret && a.Deviation == 0:
			problems = append(problems, table.Problem("authorizations", fmt.Sprintf("has no deviation for the app_id %q", a.AppID), "say by how many seconds its clock may differ: deviation = 60"))
		}
		c.apps[a.AppID] = a
	}
	for reason := range reasons {
		c.refusals[reason] = plugin.NewRefusal(401, "Plugin combined_auth invalid, message: "+reasons[reason],
			message.Field{Name: "Cache-Control", Value: "private, no-store"}, message.Field{Name: "WWW-Authenticate", Value: "Digest"})
	}
	return c, problems
}

// reason is why a request is refused.
type reason int

const (
	noApp reason = iota
	unknownApp
	wrongAddress
	noTime
	wrongTime
	noDigest
	wrongDigest
)

var reasons = [...]string{
	noApp:        "app id is empty",
	unknownApp:   "app id is invalid",
	wrongAddress: "ip is invalid",
	noTime:       "timestamp is empty",
	wrongTime:    "timestamp deviation is invalid",
	noDigest:     "digest is empty",
	wrongDigest:  "digest is invalid",
}

type combinedAuth struct {
	apps     map[string]*authorization
	refusals [len(reasons)]*plugin.Refusal
}

// Wrap passes on what an application has authorized.
func (c *combinedAuth) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		if why, ok := c.check(x); !ok {
			return c.refusals[why].Serve(x)
		}
		return next.Serve(x)
	})
}

// check tells whether a request may pass, and otherwise why not.
func (c *combinedAuth) check(x *message.Exchange) (why reason, ok bool) {
	id, _ := x.Request.Argument("app_id")
	if id == "" {
		return noApp, false
	}
	app := c.apps[id]
	switch {
	case app == nil:
		return unknownApp, false
	case !app.mayAskFrom(x.ClientIP):
		return wrongAddress, false
	case app.Secret == anySecret:
		return 0, true
	}
	sent, _ := x.Request.Argument("ts")
	if sent == "" {
		return noTime, false
	}
	seconds, err := strconv.ParseInt(sent, 10, 64)
	if now := x.Loop.WallTime(x.Loop.Now()).Unix(); err != nil || seconds < now-int64(app.Deviation) || seconds > now+int64(app.Deviation) {
		return wrongTime, false
	}
	digest, _ := x.Request.Argument("digest")
	switch {
	case digest == "":
		return noDigest, false
	case !app.signed(sent, digest):
		return wrongDigest, false
	}
	return 0, true
}

// mayAskFrom reports whether the application may ask from an address. One that is
// not known, such as that of a Unix socket, is on no list.
func (a *authorization) mayAskFrom(addr netip.Addr) bool {
	if len(a.IPList) == 0 {
		return true
	}
	for _, n := range a.IPList {
		if n.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}

// signed reports whether digest is the hexadecimal SHA-256 of the secret and the
// time, with a colon between.
func (a *authorization) signed(time, digest string) bool {
	sum := sha256.Sum256([]byte(a.Secret + ":" + time))
	want := hex.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(want), []byte(strings.ToLower(digest))) == 1
}

package combinedauth

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
	"pingap/plugin"
	"pingap/plugin/plugintest"
)

const apps = `
[[authorizations]]
app_id = "shop"
secret = "s3"
deviation = 60
[[authorizations]]
app_id = "near"
secret = "s4"
deviation = 5
ip_list = ["10.0.0.0/8", "2001:db8::1"]
[[authorizations]]
app_id = "open"
secret = "*"
[[authorizations]]
app_id = "inside"
secret = "*"
ip_list = ["10.0.0.1"]
`

func digest(secret string, at int64) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s:%d", secret, at)))
	return hex.EncodeToString(sum[:])
}

func TestApplicationsShowTheDigestOfTheTime(t *testing.T) {
	p := plugintest.Make(t, build, apps)
	now := time.Now().Unix()
	signed := func(app, secret string, at int64) string {
		return fmt.Sprintf("/?app_id=%s&ts=%d&digest=%s", app, at, digest(secret, at))
	}
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []struct{ target, from, want string }{
			{"/", "1.2.3.4", "app id is empty"},
			{"/?app_id=", "1.2.3.4", "app id is empty"},
			{"/?app_id=other", "1.2.3.4", "app id is invalid"},
			{"/?app_id=shop", "1.2.3.4", "timestamp is empty"},
			{"/?app_id=shop&ts=x", "1.2.3.4", "timestamp deviation is invalid"},
			{"/?app_id=shop&ts=99999999999999999999", "1.2.3.4", "timestamp deviation is invalid"},
			{signed("shop", "s3", now-100), "1.2.3.4", "timestamp deviation is invalid"},
			{signed("shop", "s3", now+100), "1.2.3.4", "timestamp deviation is invalid"},
			{fmt.Sprintf("/?app_id=shop&ts=%d", now), "1.2.3.4", "digest is empty"},
			{signed("shop", "s4", now), "1.2.3.4", "digest is invalid"},
			{signed("shop", "s3", now) + "0", "1.2.3.4", "digest is invalid"},
			{signed("shop", "s3", now), "1.2.3.4", ""},
			{signed("shop", "s3", now-20), "1.2.3.4", ""},
			{fmt.Sprintf("/?app_id=shop&ts=%d&digest=%s", now, strings.ToUpper(digest("s3", now))), "1.2.3.4", ""},
			{signed("near", "s4", now), "1.2.3.4", "ip is invalid"},
			{signed("near", "s4", now), "", "ip is invalid"},
			{signed("near", "s4", now), "10.1.2.3", ""},
			{signed("near", "s4", now), "::ffff:10.1.2.3", ""},
			{signed("near", "s4", now), "2001:db8::1", ""},
			{"/?app_id=open", "1.2.3.4", ""},
			{"/?app_id=inside", "1.2.3.4", "ip is invalid"},
			{"/?app_id=inside", "10.0.0.1", ""},
		} {
			a := plugintest.Ask(t, l, from(c.from, p), "GET", c.target)
			want := "passed"
			if c.want != "" {
				want = "Plugin combined_auth invalid, message: " + c.want
			}
			if a.Text != want {
				t.Errorf("%s from %q: %q, want %q", c.target, c.from, a.Text, want)
			}
			if !a.Passed && (a.Response.Status != 401 || a.Response.Header.Get("Cache-Control") != "private, no-store") {
				t.Errorf("%s is refused with %d %v", c.target, a.Response.Status, a.Response.Header.Fields())
			}
		}
	})
}

func TestAuthorizationsThatProtectNothingAreReported(t *testing.T) {
	for settings, want := range map[string]string{
		``:                    "authorizations: is missing",
		`authorizations = []`: "authorizations: is empty",
		`authorizations = [{secret = "a", deviation = 1}]`:                                                            "authorizations.app_id: is missing",
		`authorizations = [{app_id = "a", deviation = 1}]`:                                                            "authorizations.secret: is missing",
		`authorizations = [{app_id = "a", secret = "b"}]`:                                                             `authorizations: has no deviation for the app_id "a"`,
		`authorizations = [{app_id = "a", secret = "*"}]`:                                                             `authorizations: lets everybody pass who knows the app_id "a"`,
		`authorizations = [{app_id = "a", secret = "b", deviation = -1}]`:                                             "authorizations.deviation: ",
		`authorizations = [{app_id = "a", secret = "b", deviation = 1, ip_list = ["10.0.0.0/33"]}]`:                   "authorizations.ip_list: ",
		`authorizations = [{app_id = "a", secret = "b", deviation = 1}, {app_id = "a", secret = "c", deviation = 1}]`: `authorizations: has the app_id "a" twice`,
	} {
		if got := plugintest.Problems(build, settings); !strings.Contains(got, want) {
			t.Errorf("%s\nis reported as %q, want %q", settings, got, want)
		}
	}
}

// from has p see requests of an address; "" is one that is not known.
func from(addr string, p plugin.Plugin) plugin.Plugin { return client{p, addr} }

type client struct {
	plugin.Plugin
	addr string
}

func (c client) Wrap(next message.Handler) message.Handler {
	behind := c.Plugin.Wrap(next)
	return message.HandlerFunc(func(x *message.Exchange) error {
		x.ClientIP, _ = netip.ParseAddr(c.addr)
		return behind.Serve(x)
	})
}

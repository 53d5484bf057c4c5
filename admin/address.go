package admin

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"pingap/config"
	"pingap/plugin"
)

// Address is where an admin listens, and who may use it.
type Address struct {
	HostPort string // as net.Listen takes it
	plugin.AdminEntry
}

// What an address says nothing of is as in an admin plugin without the key.
const (
	defaultMaxAge    = 48 * time.Hour
	defaultFailLimit = 10
)

// ParseAddress reads [user:password@]host:port[/prefix][?max_age=2d]. What stands
// before the @ may be the base64 of user:password as well. The error does not
// repeat the password. Without a user only loopback addresses are allowed.
func ParseAddress(text string) (Address, error) {
	a := Address{AdminEntry: plugin.AdminEntry{MaxAge: defaultMaxAge, FailLimit: defaultFailLimit}}
	rest := strings.TrimPrefix(text, "http://")
	rest, query, _ := strings.Cut(rest, "?")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, err := parseUser(rest[:at])
		if err != nil {
			return a, err
		}
		a.Users, rest = append(a.Users, user), rest[at+1:]
	}
	hostPort, path, _ := strings.Cut(rest, "/")
	if path = strings.Trim(path, "/"); path != "" {
		a.Prefix = "/" + path
	}
	if !plugin.ValidAdminPrefix(a.Prefix) {
		return a, fmt.Errorf("the prefix %q of the admin holds other characters than letters, digits, and those between words", a.Prefix)
	}
	if err := a.listen(hostPort); err != nil {
		return a, err
	}
	return a, a.options(query)
}

// parseUser reads user:password, plain or as base64.
func parseUser(text string) (user config.Credentials, err error) {
	if user = config.Credentials(text); !strings.Contains(text, ":") {
		err = user.UnmarshalText([]byte(text))
	}
	if err != nil || !user.Complete() {
		return "", errors.New("what stands before the @ of the admin is not user:password, nor the base64 of that")
	}
	return user, nil
}

// listen reads host:port; the port is 80 without one.
func (a *Address) listen(hostPort string) error {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil && !strings.Contains(strings.TrimPrefix(hostPort, "["), ":") && hostPort != "" {
		host, port, err = strings.Trim(hostPort, "[]"), "80", nil
	}
	if err != nil {
		return fmt.Errorf("%q is no address for the admin; write host:port, such as 127.0.0.1:3018", hostPort)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("the port %q of the admin is none", port)
	}
	a.HostPort = net.JoinHostPort(host, port)
	return nil
}

func (a *Address) options(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("the options of the admin behind the ? cannot be read: %w", err)
	}
	for name := range values {
		if name != "max_age" {
			return fmt.Errorf("the admin has no option %q; there is max_age", name)
		}
		if a.MaxAge, err = config.ParseDuration(values.Get(name)); err != nil || a.MaxAge <= 0 {
			return fmt.Errorf("max_age of the admin is %q; write a time such as 2d or 12h", values.Get(name))
		}
	}
	return nil
}

// AddUser adds a user whose name and password come from elsewhere, and refuses
// an address that anybody could use from outside.
func (a *Address) AddUser(name, password string) error {
	switch {
	case name == "" && password == "":
	case name == "" || password == "":
		return errors.New("the admin needs both a user and a password, or neither")
	default:
		a.Users = append(a.Users, config.Credentials(name+":"+password))
	}
	if len(a.Users) == 0 && !a.loopback() {
		return fmt.Errorf("the admin at %s could be used by anybody who can reach it: write user:password@%s, or listen on 127.0.0.1", a.HostPort, a.HostPort)
	}
	return nil
}

// loopback reports whether only programs on this machine reach the address.
func (a *Address) loopback() bool {
	host, _, _ := net.SplitHostPort(a.HostPort)
	return isLoopback(host)
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// warning says what is not good about the address, or "".
func (a *Address) warning() string {
	if a.loopback() {
		return ""
	}
	return "the admin speaks clear text at " + a.HostPort + ": whoever is on the way reads passwords. Let it listen on 127.0.0.1, and a server with TLS pass on to it"
}

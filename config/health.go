package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// HealthCheck is a URL that says how peers are asked: tcp://name,
// http://name/path, https://name/path or grpc://name, with settings in its
// query. The name is only for the request; the peer's own address is asked.
type HealthCheck string

// UnmarshalText checks the form of the URL and its settings.
func (h *HealthCheck) UnmarshalText(text []byte) error {
	const hint = `write "tcp://app", "http://app/ping", "https://app/ping" or "grpc://app"`
	u, err := url.Parse(string(text))
	switch {
	case len(text) == 0:
		return nil
	case err != nil || u.Host == "":
		return &ValueError{Message: fmt.Sprintf("%q is no URL of a health check", text), Hint: hint}
	case !slices.Contains([]string{"tcp", "http", "https", "grpc"}, u.Scheme):
		return &ValueError{Message: fmt.Sprintf("health is not checked over %q", u.Scheme), Hint: hint}
	}
	*h = HealthCheck(text)
	var errs []error
	query := u.Query()
	for _, name := range []string{"connection_timeout", "read_timeout", "check_frequency"} {
		if query.Has(name) {
			if _, err := ParseDuration(query.Get(name)); err != nil {
				errs = append(errs, &ValueError{Message: fmt.Sprintf("%s: %v", name, err)})
			}
		}
	}
	for _, name := range []string{"success", "failure"} {
		if v, err := strconv.Atoi(query.Get(name)); query.Has(name) && (err != nil || v < 1 || v > 1000) {
			errs = append(errs, &ValueError{Message: fmt.Sprintf("%s: %q is not between 1 and 1000", name, query.Get(name))})
		}
	}
	return errors.Join(errs...)
}

// NameServers are addresses of name servers.
type NameServers []netip.AddrPort

// UnmarshalText reads a list with commas. The port is 53 unless given.
func (n *NameServers) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	var errs []error
	for item := range strings.SplitSeq(string(text), ",") {
		item = strings.TrimSpace(item)
		server, err := netip.ParseAddrPort(item)
		if addr, bare := netip.ParseAddr(withoutBrackets(item)); bare == nil {
			server, err = netip.AddrPortFrom(addr, 53), nil
		}
		if err != nil || server.Port() == 0 {
			errs = append(errs, &ValueError{Message: fmt.Sprintf("%q is no address of a name server", item), Hint: `write it as "10.0.0.53" or "10.0.0.53:5353"`})
		}
		*n = append(*n, server)
	}
	return errors.Join(errs...)
}

// Statuses are status codes of answers.
type Statuses []int

// UnmarshalText reads a list with commas.
func (s *Statuses) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	var errs []error
	for item := range strings.SplitSeq(string(text), ",") {
		status, err := strconv.Atoi(strings.TrimSpace(item))
		if err != nil || status < 100 || status > 999 {
			errs = append(errs, &ValueError{Message: fmt.Sprintf("%q is no status", strings.TrimSpace(item)), Hint: `write them as "502,503,504"`})
		}
		*s = append(*s, status)
	}
	return errors.Join(errs...)
}

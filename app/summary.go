package app

import (
	"fmt"
	"io"
	"strings"

	"pingap/config"
	"pingap/proxy"
	"pingap/route"
)

// summarize prints what a configuration holds, as the proxy understands it.
func summarize(w io.Writer, c *loaded) {
	fmt.Fprintf(w, "%s is right: %s, %s, %s, %s\n", c.from.name, count(len(c.Servers), "server"), count(len(c.Locations), "location"),
		count(len(c.Upstreams), "upstream"), count(len(c.Plugins), "plugin"))
	routes := proxy.Routes(c.Config)
	for _, s := range c.Servers {
		fmt.Fprintf(w, "\nserver %s on %s\n", s.Name, listenList(s))
		summarizeLocations(w, c.Config, routes[s.Name])
	}
	if unused := unusedLocations(c.Config); len(unused) > 0 {
		fmt.Fprintf(w, "\nin no server: %s\n", strings.Join(unused, ", "))
	}
}

func listenList(s *config.Server) string {
	var addrs []string
	for _, a := range s.Addr {
		addrs = append(addrs, a.String())
	}
	return strings.Join(addrs, ", ")
}

// maxSummary is how many locations of a server are printed.
const maxSummary = 50

// summarizeLocations prints a server's locations in the order in which they
// are chosen, each with its weight.
func summarizeLocations(w io.Writer, c *config.Config, candidates []route.Candidate) {
	for i, candidate := range candidates {
		if i == maxSummary {
			fmt.Fprintf(w, "  ... and %d more\n", len(candidates)-maxSummary)
			return
		}
		fmt.Fprintf(w, "  %s%s\n", candidate, destination(c.Location(candidate.Name)))
	}
}

// destination says who answers the requests of a location.
func destination(l *config.Location) string {
	text := ""
	for _, p := range l.Plugins {
		text += " -> plugin " + p
	}
	if l.Upstream != "" {
		text += " -> upstream " + l.Upstream
	}
	return text
}

func unusedLocations(c *config.Config) []string {
	used := make(map[string]bool)
	for _, s := range c.Servers {
		for _, name := range s.Locations {
			used[name] = true
		}
	}
	var unused []string
	for _, l := range c.Locations {
		if !used[l.Name] {
			unused = append(unused, l.Name)
		}
	}
	return unused
}

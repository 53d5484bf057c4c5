package admin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// status answers with how the process is.
func (s *Server) status(http.ResponseWriter, *http.Request) (any, error) {
	return s.process.Status(), nil
}

// certificates answers with those in force, by name.
func (s *Server) certificates(http.ResponseWriter, *http.Request) (any, error) {
	byName := map[string]Certificate{}
	for _, c := range s.process.Certificates() {
		byName[c.Name] = c
	}
	return byName, nil
}

// introduce tells a person what can be asked for.
func (s *Server) introduce(w http.ResponseWriter, _ *http.Request) (any, error) {
	status := s.process.Status()
	var routes []string
	for pattern := range s.routes() {
		if method, path, _ := strings.Cut(pattern, " "); path != "/{$}" {
			routes = append(routes, fmt.Sprintf("  %-7s%s%s", method, s.address.Prefix, path))
		}
	}
	slices.Sort(routes)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "This is the admin of pingap %s (process %d), which serves %s.\n\nIt answers programs and command lines:\n\n%s\n\nFor example:\n\n  curl http://%s%s/api/configs\n  curl -X POST -d '{\"addrs\": [\"10.0.0.1:80\"]}' http://%s%s/api/configs/upstreams/app\n",
		status.Version, status.PID, status.Configuration, strings.Join(routes, "\n"), s.address.HostPort, s.address.Prefix, s.address.HostPort, s.address.Prefix)
	return nil, nil
}

package admin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// status answers with how the process is.
func (a *Admin) status(http.ResponseWriter, *http.Request) (any, error) {
	return a.process.Status(), nil
}

// certificates answers with those in force, by name.
func (a *Admin) certificates(http.ResponseWriter, *http.Request) (any, error) {
	byName := map[string]Certificate{}
	for _, c := range a.process.Certificates() {
		byName[c.Name] = c
	}
	return byName, nil
}

// introduce tells a person what can be asked for.
func (e *Entry) introduce(w http.ResponseWriter, r *http.Request) (any, error) {
	status := e.process.Status()
	var routes []string
	for pattern := range e.routes() {
		if method, path, _ := strings.Cut(pattern, " "); path != "/{$}" {
			routes = append(routes, fmt.Sprintf("  %-7s%s%s", method, e.prefix, path))
		}
	}
	slices.Sort(routes)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "This is the admin of pingap %s (process %d), which serves %s.\n\nIt answers programs and command lines:\n\n%s\n\nFor example:\n\n  curl %[5]s/api/configs\n  curl -X POST -d '{\"addrs\": [\"10.0.0.1:80\"]}' %[5]s/api/configs/upstreams/app\n",
		status.Version, status.PID, status.Configuration, strings.Join(routes, "\n"), schemeOf(r)+"://"+r.Host+e.prefix)
	return nil, nil
}

// schemeOf tells how the client has reached the admin.
func schemeOf(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

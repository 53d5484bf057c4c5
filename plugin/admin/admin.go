// Package admin is the plugin that lets the process be looked at, and its
// configuration be changed, below a path of a location.
package admin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pingap/config"
	"pingap/plugin"
)

// settings are the keys of an admin plugin.
type settings struct {
	// Path below which the admin is, as it is after a rewrite. Without one, all of
	// the location is the admin's.
	Path string `config:"path" example:"/pingap"`
	// Authorizations are who may use it, each the base64 of "name:password".
	// Without any, it answers programs on the same machine alone.
	Authorizations []config.Credentials `config:"authorizations" example:"YWxpY2U6c2VjcmV0"`
	// MaxAge is how old a token may be that is shown in the place of a password.
	MaxAge time.Duration `config:"max_age" default:"2d" min:"1s"`
	// IPFailLimit is how many wrong credentials may come from an address within
	// five minutes. After that it is locked out until they are over.
	IPFailLimit int `config:"ip_fail_limit" default:"10" min:"1"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "admin",
		Steps:    []plugin.Step{plugin.Request},
		New:      build,
		Given:    map[string]func(*plugin.Environment) plugin.Plugin{"pingap:admin": own},
	})
}

func build(table *config.Table, env *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	prefix := strings.TrimRight(s.Path, "/")
	switch {
	case s.Path != "" && s.Path[0] != '/':
		problems = append(problems, table.Problem("path", "does not begin with /", fmt.Sprintf("write path = %q", "/"+s.Path)))
	case !plugin.ValidAdminPrefix(prefix):
		problems = append(problems, table.Problem("path", "holds other characters than letters, digits, and those between words", `write path = "/pingap"`))
	}
	if slices.ContainsFunc(s.Authorizations, func(c config.Credentials) bool { return !c.Complete() }) {
		problems = append(problems, table.Problem("authorizations", "holds one with an empty name or password", "printf 'name:password' | base64 makes one"))
	}
	if len(s.Authorizations) == 0 && len(problems.Errors()) == 0 {
		problems = append(problems, table.Warning("authorizations", "has no entries, so only programs on the same machine are answered, by its loopback interface",
			"list who may use the admin"))
	}
	if env.Admin == nil || len(problems.Errors()) > 0 {
		return &plugin.Admin{}, problems
	}
	return env.Admin(plugin.AdminEntry{Prefix: prefix, Users: s.Authorizations, MaxAge: s.MaxAge, FailLimit: s.IPFailLimit}), problems
}

// own is the entry that the process was started with.
func own(env *plugin.Environment) plugin.Plugin {
	if env.OwnAdmin != nil {
		return env.OwnAdmin
	}
	if env.Logger != nil {
		env.Logger.Warn("the plugin pingap:admin answers nothing: the process was started without --admin")
	}
	return &plugin.Admin{}
}

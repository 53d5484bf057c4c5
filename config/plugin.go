package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Plugin is a section [plugins.name]: a named instance of a kind of plugin.
type Plugin struct {
	Item
	pluginKeys
	// Table holds the keys that only the kind of plugin knows. It can be
	// decoded into the kind's own struct.
	Table *Table
}

// pluginKeys are the keys of every plugin.
type pluginKeys struct {
	// Category is the kind of plugin.
	Category string `config:"category" required:"true"`
	// Step is where in an exchange the plugin acts; empty leaves it to its
	// kind.
	Step string `config:"step" enum:"early_request,request,proxy_upstream,upstream_response,response"`
	// Includes are storages whose keys are taken in; they win over those here.
	Includes []string `config:"includes"`
	// Remark is a note.
	Remark string `config:"remark"`
}

func newPlugin(item Item) *Plugin {
	settings := *item.table
	settings.others = keysOf(&pluginKeys{})
	return &Plugin{Item: item, Table: &settings}
}

// keys reads the keys that every plugin has.
func (p *Plugin) keys(found *report) {
	d := decoder{section: p.table.section, found: found}
	keys := reflect.ValueOf(&p.pluginKeys).Elem()
	d.fields(p.table.node, keys, found.planOf(keys.Type()))
}

// ReadyMadePrefix begins the names of plugins that exist without being
// configured.
const ReadyMadePrefix = "pingap:"

// laterCategories are the kinds of Pingap's plugins, laterPlugins those of its
// ready-made ones. Which of them exist already, Checks says.
var (
	laterCategories = []string{
		"accept_encoding", "admin", "basic_auth", "cache", "combined_auth", "compression", "cors", "csrf", "directory",
		"forward_auth", "geo_restriction", "image_optim", "ip_restriction", "jwt", "key_auth", "limit", "mock", "ping",
		"redirect", "referer_restriction", "request_id", "response_headers", "stats", "sub_filter", "traffic_splitting", "ua_restriction",
	}
	laterPlugins = []string{
		"pingap:acceptEncodingAdjustment", "pingap:admin", "pingap:compression", "pingap:compressionUpstream",
		"pingap:ping", "pingap:requestId", "pingap:stats",
	}
)

// checkCategory reports whether there are plugins of p's category.
func (p *Plugin) checkCategory(categories []string, problems *Problems) bool {
	if strings.HasPrefix(p.Name, ReadyMadePrefix) {
		problems.add(p.Problem("", fmt.Sprintf("names that begin with %s are those of ready-made plugins", ReadyMadePrefix), "choose another name"))
	}
	switch {
	case p.Category == "": // has been reported as missing
		return false
	case slices.Contains(categories, p.Category):
		return true
	case slices.Contains(laterCategories, p.Category):
		problems.add(p.Problem("category", fmt.Sprintf("this version does not have plugins of the category %q yet", p.Category), "it has "+strings.Join(categories, ", ")))
	default:
		hint := Suggest(p.Category, append(slices.Clone(categories), laterCategories...))
		if hint == "" {
			hint = "this version has " + strings.Join(categories, ", ")
		}
		problems.add(p.Problem("category", fmt.Sprintf("there are no plugins of the category %q", p.Category), hint))
	}
	return false
}

package plugin_test

import (
	"slices"
	"testing"

	"pingap/config"
	"pingap/plugin"
	_ "pingap/plugin/all"
)

func TestReadyMadePluginsCanBeMade(t *testing.T) {
	if len(plugin.ReadyMade()) == 0 {
		t.Fatal("there are none")
	}
	for _, name := range plugin.ReadyMade() {
		if p, ok := plugin.NewReadyMade(name, &plugin.Environment{}); !ok || p.Plugin == nil {
			t.Errorf("%s was not made", name)
		}
	}
	if _, ok := plugin.NewReadyMade("pingap:nothing", &plugin.Environment{}); ok {
		t.Error("a plugin that does not exist was made")
	}
}

func TestStepsWrapOutermostFirst(t *testing.T) {
	steps := []plugin.Step{plugin.UpstreamResponse, plugin.ProxyUpstream, plugin.Lookup, plugin.Request, plugin.Response, plugin.EarlyRequest}
	slices.SortFunc(steps, plugin.Step.Compare)
	want := []plugin.Step{plugin.EarlyRequest, plugin.Response, plugin.Request, plugin.Lookup, plugin.ProxyUpstream, plugin.UpstreamResponse}
	if !slices.Equal(steps, want) {
		t.Errorf("order %v, want %v", steps, want)
	}
}

// actsAt tells where plugins of each category can act.
var actsAt = map[string][]plugin.Step{
	"forward_auth":        {plugin.Request},
	"jwt":                 {plugin.Request},
	"stats":               {plugin.Request, plugin.ProxyUpstream},
	"traffic_splitting":   {plugin.Request},
	"limit":               {plugin.Request, plugin.ProxyUpstream},
	"cache":               {plugin.Lookup},
	"ping":                {plugin.Request},
	"mock":                {plugin.Request, plugin.ProxyUpstream},
	"accept_encoding":     {plugin.EarlyRequest},
	"request_id":          {plugin.Request, plugin.ProxyUpstream},
	"image_optim":         {plugin.UpstreamResponse, plugin.Response},
	"compression":         {plugin.EarlyRequest, plugin.UpstreamResponse},
	"geo_restriction":     {plugin.Request},
	"ip_restriction":      {plugin.Request},
	"referer_restriction": {plugin.Request},
	"ua_restriction":      {plugin.Request},
	"redirect":            {plugin.EarlyRequest, plugin.Request},
	"cors":                {plugin.Response},
	"directory":           {plugin.Request, plugin.ProxyUpstream},
	"sub_filter":          {plugin.Response},
	"response_headers":    {plugin.Response, plugin.UpstreamResponse},
	"admin":               {plugin.Request},
	"basic_auth":          {plugin.Request},
	"combined_auth":       {plugin.Request},
	"csrf":                {plugin.Request},
	"key_auth":            {plugin.Request},
}

// needed are the settings without which there is no plugin of a category.
var needed = map[string]string{
	"forward_auth":    `auth_url = "http://127.0.0.1/"`,
	"jwt":             "header = \"X\"\nsecret = \"s\"",
	"basic_auth":      `authorizations = ["YTpi"]`,
	"combined_auth":   `authorizations = [{app_id = "a", secret = "b", deviation = 1}]`,
	"csrf":            "token_path = \"/t\"\nkey = \"k\"",
	"directory":       `path = "/srv"`,
	"sub_filter":      `filters = ["sub_filter \'a\' \'b\'"]`,
	"geo_restriction": `type = "reporting"`,
	"key_auth":        "header = \"X\"\nkeys = [\"k\"]",
}

// A plugin at a step that it does not know once never ran, and nothing said so.
func TestPluginActsWhereItSaysOrIsAProblem(t *testing.T) {
	steps := map[string]plugin.Step{}
	for s := plugin.EarlyRequest; s <= plugin.Response; s++ {
		if s != plugin.Lookup { // it has no name of its own
			steps[s.String()] = s
		}
	}
	for category, own := range actsAt {
		for name, step := range steps {
			p, problems := at(t, category, name)
			if step == plugin.Request && slices.Contains(own, plugin.Lookup) {
				step = plugin.Lookup
			}
			if allowed := slices.Contains(own, step); allowed != (len(problems.Errors()) == 0) || allowed && p.Step != step {
				t.Errorf("%s at %s: at %v, %v", category, name, p.Step, problems)
			}
		}
		for _, name := range []string{"requests", "reqest", "response_upstream"} {
			if _, problems := at(t, category, name); len(problems) == 0 {
				t.Errorf("%s at %q is accepted", category, name)
			}
		}
	}
	for _, category := range plugin.Categories() {
		if actsAt[category] == nil {
			t.Errorf("where %s acts is not tested", category)
		}
	}
}

// at makes a plugin that is configured for a step.
func at(t *testing.T, category, step string) (plugin.Placed, config.Problems) {
	t.Helper()
	c, problems := config.Parse("test.toml", []byte("[plugins.p]\ncategory = \""+category+"\"\nstep = \""+step+"\"\n"+needed[category]))
	if len(c.Plugins) != 1 {
		t.Fatal("no plugin was read")
	}
	p, more := plugin.New(c.Plugins[0], &plugin.Environment{})
	// Other keys are missing where the category needs them.
	return p, slices.DeleteFunc(append(problems, more...), func(p config.Problem) bool { return p.Key != "step" })
}

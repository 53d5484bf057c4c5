package plugin_test

import (
	"slices"
	"testing"

	"pingap/plugin"
	_ "pingap/plugin/all"
)

func TestReadyMadePluginsCanBeMade(t *testing.T) {
	if len(plugin.ReadyMade()) == 0 {
		t.Fatal("there are none")
	}
	for _, name := range plugin.ReadyMade() {
		if p, ok := plugin.NewReadyMade(name); !ok || p.Plugin == nil {
			t.Errorf("%s was not made", name)
		}
	}
	if _, ok := plugin.NewReadyMade("pingap:nothing"); ok {
		t.Error("a plugin that does not exist was made")
	}
}

func TestStepsWrapOutermostFirst(t *testing.T) {
	steps := []plugin.Step{plugin.UpstreamResponse, plugin.ProxyUpstream, plugin.Request, plugin.Response, plugin.EarlyRequest}
	slices.SortFunc(steps, plugin.Step.Compare)
	want := []plugin.Step{plugin.EarlyRequest, plugin.Response, plugin.Request, plugin.ProxyUpstream, plugin.UpstreamResponse}
	if !slices.Equal(steps, want) {
		t.Errorf("order %v, want %v", steps, want)
	}
}

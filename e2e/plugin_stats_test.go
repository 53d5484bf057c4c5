package e2e

import (
	"encoding/json"
	"testing"
)

func TestStatsTellOfTheProcess(t *testing.T) {
	p := startProxy(t, `
[servers.main]
addr = "<ADDR>"
locations = ["stats", "all"]
enabled_h2 = true
[locations.stats]
path = "/stats"
plugins = ["pingap:stats"]
[locations.all]
plugins = ["pingap:ping"]
`)
	n := 0.0
	for version, c := range bothVersions(t) {
		answerTo(t, c, p.url("/ping"))
		response, content := answerTo(t, c, p.url("/stats"))
		var got map[string]any
		if err := json.Unmarshal([]byte(content), &got); err != nil || response.Header.Get("Content-Type") != "application/json" {
			t.Fatalf("%s: %v, %q", version, err, content)
		}
		n++
		if got["processing"] != 1.0 || got["accepted"] != 2*n || got["location_processing"] != 1.0 || got["location_accepted"] != n {
			t.Errorf("%s: %s", version, content)
		}
		open, _ := got["fd_count"].(float64)
		if memory, _ := got["memory_mb"].(float64); memory < 1 || open < 3 || got["version"] == "" {
			t.Errorf("%s: %s", version, content)
		}
	}
}

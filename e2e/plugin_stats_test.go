package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
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
	pings, asked := 0.0, 0.0
	for version, c := range bothVersions(t) {
		answerTo(t, c, p.url("/ping"))
		pings++
		var got map[string]any
		var content string
		// The exchange before is in process until its loop, perhaps another
		// one, has ended it, which is after its client has the answer.
		eventually(t, "have the exchange before behind it", func() error {
			var response *http.Response
			response, content = answerTo(t, c, p.url("/stats"))
			asked++
			got = nil
			if err := json.Unmarshal([]byte(content), &got); err != nil || response.Header.Get("Content-Type") != "application/json" {
				t.Fatalf("%s: %v, %q", version, err, content)
			}
			if got["processing"] != 1.0 || got["location_processing"] != 1.0 {
				return fmt.Errorf("%s: %s", version, content)
			}
			return nil
		})
		if got["accepted"] != pings+asked || got["location_accepted"] != asked {
			t.Errorf("%s: %s, after %v exchanges", version, content, pings+asked)
		}
		open, _ := got["fd_count"].(float64)
		if memory, _ := got["memory_mb"].(float64); memory < 1 || open < 3 || got["version"] == "" {
			t.Errorf("%s: %s", version, content)
		}
	}
}

package uarestriction

import (
	"strings"
	"testing"

	"pingap/config"
	"pingap/plugin/plugintest"
)

func status(t *testing.T, settings string, agent ...string) int {
	t.Helper()
	var fields []string
	for _, value := range agent {
		fields = append(fields, "user-agent: "+value)
	}
	return plugintest.Ask(t, nil, plugintest.Make(t, build, settings), "GET", "/", fields...).Response.Status
}

func TestExpressionsMatchAnywhere(t *testing.T) {
	const list = `ua_list = ["go-http-client/1.1", "(?i)(twitter|facebook)bot", "^curl/"]`
	for agent, listed := range map[string]bool{
		"go-http-client/1.1": true, "Mozilla TwitterBot/1": true, "curl/8": true, "libcurl/8": false, "Mozilla/5.0": false, "": false,
	} {
		if got := status(t, list, agent); (got == 200) != listed || (got == 403) == listed {
			t.Errorf("allow %q: %d", agent, got)
		}
		if got := status(t, list+"\ntype = \"deny\"", agent); (got == 403) != listed || (got == 200) == listed {
			t.Errorf("deny %q: %d", agent, got)
		}
	}
}

func TestRequestWithoutUserAgentIsOnNoList(t *testing.T) {
	if got := status(t, `ua_list = [".*"]`); got != 403 {
		t.Errorf("allow: %d", got)
	}
	if got := status(t, "ua_list = [\".*\"]\ntype = \"deny\""); got != 200 {
		t.Errorf("deny: %d", got)
	}
	if got := status(t, "ua_list = [\"^$\"]\ntype = \"deny\"", ""); got != 403 {
		t.Errorf("deny what is empty: %d", got)
	}
}

func TestWrongSettingsAreProblems(t *testing.T) {
	for settings, want := range map[string]string{
		`ua_list = ["(bot"]`:                     "not a regular expression",
		`ua_list = ["(?=bot)"]`:                  "looking ahead",
		"ua_list = [\"bot\"]\ntype = \"reject\"": `"allow" or "deny"`,
		`ua_list = []`:                           "everybody is refused",
		"ua_list = [\"bot\"]\nmesage = \"x\"":    `did you mean "message"?`,
	} {
		_, problems := build(config.TableOf("test", settings), nil)
		if len(problems) != 1 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want a problem with %q", settings, problems, want)
		}
	}
}

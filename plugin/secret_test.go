package plugin_test

import (
	"testing"

	"pingap/plugin"
)

func TestSecretsHoldWhatTheyWereMadeOf(t *testing.T) {
	s := plugin.NewSecrets([]string{"one", "two", "two"})
	for text, want := range map[string]bool{"one": true, "two": true, "": false, "on": false, "one ": false, "ONE": false, "onetwo": false} {
		if s.Hold(text) != want {
			t.Errorf("%q is held: %v", text, !want)
		}
	}
	none := plugin.NewSecrets[string](nil)
	if none.Hold("") {
		t.Error("no secrets hold an empty one")
	}
}

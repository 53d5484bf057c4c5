package config

import "testing"

func TestCredentialsAreReadFromBase64(t *testing.T) {
	for text, want := range map[string]struct {
		credentials Credentials
		complete    bool
	}{
		"bWU6c2VjcmV0": {"me:secret", true}, "bWU6cw==": {"me:s", true}, "bWU6cw": {"me:s", true}, "bTphOmI=": {"m:a:b", true},
		"bWU6": {"me:", false}, "OnNlY3I": {":secr", false},
	} {
		var c Credentials
		if err := c.UnmarshalText([]byte(text)); err != nil || c != want.credentials || c.Complete() != want.complete {
			t.Errorf("%s: %q, complete %v, %v", text, c, c.Complete(), err)
		}
	}
	for _, text := range []string{"", "me:secret", "bWU", "%"} {
		var c Credentials
		if err := c.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %q", text, c)
		}
	}
	if name := Credentials("me:a:b").Name(); name != "me" {
		t.Errorf("the name is %q", name)
	}
}

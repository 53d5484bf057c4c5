package schema

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// compiled returns the schema, which has been found to be one.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSON()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("pingap.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("pingap.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func valueOf(t *testing.T, text string) any {
	t.Helper()
	var value map[string]any
	if err := toml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestSchemaTakesConfigurationsThatAreRight(t *testing.T) {
	schema := compiled(t)
	count := 0
	for _, pattern := range []string{"../../docs/examples/*.toml", "../../docs/examples/directory/*.toml", "../testdata/pingap/*.toml", "../default.toml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			value := valueOf(t, string(text))
			if err := schema.Validate(value); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			count++
		}
	}
	if count < 12 {
		t.Errorf("only %d configurations", count)
	}
}

func TestSchemaRefusesConfigurationsThatAreWrong(t *testing.T) {
	schema := compiled(t)
	for text, right := range map[string]bool{
		"[basic]\nthreads = 4":                                          true,
		"[basic]\nthreads = \"4\"":                                      false,
		"[basic]\nthreads = 4096":                                       false,
		"[basic]\nthreads = \"$ENV:THREADS\"":                           true,
		"[basic]\nlog_format_json = \"yes\"":                            false,
		"[basic]\nthread = 4":                                           false,
		"[http]\nport = 80":                                             false,
		"[basic]\ngrace_period = \"2h 30m\"":                            true,
		"[basic]\ngrace_period = \"$ENV:GRACE\"":                        true,
		"[basic]\ngrace_period = \"2\"":                                 false,
		"[basic]\ngrace_period = 2":                                     false,
		"[locations.a]\nclient_max_body_size = \"1.5MiB\"":              true,
		"[locations.a]\nclient_max_body_size = 1000":                    true,
		"[locations.a]\nclient_max_body_size = \"much\"":                false,
		"[locations.a]\nplugins = \"a\"":                                false,
		"[locations.a]\nplugins = [\"a\"]":                              true,
		"[servers.a]\nlocations = []":                                   false,
		"[servers.a]\naddr = \":443\"\ntls_min_version = \"TLSv1.3\"":   true,
		"[servers.a]\naddr = \":443\"\ntls_min_version = \"tls1.3\"":    false,
		"[upstreams.a]\naddrs = []":                                     false,
		"[upstreams.a]\naddrs = [\"a\"]\nverify_cert = false":           true,
		"[plugins.a]\ncategory = \"mock\"\nstatus = 300\nremark = \"\"": true,
		"[plugins.a]\ncategory = \"mock\"\nstatus = 30":                 false,
		"[plugins.a]\ncategory = \"ping\"\nstatus = 300":                false,
		"[plugins.a]\ncategory = \"unheard\"":                           false,
		"[plugins.a]\npath = \"/\"":                                     false,
		"[plugins.a]\nincludes = [\"s\"]":                               true,
		"[servers.a]\nincludes = [\"s\"]":                               true,
		"[servers.\"a/b\"]\naddr = \":80\"":                             false,
		"[servers.\".a\"]\naddr = \":80\"":                              false,
		"[servers.\"größe 1.x\"]\naddr = \":80\"":                       true,
		"[storages.a]\ncategory = \"secret\"\nvalue = \"x\"":            true,
	} {
		if err := schema.Validate(valueOf(t, text)); (err == nil) != right {
			t.Errorf("%s: %v", text, err)
		}
	}
}

package app

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"pingap/config/secret"
)

func TestSchemaIsPrinted(t *testing.T) {
	var out strings.Builder
	if code := Main([]string{"schema"}, System{Stdout: &out, Stderr: &out}); code != exitOK {
		t.Fatalf("exit code %d: %s", code, out.String())
	}
	var schema struct {
		Properties map[string]struct{ Description string }
	}
	if err := json.Unmarshal([]byte(out.String()), &schema); err != nil || len(schema.Properties) != 7 || schema.Properties["servers"].Description == "" {
		t.Errorf("%v: %v", err, schema)
	}
}

func TestEncryptedTextCanBeDecrypted(t *testing.T) {
	file := t.TempDir() + "/text"
	if err := os.WriteFile(file, []byte("open sesame"), 0o600); err != nil {
		t.Fatal(err)
	}
	stdin, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdin
	os.Stdin = stdin
	defer func() { os.Stdin = before; stdin.Close() }()
	var out, errs strings.Builder
	passphrase := ""
	system := System{Stdout: &out, Stderr: &errs, Getenv: func(name string) string { return map[string]string{"PINGAP_SECRET": passphrase}[name] }}
	if code := Main([]string{"encrypt"}, system); code != exitFailed || !strings.Contains(errs.String(), "PINGAP_SECRET") {
		t.Errorf("without a passphrase: exit code %d, %s", code, errs.String())
	}
	passphrase = "correct horse"
	if code := Main([]string{"encrypt"}, system); code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	if text, err := secret.Decrypt(out.String(), passphrase); err != nil || text != "open sesame" {
		t.Errorf("%q became %q, %v", out.String(), text, err)
	}
}

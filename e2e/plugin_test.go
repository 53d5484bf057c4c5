package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// ask makes a request with the given fields, each "Name: value", and returns the
// answer with its content. The method may stand before the URL.
func ask(t testing.TB, client *http.Client, url string, fields ...string) (*http.Response, string) {
	t.Helper()
	method, target, ok := strings.Cut(url, " ")
	if !ok {
		method, target = http.MethodGet, url
	}
	r, err := http.NewRequestWithContext(t.Context(), method, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		if strings.EqualFold(name, "Host") {
			r.Host = value
		}
		r.Header.Add(name, value)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(content)
}

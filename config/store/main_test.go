package store

import (
	"os"
	"testing"

	"pingap/leaktest"
)

func TestMain(m *testing.M) {
	if directory := os.Getenv(saverDirectory); directory != "" {
		saveUntilKilled(directory)
	}
	if location := os.Getenv(counterLocation); location != "" {
		countAndExit(location)
	}
	// Copies of what is in etcd belong to the tests.
	caches, err := os.MkdirTemp("", "pingap-store-")
	if err != nil {
		panic(err)
	}
	os.Setenv("XDG_CACHE_HOME", caches)
	code := leaktest.Run(m)
	os.RemoveAll(caches)
	os.Exit(code)
}

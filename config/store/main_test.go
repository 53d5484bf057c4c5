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
	leaktest.Main(m)
}

package app

import (
	"os"
	"testing"

	"pingap/leaktest"
)

// asProgram makes this test binary run as the program.
const asProgram = "PINGAP_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(Main(os.Args[1:], Process()))
	}
	leaktest.Main(m)
}

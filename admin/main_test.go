package admin

import (
	"os"
	"testing"

	"pingap/leaktest"
)

func TestMain(m *testing.M) { os.Exit(leaktest.Run(m)) }

package loop_test

import (
	"testing"

	"pingap/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

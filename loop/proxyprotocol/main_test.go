package proxyprotocol

import (
	"testing"

	"pingap/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

package e2e

import (
	"testing"

	"pingap/addresstest"
)

// freeAddr returns an address that nobody uses or will be given.
func freeAddr(t testing.TB) string {
	t.Helper()
	return addresstest.Free(t)
}

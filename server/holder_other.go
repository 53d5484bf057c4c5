//go:build !linux

package server

import "pingap/loop"

// holder names nobody: the system does not tell.
func holder(loop.Addr) string { return "" }

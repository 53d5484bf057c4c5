//go:build !linux

package server

import "pingap/loop"

// holder knows nobody: the system does not tell.
func holder(loop.Addr) (name string, pid int) { return "", 0 }

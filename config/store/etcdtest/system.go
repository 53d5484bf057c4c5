//go:build !linux

package etcdtest

import "syscall"

// dying does nothing where the system cannot end a child with its parent.
func dying() *syscall.SysProcAttr { return nil }

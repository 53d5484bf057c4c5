//go:build !linux

package app

// modestly runs work. Threads have no priority of their own here.
func modestly(work func()) { work() }

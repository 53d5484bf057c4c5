//go:build !profile

package main

// startProfile does nothing: the build with the tag profile writes one.
func startProfile() (stop func()) { return func() {} }

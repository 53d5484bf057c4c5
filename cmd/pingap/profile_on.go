//go:build profile

package main

import (
	"fmt"
	"os"
	"runtime/pprof"
)

// startProfile writes a CPU profile, up to the call of stop, to the file that
// PINGAP_CPU_PROFILE names. default.pgo is one: the compiler reads it to decide
// what to inline. `make profile` renews it.
func startProfile() (stop func()) {
	path := os.Getenv("PINGAP_CPU_PROFILE")
	f, err := os.Create(path)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "pingap: cannot profile:", err)
		return func() {}
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}
}

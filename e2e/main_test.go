package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"

	"pingap/leaktest"
)

// binary is the proxy under test, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if name := os.Getenv(attackVariable); name != "" {
		return runAttack(name)
	}
	dir, err := os.MkdirTemp("", "pingap-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "pingap")
	if err := build(binary); err != nil {
		fmt.Fprintln(os.Stderr, "build the proxy:", err)
		return 1
	}
	return leaktest.Run(m)
}

// build compiles the proxy the way this test was compiled.
func build(name string) error {
	args := []string{"build", "-o", name}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "-race" || s.Key == "-tags" {
				args = append(args, s.Key+"="+s.Value)
			}
		}
	}
	cmd := exec.Command("go", append(args, "pingap/cmd/pingap")...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// availableCores returns the cores that this process may use.
func availableCores() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("cores of this process: %w", err)
	}
	var cores []int
	for core := range len(set) * 64 {
		if set.IsSet(core) {
			cores = append(cores, core)
		}
	}
	return cores, nil
}

// startOn starts a command that is confined to some cores: it inherits that from
// the thread that starts it. It gets a session of its own, and with it a share
// of the cores that other programs do not dilute, if this process may arrange
// that; on a quiet machine it makes no difference.
func startOn(cmd *exec.Cmd, cores []int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, confined unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	for _, core := range cores {
		confined.Set(core)
	}
	if err := unix.SchedSetaffinity(0, &confined); err != nil {
		return fmt.Errorf("confine to cores %v: %w", cores, err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err := cmd.Start()
	if err == nil {
		// The nice value of a session counts against other sessions, that of a
		// process within its own alone. Where the kernel does not group
		// sessions, the file does not exist.
		os.WriteFile(fmt.Sprintf("/proc/%d/autogroup", cmd.Process.Pid), []byte("-20"), 0)
	}
	return errors.Join(err, unix.SchedSetaffinity(0, &before))
}

//go:build !linux

package main

import (
	"errors"
	"os/exec"
)

var errLinux = errors.New("measuring needs Linux: processes are pinned and their costs read from /proc")

func availableCores() ([]int, error) { return nil, errLinux }

func startOn(*exec.Cmd, []int) error { return errLinux }

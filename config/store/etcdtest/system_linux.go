package etcdtest

import "syscall"

// dying makes a child process end with the tests, however they end.
func dying() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

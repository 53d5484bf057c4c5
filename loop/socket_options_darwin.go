package loop

import "golang.org/x/sys/unix"

// TCP options by this system's numbers, 0 for those it does not have.
const (
	tcpKeepIdle        = unix.TCP_KEEPALIVE
	tcpKeepInterval    = unix.TCP_KEEPINTVL
	tcpKeepProbes      = unix.TCP_KEEPCNT
	tcpUserTimeout     = 0
	tcpFastOpen        = 0
	tcpFastOpenConnect = 0
)

package loop

// TCP options by this system's numbers, 0 for those it does not have.
const (
	tcpKeepIdle        = 0
	tcpKeepInterval    = 0
	tcpKeepProbes      = 0
	tcpUserTimeout     = 0
	tcpFastOpen        = 0
	tcpFastOpenConnect = 0
)

package plugin

import "time"

// Process is what plugins can tell of the process and its machine. What the system
// does not say is zero.
type Process struct {
	Hostname string
	Version  string // of Pingap
	Started  time.Time
	Resident int64 // bytes of memory in use by the process
	Memory   int64 // bytes that the machine has
	Used     int64 // bytes of them that are in use
	Cores    int   // of the processors, where a core may be several CPUs
	Threads  int   // of the operating system
	Files    int   // descriptors that are open
	TCP      int   // sockets of IPv4 on the machine, or in its network namespace
	TCP6     int   // those of IPv6
}

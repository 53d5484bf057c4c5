package telemetry

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"

	"pingap/plugin"
)

// began is when the process did, as nearly as it knows.
var began = time.Now()

// Process looks at the process and its machine. What Linux tells below /proc is
// not known elsewhere. It may take milliseconds where there are many sockets.
func Process(version string) plugin.Process {
	p := plugin.Process{Version: version, Started: began}
	p.Hostname, _ = os.Hostname()
	status, memory := fields("/proc/self/status"), fields("/proc/meminfo")
	p.Resident, p.Threads = kilobytes(status["VmRSS"]), int(number(status["Threads"]))
	p.Memory = kilobytes(memory["MemTotal"])
	p.Used = p.Memory - kilobytes(memory["MemAvailable"])
	p.Cores = cores(contentOf("/proc/cpuinfo"))
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		p.Files = len(open) - 1 // one is that of the directory
	}
	p.TCP, p.TCP6 = sockets("/proc/self/net/tcp"), sockets("/proc/self/net/tcp6")
	return p
}

// contentOf returns what a file holds, "" if there is none.
func contentOf(name string) string {
	content, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(content)
}

// fields reads lines such as "VmRSS:  1234 kB".
func fields(name string) map[string]string {
	all := make(map[string]string)
	for line := range strings.Lines(contentOf(name)) {
		key, value, _ := strings.Cut(line, ":")
		all[key] = strings.TrimSpace(value)
	}
	return all
}

// number reads the number that a text begins with.
func number(text string) int64 {
	digits, _, _ := strings.Cut(text, " ")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func kilobytes(text string) int64 { return number(text) << 10 }

// sockets counts those of a table, whose first line is a heading.
func sockets(name string) int {
	content, err := os.ReadFile(name)
	if err != nil {
		return 0
	}
	return max(0, bytes.Count(content, []byte("\n"))-1)
}

// cores counts the cores in a list of CPUs, each of which names its socket and its
// core there.
func cores(cpuinfo string) int {
	found := make(map[string]bool)
	socket := ""
	for line := range strings.Lines(cpuinfo) {
		key, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(key) {
		case "physical id":
			socket = value
		case "core id":
			found[socket+value] = true
		}
	}
	return len(found)
}

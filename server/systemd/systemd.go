// Package systemd speaks to the service manager that has started the process,
// where there is one: it takes the sockets that the manager has opened
// (socket activation), and tells it what the process is about (sd_notify). Both
// are a few lines of the environment and of text, see sd_listen_fds(3) and
// sd_notify(3).
package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// firstDescriptor is that of the first socket which systemd passes.
const firstDescriptor = 3

// maxDescriptors bounds how many sockets are taken.
const maxDescriptors = 4096

// Sockets returns the descriptors of the sockets that systemd has opened for
// this process, and clears the variables that speak of them, so that no other
// process takes them for its own. There are none without systemd, or when they
// are meant for another process.
func Sockets() ([]int, error) {
	pid, count := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"} {
		os.Unsetenv(name)
	}
	if count == "" || pid != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > maxDescriptors {
		return nil, fmt.Errorf("the environment variable LISTEN_FDS is %q; it is how many sockets systemd passes", count)
	}
	var fds []int
	for fd := firstDescriptor; fd < firstDescriptor+n; fd++ {
		fds = append(fds, fd)
	}
	return fds, nil
}

// Manager is a service manager that wants to hear from the process. Methods of
// nil do nothing, so that nobody has to ask whether there is one.
type Manager struct{ address string }

// FromEnvironment returns the manager that NOTIFY_SOCKET names; nil when there
// is none.
func FromEnvironment() *Manager {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" || address[0] != '/' && address[0] != '@' {
		return nil
	}
	return &Manager{address}
}

// Ready says that the process serves, as after its start, or again after
// Reloading.
func (m *Manager) Ready(status string) error {
	return m.send("READY=1", "STATUS="+status)
}

// Reloading says that the configuration is being read again; Ready ends it.
func (m *Manager) Reloading() error {
	now, err := monotonic()
	if err != nil {
		return err
	}
	return m.send("RELOADING=1", "MONOTONIC_USEC="+strconv.FormatInt(now.Microseconds(), 10))
}

// Stopping says that the process is about to end.
func (m *Manager) Stopping() error { return m.send("STOPPING=1") }

// MainPID says that another process has taken this one's place: systemd looks
// after that from now on, and this one may end.
func (m *Manager) MainPID(pid int) error { return m.send("MAINPID=" + strconv.Itoa(pid)) }

// Status gives a line for systemctl status.
func (m *Manager) Status(text string) error { return m.send("STATUS=" + text) }

// sendTimeout is how long the manager may take to take a message.
const sendTimeout = time.Second

// send sends assignments, which are lines of one datagram.
func (m *Manager) send(assignments ...string) error {
	if m == nil {
		return nil
	}
	for i, a := range assignments {
		assignments[i] = strings.ReplaceAll(a, "\n", " ")
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: m.address, Net: "unixgram"})
	if err == nil {
		conn.SetDeadline(time.Now().Add(sendTimeout))
		_, err = conn.Write([]byte(strings.Join(assignments, "\n") + "\n"))
		err = errors.Join(err, conn.Close())
	}
	if err != nil {
		return fmt.Errorf("tell systemd at %s: %w", m.address, err)
	}
	return nil
}

// Package handover passes the listening sockets of a process to the one that
// replaces it, so that a new program begins to serve before the old one stops,
// and no connection is refused in between.
//
// The old process opens an Offer at the path of a Unix socket, the new one
// calls Take with the same path; either may come first. The old process sends
// its descriptors and goes on accepting. When the new one accepts too it says
// so with Taken.Ready, and only then does Offer.Wait return and the old process
// stop. If the new one ends, or says nothing for too long, the old one stays.
//
// Both sides ask the system whose process the other is, and speak only with
// their own user's and with root's.
package handover

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// version is that of the conversation. What stands before the version in
	// a message is the same in all versions.
	version = 1
	// batch is how many descriptors one message carries; Linux takes 253.
	batch = 128
	// maxDescriptors bounds what one process hands to another.
	maxDescriptors = 4096
	// stepTimeout is how long the other side may take to answer when it has
	// nothing else to do.
	stepTimeout = 5 * time.Second
	// readyTimeout is how long a new process may take to become ready, once it
	// has the descriptors.
	readyTimeout = 2 * time.Minute
)

// The kinds of messages, in the order in which they are sent.
const (
	hello       uint16 = 1 + iota // new to old
	descriptors                   // old to new, as often as needed
	ready                         // new to old: it accepts connections
	farewell                      // old to new: it stops accepting
)

// kindNames are for messages of errors.
var kindNames = map[uint16]string{hello: "greeting", descriptors: "descriptors", ready: "word that it is ready", farewell: "farewell"}

// message is what one packet holds, beside descriptors.
type message struct {
	version uint16
	kind    uint16
	total   uint32 // how many descriptors there are in all packets together
	kept    uint32 // the first so many of them have paths that are somebody else's
}

// magic begins each message.
const magic = "pingap/h"

const messageSize = len(magic) + 12

func (m message) bytes() []byte {
	b := append(make([]byte, 0, messageSize), magic...)
	b = binary.BigEndian.AppendUint16(b, m.version)
	b = binary.BigEndian.AppendUint16(b, m.kind)
	b = binary.BigEndian.AppendUint32(b, m.total)
	return binary.BigEndian.AppendUint32(b, m.kept)
}

var errNonsense = errors.New("the other process sent a message that makes no sense")

func parse(b []byte) (message, error) {
	if len(b) < len(magic)+2 || string(b[:len(magic)]) != magic {
		return message{}, errors.New("the other side does not hand over listeners")
	}
	b = b[len(magic):]
	if v := binary.BigEndian.Uint16(b); v != version {
		return message{}, fmt.Errorf("the other process speaks version %d of the handover, this one version %d: stop the old process, then start the new one without --upgrade", v, version)
	}
	if len(b) != messageSize-len(magic) {
		return message{}, errNonsense
	}
	m := message{version, binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])}
	if m.total > maxDescriptors || m.kept > m.total {
		return message{}, errNonsense
	}
	return m, nil
}

// errSilent is when the other side has not ended, but says nothing.
var errSilent = errors.New("nothing came")

// channel is one side of a conversation.
type channel struct{ *net.UnixConn }

// say writes a message of a kind that has nothing to add.
func (c channel) say(kind uint16, timeout time.Duration) error {
	return c.send(message{version: version, kind: kind}, nil, timeout)
}

// send writes one message, with descriptors.
func (c channel) send(m message, fds []int, timeout time.Duration) error {
	if err := c.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	_, _, err := c.WriteMsgUnix(m.bytes(), rights, nil)
	if err != nil {
		return fmt.Errorf("send the %s: %w", kindNames[m.kind], err)
	}
	return nil
}

// receive reads the next message, which must be of the kind. The descriptors
// that came with it are the caller's, and there are none with an error.
func (c channel) receive(kind uint16, timeout time.Duration) (message, []int, error) {
	m, fds, err := c.read(timeout)
	if err == nil && m.kind != kind {
		err = fmt.Errorf("the other process sent something else")
	}
	if err != nil {
		closeAll(fds)
		return m, nil, fmt.Errorf("wait for the %s: %w", kindNames[kind], err)
	}
	return m, fds, nil
}

func (c channel) read(timeout time.Duration) (message, []int, error) {
	if err := c.SetDeadline(time.Now().Add(timeout)); err != nil {
		return message{}, nil, err
	}
	packet := make([]byte, messageSize+1) // one more, to notice what is too long
	rights := make([]byte, unix.CmsgSpace(4*batch))
	n, r, flags, _, err := c.ReadMsgUnix(packet, rights)
	fds, rightsErr := unpack(rights[:r])
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("%w within %v", errSilent, timeout)
	case err == nil && n == 0, errors.Is(err, io.EOF):
		err = errors.New("the other process has ended, or given up")
	case err == nil && flags&unix.MSG_CTRUNC != 0:
		err = errors.New("a message came without all of its descriptors; is the limit of open files (ulimit -n) too low?")
	case err == nil:
		err = rightsErr
	}
	if err != nil {
		return message{}, fds, err
	}
	m, err := parse(packet[:n])
	return m, fds, err
}

// unpack returns the descriptors in a control message.
func unpack(rights []byte) (fds []int, err error) {
	messages, err := unix.ParseSocketControlMessage(rights)
	for i := range messages {
		more, e := unix.ParseUnixRights(&messages[i])
		fds, err = append(fds, more...), errors.Join(err, e)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
	}
	return fds, err
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// check refuses a peer that belongs neither to this process's user, nor to
// root, nor to one of the others. It returns the number of its process.
func (c channel) check(others ...int) (pid int, err error) {
	uid, pid, err := credentials(c.UnixConn)
	if err != nil {
		return 0, fmt.Errorf("ask whose process the other is: %w", err)
	}
	for _, good := range append(others, 0, os.Geteuid()) {
		if uid == good {
			return pid, nil
		}
	}
	return pid, fmt.Errorf("process %d on the other side belongs to user %d; only user %d and root may hand over to each other", pid, uid, os.Geteuid())
}

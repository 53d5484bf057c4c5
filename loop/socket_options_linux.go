package loop

import "golang.org/x/sys/unix"

const tcpKeepIdle = unix.TCP_KEEPIDLE

func (o *SocketOptions) platformList() []option {
	var list []option
	if o.UserTimeout > 0 {
		list = append(list, option{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(o.UserTimeout.Milliseconds())})
	}
	return list
}

// setFastOpenConnect lets connect return at once and the first write carry data
// in the SYN, for peers that gave a cookie before. Where the kernel does not
// know it, connections are made as usual.
func setFastOpenConnect(fd int) {
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_FASTOPEN_CONNECT, 1)
}

// setFastOpenListen sets how many connections may wait that came with data.
func setFastOpenListen(fd, queue int) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_FASTOPEN, queue)
}

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

// fastOpenConnect lets connect return at once and the first write carry data
// in the SYN.
const fastOpenConnect = unix.TCP_FASTOPEN_CONNECT

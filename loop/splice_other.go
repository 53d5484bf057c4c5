//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package loop

import "errors"

// kernelPipe does not exist on this system.
type kernelPipe struct{}

func (*kernelPipe) close() {}

// Splice returns errors.ErrUnsupported: on this system bytes are copied. On
// Linux it moves n bytes (n < 0: all until the end) from src to dst within the
// kernel.
func (l *Loop) Splice(dst, src *Conn, n int64, within SpliceLimits) (int64, error) {
	return 0, errors.ErrUnsupported
}

package loop

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// pipeSize is how much a pipe of the kernel's holds. Moving a byte costs less
// the more go at a time, and this is what the kernel gives an unprivileged user.
// When he has too many pipes he gets smaller ones, which are worth using down
// to leastPipe.
const (
	pipeSize  = 1 << 20
	leastPipe = 64 << 10
)

// keptPipes bounds the spare pipes of a loop, and keptPipesFor how long they
// are kept when nobody wants one.
const (
	keptPipes    = 16
	keptPipesFor = time.Second
)

// kernelPipe is what bytes pass through on their way from one socket to another.
type kernelPipe struct{ read, write int }

// Splice moves n bytes (n < 0: all until the end) from src to dst without
// copying them through the process, behind what is pending on dst. It parks
// while src has nothing, each time for at most within.Read, and while dst has
// no room, each time for at most within.Write, and returns how many bytes dst
// has taken. Nobody else may read src or write dst meanwhile.
//
// Where it is dst that has failed, the error is a *SpliceWriteError. An end of
// src before n bytes is io.ErrUnexpectedEOF. An error that wraps
// errors.ErrUnsupported means that the system cannot do it, or not now: nothing
// is lost, and the rest can be copied. After any other error bytes may have
// been taken from src that dst has not got: both connections are to be aborted.
func (l *Loop) Splice(dst, src *Conn, n int64, within SpliceLimits) (int64, error) {
	if dst.layer != nil || src.layer != nil {
		return 0, fmt.Errorf("splice: %w through a layer", errors.ErrUnsupported)
	}
	s := splice{loop: l, dst: dst, src: src, wanted: n, within: within}
	s.limitWrite()
	if err := dst.Flush(); err != nil {
		return 0, &SpliceWriteError{err}
	}
	dst.midWrite = true
	err := s.run()
	dst.midWrite = false
	s.releasePipe()
	return s.moved, err
}

// splice is one call of Splice. Its pipe is empty whenever it waits for src:
// that tells an empty socket from a full pipe, and a silent tunnel holds none.
type splice struct {
	loop     *Loop
	dst, src *Conn
	within   SpliceLimits
	wanted   int64 // bytes in all; negative: up to the end
	moved    int64
	pipe     *kernelPipe
	inPipe   int
}

func (s *splice) run() error {
	for s.moved != s.wanted {
		err := s.fill()
		if err == io.EOF && s.wanted < 0 || err == ErrWouldBlock {
			return nil
		}
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		n := s.inPipe
		if err := s.empty(); err != nil {
			return &SpliceWriteError{err}
		}
		s.loop.Spend(n)
	}
	return nil
}

// fill moves bytes from src into the pipe, parking until there are some; or, if
// that is not wanted, it returns ErrWouldBlock.
func (s *splice) fill() error {
	for {
		err := s.tryFill()
		if err != ErrWouldBlock {
			return err
		}
		s.releasePipe()
		if s.within.UntilDry {
			return err
		}
		if s.within.Read > 0 {
			s.src.SetReadDeadlineAt(s.loop.now + int64(s.within.Read))
		}
		if err := s.src.WaitReadable(); err != nil {
			return err
		}
	}
}

func (s *splice) tryFill() error {
	c := s.src
	if c.closed {
		return net.ErrClosed
	}
	if !c.readable {
		return ErrWouldBlock
	}
	if err := s.takePipe(); err != nil {
		return err
	}
	most := int64(pipeSize)
	if s.wanted >= 0 {
		most = min(most, s.wanted-s.moved)
	}
	n, e := sysSplice(int(c.fd), s.pipe.write, int(most))
	switch {
	case e == syscall.EAGAIN:
		c.readable = false
		return ErrWouldBlock
	case e == syscall.EINVAL:
		return fmt.Errorf("splice: %w on this connection", errors.ErrUnsupported)
	case e != 0:
		return errno("splice", e)
	case n == 0:
		return c.readEnd()
	}
	s.inPipe = n
	return nil
}

// empty moves what is in the pipe to dst, parking while there is no room.
func (s *splice) empty() error {
	for s.inPipe > 0 {
		n, err := s.tryEmpty()
		if err == ErrWouldBlock {
			s.limitWrite()
			err = s.dst.waitWritable()
		}
		if err != nil {
			return err
		}
		s.inPipe -= n
		s.moved += int64(n)
	}
	return nil
}

// limitWrite bounds the next wait for room.
func (s *splice) limitWrite() {
	if s.within.Write > 0 {
		s.dst.SetWriteDeadlineAt(s.loop.now + int64(s.within.Write))
	}
}

func (s *splice) tryEmpty() (int, error) {
	c := s.dst
	if err := c.mayWrite(); err != nil {
		return 0, err
	}
	n, e := sysSplice(s.pipe.read, int(c.fd), s.inPipe)
	if e != 0 {
		return 0, c.writeFailed("splice", e)
	}
	return n, nil
}

// takePipe takes a pipe from the loop, or makes one.
func (s *splice) takePipe() error {
	if s.pipe != nil {
		return nil
	}
	spare := s.loop.pipes
	if last := len(spare) - 1; last >= 0 {
		s.pipe, s.loop.pipes = spare[last], spare[:last]
		return nil
	}
	p, err := newPipe()
	if err != nil {
		return fmt.Errorf("splice: %w without a pipe: %w", errors.ErrUnsupported, err)
	}
	s.pipe = p
	return nil
}

func newPipe() (*kernelPipe, error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	p := &kernelPipe{ends[0], ends[1]}
	unix.FcntlInt(uintptr(p.write), unix.F_SETPIPE_SZ, pipeSize)
	if size, err := unix.FcntlInt(uintptr(p.write), unix.F_GETPIPE_SZ, 0); err != nil || size < leastPipe {
		p.close()
		return nil, fmt.Errorf("the user's pipes have no more than %d bytes left for this one", size)
	}
	return p, nil
}

// releasePipe gives the pipe back to the loop, unless bytes are stuck in it.
func (s *splice) releasePipe() {
	p, l := s.pipe, s.loop
	s.pipe = nil
	switch {
	case p == nil:
	case s.inPipe > 0 || len(l.pipes) >= keptPipes:
		p.close()
	default:
		l.pipes = append(l.pipes, p)
		l.Arm(&l.pipeRest, keptPipesFor)
	}
}

func (p *kernelPipe) close() {
	unix.Close(p.read)
	unix.Close(p.write)
}

func sysSplice(from, to, n int) (int, syscall.Errno) {
	const flags = unix.SPLICE_F_MOVE | unix.SPLICE_F_NONBLOCK
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(n), flags)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

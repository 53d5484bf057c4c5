package loop

import "net"

// Layer stands between a connection's user and its socket: what is read is what
// the layer has opened, and what is written is sealed by it. TLS is one. None of
// its methods parks or blocks, and all are called on the connection's loop.
type Layer interface {
	// Open reads what is there into p, taking from the socket by
	// Conn.TryReadRaw. It returns ErrWouldBlock only when that has.
	Open(p []byte) (int, error)
	// Seal gives what stands for p on the wire to Conn.AppendRaw.
	Seal(p []byte) error
	// SealEnd does so for the end of what is written.
	SealEnd() error
}

// layered is what a connection with a layer has more than one without.
type layered struct {
	Layer
	sealed *output // not yet taken by the kernel
	more   bool    // the layer may have opened more than was read
	ended  bool    // SealEnd was called
}

// sealAtOnce is how much is sealed before it is sent: a few records, so that a
// slow peer holds little memory.
const sealAtOnce = 64 << 10

// SetLayer puts a layer on the connection. What is pending has been written by
// the layer itself, such as a handshake, and leaves as it is.
func (c *Conn) SetLayer(layer Layer) {
	c.layer = &layered{Layer: layer, sealed: c.out, more: true}
	c.out = nil
}

// Layer returns what SetLayer has set, or nil.
func (c *Conn) Layer() Layer {
	if c.layer == nil {
		return nil
	}
	return c.layer.Layer
}

// AppendRaw adds p to what goes to the kernel, for the layer itself. It never
// parks and knows no limit.
func (c *Conn) AppendRaw(p []byte) {
	if c.closed {
		return
	}
	o := c.loop.roomFor(c.layer.sealed, len(p))
	o.buf = append(o.buf, p...)
	c.layer.sealed = o
}

// tryOpen is TryRead through the layer.
func (c *Conn) tryOpen(p []byte) (int, error) {
	c.loop.mustBeHere()
	if c.closed {
		return 0, net.ErrClosed
	}
	n, err := c.layer.Open(p)
	c.layer.more = err != ErrWouldBlock
	if c.layer.sealed.pending() > 0 {
		c.cork() // what the layer has to answer
	}
	return n, err
}

// sendSealed is sendAll through the layer. Bytes count as gone once they are
// sealed.
func (c *Conn) sendSealed(a, b []byte) (done int64, err error) {
	for {
		n, err := c.seal(a, b)
		done += int64(n)
		if err != nil {
			return done, err
		}
		a, n = advance(a, n)
		b, _ = advance(b, n)
		if c.Pending() == 0 {
			return done, nil
		}
		c.midWrite = len(a)+len(b) > 0
		n, err = c.sendRaw()
		if err == ErrWouldBlock {
			err = c.waitWritable()
		}
		if err != nil {
			return done, err
		}
		more := c.midWrite || c.Pending() > 0
		c.loop.Spend(n)
		if more && c.closed { // by somebody who had a turn meanwhile
			return done, net.ErrClosed
		}
	}
}

// seal seals what is corked, and then of a and b what may go at once. It returns
// how much of those it has taken.
func (c *Conn) seal(a, b []byte) (taken int, err error) {
	if err := c.sealCorked(); err != nil {
		return 0, err
	}
	for _, p := range [...][]byte{a, b} {
		k := min(len(p), max(sealAtOnce-c.layer.sealed.pending(), 0))
		if k == 0 {
			continue
		}
		if err := c.layer.Seal(p[:k]); err != nil {
			return taken, err
		}
		taken += k
		if k < len(p) {
			break
		}
	}
	return taken, nil
}

// sealCorked seals what is corked, unless much is sealed already.
func (c *Conn) sealCorked() error {
	if c.out == nil || c.layer.sealed.pending() >= sealAtOnce {
		return nil
	}
	err := c.layer.Seal(c.unsent())
	c.dropOutput()
	return err
}

// sendRaw sends what is sealed, without waiting.
func (c *Conn) sendRaw() (int, error) {
	o := c.layer.sealed
	if o.pending() == 0 {
		return 0, nil
	}
	if err := c.mayWrite(); err != nil {
		return 0, err
	}
	n, e := sysWrite(int(c.fd), o.buf[o.sent:])
	n, err := c.sent(n, o.pending(), e)
	if o.sent += n; o.pending() == 0 {
		c.dropSealed()
	}
	return n, err
}

// flushSealed is flushNow through the layer.
func (c *Conn) flushSealed() {
	for {
		err := c.sealCorked()
		if err == nil {
			_, err = c.sendRaw()
		}
		if err != nil && err != ErrWouldBlock {
			c.dropOutput()
			c.dropSealed()
		}
		if err != nil || c.Pending() == 0 {
			return
		}
	}
}

// sealEnd seals the end of what is written, once. Nothing may be corked.
func (c *Conn) sealEnd() error {
	if c.layer.ended {
		return nil
	}
	c.layer.ended = true
	return c.layer.SealEnd()
}

func (c *Conn) dropSealed() {
	if c.layer.sealed != nil {
		c.loop.freeOutput(c.layer.sealed)
		c.layer.sealed = nil
	}
}

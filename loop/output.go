package loop

import "slices"

// Output to a connection is corked: Append gathers it in a buffer, which leaves
// in one system call with the next Write, or when the coroutine parks or ends. On
// connections that gather, it waits for the end of the loop's turn, see Conn.Gather.

// output is what a connection has yet to send. It exists only while there is
// something, so that an idle connection does not pay for it.
type output struct {
	buf  []byte // a Buffer of the loop
	sent int    // bytes at the start of buf that are done
}

// outputLimit is how much Append gathers before it waits for the peer.
const outputLimit = 64 << 10

// gatherLimit is how much output waits for the end of the turn: a system call
// costs little beside more of it.
const gatherLimit = 16 << 10

// keptOutputs bounds the spare outputs of a loop.
const keptOutputs = 1024

// unsent returns what the kernel has not taken yet.
func (c *Conn) unsent() []byte {
	if c.out == nil {
		return nil
	}
	return c.out.buf[c.out.sent:]
}

// pending returns how many bytes are not done; o may be nil.
func (o *output) pending() int {
	if o == nil {
		return 0
	}
	return len(o.buf) - o.sent
}

// Pending returns how many bytes wait for the kernel to take them.
func (c *Conn) Pending() int {
	if c.layer != nil {
		return len(c.unsent()) + c.layer.sealed.pending()
	}
	return len(c.unsent())
}

// Append adds p to the output, to leave with what follows. It parks only when
// more is pending than a connection may hold.
func (c *Conn) Append(p []byte) (int, error) {
	if c.closed || c.Pending()+len(p) > outputLimit {
		return c.Write(p)
	}
	c.SetOutput(append(c.Output(len(p)), p...))
	return len(p), nil
}

// Output returns the pending output with room for n more bytes. The caller
// appends to it and hands it back with SetOutput, before anything else is done
// with the connection: writing in place saves a copy. It never parks and knows
// no limit; that is up to the caller. While another coroutine is in the middle
// of a Write the order would be lost, so it panics; during a Flush it is fine.
func (c *Conn) Output(n int) []byte {
	if c.closed {
		return nil
	}
	if c.midWrite {
		panic("loop: output in the middle of another coroutine's write")
	}
	c.out = c.loop.roomFor(c.out, n)
	return c.out.buf
}

// roomFor returns o, or a new output if that is nil, with room for n more
// bytes.
func (l *Loop) roomFor(o *output, n int) *output {
	if o == nil {
		return l.newOutput(n)
	}
	if cap(o.buf)-len(o.buf) < n {
		grown := append(l.Buffer(o.pending() + n)[:0], o.buf[o.sent:]...)
		l.Release(o.buf)
		o.buf, o.sent = grown, 0
	}
	return o
}

// SetOutput takes back what Output returned, longer.
func (c *Conn) SetOutput(out []byte) {
	if c.out == nil {
		return // closed
	}
	c.out.buf = out
	c.cork()
}

// corked says when pending output leaves by itself.
type corked uint8

const (
	uncorked    corked = iota
	forTurn            // in the loop's list gathered: at the end of the turn
	forCallback        // in its list dirty: when the coroutine parks or ends
)

// cork makes the loop send what is pending.
func (c *Conn) cork() {
	l := c.loop
	switch {
	case c.corked == forCallback:
	case !c.gathers || len(c.unsent()) >= gatherLimit:
		c.corked = forCallback
		l.dirty = append(l.dirty, c)
	case c.corked == uncorked:
		c.corked = forTurn
		l.gathered = append(l.gathered, c)
	}
}

func (l *Loop) newOutput(n int) *output {
	var o *output
	if last := len(l.outputs) - 1; last >= 0 {
		o, l.outputs = l.outputs[last], l.outputs[:last]
	} else {
		o = new(output)
	}
	o.buf = l.Buffer(n)[:0]
	return o
}

// consume takes n sent bytes off the pending output and returns what is left of
// n.
func (c *Conn) consume(n int) int {
	if c.out == nil {
		return n
	}
	k := min(n, c.out.pending())
	c.out.sent += k
	if c.out.pending() == 0 {
		c.dropOutput()
	}
	return n - k
}

// dropOutput gives the output's buffer back.
func (c *Conn) dropOutput() {
	if c.out == nil {
		return
	}
	c.loop.freeOutput(c.out)
	c.out = nil
}

// freeOutput takes an output back, with its buffer.
func (l *Loop) freeOutput(o *output) {
	l.Release(o.buf)
	*o = output{}
	if len(l.outputs) < keptOutputs {
		l.outputs = append(l.outputs, o)
	}
}

// flushDirty sends what coroutines have appended, as far as it goes without
// waiting. What remains goes when the poller says that there is room.
func (l *Loop) flushDirty() {
	if len(l.dirty) > 0 {
		l.dirty = l.flushAll(l.dirty)
	}
}

// flushAll flushes the connections of a list, and empties it.
func (l *Loop) flushAll(list []*Conn) []*Conn {
	for i, c := range list {
		list[i] = nil
		c.corked = uncorked
		if c.writer == nil {
			c.flushNow()
			if c.gathers && c.Pending() > 0 {
				l.stalled = append(l.stalled, c)
			}
		}
	}
	return list[:0]
}

// flushNow sends pending output without waiting. An error shows at the next
// write.
func (c *Conn) flushNow() {
	if c.layer != nil {
		c.flushSealed()
		return
	}
	if c.out.pending() == 0 {
		c.dropOutput()
		return
	}
	n, err := c.trySend(c.unsent(), nil, nil)
	if err != nil && err != ErrWouldBlock {
		c.dropOutput()
		return
	}
	c.consume(n)
}

// uncork takes the connection off the lists of those to flush.
func (c *Conn) uncork() {
	l := c.loop
	if c.corked == forCallback {
		l.dirty = without(l.dirty, c)
	}
	if c.gathers {
		l.gathered = without(l.gathered, c)
	}
	c.corked = uncorked
}

// without takes a connection out of a list, as often as it is there.
func without(list []*Conn, c *Conn) []*Conn {
	return slices.DeleteFunc(list, func(other *Conn) bool { return other == c })
}

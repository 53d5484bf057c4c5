package loop

import (
	"bytes"
	"runtime"
	"strconv"
	"sync"
)

// crew is the set of goroutines that a loop's work runs on: its own, and one
// for each coroutine, of which one runs at a time. The watchdog needs it to
// find a loop's goroutine in a dump of all, and the poison build to see whether
// a method is called on the loop.
type crew struct {
	mu      sync.Mutex
	members map[uint64]struct{} // by number; nil before the loop runs
	line    [64]byte
}

// join adds the calling goroutine and returns its number.
func (c *crew) join() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.members == nil {
		c.members = map[uint64]struct{}{}
	}
	id := c.caller()
	c.members[id] = struct{}{}
	return id
}

func (c *crew) leave(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.members, id)
}

func (c *crew) has(id uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.members[id]
	return ok
}

// caller returns the number of the calling goroutine. The runtime tells it in
// the first line of a stack dump alone: "goroutine 42 [running]:".
func (c *crew) caller() uint64 {
	id, _ := parseGoroutine(c.line[:runtime.Stack(c.line[:], false)])
	return id
}

// parseGoroutine reads the first line of a goroutine's stack dump: its number,
// and what it is doing.
func parseGoroutine(dump []byte) (id uint64, state []byte) {
	line, _, _ := bytes.Cut(dump, []byte("\n"))
	line = bytes.TrimPrefix(line, []byte("goroutine "))
	number, rest, _ := bytes.Cut(line, []byte(" "))
	id, _ = strconv.ParseUint(string(number), 10, 64)
	_, rest, _ = bytes.Cut(rest, []byte("["))
	rest, _, _ = bytes.Cut(rest, []byte("]"))
	// A goroutine that has waited for long shows its time: "[select, 3 minutes]".
	state, _, _ = bytes.Cut(rest, []byte(","))
	return id, state
}

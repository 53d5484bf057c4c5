package loop

// What tests need to see of the inside.

// FD returns the connection's descriptor.
func (c *Conn) FD() int { return int(c.fd) }

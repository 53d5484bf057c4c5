package http2

// nearTunnel is a stream as the near end of a tunnel.
type nearTunnel exchange

// Next returns the next bytes of the client.
func (n *nearTunnel) Next() ([]byte, error) { return (*exchange)(n).Next() }

// Write sends p to the client.
func (n *nearTunnel) Write(p []byte) (int, error) {
	if err := n.send(p, false); err != nil {
		return 0, err
	}
	n.x.Sent += int64(len(p))
	return len(p), nil
}

// CloseWrite tells the client that nothing more comes.
func (n *nearTunnel) CloseWrite() error { return n.send(nil, true) }

// Close ends both directions.
func (n *nearTunnel) Close() { n.abort(Cancel, "the tunnel has ended") }

// Abort does the same: a stream that has not ended ends with a reset.
func (n *nearTunnel) Abort() { n.abort(Cancel, "the tunnel has ended") }

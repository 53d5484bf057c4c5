package http2

import (
	"io"
	"testing"

	wire "golang.org/x/net/http2"

	"pingap/loop/looptest"
	"pingap/message"
)

// uploading is a client that sends whatever it may on some streams, and notes how
// much it was ever allowed to send at once.
type uploading struct {
	*attacker
	conn       int64 // what it may send, by the window of the connection
	mostConn   int64
	streams    map[uint32]int64
	mostStream int64
	sent       int64
}

func newUploading(a *attacker, streams int) *uploading {
	u := &uploading{attacker: a, conn: firstWindow, streams: map[uint32]int64{}}
	for i := range streams {
		id := uint32(2*i + 1)
		u.open(id, false, append([]string{":method", "POST"}, usual[2:]...)...)
		u.streams[id] = -1 // SETTINGS tell
	}
	return u
}

// upload sends until so much is gone.
func (u *uploading) upload(total int64) {
	u.t.Helper()
	chunk := make([]byte, leastMaxFrame)
	for u.sent < total {
		for id, left := range u.streams {
			n := min(left, u.conn, int64(len(chunk)))
			if n <= 0 {
				continue
			}
			if err := u.WriteData(id, false, chunk[:n]); err != nil {
				u.t.Fatal(err)
			}
			u.streams[id] -= n
			u.conn -= n
			u.sent += n
		}
		if u.stuck() {
			u.read()
		}
	}
}

// stuck reports whether nothing may be sent.
func (u *uploading) stuck() bool {
	for _, left := range u.streams {
		if min(left, u.conn) > 0 {
			return false
		}
	}
	return true
}

// read takes a frame.
func (u *uploading) read() {
	u.t.Helper()
	f, err := u.ReadFrame()
	if err != nil {
		u.t.Fatal(err)
	}
	switch f := f.(type) {
	case *wire.SettingsFrame:
		if v, ok := f.Value(wire.SettingInitialWindowSize); ok {
			for id := range u.streams {
				u.streams[id] = int64(v)
			}
		}
	case *wire.WindowUpdateFrame:
		if f.StreamID == 0 {
			u.conn += int64(f.Increment)
			u.mostConn = max(u.mostConn, u.conn)
			return
		}
		u.streams[f.StreamID] += int64(f.Increment)
		u.mostStream = max(u.mostStream, u.streams[f.StreamID])
	}
}

// discard reads a request to its end.
func discard(x *message.Exchange) error {
	for {
		if _, err := x.Request.Body.Next(); err == io.EOF {
			x.Response.Status = 200
			return nil
		} else if err != nil {
			return err
		}
	}
}

// A window is what a path can hold while the sender waits to hear from the other
// end: 64 KiB would be 5 MB/s at 12 ms. That of a stream whose reader keeps up
// grows to its bound, and not beyond.
func TestWindowGrowsForAReaderThatKeepsUp(t *testing.T) {
	u := newUploading(attack(t, &Server{Handler: message.HandlerFunc(discard)}), 1)
	u.upload(64 << 20)
	if u.mostStream > mostStreamWindow || u.mostStream < mostStreamWindow/2 {
		t.Errorf("the stream's window was %d at most, of %d", u.mostStream, mostStreamWindow)
	}
	if most := int64(128*streamWindow + windowGrowth + windowSlack); u.mostConn > most || u.mostConn < most/2 {
		t.Errorf("the connection's window was %d at most, of %d", u.mostConn, most)
	}
}

// What one stream gets is not there for another: all of them together are bounded,
// and what a stream had is there for others when it has ended.
func TestWindowsOfManyStreamsAreBoundedTogether(t *testing.T) {
	const streams = 20
	l := looptest.New(t)
	s := &Server{Handler: message.HandlerFunc(discard)}
	u := newUploading(attackAt(t, serveOn(t, s, l)), streams)
	u.upload(256 << 20)
	look := func(see func(c *serverConn)) {
		looptest.Do(t, l, func() {
			for c := range s.fronts.On(l, nil).conns {
				see(c)
			}
		})
	}
	look(func(c *serverConn) {
		grown := int64(0)
		for _, s := range c.streams {
			grown += s.window - streamWindow
			if s.window > mostStreamWindow {
				t.Errorf("a window of %d", s.window)
			}
		}
		if grown > windowGrowth || grown < windowGrowth/2 || c.windows.growth != windowGrowth-grown {
			t.Errorf("the windows have grown by %d of %d, and may by %d", grown, windowGrowth, c.windows.growth)
		}
	})
	for id := range u.streams {
		u.WriteData(id, true, nil)
	}
	eventually(t, "all exchanges end", func() bool { return s.Active() == 0 })
	look(func(c *serverConn) {
		if c.windows.growth != windowGrowth {
			t.Errorf("the windows of no stream may grow by %d, want %d", c.windows.growth, windowGrowth)
		}
	})
}

// A stream whose reader is slow is given no more than it begins with.
func TestWindowDoesNotGrowForAReaderThatDoesNotKeepUp(t *testing.T) {
	release := make(chan struct{})
	u := newUploading(attack(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.Loop.Await(func() { <-release })
		return discard(x)
	})}), 1)
	u.upload(streamWindow)
	// What would come besides is there before the answer to this.
	u.WritePing(false, [8]byte{})
	for {
		f, err := u.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if w, ok := f.(*wire.WindowUpdateFrame); ok && w.StreamID != 0 {
			t.Errorf("the window grows by %d", w.Increment)
		}
		if p, ok := f.(*wire.PingFrame); ok && p.IsAck() {
			break
		}
	}
	close(release)
	u.upload(streamWindow + 1)
}

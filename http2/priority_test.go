package http2

import (
	"encoding/binary"
	"slices"
	"testing"

	wire "golang.org/x/net/http2"

	"pingap/message"
)

func TestPriorityFields(t *testing.T) {
	for value, want := range map[string]priority{
		"":               {3, false},
		"u=0":            {0, false},
		"u=7, i":         {7, true},
		"i":              {3, true},
		"i=?1":           {3, true},
		"i=?0":           {3, false},
		"i,u=1":          {1, true},
		"u=1 ,\ti":       {1, true},
		"u=5,u=2":        {2, false},
		"i, i=?0":        {3, false},
		"u=2;x=1, i;y":   {2, true},
		"u=8":            {3, false},
		"u=-1":           {3, false},
		"u=a":            {3, false},
		"u=12":           {3, false},
		"i=1":            {3, false},
		"new=7, u=1, U=": {1, false},
	} {
		if got := parsePriority(value); got != want {
			t.Errorf("%q is %+v, want %+v", value, got, want)
		}
	}
}

// largeAnswers answers with more than the windows let through at once.
func largeAnswers(x *message.Exchange) error {
	x.Response.Status, x.Response.Length = 200, 1<<20
	x.Response.Body = x.BytesBody(make([]byte, 1<<20))
	return nil
}

// starved is a client whose connection's window is used up by stream 1, so that
// what it grants shows whose turn it is. The streams after it have these
// priorities: 3, 5 and so on.
func starved(t *testing.T, priorities ...string) *attacker {
	a := attack(t, &Server{Handler: message.HandlerFunc(largeAnswers)})
	// None of the streams is held up by a window of its own.
	a.WriteSettings(wire.Setting{ID: wire.SettingInitialWindowSize, Val: 4 << 20})
	a.open(1, true, append(append([]string{}, usual...), "priority", "u=7")...)
	a.content(1, firstWindow)
	for i, p := range priorities {
		a.open(uint32(2*i+3), true, append(append([]string{}, usual...), "priority", p)...)
	}
	// All of them wait by the time that all of their heads are here.
	for heads := 0; heads < len(priorities); {
		f, err := a.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := f.(*wire.HeadersFrame); ok {
			heads++
		}
	}
	return a
}

// reprioritize sends PRIORITY_UPDATE.
func (a *attacker) reprioritize(id uint32, value string) error {
	return a.WriteRawFrame(wire.FrameType(framePriorityUpdate), 0, 0, append(binary.BigEndian.AppendUint32(nil, id), value...))
}

// grant lets the server send n bytes and returns on which streams they come.
func (a *attacker) grant(n int) (order []uint32) {
	a.t.Helper()
	a.WriteWindowUpdate(0, uint32(n))
	for n > 0 {
		f, err := a.ReadFrame()
		if err != nil {
			a.t.Fatal(err)
		}
		if d, ok := f.(*wire.DataFrame); ok {
			n -= len(d.Data())
			if len(order) == 0 || order[len(order)-1] != d.StreamID {
				order = append(order, d.StreamID)
			}
		}
	}
	if n < 0 {
		a.t.Errorf("%d bytes more than the window", -n)
	}
	return order
}

func (a *attacker) wantTurns(n int, want ...uint32) {
	a.t.Helper()
	if got := a.grant(n); !slices.Equal(got, want) {
		a.t.Errorf("%d bytes come on streams %d, want %d", n, got, want)
	}
}

// RFC 9218 section 10: the more urgent first, and of the same urgency one after
// the other in the order in which they were asked for.
func TestUrgentResponsesComeFirst(t *testing.T) {
	a := starved(t, "u=5", "u=1", "u=1", "u=0")
	a.wantTurns(1<<20, 9)
	a.wantTurns(1000, 5)
	a.wantTurns(1<<20, 5, 7)
	a.wantTurns(1<<20, 7, 3)
}

// Parts of incremental responses are of use: they share.
func TestIncrementalResponsesShare(t *testing.T) {
	a := starved(t, "u=2,i", "u=2,i", "u=6")
	for range 3 {
		a.wantTurns(16<<10, 3)
		a.wantTurns(16<<10, 5)
	}
}

func TestPriorityUpdateMovesAResponse(t *testing.T) {
	a := starved(t, "u=5", "u=4")
	a.wantTurns(1000, 5)
	a.reprioritize(3, "u=0")
	a.wantTurns(1000, 3)
	a.reprioritize(3, "u=6")
	a.wantTurns(1000, 5)
}

// RFC 9218 section 7.1: it may come before its stream, and then stands above the
// field.
func TestPriorityUpdateAheadOfItsRequest(t *testing.T) {
	a := starved(t, "u=5")
	a.reprioritize(5, "u=0")
	a.reprioritize(5, "u=1")
	a.open(5, true, append(append([]string{}, usual...), "priority", "u=7")...)
	if status, _ := a.outcome(5); status != "200" {
		t.Fatal(status)
	}
	a.wantTurns(1000, 5)
}

func TestPriorityUpdatesOfNoStreamEndTheConnection(t *testing.T) {
	for name, send := range map[string]func(a *attacker) error{
		"on a stream":             func(a *attacker) error { return a.WriteRawFrame(0x10, 0, 1, []byte{0, 0, 0, 1}) },
		"of the connection":       func(a *attacker) error { return a.reprioritize(0, "u=1") },
		"of a stream of a server": func(a *attacker) error { return a.reprioritize(2, "u=1") },
	} {
		a := attack(t, &Server{Handler: message.HandlerFunc(echo)})
		send(a)
		if code := a.ending(); code != wire.ErrCodeProtocol {
			t.Errorf("%s: ended with %v", name, code)
		}
	}
	a := attack(t, &Server{Handler: message.HandlerFunc(echo)})
	a.WriteRawFrame(0x10, 0, 0, []byte{0, 0, 1})
	if code := a.ending(); code != wire.ErrCodeFrameSize {
		t.Errorf("a short one: ended with %v", code)
	}
}

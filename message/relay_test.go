package message

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
)

// end is one end of a tunnel: it says its words, then ends with err, or waits
// when that is nil. It takes what it gets, unless it is deaf.
type end struct {
	loop   *loop.Loop
	words  []string
	err    error
	deaf   error
	got    strings.Builder
	closed string // how
	parked []*loop.Coroutine
}

func (e *end) Next() ([]byte, error) {
	// Whoever writes to the other end gets a turn between any two words.
	e.loop.Yield()
	if e.closed == "" && len(e.words) > 0 {
		word := e.words[0]
		e.words = e.words[1:]
		return []byte(word), nil
	}
	if e.err != nil {
		return nil, e.err
	}
	for e.closed == "" {
		e.parked = append(e.parked, e.loop.Current())
		if err := e.loop.Park(); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("closed")
}

func (e *end) Write(p []byte) (int, error) {
	if e.deaf != nil {
		return 0, e.deaf
	}
	e.got.Write(p)
	return len(p), nil
}

func (e *end) CloseWrite() error {
	e.got.WriteString("|")
	return nil
}

func (e *end) Close() { e.leave("closed") }
func (e *end) Abort() { e.leave("aborted") }

func (e *end) leave(how string) {
	if e.closed == "" {
		e.closed = how
	}
	for _, co := range e.parked {
		co.Wake()
	}
}

func TestRelayPassesWhatItCanWhateverBreaks(t *testing.T) {
	broken, deaf := errors.New("broken"), errors.New("deaf")
	for name, c := range map[string]struct {
		near, far end
		got       [2]string // by near and far; | is the end
		closed    [2]string
		want      error
	}{
		"both end": {end{words: []string{"a", "b"}, err: io.EOF}, end{words: []string{"c"}, err: io.EOF},
			[2]string{"c|", "ab|"}, [2]string{"", "closed"}, nil},
		"the far end breaks": {end{}, end{words: []string{"c"}, err: broken},
			[2]string{"c", ""}, [2]string{"aborted", "aborted"}, broken},
		"the near end breaks": {end{words: []string{"a"}, err: broken}, end{},
			[2]string{"", "a"}, [2]string{"aborted", "aborted"}, broken},
		"the far end is deaf and ends": {end{words: []string{"a", "b"}, err: io.EOF}, end{words: []string{"c", "d", "e"}, err: io.EOF, deaf: deaf},
			[2]string{"cde|", ""}, [2]string{"", "closed"}, deaf},
		"the far end is deaf and breaks": {end{words: []string{"a"}}, end{words: []string{"c", "d", "e"}, err: broken, deaf: deaf},
			[2]string{"cde", ""}, [2]string{"aborted", "aborted"}, deaf},
		"the near end is deaf": {end{words: []string{"a", "b", "c"}, err: io.EOF, deaf: deaf}, end{words: []string{"x"}},
			[2]string{"", "abc|"}, [2]string{"", "closed"}, deaf},
		"neither says anything": {end{}, end{},
			[2]string{"", ""}, [2]string{"closed", "closed"}, ErrTunnelSilent},
	} {
		t.Run(name, func(t *testing.T) {
			looptest.Run(t, func(l *loop.Loop) {
				x := &Exchange{Loop: l}
				near, far := &c.near, &c.far
				near.loop, far.loop = l, l
				var r Relay
				err := r.Run(x, near, far, 20*time.Millisecond)
				if want := c.want; err != want {
					t.Errorf("ends with %v, want %v", err, want)
				}
				if got := [2]string{near.got.String(), far.got.String()}; got != c.got {
					t.Errorf("near and far got %q, want %q", got, c.got)
				}
				if got := [2]string{near.closed, far.closed}; got != c.closed {
					t.Errorf("near and far are %q, want %q", got, c.closed)
				}
			})
		})
	}
}

// Once the client has finished, nothing of the near end is waited for that could
// tell that it has gone: that is up to whoever cancels the coroutine.
func TestRelayEndsWhenItsCoroutineIsCanceled(t *testing.T) {
	gone := errors.New("gone")
	for name, near := range map[string]end{
		"while the client may speak":   {},
		"once the client has finished": {err: io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			looptest.Run(t, func(l *loop.Loop) {
				far := end{loop: l}
				near.loop = l
				co := l.Current()
				l.Go(loop.TaskFunc(func() {
					for len(far.parked) == 0 {
						l.Yield()
					}
					co.Cancel(gone)
				}))
				var r Relay
				if err := r.Run(&Exchange{Loop: l}, &near, &far, time.Hour); err != gone {
					t.Errorf("ends with %v", err)
				}
				if near.closed != "aborted" || far.closed != "aborted" {
					t.Errorf("near is %q and far %q", near.closed, far.closed)
				}
			})
		})
	}
}

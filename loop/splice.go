package loop

import "time"

// SpliceLimits bound the waits of Splice, each anew: a transfer may take as
// long as it gets on. 0 leaves it to the connection's deadline.
type SpliceLimits struct {
	Read, Write time.Duration
	// UntilDry makes Splice return where it would wait for more to read.
	UntilDry bool
}

// closePipes closes the spare pipes: when nobody has wanted one for a while,
// and when the loop ends.
func (l *Loop) closePipes() {
	for i, p := range l.pipes {
		p.close()
		l.pipes[i] = nil
	}
	l.pipes = l.pipes[:0]
}

// SpliceWriteError is an error of Splice whose cause is the connection that was
// written to, rather than the one that was read.
type SpliceWriteError struct{ Err error }

// Error returns the cause's text.
func (e *SpliceWriteError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *SpliceWriteError) Unwrap() error { return e.Err }

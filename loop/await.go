package loop

import (
	"fmt"
	"runtime/debug"
)

// Await runs fn on an ordinary goroutine, where it may block, and parks until
// it has returned. It is not ended by Cancel, since fn may use what belongs to
// the coroutine. A panic in fn is one in the coroutine.
func (l *Loop) Await(fn func()) {
	co := l.running()
	var (
		done    bool
		failure *awaitPanic
	)
	l.awaiting++
	go func() {
		defer func() {
			if r := recover(); r != nil {
				failure = &awaitPanic{r, debug.Stack()}
			}
			l.Post(func() {
				done = true
				co.Wake()
			})
		}()
		fn()
	}()
	for !done {
		co.suspend()
	}
	l.awaiting--
	if failure != nil {
		panic(failure)
	}
}

// awaitPanic carries a panic from the goroutine of an Await to its coroutine,
// with the stack that tells where it came from.
type awaitPanic struct {
	value any
	stack []byte
}

func (p *awaitPanic) Error() string { return fmt.Sprintf("%v\n%s", p.value, p.stack) }

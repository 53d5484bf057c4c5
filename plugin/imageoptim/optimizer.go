package imageoptim

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"pingap/cache"
	"pingap/message"
)

// Bounds of how long an image waits for its turn, of the work for it, and of how
// long a client waits for both. Encoders that are programs cannot be stopped; what
// they make for maxPixels is done in about that time.
const (
	maxWait  = 10 * time.Second
	maxWork  = 20 * time.Second
	patience = 20 * time.Second
)

// maxResults is how many bytes of results are kept in memory.
const maxResults = 32 << 20

// optimizer is one image_optim plugin.
type optimizer struct {
	settings
	outputs []format
	logger  *slog.Logger
	codecs  *codecs

	// results are what was made of images, by job.key; without content where
	// nothing smaller could be made. The same image comes again and again, and is
	// the work of seconds.
	results *cache.Memory
	fills   *cache.Fills
	// slots has room for as many as may be worked on at a time. Half of the
	// processors is left to those who serve.
	slots chan struct{}
	// patience is that of clients, in its own field for tests.
	patience time.Duration
	// pending is how many bytes gathered content takes.
	pending atomic.Int64
}

func newOptimizer(s settings, outputs []format, logger *slog.Logger) *optimizer {
	return &optimizer{
		settings: s,
		outputs:  outputs,
		logger:   logger,
		codecs:   newCodecs(),
		results:  cache.NewMemory(maxResults, maxContent),
		fills:    cache.NewFills(),
		slots:    make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		patience: patience,
	}
}

// Close frees the memory of the codecs as soon as they are not at work any more.
func (o *optimizer) Close() error {
	go o.codecs.close()
	return nil
}

// job is an image and what to make of it.
type job struct {
	own, target format
	content     []byte
	path        string // by which it was asked for first, for the log
}

// key is what the result is kept under. It depends on the content alone, so that
// it does not matter who asks for it, and by what name.
func (j job) key() []byte {
	sum := sha256.Sum256(j.content)
	return append(sum[:], byte(j.own), byte(j.target))
}

// beside is how much content is digested beside the loop, which it would hold up.
const beside = 64 << 10

// smaller returns what is to be sent in the place of the job's content, or nil for
// nothing.
func (o *optimizer) smaller(x *message.Exchange, j job) []byte {
	var key []byte
	if len(j.content) > beside {
		x.Loop.Await(func() { key = j.key() })
	} else {
		key = j.key()
	}
	deadline := x.Loop.Now() + int64(o.patience)
	for waited := false; ; waited = true {
		if e := o.results.Get(key); e != nil {
			return e.Body
		}
		if waited {
			return nil // there was no turn for it
		}
		if fill := o.fills.Begin(key); fill != nil {
			j.path = strings.Clone(x.Request.Path)
			go o.work(j, key, fill)
		}
		if o.fills.Wait(x.Loop, key, deadline) != nil {
			return nil
		}
	}
}

// work does a job for all who wait for the same, and for those who come later.
func (o *optimizer) work(j job, key []byte, fill *cache.Fill) {
	size := int64(len(j.content))
	o.pending.Add(size)     // clients may leave, the content stays
	e := o.results.Get(key) // somebody may have come first since it was looked for
	if e == nil {
		var err error
		if e, err = o.inTurn(j); err != nil {
			o.tell(j, err)
		}
	}
	o.pending.Add(-size)
	if e == nil {
		fill.End(nil)
		return
	}
	fill.End(func() { o.results.Put(key, e) })
}

// errBusy says that there was no turn; another time there may be.
var errBusy = errors.New("too many images are being worked on")

// inTurn does a job when it is its turn. The entry is what the result is from now
// on, with an error too; it is nil only where that may change.
func (o *optimizer) inTurn(j job) (*cache.Entry, error) {
	turn := time.NewTimer(maxWait)
	defer turn.Stop()
	select {
	case o.slots <- struct{}{}:
		defer func() { <-o.slots }()
	case <-turn.C:
		return nil, errBusy
	}
	ctx, cancel := context.WithTimeout(context.Background(), maxWork)
	defer cancel()
	made, err := o.attempt(ctx, j)
	if err != nil || len(made) >= len(j.content) {
		made = nil
	}
	return &cache.Entry{Body: slices.Clip(made)}, err
}

// attempt does a job. Decoders of hostile content are not trusted to return.
func (o *optimizer) attempt(ctx context.Context, j job) (made []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return o.make(ctx, j)
}

// tell logs why an image stays as it is. What only its sender has done wrong is not
// worth a line each time.
func (o *optimizer) tell(j job, err error) {
	level := slog.LevelWarn
	if errors.Is(err, errUnfit) {
		level = slog.LevelDebug
	}
	o.logger.Log(context.Background(), level, "image stays as it is", "plugin", "image_optim", "path", j.path,
		"to", j.target.mediaType(), "error", err)
}

package cache

import (
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"pingap/cache"
	"pingap/message"
)

// generations tells the variants of a target from those that were there before.
var generations atomic.Uint64

// ask has the upstream answer, with a question whether old is still right where
// there is one. fill, which may be nil, ends when the answer is kept or is not to
// be.
func (p *plug) ask(x *message.Exchange, next message.Handler, at place, old *cache.Entry, fill *cache.Fill) error {
	f := &filling{p: p, x: x, fill: fill, place: at}
	handed := false
	defer func() {
		if !handed {
			f.end(nil) // whatever has happened, nobody waits for it any more
		}
	}()
	asked := now(x)
	err := p.askWith(x, next, old, fill != nil)
	if errors.Is(err, message.ErrClientGone) {
		return err
	}
	r := &x.Response
	if old != nil && old.OnErrorAt(now(x)) && (err != nil || r.Status == 500 || r.Status >= 502 && r.Status <= 504) {
		r.Close()
		r.Reset()
		p.answer(x, old, "stale")
		return nil
	}
	if err != nil {
		return err
	}
	if old != nil && r.Status == 304 && validated(old) {
		p.confirmed(f, old, asked)
		return nil
	}
	if fill != nil {
		handed = f.begin(r, asked)
	}
	if old != nil {
		say(x, "expired")
	} else {
		say(x, "miss")
	}
	return nil
}

// validated reports whether the upstream was asked by the entry's validators.
func validated(e *cache.Entry) bool { return e.Field("ETag") != "" || e.Field("Last-Modified") != "" }

// askWith asks with the conditions that old has, or where the answer is going to be
// kept with none, so that the whole comes. It leaves the request as the client has
// sent it.
func (p *plug) askWith(x *message.Exchange, next message.Handler, old *cache.Entry, whole bool) error {
	switch {
	case old == nil && !whole:
		return next.Serve(x)
	case old == nil:
		old = &cache.Entry{}
	}
	h := &x.Request.Header
	saved := append([]message.Field(nil), h.Fields()...)
	old.Validators(h)
	err := next.Serve(x)
	h.Reset()
	for _, f := range saved {
		h.Add(f.Name, f.Value)
	}
	return err
}

// confirmed answers with what was kept, after the upstream has said that it is
// still right, and keeps it for longer.
func (p *plug) confirmed(f *filling, old *cache.Entry, asked time.Time) {
	r := &f.x.Response
	r.Close()
	old.Confirm(r)
	e := p.policy.NewEntry(&f.x.Request, r, asked, now(f.x))
	r.Reset()
	if e == nil {
		// It must not be kept any more, but this client may have it.
		p.forget(f.primary)
		f.end(nil)
		p.answer(f.x, old, "revalidated")
		return
	}
	e.Body = old.Body
	f.end(e)
	p.answer(f.x, e, "revalidated")
}

// refused remembers an answer that is not kept, where others would wait for the
// next one in vain.
func (p *plug) refused(f *filling) {
	p.fills.SetFutile(f.key, true)
	f.end(nil)
}

// filling is a Body that keeps what passes.
type filling struct {
	place
	p        *plug
	x        *message.Exchange
	fill     *cache.Fill // nil where nothing is kept
	entry    *cache.Entry
	body     message.Body
	length   int64
	reserved int64 // of what all fillings may take
	ended    bool
}

// begin puts itself in the way of the response's content, and reports false when
// that is not to be kept.
func (f *filling) begin(r *message.Response, asked time.Time) bool {
	f.entry = f.p.policy.NewEntry(&f.x.Request, r, asked, now(f.x))
	if f.entry == nil || r.Length > f.p.largest {
		f.p.refused(f)
		return false
	}
	f.body, f.length = r.Body, r.Length
	if f.length == 0 || r.Status == 204 {
		f.end(f.entry)
		return true
	}
	if !f.reserve() {
		return false
	}
	if f.length > 0 {
		f.entry.Body = make([]byte, 0, f.length)
	}
	r.Body = f
	return true
}

// reserve takes the memory that the content may need. Clients that read slowly
// would otherwise make the proxy hold as many contents as they like.
func (f *filling) reserve() bool {
	f.reserved = f.length
	if f.length < 0 {
		f.reserved = f.p.largest
	}
	return f.p.pending.Add(f.reserved) <= f.p.mostPending
}

// Next passes on what comes, and keeps a copy until it is too much.
func (f *filling) Next() ([]byte, error) {
	data, err := f.body.Next()
	switch {
	case f.ended:
	case err == io.EOF:
		f.end(f.entry)
	case err != nil:
		f.end(nil)
	case int64(len(f.entry.Body)+len(data)) > f.p.largest:
		f.p.refused(f)
		f.end(nil)
	default:
		f.entry.Body = append(f.entry.Body, data...)
		if int64(len(f.entry.Body)) == f.length {
			f.end(f.entry)
		}
	}
	return data, err
}

// Close ends the content, which is not kept unless it is complete.
func (f *filling) Close() {
	f.end(nil)
	f.body.Close()
}

// end keeps e, unless it is nil, and lets those go on that wait.
func (f *filling) end(e *cache.Entry) {
	if f.ended {
		return
	}
	f.ended = true
	f.entry = nil
	f.p.pending.Add(-f.reserved)
	switch {
	case f.fill == nil:
	case e == nil:
		f.fill.End(nil)
	default:
		f.p.fills.SetFutile(f.key, false)
		f.fill.End(func() { f.keep(e) })
	}
}

// keep stores an entry, where it varies behind one that says on what.
func (f *filling) keep(e *cache.Entry) {
	h := message.Header{}
	for _, field := range e.Fields {
		h.Add(field.Name, field.Value)
	}
	names, ok := cache.VaryOf(&h)
	mark := f.p.memory.Get(f.primary)
	if !ok || f.mark != nil && mark != f.mark {
		return // removed meanwhile, with all its variants
	}
	if len(names) == 0 {
		f.p.memory.Put(f.primary, e)
		return
	}
	if mark == nil || !slices.Equal(mark.Vary, names) {
		mark = &cache.Entry{Vary: names, Generation: generations.Add(1)}
		f.p.memory.Put(f.primary, mark)
	}
	key := mark.AppendVariant(append([]byte(nil), f.primary...), &f.x.Request)
	f.p.memory.Put(key, e)
}

package cache

import (
	"errors"
	"os"
	"strconv"
	"time"

	"pingap/cache"
	"pingap/message"
	"pingap/plugin"
)

// serve answers from what is kept, or has the upstream answer and keeps that.
func (p *plug) serve(x *message.Exchange, next message.Handler) error {
	began := x.Loop.Clock()
	at := place{primary: p.key(x)}
	e := p.find(x, &at)
	x.CacheLookup = x.Loop.Clock() - began
	if e != nil && e.FreshAt(now(x)) {
		p.answer(x, e, "hit")
		return nil
	}
	switch q := &x.Request; {
	case cache.DirectivesOf(&q.Header).OnlyIfCached:
		plugin.Answer(x, 504, notKept) // RFC 9111 section 5.2.1.7
		return nil
	case q.Method == "HEAD", e == nil && q.Header.Has("Range"):
		// What comes is not the whole answer, and is not kept.
		if err := next.Serve(x); err != nil {
			return err
		}
		say(x, "miss")
		return nil
	}
	return p.renew(x, next, at, e)
}

var notKept = &plugin.Content{Header: plainText, Data: []byte("The answer is not in the cache")}

// place is where the answer to a request is kept, or would be as far as is known.
type place struct {
	primary []byte       // key of all answers for the target
	key     []byte       // key of the one for this request
	mark    *cache.Entry // what stands at primary if that only leads to key
}

// find returns what is kept for a request, fresh or not, and sets where.
func (p *plug) find(x *message.Exchange, at *place) *cache.Entry {
	e := p.memory.Get(at.primary)
	if e == nil || e.Vary == nil {
		at.key, at.mark = at.primary, nil
		return e
	}
	at.mark = e
	at.key = e.AppendVariant(append(x.Scratch(), at.primary...), &x.Request)
	x.Finish(at.key)
	return p.memory.Get(at.key)
}

// now is the time of the exchange's loop, which no setting of the clock disturbs.
func now(x *message.Exchange) time.Time { return x.Loop.WallTime(x.Loop.Now()) }

// renew asks the upstream, unless another exchange does so already: then it takes
// what is kept, if that may still be used, or waits for a while.
func (p *plug) renew(x *message.Exchange, next message.Handler, at place, e *cache.Entry) error {
	began := x.Loop.Clock()
	deadline := x.Loop.Now() + int64(p.settings.Lock)
	for {
		fill := p.fills.Begin(at.key)
		switch {
		case fill != nil:
			return p.askFirst(x, next, at, fill)
		case e != nil && e.WhileRevalidatedAt(now(x)):
			p.answer(x, e, "stale")
			return nil
		case p.settings.Lock <= 0, p.fills.Futile(at.key):
			return p.ask(x, next, at, e, nil)
		}
		err := p.fills.Wait(x.Loop, at.key, deadline)
		x.CacheLock = x.Loop.Clock() - began
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		if e = p.find(x, &at); e != nil && e.FreshAt(now(x)) {
			p.answer(x, e, "hit")
			return nil
		}
		if err != nil {
			return p.ask(x, next, at, e, nil)
		}
	}
}

// askFirst asks the upstream, unless somebody has done so since the exchange has
// looked.
func (p *plug) askFirst(x *message.Exchange, next message.Handler, at place, fill *cache.Fill) error {
	again := place{primary: at.primary}
	e := p.find(x, &again)
	if e != nil && e.FreshAt(now(x)) {
		fill.End(nil)
		p.answer(x, e, "hit")
		return nil
	}
	if at.mark != again.mark {
		e = nil // the fill is for another place
	}
	return p.ask(x, next, at, e, fill)
}

// answer fills the response from what is kept.
func (p *plug) answer(x *message.Exchange, e *cache.Entry, status string) {
	r := &x.Response
	r.Status = e.Status
	for _, f := range e.Fields {
		r.Header.Add(f.Name, f.Value)
	}
	seconds := int64(e.AgeAt(now(x)) / time.Second)
	r.Header.Add("Age", x.Finish(strconv.AppendInt(x.Scratch(), seconds, 10)))
	say(x, status)
	p.content(x, e)
}

// content gives the client what it wants of an entry whose fields the response has.
func (p *plug) content(x *message.Exchange, e *cache.Entry) {
	r := &x.Response
	r.Body = message.NoBody
	r.Length = int64(len(e.Body))
	if e.NotModified(&x.Request) {
		r.Status = 304
		return
	}
	data := e.Body
	if x.Request.Method == "HEAD" {
		return
	}
	if part, partial := e.RangeOf(&x.Request); partial {
		data = e.Body[part.From:part.To]
		p.part(x, part, len(e.Body))
	}
	r.Length = int64(len(data))
	r.Body = x.BytesBody(data)
}

// part makes the response one of a part (RFC 9110 sections 15.3.7 and 15.5.17).
func (p *plug) part(x *message.Exchange, part cache.Part, size int) {
	text := append(x.Scratch(), "bytes "...)
	if part.From == part.To {
		x.Response.Status = 416
		text = append(text, '*')
	} else {
		x.Response.Status = 206
		text = strconv.AppendInt(text, int64(part.From), 10)
		text = strconv.AppendInt(append(text, '-'), int64(part.To-1), 10)
	}
	text = strconv.AppendInt(append(text, '/'), int64(size), 10)
	x.Response.Header.Set("Content-Range", x.Finish(text))
}

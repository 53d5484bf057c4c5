package cache

import (
	"strconv"

	"pingap/message"
	"pingap/plugin"
)

var plainText = []message.Field{{Name: "Content-Type", Value: "text/plain; charset=utf-8"}}

var (
	notAllowed = &plugin.Content{Header: plainText, Data: []byte("Forbidden, ip is not allowed")}
	purged     = &plugin.Content{}
)

// purge removes the answers for a target, or all with "/*".
func (p *plug) purge(x *message.Exchange) {
	if !p.mayPurge(x) {
		plugin.Answer(x, 403, notAllowed)
		return
	}
	if x.Request.Path == "/*" {
		p.fills.VoidAll()
		text := strconv.AppendInt([]byte("purged: "), int64(p.memory.Clear()), 10)
		plugin.Answer(x, 200, &plugin.Content{Header: plainText, Data: append(text, ", fail: 0"...)})
		return
	}
	p.forget(p.key(x))
	plugin.Answer(x, 204, purged)
}

func (p *plug) mayPurge(x *message.Exchange) bool {
	addr := x.ClientIP.Unmap().WithZone("")
	for _, n := range p.settings.PurgeIPList {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

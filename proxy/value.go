package proxy

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"pingap/accesslog"
	"pingap/config"
	"pingap/message"
)

// value is what a configured header field is set to: text with variables,
// compiled into pieces.
type value struct {
	pieces []piece
	text   string // the whole value when it has no variables
	late   bool   // whether it tells of the connection to the upstream
}

// piece is a part of a value: literal text, or a variable.
type piece struct {
	literal  string
	variable appendVariable
}

// appendVariable adds a variable's value to dst.
type appendVariable func(dst []byte, x *message.Exchange) []byte

// compileValue reads a configured value. A variable is written $name and may
// stand within text; what follows a $ and is neither a variable nor one of the
// captures of the location stays as it is. A value that is nothing but
// $NAME may also be an environment variable, and ":key" a value known from
// the access log; both are looked up once, here.
func compileValue(text string, captures []string) (value, error) {
	if key, ok := strings.CutPrefix(text, ":"); ok && isContextKey(key) {
		return contextValue(text, key)
	}
	if name, ok := strings.CutPrefix(text, "$"); ok && variableOf(name, captures) == nil {
		if v, ok := os.LookupEnv(name); ok {
			return value{text: v}, nil
		}
	}
	v := value{text: text}
	literal := 0
	for i := 0; i < len(text); i++ {
		if text[i] != '$' {
			continue
		}
		name := variableName(text[i+1:])
		variable := variableOf(name, captures)
		if variable == nil {
			continue
		}
		if literal < i {
			v.pieces = append(v.pieces, piece{literal: text[literal:i]})
		}
		v.pieces = append(v.pieces, piece{variable: variable})
		v.late = v.late || name == "upstream_addr" && !slices.Contains(captures, name)
		i += len(name)
		literal = i + 1
	}
	if len(v.pieces) > 0 && literal < len(text) {
		v.pieces = append(v.pieces, piece{literal: text[literal:]})
	}
	return v, nil
}

// misspelt returns the first $name in a value that stands for nothing, so that it
// will be sent as it is, and what was meant instead if that can be told. Within
// text it counts only then, since a dollar sign is also a currency.
func misspelt(text string, captures []string) (name, hint string) {
	if _, ok := os.LookupEnv(strings.TrimPrefix(text, "$")); ok {
		return "", ""
	}
	for rest := text; ; {
		_, after, found := strings.Cut(rest, "$")
		if !found {
			return "", ""
		}
		name = variableName(after)
		rest = after[len(name):]
		if name == "" || variableOf(name, captures) != nil {
			continue
		}
		known := append(slices.Sorted(maps.Keys(variables)), captures...)
		if hint = config.SuggestAs("$", name, known); hint != "" || "$"+name == text {
			return "$" + name, hint
		}
	}
}

// isContextKey reports whether a text is written like the key of a value of the
// access log's context. Others, such as a port behind its colon, are text.
func isContextKey(text string) bool {
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// contextValue is a value of the access log's context, such as :connection_id.
func contextValue(text, key string) (value, error) {
	format, err := accesslog.Compile("{:" + key + "}")
	if err != nil {
		return value{}, fmt.Errorf("value %q: %w", text, err)
	}
	return value{pieces: []piece{{variable: format.Append}}, late: strings.HasPrefix(key, "upstream_")}, nil
}

// variableName returns the longest name that s begins with. Names of header
// fields hold dashes, but a dash ends a name that is no field's, and is not the
// last of one.
func variableName(s string) string {
	end := 0
	for end < len(s) && (s[end] == '_' || '0' <= s[end] && s[end] <= '9' ||
		'a' <= s[end]|0x20 && s[end]|0x20 <= 'z' || s[end] == '-' && strings.HasPrefix(s, "http_")) {
		end++
	}
	return strings.TrimRight(s[:end], "-")
}

// of returns the value for an exchange; it lives as long as the exchange.
func (v *value) of(x *message.Exchange) string {
	if v.pieces == nil {
		return v.text
	}
	b := x.Scratch()
	for i := range v.pieces {
		if p := &v.pieces[i]; p.variable != nil {
			b = p.variable(b, x)
		} else {
			b = append(b, p.literal...)
		}
	}
	return x.Finish(b)
}

// describedVariable is a variable, with the line of docs/variables.md on it: make docs
// takes the text, and the order, from the table below.
type describedVariable struct {
	value appendVariable
	doc   string
}

// variables are the names that may stand behind a $, besides http_<field>, those
// of the client's TLS connection and captures.
var variables = map[string]describedVariable{
	"host": {func(dst []byte, x *message.Exchange) []byte { return append(dst, x.Request.Hostname()...) },
		"host that the request is for, without its port; `$http_host` has it with the port that the client has written"},
	"scheme": {func(dst []byte, x *message.Exchange) []byte { return append(dst, x.Request.Scheme...) },
		"`http` or `https`: how the request came to this proxy"},
	"remote_addr": {func(dst []byte, x *message.Exchange) []byte { return appendAddr(dst, x.Client.Addr()) },
		"address of the peer, or the one that a PROXY header names; `unix` on a Unix socket"},
	"remote_port": {func(dst []byte, x *message.Exchange) []byte { return appendPort(dst, x.Client) },
		"port of the peer; `0` on a Unix socket"},
	"server_addr": {func(dst []byte, x *message.Exchange) []byte { return appendAddr(dst, x.Local.Addr()) },
		"address of this machine at which the request came in; `unix` on a Unix socket"},
	"server_port": {func(dst []byte, x *message.Exchange) []byte { return appendPort(dst, x.Local) },
		"port at which it came in; `0` on a Unix socket"},
	"hostname": {func(dst []byte, _ *message.Exchange) []byte { return append(dst, machineName...) },
		"name of this machine"},
	"upstream_addr": {func(dst []byte, x *message.Exchange) []byte { return append(dst, x.Upstream.Addr...) },
		"address of the peer of the upstream that is asked; empty where no upstream is"},
	"proxy_add_x_forwarded_for": {appendForwardedFor,
		"addresses that the request has come through, for `X-Forwarded-For`: what a proxy of `basic.trusted_proxies` has sent in that field, and `$remote_addr`; what any other peer claims is left out"},
}

// machineName is the host's name, asked once.
var machineName, _ = os.Hostname()

// variableOf finds a variable by name: one of the captures, which stand before
// all others, a header field, what is known of the client's TLS connection, or
// a fixed one; nil if there is none.
func variableOf(name string, captures []string) appendVariable {
	for _, c := range captures {
		if c == name {
			return func(dst []byte, x *message.Exchange) []byte {
				v, _ := x.Capture(c)
				return append(dst, v...)
			}
		}
	}
	if field, ok := strings.CutPrefix(name, "http_"); ok && field != "" {
		return requestField(field)
	}
	if strings.HasPrefix(name, "tls_") {
		if v, err := contextValue(name, name); err == nil {
			return v.pieces[0].variable
		}
	}
	return variables[name].value
}

// requestField is a field of the request. A name with underscores also finds
// the field with dashes in their place, as users of nginx write it.
func requestField(name string) appendVariable {
	dashed := strings.ReplaceAll(name, "_", "-")
	return func(dst []byte, x *message.Exchange) []byte {
		v := x.Request.Field(name)
		if v == "" && dashed != name {
			v = x.Request.Field(dashed)
		}
		return append(dst, v...)
	}
}

func appendAddr(dst []byte, addr netip.Addr) []byte {
	if !addr.IsValid() {
		return append(dst, "unix"...)
	}
	return addr.AppendTo(dst)
}

func appendPort(dst []byte, a netip.AddrPort) []byte {
	return strconv.AppendUint(dst, uint64(a.Port()), 10)
}

// appendForwardedFor is the list of addresses that the request has come
// through: what a trusted proxy in front reported, and the peer. What any
// other peer claims is left out.
func appendForwardedFor(dst []byte, x *message.Exchange) []byte {
	if x.PeerTrusted {
		for _, f := range x.Request.Header.Fields() {
			if message.EqualFold(f.Name, "X-Forwarded-For") && f.Value != "" {
				dst = append(dst, f.Value...)
				dst = append(dst, ", "...)
			}
		}
	}
	return appendAddr(dst, x.Client.Addr())
}

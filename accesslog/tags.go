package accesslog

import (
	"net/netip"
	"strconv"
	"time"

	"pingap/message"
)

// described is a value, with the line of docs/access-log.md on it: make docs takes
// the text, and the order, from the tables below.
type described struct {
	value appender
	doc   string
}

// tags are the values by name. What is empty is shown as a dash.
var tags = map[string]described{
	"host":       {text(func(x *message.Exchange) string { return x.Request.Hostname() }), "host that the request is for, without its port"},
	"method":     {text(func(x *message.Exchange) string { return x.Request.Method }), "method"},
	"path":       {text(func(x *message.Exchange) string { return x.Request.Path }), "path, without the query"},
	"query":      {text(func(x *message.Exchange) string { return x.Request.Query }), "query, without the `?`"},
	"uri":        {uri, "path and query"},
	"proto":      {text(func(x *message.Exchange) string { return x.Request.Version.String() }), "version of HTTP: `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`"},
	"scheme":     {text(func(x *message.Exchange) string { return x.Request.Scheme }), "`http` or `https`: how the request came to this proxy"},
	"remote":     {address(func(x *message.Exchange) netip.Addr { return x.Client.Addr() }), "address of the peer, or the one that a PROXY header names; a dash on a Unix socket"},
	"client_ip":  {address(clientIP), "address of the client: that of the peer, or what a proxy of `basic.trusted_proxies` reports in `X-Forwarded-For`"},
	"referer":    {requestField("Referer"), "field `Referer` of the request"},
	"user_agent": {requestField("User-Agent"), "field `User-Agent` of the request"},
	"request_id": {text(func(x *message.Exchange) string { return x.RequestID }), "id that the plugin request_id has given"},
	"status":     {number(func(x *message.Exchange) int64 { return int64(x.Response.Status) }), "status that the client was sent; 499 if it left before"},

	"when":         {when(time.Local, "2006-01-02T15:04:05.000Z07:00"), "end of the exchange, in local time: `2026-11-28T14:03:07.125+01:00`"},
	"when_utc_iso": {when(time.UTC, "2006-01-02T15:04:05.000Z"), "the same in UTC: `2026-11-28T13:03:07.125Z`"},
	"when_unix":    {number(func(x *message.Exchange) int64 { return x.Loop.WallTime(x.Ended).UnixMilli() }), "the same in milliseconds since 1970"},

	"size":               {number(sent), "bytes of content that the client was sent, without the head"},
	"size_human":         {size(sent), "the same for people, in thousands: `999B`, `1.2KB`, `3MB`"},
	"payload_size":       {number(received), "bytes of content that the client has sent"},
	"payload_size_human": {size(received), "the same for people"},
	"latency":            {milliseconds(latency), "milliseconds from the first byte of the request to the last of the response"},
	"latency_human":      {duration(latency), "the same for people: `123ms`, `1.2s`, `3.4m`, `1.1h`"},
}

// contextTags are the values behind a colon. What is empty is empty, except
// for the upstream's status.
var contextTags = map[string]described{
	"connection_id":         {number(func(x *message.Exchange) int64 { return int64(x.ConnectionID) }), "number of the client's connection within the process"},
	"connection_reused":     {boolean(func(x *message.Exchange) bool { return x.Reused }), "`true` if the connection has carried a request before this one, else `false`"},
	"connection_time":       {milliseconds(connectionTime), "milliseconds since the connection began"},
	"connection_time_human": {duration(connectionTime), "the same for people"},

	"tls_version":              {optional(func(x *message.Exchange) string { return tls(x).Version }), "version of TLS, such as `TLSv1.3`"},
	"tls_cipher":               {optional(func(x *message.Exchange) string { return tls(x).Cipher }), "cipher suite by its IANA name"},
	"tls_protocol":             {optional(func(x *message.Exchange) string { return tls(x).Protocol }), "protocol agreed on by ALPN, such as `h2`"},
	"tls_server_name":          {optional(func(x *message.Exchange) string { return tls(x).ServerName }), "name that the client asked for by SNI"},
	"tls_resumed":              {boolean(func(x *message.Exchange) bool { return tls(x).Resumed }), "`true` if an earlier session of TLS went on, else `false`"},
	"tls_client_verify":        {optional(func(x *message.Exchange) string { return tls(x).Client.Verify }), "`SUCCESS`, `NONE` without a client certificate, or `FAILED:` and a reason"},
	"tls_client_subject":       {optional(func(x *message.Exchange) string { return tls(x).Client.Subject }), "whose the client certificate is"},
	"tls_client_issuer":        {optional(func(x *message.Exchange) string { return tls(x).Client.Issuer }), "who issued it"},
	"tls_client_serial":        {optional(func(x *message.Exchange) string { return tls(x).Client.Serial }), "its number, hexadecimal"},
	"tls_client_fingerprint":   {optional(func(x *message.Exchange) string { return tls(x).Client.Fingerprint }), "its SHA-256, hexadecimal"},
	"tls_handshake_time":       {milliseconds(handshakeTime), "milliseconds that the handshake took"},
	"tls_handshake_time_human": {duration(handshakeTime), "the same for people"},

	"processing": {number(processing), "requests that the server has in flight, this one among them"},
	"location":   {optional(func(x *message.Exchange) string { return x.Location }), "name of the location; empty if none matched"},

	"upstream_addr":      {optional(func(x *message.Exchange) string { return x.Upstream.Addr }), "address of the peer that was asked; the last one after retries"},
	"upstream_status":    {upstreamStatus, "status that the upstream answered; a dash if it did not"},
	"upstream_reused":    {boolean(func(x *message.Exchange) bool { return x.Upstream.Reused }), "`true` if the connection to the upstream was there before, else `false`"},
	"upstream_connected": {upstreamConnected, "connections that are open to the upstream"},

	"upstream_connect_time":             {milliseconds(func(x *message.Exchange) int64 { return x.Upstream.ConnectTime }), "milliseconds until the connection to the upstream was usable, TLS included"},
	"upstream_connect_time_human":       {duration(func(x *message.Exchange) int64 { return x.Upstream.ConnectTime }), "the same for people"},
	"upstream_tcp_connect_time":         {milliseconds(func(x *message.Exchange) int64 { return x.Upstream.TCPConnectTime }), "the part of it that TCP took"},
	"upstream_tcp_connect_time_human":   {duration(func(x *message.Exchange) int64 { return x.Upstream.TCPConnectTime }), "the same for people"},
	"upstream_tls_handshake_time":       {milliseconds(func(x *message.Exchange) int64 { return x.Upstream.TLSTime }), "the part of it that TLS took"},
	"upstream_tls_handshake_time_human": {duration(func(x *message.Exchange) int64 { return x.Upstream.TLSTime }), "the same for people"},
	"upstream_processing_time":          {milliseconds(func(x *message.Exchange) int64 { return x.Upstream.ProcessingTime }), "milliseconds from the request to the head of the upstream's response"},
	"upstream_processing_time_human":    {duration(func(x *message.Exchange) int64 { return x.Upstream.ProcessingTime }), "the same for people"},
	"upstream_response_time":            {milliseconds(func(x *message.Exchange) int64 { return x.Upstream.ResponseTime }), "milliseconds from that head to the end of the content"},
	"upstream_response_time_human":      {duration(func(x *message.Exchange) int64 { return x.Upstream.ResponseTime }), "the same for people"},
	"upstream_connection_time":          {milliseconds(func(x *message.Exchange) int64 { return x.Upstream.ConnectionTime }), "milliseconds since the connection to the upstream began"},
	"upstream_connection_time_human":    {duration(func(x *message.Exchange) int64 { return x.Upstream.ConnectionTime }), "the same for people"},

	"service_time":       {milliseconds(serviceTime), "milliseconds of `latency` that were not spent on connecting to the upstream and waiting for it"},
	"service_time_human": {duration(serviceTime), "the same for people"},

	"compression_time":       {milliseconds(compressionTime), "milliseconds that the plugin compression has worked"},
	"compression_time_human": {duration(compressionTime), "the same for people"},
	"compression_ratio":      {compressionRatio, "how many times as long the content was before, such as `2.5`"},

	"cache_lookup_time":       {milliseconds(func(x *message.Exchange) int64 { return x.CacheLookup }), "milliseconds that looking into the cache took"},
	"cache_lookup_time_human": {duration(func(x *message.Exchange) int64 { return x.CacheLookup }), "the same for people"},
	"cache_lock_time":         {milliseconds(func(x *message.Exchange) int64 { return x.CacheLock }), "milliseconds of waiting for another request that filled the cache"},
	"cache_lock_time_human":   {duration(func(x *message.Exchange) int64 { return x.CacheLock }), "the same for people"},
}

func processing(x *message.Exchange) int64 {
	if x.Processing == nil {
		return 0
	}
	return x.Processing()
}

func sent(x *message.Exchange) int64     { return x.Sent }
func received(x *message.Exchange) int64 { return x.Received }
func latency(x *message.Exchange) int64  { return x.Ended - x.Started }

func connectionTime(x *message.Exchange) int64 { return x.Ended - x.ConnectedAt }

// serviceTime is what the exchange took besides waiting for the upstream.
func serviceTime(x *message.Exchange) int64 {
	t := latency(x)
	for _, part := range []int64{x.Upstream.ConnectTime, x.Upstream.ProcessingTime, x.Upstream.ResponseTime} {
		t -= max(part, 0)
	}
	return max(t, 0)
}

func clientIP(x *message.Exchange) netip.Addr {
	if x.ClientIP.IsValid() {
		return x.ClientIP
	}
	return x.Client.Addr()
}

func compressionTime(x *message.Exchange) int64 { return x.Compression.Time }

// compressionRatio is how many times as long the content was, with one decimal;
// nothing where it was not compressed.
func compressionRatio(dst []byte, x *message.Exchange) []byte {
	c := &x.Compression
	if c.Time < 0 || c.After == 0 {
		return dst
	}
	return strconv.AppendFloat(dst, float64(c.Before)/float64(c.After), 'f', 1, 64)
}

var clearText message.TLS

func tls(x *message.Exchange) *message.TLS {
	if x.TLS == nil {
		return &clearText
	}
	return x.TLS
}

func handshakeTime(x *message.Exchange) int64 {
	if x.TLS == nil {
		return -1
	}
	return x.TLS.HandshakeTime
}

func uri(dst []byte, x *message.Exchange) []byte {
	dst = appendText(dst, x.Request.Path)
	if x.Request.HasQuery {
		dst = append(dst, '?')
		dst = appendEscaped(dst, x.Request.Query)
	}
	return dst
}

func upstreamStatus(dst []byte, x *message.Exchange) []byte {
	if x.Upstream.Status == 0 {
		return append(dst, '-')
	}
	return strconv.AppendInt(dst, int64(x.Upstream.Status), 10)
}

func upstreamConnected(dst []byte, x *message.Exchange) []byte {
	if x.Upstream.Connected == 0 {
		return dst
	}
	return strconv.AppendInt(dst, x.Upstream.Connected, 10)
}

// The functions below make appenders of what an exchange has.

func constant(s string) appender {
	escaped := string(appendEscaped(nil, s))
	return func(dst []byte, _ *message.Exchange) []byte { return append(dst, escaped...) }
}

// text shows a dash for what is empty.
func text(of func(*message.Exchange) string) appender {
	return func(dst []byte, x *message.Exchange) []byte { return appendText(dst, of(x)) }
}

// optional shows nothing for what is empty.
func optional(of func(*message.Exchange) string) appender {
	return func(dst []byte, x *message.Exchange) []byte { return appendEscaped(dst, of(x)) }
}

func number(of func(*message.Exchange) int64) appender {
	return func(dst []byte, x *message.Exchange) []byte { return strconv.AppendInt(dst, of(x), 10) }
}

func boolean(of func(*message.Exchange) bool) appender {
	return func(dst []byte, x *message.Exchange) []byte { return strconv.AppendBool(dst, of(x)) }
}

func address(of func(*message.Exchange) netip.Addr) appender {
	return func(dst []byte, x *message.Exchange) []byte {
		if addr := of(x); addr.IsValid() {
			return addr.AppendTo(dst)
		}
		return append(dst, '-')
	}
}

func when(zone *time.Location, layout string) appender {
	return func(dst []byte, x *message.Exchange) []byte {
		return x.Loop.WallTime(x.Ended).In(zone).AppendFormat(dst, layout)
	}
}

func size(of func(*message.Exchange) int64) appender {
	return func(dst []byte, x *message.Exchange) []byte { return appendSize(dst, of(x)) }
}

// milliseconds shows nothing for what did not happen, which is negative.
func milliseconds(of func(*message.Exchange) int64) appender {
	return func(dst []byte, x *message.Exchange) []byte {
		if ns := of(x); ns >= 0 {
			return strconv.AppendInt(dst, ns/1e6, 10)
		}
		return dst
	}
}

func duration(of func(*message.Exchange) int64) appender {
	return func(dst []byte, x *message.Exchange) []byte {
		if ns := of(x); ns >= 0 {
			return appendDuration(dst, ns)
		}
		return dst
	}
}

func requestField(name string) appender {
	return func(dst []byte, x *message.Exchange) []byte { return appendText(dst, x.Request.Field(name)) }
}

func responseField(name string) appender {
	return func(dst []byte, x *message.Exchange) []byte { return appendText(dst, x.Response.Header.Get(name)) }
}

// cookie shows nothing where there is none of that name.
func cookie(name string) appender {
	return func(dst []byte, x *message.Exchange) []byte {
		if value, ok := x.Request.Cookie(name); ok {
			return appendEscaped(dst, value)
		}
		return dst
	}
}

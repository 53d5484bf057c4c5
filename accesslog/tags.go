package accesslog

import (
	"net/netip"
	"strconv"
	"time"

	"pingap/message"
)

// tags are the values by name. What is empty is shown as a dash.
var tags = map[string]appender{
	"host":       text(func(x *message.Exchange) string { return x.Request.Hostname() }),
	"method":     text(func(x *message.Exchange) string { return x.Request.Method }),
	"path":       text(func(x *message.Exchange) string { return x.Request.Path }),
	"query":      text(func(x *message.Exchange) string { return x.Request.Query }),
	"uri":        uri,
	"proto":      text(func(x *message.Exchange) string { return x.Request.Version.String() }),
	"scheme":     text(func(x *message.Exchange) string { return x.Request.Scheme }),
	"remote":     address(func(x *message.Exchange) netip.Addr { return x.Client.Addr() }),
	"client_ip":  address(clientIP),
	"referer":    requestField("Referer"),
	"user_agent": requestField("User-Agent"),
	"request_id": text(func(x *message.Exchange) string { return x.RequestID }),
	"status":     number(func(x *message.Exchange) int64 { return int64(x.Response.Status) }),

	"when":         when(time.Local, "2006-01-02T15:04:05.000Z07:00"),
	"when_utc_iso": when(time.UTC, "2006-01-02T15:04:05.000Z"),
	"when_unix":    number(func(x *message.Exchange) int64 { return x.Loop.WallTime(x.Ended).UnixMilli() }),

	"size":               number(sent),
	"size_human":         size(sent),
	"payload_size":       number(received),
	"payload_size_human": size(received),
	"latency":            milliseconds(latency),
	"latency_human":      duration(latency),
}

// contextTags are the values behind a colon. What is empty is empty, except
// for the upstream's status.
var contextTags = map[string]appender{
	"connection_id":         number(func(x *message.Exchange) int64 { return int64(x.ConnectionID) }),
	"connection_reused":     boolean(func(x *message.Exchange) bool { return x.Reused }),
	"connection_time":       milliseconds(connectionTime),
	"connection_time_human": duration(connectionTime),

	"tls_version":              optional(func(x *message.Exchange) string { return tls(x).Version }),
	"tls_cipher":               optional(func(x *message.Exchange) string { return tls(x).Cipher }),
	"tls_protocol":             optional(func(x *message.Exchange) string { return tls(x).Protocol }),
	"tls_server_name":          optional(func(x *message.Exchange) string { return tls(x).ServerName }),
	"tls_resumed":              boolean(func(x *message.Exchange) bool { return tls(x).Resumed }),
	"tls_client_verify":        optional(func(x *message.Exchange) string { return tls(x).Client.Verify }),
	"tls_client_subject":       optional(func(x *message.Exchange) string { return tls(x).Client.Subject }),
	"tls_client_issuer":        optional(func(x *message.Exchange) string { return tls(x).Client.Issuer }),
	"tls_client_serial":        optional(func(x *message.Exchange) string { return tls(x).Client.Serial }),
	"tls_client_fingerprint":   optional(func(x *message.Exchange) string { return tls(x).Client.Fingerprint }),
	"tls_handshake_time":       milliseconds(handshakeTime),
	"tls_handshake_time_human": duration(handshakeTime),

	"processing": number(processing),
	"location":   optional(func(x *message.Exchange) string { return x.Location }),

	"upstream_addr":      optional(func(x *message.Exchange) string { return x.Upstream.Addr }),
	"upstream_status":    upstreamStatus,
	"upstream_reused":    boolean(func(x *message.Exchange) bool { return x.Upstream.Reused }),
	"upstream_connected": upstreamConnected,

	"upstream_connect_time":             milliseconds(func(x *message.Exchange) int64 { return x.Upstream.ConnectTime }),
	"upstream_connect_time_human":       duration(func(x *message.Exchange) int64 { return x.Upstream.ConnectTime }),
	"upstream_tcp_connect_time":         milliseconds(func(x *message.Exchange) int64 { return x.Upstream.TCPConnectTime }),
	"upstream_tcp_connect_time_human":   duration(func(x *message.Exchange) int64 { return x.Upstream.TCPConnectTime }),
	"upstream_tls_handshake_time":       milliseconds(func(x *message.Exchange) int64 { return x.Upstream.TLSTime }),
	"upstream_tls_handshake_time_human": duration(func(x *message.Exchange) int64 { return x.Upstream.TLSTime }),
	"upstream_processing_time":          milliseconds(func(x *message.Exchange) int64 { return x.Upstream.ProcessingTime }),
	"upstream_processing_time_human":    duration(func(x *message.Exchange) int64 { return x.Upstream.ProcessingTime }),
	"upstream_response_time":            milliseconds(func(x *message.Exchange) int64 { return x.Upstream.ResponseTime }),
	"upstream_response_time_human":      duration(func(x *message.Exchange) int64 { return x.Upstream.ResponseTime }),
	"upstream_connection_time":          milliseconds(func(x *message.Exchange) int64 { return x.Upstream.ConnectionTime }),
	"upstream_connection_time_human":    duration(func(x *message.Exchange) int64 { return x.Upstream.ConnectionTime }),

	"service_time":       milliseconds(serviceTime),
	"service_time_human": duration(serviceTime),

	"compression_time":       milliseconds(compressionTime),
	"compression_time_human": duration(compressionTime),
	"compression_ratio":      compressionRatio,

	"cache_lookup_time":       milliseconds(func(x *message.Exchange) int64 { return x.CacheLookup }),
	"cache_lookup_time_human": duration(func(x *message.Exchange) int64 { return x.CacheLookup }),
	"cache_lock_time":         milliseconds(func(x *message.Exchange) int64 { return x.CacheLock }),
	"cache_lock_time_human":   duration(func(x *message.Exchange) int64 { return x.CacheLock }),
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

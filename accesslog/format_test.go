package accesslog

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// example is an exchange in which every tag has a value.
func example(l *loop.Loop) *message.Exchange {
	x := &message.Exchange{Loop: l}
	x.Reset()
	r := &x.Request
	r.Method, r.Scheme, r.Host, r.Path, r.Query, r.HasQuery, r.Version = "POST", "http", "example.com:8080", "/a/b", "c=d", true, message.HTTP11
	r.Header.Add("Referer", "http://from/")
	r.Header.Add("User-Agent", "curl/8 \"x\"")
	r.Header.Add("X-B3-Id", "7f")
	r.Header.Add("Cookie", "a=1; session2=abc; b=2")
	x.Response.Status = 201
	x.Response.Header.Add("X-Cache", "hit")
	x.Client = netip.MustParseAddrPort("192.0.2.7:1234")
	x.ClientIP = netip.MustParseAddr("2001:db8::7")
	x.ConnectionID, x.Reused, x.Processing = 42, true, func() int64 { return 3 }
	x.Location, x.RequestID = "api", "id-1"
	x.Sent, x.Received = 1234567, 999
	x.ConnectedAt, x.Started, x.Ended = 1e9, 3e9, 3e9+1_250_000_000
	x.TLS = &message.TLS{Version: "TLSv1.3", Cipher: "TLS_AES_128_GCM_SHA256", Protocol: "h2", ServerName: "a.test", Resumed: true, HandshakeTime: 7e6,
		Client: message.ClientCertificate{Verify: "SUCCESS", Subject: "CN=me", Issuer: "CN=us", Serial: "0A", Fingerprint: "0b"}}
	x.Compression = message.CompressionFacts{Time: 2e6, Before: 1000, After: 400}
	x.Upstream = message.UpstreamFacts{
		Name: "u", Addr: "10.0.0.1:80", Status: 502, Reused: true, Connected: 9,
		ConnectTime: 5e6, TCPConnectTime: 4e6, TLSTime: 1e6, ProcessingTime: 20e6, ResponseTime: 30e6, ConnectionTime: 90_000e6,
	}
	return x
}

func TestEveryTag(t *testing.T) {
	t.Setenv("PINGAP_TEST_2", "eu\n")
	l := looptest.New(t)
	x := example(l)
	ended := l.WallTime(x.Ended)
	want := map[string]string{
		"host": "example.com", "method": "POST", "path": "/a/b", "query": "c=d", "uri": "/a/b?c=d", "proto": "HTTP/1.1",
		"scheme": "http", "remote": "192.0.2.7", "client_ip": "2001:db8::7", "referer": "http://from/",
		"user_agent": `curl/8 \x22x\x22`, "request_id": "id-1", "status": "201",
		"when":         ended.Local().Format("2006-01-02T15:04:05.000Z07:00"),
		"when_utc_iso": ended.UTC().Format("2006-01-02T15:04:05.000Z"),
		"when_unix":    ended.Format("") + itoa(ended.UnixMilli()),
		"size":         "1234567", "size_human": "1.2MB", "payload_size": "999", "payload_size_human": "999B",
		"latency": "1250", "latency_human": "1.2s",
		"~session2": "abc", "~none": "", ">x-b3-id": "7f", ">None": "-", "<X-Cache": "hit", "<None": "-",
		"$PINGAP_TEST_2": `eu\x0A`, "$PINGAP_TEST_NONE": "",
		":connection_id": "42", ":connection_reused": "true", ":connection_time": "3250", ":connection_time_human": "3.2s",
		":tls_version": "TLSv1.3", ":tls_cipher": "TLS_AES_128_GCM_SHA256", ":tls_protocol": "h2", ":tls_server_name": "a.test", ":tls_resumed": "true",
		":tls_client_verify": "SUCCESS", ":tls_client_subject": "CN=me", ":tls_client_issuer": "CN=us", ":tls_client_serial": "0A", ":tls_client_fingerprint": "0b",
		":tls_handshake_time": "7", ":tls_handshake_time_human": "7ms",
		":processing": "3", ":location": "api", ":upstream_addr": "10.0.0.1:80", ":upstream_status": "502",
		":upstream_reused": "true", ":upstream_connected": "9",
		":upstream_connect_time": "5", ":upstream_connect_time_human": "5ms", ":upstream_tcp_connect_time": "4", ":upstream_tcp_connect_time_human": "4ms",
		":upstream_tls_handshake_time": "1", ":upstream_tls_handshake_time_human": "1ms",
		":upstream_processing_time": "20", ":upstream_processing_time_human": "20ms",
		":upstream_response_time": "30", ":upstream_response_time_human": "30ms",
		":upstream_connection_time": "90000", ":upstream_connection_time_human": "1.5m",
		":compression_time": "2", ":compression_time_human": "2ms", ":compression_ratio": "2.5",
		":service_time": "1195", ":service_time_human": "1.1s",
	}
	for tag, value := range want {
		f, err := Compile("<{" + tag + "}>")
		if err != nil {
			t.Errorf("{%s}: %v", tag, err)
			continue
		}
		if got := string(f.Append(nil, x)); got != "<"+value+">" {
			t.Errorf("{%s} is %s, want <%s>", tag, got, value)
		}
	}
	for tag := range tags {
		if _, ok := want[tag]; !ok {
			t.Errorf("{%s} is not tested", tag)
		}
	}
	for tag := range contextTags {
		if _, ok := want[":"+tag]; !ok && !strings.HasPrefix(tag, "cache_") {
			t.Errorf("{:%s} is not tested", tag)
		}
	}
}

// Names with digits were once text: no value of theirs was ever logged.
func TestNamesInTagsMayHoldDigits(t *testing.T) {
	t.Setenv("PINGAP_TEST_2", "eu")
	l := looptest.New(t)
	f, err := Compile("{>X-B3-Id} {~session2} {$PINGAP_TEST_2}")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(f.Append(nil, example(l))); got != "7f abc eu" {
		t.Errorf("line is %s", got)
	}
}

func itoa(n int64) string { return string(appendTenths(nil, n, 1)) }

func TestWhatDidNotHappenIsEmpty(t *testing.T) {
	l := looptest.New(t)
	x := &message.Exchange{Loop: l}
	x.Reset()
	for tag, want := range map[string]string{
		"host": "-", "referer": "-", "remote": "-", "request_id": "-", "uri": "-",
		":upstream_status": "-", ":upstream_addr": "", ":upstream_connect_time": "", ":upstream_connect_time_human": "",
		":tls_version": "", ":tls_handshake_time": "", ":location": "", ":upstream_connected": "", ":cache_lookup_time": "",
		":compression_time": "", ":compression_time_human": "", ":compression_ratio": "",
	} {
		f, err := Compile("{" + tag + "}")
		if err != nil {
			t.Fatal(err)
		}
		if got := string(f.Append(nil, x)); got != want {
			t.Errorf("{%s} of an empty exchange is %q, want %q", tag, got, want)
		}
	}
}

func TestPredefinedFormats(t *testing.T) {
	l := looptest.New(t)
	x := example(l)
	for name, want := range map[string]string{
		"tiny":     `POST /a/b?c=d 201 1.2MB - 1250ms`,
		"short":    `192.0.2.7 POST /a/b?c=d HTTP/1.1 201 1.2MB - 1250ms`,
		"common":   `192.0.2.7 "POST /a/b?c=d HTTP/1.1" 201 1.2MB`,
		"combined": `192.0.2.7 "POST /a/b?c=d HTTP/1.1" 201 1.2MB "http://from/" "curl/8 \x22x\x22"`,
	} {
		f, err := Compile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(f.Append(nil, x)); got != want {
			t.Errorf("%s is\n%s, want\n%s", name, got, want)
		}
	}
}

func TestBracesThatAreNoTagAreText(t *testing.T) {
	l := looptest.New(t)
	f, err := Compile(`{"m":"{method}","o":{ },"x":{}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(f.Append(nil, example(l))); got != `{"m":"POST","o":{ },"x":{}}` {
		t.Errorf("line is %s", got)
	}
}

func TestTagsThatAreNotWholeAreWrong(t *testing.T) {
	for template, want := range map[string]string{
		"{method} lat={latency":  "the tag {latency is not closed; write {latency}",
		"{method {uri}":          "the tag {method is not closed",
		"{method} {laten":        "the tag {laten is not closed",
		"{method} {:upstream_ad": "the tag {:upstream_ad is not closed",
		"{~session {uri}":        "the tag {~session is not closed",
		"{} {method}":            `"{}" is an empty tag`,
		"{method} {  }":          `"{  }" is an empty tag`,
		"a={} {method}":          `"{}" is an empty tag`,
		"{ method }":             "the tag { method } holds blanks; write {method}",
		"{method } {uri}":        "the tag {method } holds blanks; write {method}",
	} {
		if _, err := Compile(template); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %s", template, err, want)
		}
	}
}

// What is JSON, or nearly, has braces of its own.
func TestFormatsThatAreJSON(t *testing.T) {
	l := looptest.New(t)
	for template, want := range map[string]string{
		`{"a": "{method}"}`:                         `{"a": "POST"}`,
		`{ "a": {}, "b": [{}, {}], "c": {status} }`: `{ "a": {}, "b": [{}, {}], "c": 201 }`,
		`{status: {status}, to: {"uri":"{uri}"}}`:   `{status: 201, to: {"uri":"/a/b?c=d"}}`,
		"{\n{method}\n}":                            "{\nPOST\n}",
		"{{method}} {ü} {":                          "{POST} {ü} {",
	} {
		f, err := Compile(template)
		if err != nil {
			t.Errorf("%s: %v", template, err)
			continue
		}
		if got := string(f.Append(nil, example(l))); got != want {
			t.Errorf("%s makes %s, want %s", template, got, want)
		}
	}
}

func TestUnknownTagsAreNamedWithTheNearest(t *testing.T) {
	for template, want := range map[string]string{
		"{methd}":               `did you mean "method"?`,
		"{:upstream_adr}":       `did you mean "upstream_addr"?`,
		"{nothing_of_the_kind}": "there are client_ip, host",
	} {
		if _, err := Compile(template); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %s", template, err, want)
		}
	}
}

func TestHumanFigures(t *testing.T) {
	for ns, want := range map[int64]string{0: "0ms", 999e6: "999ms", 1000e6: "1s", 1234e6: "1.2s", 60_000e6: "1m", 90_000e6: "1.5m", 3_600_000e6: "1h", 4_000_000e6: "1.1h"} {
		if got := string(appendDuration(nil, ns)); got != want {
			t.Errorf("%v is %s, want %s", time.Duration(ns), got, want)
		}
	}
	for n, want := range map[int64]string{0: "0B", 999: "999B", 1000: "1KB", 1234: "1.2KB", 3_000_000: "3MB", 1 << 62: "4.6EB"} {
		if got := string(appendSize(nil, n)); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

// Values of clients must not forge a line, or the end of a quoted value.
func FuzzAppendedValuesStayInTheirPlace(f *testing.F) {
	for _, s := range []string{"plain", "\r\n127.0.0.1 forged", `"quoted" \`, "\x1b[2J", "ü\u2028", "\xff", "\u202e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		line := appendEscaped(nil, value)
		for i, c := range line {
			if c < ' ' || c == 0x7f || c == '"' {
				t.Errorf("%q has %q at %d", line, c, i)
			}
		}
		if value != "" && len(line) == 0 {
			t.Errorf("%q vanished", value)
		}
	})
}

func TestAppendDoesNotAllocate(t *testing.T) {
	l := looptest.New(t)
	x := example(l)
	f, err := Compile("combined")
	if err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { line = f.Append(line[:0], x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCombined(b *testing.B) {
	l := looptest.New(b)
	x := example(l)
	x.Request.Path = "/assets/images/2026/08/header-large.webp"
	x.Request.Header.Set("Referer", "https://www.example.com/articles/2026/08/what-is-new")
	x.Request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36")
	f, err := Compile("combined")
	if err != nil {
		b.Fatal(err)
	}
	line := make([]byte, 0, 1024)
	for b.Loop() {
		line = f.Append(line[:0], x)
	}
}

package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	wire "encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// webCall is what a page does with fetch: it sends one message in gRPC-Web and
// reads messages up to the trailers.
type webCall struct {
	client      *http.Client
	url         string
	contentType string // one of gRPC-Web
}

// webAnswer is what comes back.
type webAnswer struct {
	messages []string
	trailers map[string]string
}

func (c *webCall) do(t testing.TB, message []byte, fields ...string) (*webAnswer, error) {
	t.Helper()
	content := append(wire.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
	if c.isText() {
		// In two parts, so that there is padding between them.
		content = []byte(base64.StdEncoding.EncodeToString(content[:4]) + base64.StdEncoding.EncodeToString(content[4:]))
	}
	r, err := http.NewRequestWithContext(t.Context(), "POST", c.url, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", c.contentType)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	resp, err := c.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	want, _, _ := strings.Cut(c.contentType, "+")
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || got != want+"+proto" {
		return nil, fmt.Errorf("%s, %q", resp.Status, got)
	}
	var in io.Reader = resp.Body
	if c.isText() {
		in = &base64Groups{in: bufio.NewReader(in)}
	}
	return readWebAnswer(in)
}

func (c *webCall) isText() bool { return strings.HasPrefix(c.contentType, "application/grpc-web-text") }

// base64Groups decodes base64 that may have padding behind any group.
type base64Groups struct {
	in   io.Reader
	rest []byte
}

func (g *base64Groups) Read(p []byte) (int, error) {
	if len(g.rest) == 0 {
		var group [4]byte
		if _, err := io.ReadFull(g.in, group[:]); err != nil {
			return 0, err
		}
		decoded, err := base64.StdEncoding.DecodeString(string(group[:]))
		if err != nil {
			return 0, err
		}
		g.rest = decoded
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

// readWebAnswer reads messages up to the trailers, behind which nothing may
// come.
func readWebAnswer(in io.Reader) (*webAnswer, error) {
	a := &webAnswer{trailers: map[string]string{}}
	for {
		var head [5]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return nil, fmt.Errorf("after %d messages: %w", len(a.messages), err)
		}
		content := make([]byte, wire.BigEndian.Uint32(head[1:]))
		if _, err := io.ReadFull(in, content); err != nil {
			return nil, fmt.Errorf("inside message %d: %w", len(a.messages), err)
		}
		if head[0]&0x80 == 0 {
			a.messages = append(a.messages, string(content))
			continue
		}
		for line := range strings.Lines(string(content)) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), ":")
			a.trailers[name] = value
		}
		if n, err := in.Read(make([]byte, 1)); n > 0 || err != io.EOF {
			return nil, fmt.Errorf("behind the trailers: %d bytes, %v", n, err)
		}
		return a, nil
	}
}

// protoField writes a field of a message in the format of protocol buffers.
func protoField(number int, content []byte) []byte {
	b := wire.AppendUvarint(nil, uint64(number)<<3|2)
	return append(wire.AppendUvarint(b, uint64(len(content))), content...)
}

func protoNumber(number int, value uint64) []byte {
	return wire.AppendUvarint(wire.AppendUvarint(nil, uint64(number)<<3), value)
}

// payloads of the interoperability tests hold so many zeros.
func wantPayload(message string, size int) error {
	payload := append(protoNumber(1, 0), protoField(2, make([]byte, size))...)
	for _, want := range [][]byte{protoField(1, payload), protoField(1, protoField(2, make([]byte, size)))} {
		if message == string(want) {
			return nil
		}
	}
	return fmt.Errorf("%d bytes, %.30q, are no payload of %d", len(message), message, size)
}

func TestBrowsersCallGRPCServicesByGRPCWeb(t *testing.T) {
	p := startProxy(t, grpcProxy(startInterop(t, ""), ""))
	service := p.url("/grpc.testing.TestService/")
	for version, client := range map[string]*http.Client{"HTTP/1.1": newClient(t), "HTTP/2": newHTTP2Client(t)} {
		for _, contentType := range []string{
			"application/grpc-web", "application/grpc-web+proto", "application/grpc-web-text", "application/grpc-web-text+proto",
		} {
			t.Run(version+" "+contentType, func(t *testing.T) {
				call := func(method string, message []byte, fields ...string) *webAnswer {
					t.Helper()
					a, err := (&webCall{client, service + method, contentType}).do(t, message, fields...)
					if err != nil {
						t.Fatalf("%s: %v", method, err)
					}
					return a
				}
				if a := call("EmptyCall", nil); len(a.messages) != 1 || a.messages[0] != "" || a.trailers["grpc-status"] != "0" {
					t.Errorf("an empty call is answered with %q", a)
				}
				const large = 1 << 20
				a := call("UnaryCall", append(protoNumber(2, large), protoField(3, protoField(2, make([]byte, large)))...))
				if len(a.messages) != 1 || a.trailers["grpc-status"] != "0" || wantPayload(a.messages[0], large) != nil {
					t.Errorf("a large call is answered with %d messages, %v", len(a.messages), a.trailers)
				}
				var stream []byte
				sizes := []int{31415, 9, 2653, 58979}
				for _, size := range sizes {
					stream = append(stream, protoField(2, protoNumber(1, uint64(size)))...)
				}
				a = call("StreamingOutputCall", stream, "x-grpc-test-echo-trailing-bin", "q6ur")
				if len(a.messages) != len(sizes) || a.trailers["grpc-status"] != "0" {
					t.Fatalf("a stream is answered with %d messages, %v", len(a.messages), a.trailers)
				}
				for i, size := range sizes {
					if err := wantPayload(a.messages[i], size); err != nil {
						t.Error(err)
					}
				}
				status := append(protoNumber(1, 2), protoField(2, []byte("test status 100% ☺"))...)
				a = call("UnaryCall", protoField(7, status))
				if len(a.messages) != 0 || a.trailers["grpc-status"] != "2" || a.trailers["grpc-message"] != "test status 100%25 %E2%98%BA" {
					t.Errorf("an error is answered with %q", a)
				}
				if a = call("Nothing", nil); a.trailers["grpc-status"] != "12" {
					t.Errorf("a method that does not exist is answered with %q", a)
				}
			})
		}
	}
}

func TestAnotherImplementationOfGRPCWebUnderstandsTheProxy(t *testing.T) {
	p := startProxy(t, grpcProxy(startInterop(t, ""), ""))
	client := start(t, interop(t, "webclient"), p.url(""))
	if code := client.exitCode(t); code != 0 {
		t.Errorf("the client ends with code %d: %s", code, client.output)
	}
}

func TestErrorsOfTheProxyReachBrowsersAsStatuses(t *testing.T) {
	p := startProxy(t, grpcProxy(freeAddr(t), ""))
	for _, contentType := range []string{"application/grpc-web", "application/grpc-web-text"} {
		a, err := (&webCall{newClient(t), p.url("/s/m"), contentType}).do(t, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(a.messages) != 0 || a.trailers["grpc-status"] != "14" || a.trailers["grpc-message"] == "" {
			t.Errorf("%s is answered with %q", contentType, a)
		}
	}
}

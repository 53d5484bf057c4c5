// Command webclient calls the gRPC project's interoperability server by
// gRPC-Web, with an implementation of that protocol which is not the proxy's.
// Its argument is the URL to call; it ends with code 1 when an answer is wrong.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"connectrpc.com/connect"
	testing "google.golang.org/grpc/interop/grpc_testing"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	service := os.Args[1] + "/grpc.testing.TestService/"
	if err := errors.Join(large(ctx, service), stream(ctx, service), status(ctx, service), unimplemented(ctx, service)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// client makes a client of one method.
func client[Req, Res any](service, method string) *connect.Client[Req, Res] {
	return connect.NewClient[Req, Res](http.DefaultClient, service+method, connect.WithGRPCWeb())
}

// large sends and gets a large message, and metadata both ways.
func large(ctx context.Context, service string) error {
	request := connect.NewRequest(&testing.SimpleRequest{
		ResponseSize: 314159, Payload: &testing.Payload{Body: make([]byte, 271828)},
	})
	request.Header().Set("x-grpc-test-echo-initial", "first")
	request.Header().Set("x-grpc-test-echo-trailing-bin", connect.EncodeBinaryHeader([]byte{0xab, 0xab}))
	response, err := client[testing.SimpleRequest, testing.SimpleResponse](service, "UnaryCall").CallUnary(ctx, request)
	if err != nil {
		return fmt.Errorf("large: %w", err)
	}
	last, err := connect.DecodeBinaryHeader(response.Trailer().Get("x-grpc-test-echo-trailing-bin"))
	if n := len(response.Msg.GetPayload().GetBody()); n != 314159 || err != nil || !bytes.Equal(last, []byte{0xab, 0xab}) ||
		response.Header().Get("x-grpc-test-echo-initial") != "first" {
		return fmt.Errorf("large: %d bytes, header %v, trailer %v, %v", n, response.Header(), response.Trailer(), err)
	}
	return nil
}

// stream gets several messages, one of them late.
func stream(ctx context.Context, service string) error {
	request := &testing.StreamingOutputCallRequest{ResponseParameters: []*testing.ResponseParameters{
		{Size: 31415}, {Size: 9, IntervalUs: 50_000}, {Size: 2653}, {Size: 58979},
	}}
	messages, err := client[testing.StreamingOutputCallRequest, testing.StreamingOutputCallResponse](service, "StreamingOutputCall").
		CallServerStream(ctx, connect.NewRequest(request))
	if err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	defer messages.Close()
	for _, p := range request.ResponseParameters {
		if !messages.Receive() || len(messages.Msg().GetPayload().GetBody()) != int(p.Size) {
			return fmt.Errorf("stream: not a message of %d bytes: %v", p.Size, messages.Err())
		}
	}
	if messages.Receive() || messages.Err() != nil {
		return fmt.Errorf("stream: one message too many, or %v", messages.Err())
	}
	return nil
}

// status gets an error with a message that has to be escaped.
func status(ctx context.Context, service string) error {
	const text = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
	_, err := client[testing.SimpleRequest, testing.SimpleResponse](service, "UnaryCall").
		CallUnary(ctx, connect.NewRequest(&testing.SimpleRequest{ResponseStatus: &testing.EchoStatus{Code: 2, Message: text}}))
	var failed *connect.Error
	if !errors.As(err, &failed) || failed.Code() != connect.CodeUnknown || failed.Message() != text {
		return fmt.Errorf("status: %v", err)
	}
	return nil
}

// unimplemented calls what the server does not have.
func unimplemented(ctx context.Context, service string) error {
	_, err := client[testing.Empty, testing.Empty](service, "UnimplementedCall").CallUnary(ctx, connect.NewRequest(&testing.Empty{}))
	if connect.CodeOf(err) != connect.CodeUnimplemented {
		return fmt.Errorf("unimplemented: %v", err)
	}
	return nil
}

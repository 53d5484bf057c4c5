// Command compression is the cases of the gRPC project's interoperability tests
// that its own programs in Go do not have: client_compressed_unary,
// server_compressed_unary, client_compressed_streaming, server_compressed_streaming
// and concurrent_large_unary. Its arguments are serve or call, and an address. In a
// stream all messages are compressed or none, since that is all this implementation
// can do.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/interop"
	testing "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

func main() {
	run := map[string]func(addr string) error{"serve": serve, "call": call}[os.Args[1]]
	if err := run(os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// watch counts the messages of a call that come in compressed, and the others.
type watch struct{ compressed, plain int }

type watchKey struct{}

func (w *watch) in(ctx context.Context) context.Context { return context.WithValue(ctx, watchKey{}, w) }

func watchOf(ctx context.Context) *watch {
	w, _ := ctx.Value(watchKey{}).(*watch)
	return w
}

// watcher is a stats.Handler that fills the watch of each call.
type watcher struct{ server bool }

func (h watcher) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	if h.server {
		return new(watch).in(ctx)
	}
	return ctx
}

func (watcher) HandleRPC(ctx context.Context, s stats.RPCStats) {
	p, ok := s.(*stats.InPayload)
	w := watchOf(ctx)
	switch {
	case !ok || w == nil:
	case p.CompressedLength != p.Length:
		w.compressed++
	default:
		w.plain++
	}
}

func (watcher) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (watcher) HandleConn(context.Context, stats.ConnStats)                       {}

// server is the project's own, which compresses as it is told to and looks whether
// its clients do.
type server struct{ testing.TestServiceServer }

func serve(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	s := grpc.NewServer(grpc.StatsHandler(watcher{server: true}))
	testing.RegisterTestServiceServer(s, server{interop.NewTestServer()})
	return s.Serve(ln)
}

// expect refuses a message that is not compressed as it says.
func expect(ctx context.Context, compressed *testing.BoolValue) error {
	if w := watchOf(ctx); compressed != nil && compressed.Value != (w.compressed > 0) {
		return status.Error(codes.InvalidArgument, "not compressed as expected")
	}
	return nil
}

// answer compresses the answer, or does not.
func answer(ctx context.Context, compressed *testing.BoolValue) {
	name := "identity"
	if compressed.GetValue() {
		name = gzip.Name
	}
	grpc.SetSendCompressor(ctx, name)
}

func (s server) UnaryCall(ctx context.Context, in *testing.SimpleRequest) (*testing.SimpleResponse, error) {
	if err := expect(ctx, in.ExpectCompressed); err != nil {
		return nil, err
	}
	answer(ctx, in.ResponseCompressed)
	return s.TestServiceServer.UnaryCall(ctx, in)
}

func (s server) StreamingInputCall(stream grpc.ClientStreamingServer[testing.StreamingInputCallRequest, testing.StreamingInputCallResponse]) error {
	size := 0
	for {
		in, err := stream.Recv()
		if err == io.EOF {
			return stream.SendAndClose(&testing.StreamingInputCallResponse{AggregatedPayloadSize: int32(size)})
		}
		if err == nil {
			err = expect(stream.Context(), in.ExpectCompressed)
		}
		if err != nil {
			return err
		}
		size += len(in.GetPayload().GetBody())
	}
}

func (s server) StreamingOutputCall(in *testing.StreamingOutputCallRequest, stream grpc.ServerStreamingServer[testing.StreamingOutputCallResponse]) error {
	answer(stream.Context(), in.ResponseParameters[0].Compressed)
	return s.TestServiceServer.StreamingOutputCall(in, stream)
}

const (
	requestSize  = 271828
	responseSize = 314159
)

func payload(size int) *testing.Payload { return &testing.Payload{Body: make([]byte, size)} }

func call(addr string) error {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(watcher{}))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	service := testing.NewTestServiceClient(conn)
	return errors.Join(unary(ctx, service), clientStream(ctx, service), serverStream(ctx, service), many(ctx, service))
}

// with returns the options of a call whose requests are compressed, or not.
func with(compressed bool) []grpc.CallOption {
	if compressed {
		return []grpc.CallOption{grpc.UseCompressor(gzip.Name)}
	}
	return nil
}

// unary is client_compressed_unary and server_compressed_unary.
func unary(ctx context.Context, service testing.TestServiceClient) error {
	request := func(expected, wanted bool) *testing.SimpleRequest {
		return &testing.SimpleRequest{
			ExpectCompressed: &testing.BoolValue{Value: expected}, ResponseCompressed: &testing.BoolValue{Value: wanted},
			ResponseSize: responseSize, Payload: payload(requestSize),
		}
	}
	if _, err := service.UnaryCall(ctx, request(true, false)); status.Code(err) != codes.InvalidArgument {
		return fmt.Errorf("a request that is not compressed although it says so: %v", err)
	}
	for _, sent := range []bool{true, false} {
		for _, wanted := range []bool{true, false} {
			var w watch
			response, err := service.UnaryCall(w.in(ctx), request(sent, wanted), with(sent)...)
			if err != nil || len(response.GetPayload().GetBody()) != responseSize || (w.compressed > 0) != wanted {
				return fmt.Errorf("unary, compressed %v, answer to be %v: %+v, %d bytes, %v", sent, wanted, w, len(response.GetPayload().GetBody()), err)
			}
		}
	}
	return nil
}

// clientStream is client_compressed_streaming.
func clientStream(ctx context.Context, service testing.TestServiceClient) error {
	for _, compressed := range []bool{true, false} {
		stream, err := service.StreamingInputCall(ctx, with(compressed)...)
		if err != nil {
			return err
		}
		for _, size := range []int{27182, 45904} {
			if err := stream.Send(&testing.StreamingInputCallRequest{ExpectCompressed: &testing.BoolValue{Value: compressed}, Payload: payload(size)}); err != nil {
				return fmt.Errorf("client stream, compressed %v: %v", compressed, err)
			}
		}
		if response, err := stream.CloseAndRecv(); err != nil || response.AggregatedPayloadSize != 73086 {
			return fmt.Errorf("client stream, compressed %v: %v, %v", compressed, response, err)
		}
	}
	return nil
}

// serverStream is server_compressed_streaming.
func serverStream(ctx context.Context, service testing.TestServiceClient) error {
	for _, compressed := range []bool{true, false} {
		var w watch
		request := &testing.StreamingOutputCallRequest{}
		sizes := []int32{31415, 92653}
		for _, size := range sizes {
			request.ResponseParameters = append(request.ResponseParameters, &testing.ResponseParameters{Compressed: &testing.BoolValue{Value: compressed}, Size: size})
		}
		stream, err := service.StreamingOutputCall(w.in(ctx), request, with(true)...)
		if err != nil {
			return err
		}
		for _, size := range sizes {
			if response, err := stream.Recv(); err != nil || len(response.GetPayload().GetBody()) != int(size) {
				return fmt.Errorf("server stream, compressed %v: not a message of %d bytes, %v", compressed, size, err)
			}
		}
		if _, err := stream.Recv(); err != io.EOF || (w.compressed == len(sizes)) != compressed {
			return fmt.Errorf("server stream, compressed %v: %+v, %v", compressed, w, err)
		}
	}
	return nil
}

// many is concurrent_large_unary.
func many(ctx context.Context, service testing.TestServiceClient) error {
	errs := make([]error, 1000)
	var wait sync.WaitGroup
	for i := range errs {
		wait.Go(func() {
			response, err := service.UnaryCall(ctx, &testing.SimpleRequest{ResponseSize: responseSize, Payload: payload(requestSize)})
			if n := len(response.GetPayload().GetBody()); err != nil || n != responseSize {
				errs[i] = fmt.Errorf("call %d of many: %d bytes, %v", i, n, err)
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

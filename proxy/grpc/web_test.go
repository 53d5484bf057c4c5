package grpc

import (
	"encoding/base64"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// pieces is content that comes in pieces. A view of one is overwritten when the
// next is pulled.
type pieces struct {
	left  []string
	view  []byte
	atEnd func() // when the end is reached
	err   error  // instead of an end
}

func (p *pieces) Next() ([]byte, error) {
	for i := range p.view {
		p.view[i] = '!'
	}
	if len(p.left) == 0 {
		if p.err != nil {
			return nil, p.err
		}
		if p.atEnd != nil {
			p.atEnd()
		}
		return nil, io.EOF
	}
	p.view = append(p.view[:0], p.left[0]...)
	p.left = p.left[1:]
	return p.view, nil
}

func (p *pieces) Close() { p.left = nil }

// cut cuts s into pieces at random.
func cut(s string, random *rand.Rand) (all []string) {
	for s != "" {
		n := 1 + random.IntN(len(s))
		all = append(all, s[:n])
		s = s[n:]
	}
	return all
}

// upstream answers calls of gRPC and notes what it was asked.
type upstream struct {
	header  message.Header // of the answer
	content []string
	trailer message.Header
	err     error // of the content

	contentType, te, asked string
	length                 int64
	askedErr               error
}

func (u *upstream) Serve(x *message.Exchange) error {
	u.contentType, u.te, u.length = x.Request.Header.Get("Content-Type"), x.Request.Header.Get("TE"), x.Request.Length
	if u.asked, u.askedErr = all(x.Request.Body); u.askedErr != nil {
		return u.askedErr
	}
	r := &x.Response
	r.Status, r.Length = 200, message.UnknownLength
	for _, f := range u.header.Fields() {
		r.Header.Add(f.Name, f.Value)
	}
	r.Body = &pieces{left: u.content, err: u.err, atEnd: func() {
		for _, f := range u.trailer.Fields() {
			r.Trailer.Add(f.Name, f.Value)
		}
	}}
	return nil
}

// header makes one of names and values.
func header(pairs ...string) (h message.Header) {
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// webCall makes a call of gRPC-Web.
func webCall(l *loop.Loop, contentType string, content ...string) *message.Exchange {
	x := exchange(l, "POST")
	x.Request.Header.Add("content-type", contentType)
	x.Request.Length, x.Request.Body = message.UnknownLength, &pieces{left: content}
	return x
}

// decodeAnswer is what a client makes of an answer: its frames and trailers.
func decodeAnswer(t *testing.T, contentType, content string) (messages []string, trailer string) {
	t.Helper()
	if strings.HasPrefix(contentType, "application/grpc-web-text") {
		decoded, ok := decodeSlowly(content)
		if !ok {
			t.Fatalf("%q is not base64", content)
		}
		content = decoded
	}
	all, rest := split(content)
	if rest != "" || len(all) == 0 {
		t.Fatalf("%q is not made of frames", content)
	}
	trailer, err := parseTrailer(all[len(all)-1])
	if err != nil {
		t.Fatal(err)
	}
	return all[:len(all)-1], trailer
}

func TestCallsOfGRPCWebAreTranslated(t *testing.T) {
	request := frame(0, "question")
	for _, c := range []struct {
		contentType, accept  string
		content              []string
		upstreamType         string
		wantUpstream, wanted string
	}{
		{"application/grpc-web", "", []string{request}, "application/grpc", "application/grpc", "application/grpc-web+proto"},
		{"application/grpc-web+proto", "*/*", []string{request[:3], request[3:]}, "application/grpc+proto", "application/grpc+proto", "application/grpc-web+proto"},
		{"Application/Grpc-Web+json; charset=x", "application/json", []string{request}, "application/grpc+json", "application/grpc+json", "application/grpc-web+json"},
		{"application/grpc-web-text", "application/grpc-web-text", []string{base64.StdEncoding.EncodeToString([]byte(request))}, "application/grpc", "application/grpc", "application/grpc-web-text+proto"},
		{"application/grpc-web-text+proto", "x/y, application/grpc-web", []string{
			base64.StdEncoding.EncodeToString([]byte(request[:4])), base64.StdEncoding.EncodeToString([]byte(request[4:])),
		}, "application/grpc", "application/grpc+proto", "application/grpc-web+proto"},
		{"application/grpc-web", "application/grpc-web-text", []string{request}, "application/grpc", "application/grpc", "application/grpc-web-text+proto"},
	} {
		looptest.Run(t, func(l *loop.Loop) {
			first, second := frame(0, "one"), frame(0, "")
			u := &upstream{
				header:  header("Content-Type", c.upstreamType, "Trailer", "grpc-status", "X-First", "1"),
				content: []string{first + second[:2], second[2:]},
				trailer: header("Grpc-Status", "0", "X-Last", "2"),
			}
			x := webCall(l, c.contentType, c.content...)
			x.Request.Header.Add("accept", c.accept)
			if err := Web(u).Serve(x); err != nil {
				t.Fatal(err)
			}
			if u.contentType != c.wantUpstream || u.te != "trailers" || u.asked != request {
				t.Errorf("the upstream is asked with %q, TE %q: %q", u.contentType, u.te, u.asked)
			}
			if got := x.Request.Header.Get("Content-Type"); got != c.contentType {
				t.Errorf("afterwards the request is of type %q", got)
			}
			h := &x.Response.Header
			got := h.Get("Content-Type")
			if got != c.wanted || h.Get("X-First") != "1" || h.Has("Trailer") {
				t.Errorf("%s is answered with %+v, want %s", c.contentType, h, c.wanted)
			}
			content, err := all(x.Response.Body)
			messages, trailer := decodeAnswer(t, c.wanted, content)
			if err != nil || strings.Join(messages, "") != first+second || trailer != "grpc-status:0\r\nx-last:2\r\n" {
				t.Errorf("%s: messages %q, trailers %q, %v", c.contentType, messages, trailer, err)
			}
			if x.Response.Trailer.Len() != 0 {
				t.Error("there are trailers besides those in the content")
			}
			finish(x)
		})
	}
}

func TestLengthOfBinaryRequestsStays(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for contentType, want := range map[string]int64{"application/grpc-web": 8, "application/grpc-web-text": message.UnknownLength} {
			u := &upstream{header: header("Content-Type", "application/grpc")}
			x := webCall(l, contentType, "AAAAAAMA")
			x.Request.Length = 8
			Web(u).Serve(x)
			if u.length != want {
				t.Errorf("%s of 8 bytes goes on with length %d", contentType, u.length)
			}
			finish(x)
		}
	})
}

func TestStatusInTheHeaderMovesIntoTheContent(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, contentType := range []string{"application/grpc-web", "application/grpc-web-text"} {
			u := &upstream{header: header("Content-Type", "application/grpc", "Grpc-Status", "5", "Grpc-Message", "no", "Grpc-Status-Details-Bin", "AA", "X-A", "b")}
			x := webCall(l, contentType)
			if err := Web(u).Serve(x); err != nil {
				t.Fatal(err)
			}
			if h := &x.Response.Header; h.Len() != 2 || h.Get("X-A") != "b" {
				t.Errorf("header %+v", h)
			}
			content, err := finish(x)
			if _, trailer := decodeAnswer(t, contentType, content); err != nil || trailer != "grpc-status:5\r\ngrpc-message:no\r\ngrpc-status-details-bin:AA\r\n" {
				t.Errorf("%s: trailers %q, %v", contentType, trailer, err)
			}
		}
	})
}

func TestAnswerWithoutAStatusGetsOne(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		u := &upstream{header: header("Content-Type", "application/grpc"), content: []string{frame(0, "x")}}
		x := webCall(l, "application/grpc-web")
		Web(u).Serve(x)
		content, err := finish(x)
		if _, trailer := decodeAnswer(t, "", content); err != nil || !strings.HasPrefix(trailer, "grpc-status:2\r\n") {
			t.Errorf("trailers %q, %v", trailer, err)
		}
	})
}

// Trailers behind half a message would be taken for its other half.
func TestAnswerThatEndsInsideAMessageIsCut(t *testing.T) {
	failed := errors.New("failed")
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []struct{ err, want error }{{nil, errCutFrame}, {failed, failed}} {
			u := &upstream{
				header: header("Content-Type", "application/grpc"), content: []string{frame(0, "abc")[:6]},
				trailer: header("Grpc-Status", "0"), err: c.err,
			}
			x := webCall(l, "application/grpc-web-text")
			Web(u).Serve(x)
			for range 2 {
				if _, err := all(x.Response.Body); err != c.want {
					t.Errorf("the content ends with %v, want %v", err, c.want)
				}
			}
			finish(x)
		}
	})
}

func TestWhatIsNotGRPCWebPassesUnchanged(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []struct{ method, contentType, answer string }{
			{"POST", "application/grpc", "application/grpc"},
			{"POST", "application/grpc-webx", "application/grpc"},
			{"POST", "", "application/grpc"},
			{"OPTIONS", "application/grpc-web", "application/grpc"},
			{"POST", "application/grpc-web-text", "text/html"},
		} {
			u := &upstream{header: header("Content-Type", c.answer), content: []string{"content"}, trailer: header("Grpc-Status", "0")}
			x := exchange(l, c.method)
			x.Request.Header.Add("content-type", c.contentType)
			if err := Web(u).Serve(x); err != nil {
				t.Fatal(err)
			}
			content, err := all(x.Response.Body)
			if content != "content" || err != nil || x.Response.Header.Get("Content-Type") != c.answer || x.Response.Trailer.Len() != 1 {
				t.Errorf("%s %s: %q, %v, %+v", c.method, c.contentType, content, err, &x.Response)
			}
			finish(x)
		}
	})
}

func TestContentThatIsNotBase64IsRefused(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, content := range []string{"AAA", "AA=A", "A\nAA", "====", "AAAAA"} {
			x := webCall(l, "application/grpc-web-text", content)
			err := Web(&upstream{}).Serve(x)
			if refusal, ok := errors.AsType[*message.Refusal](err); !ok || refusal.Status != 400 {
				t.Errorf("%q ends with %v", content, err)
			}
			if got := x.Request.Header.Get("Content-Type"); got != "application/grpc-web-text" {
				t.Errorf("after the error the request is of type %q", got)
			}
			finish(x)
		}
	})
}

func TestAnswersOfTheProxyAreInTheLanguageOfTheCall(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []struct{ contentType, want string }{
			{"application/grpc-web+proto", "application/grpc-web+proto"},
			{"application/grpc-web-text", "application/grpc-web-text+proto"},
		} {
			x := webCall(l, c.contentType)
			if !IsCall(&x.Request) {
				t.Errorf("%s is no call", c.contentType)
			}
			Answer(x, Unavailable, "50% are down")
			if got := x.Response.Header.Get("Content-Type"); got != c.want || x.Response.Status != 200 {
				t.Errorf("%s is answered with %d, %s", c.contentType, x.Response.Status, got)
			}
			content, err := finish(x)
			if _, trailer := decodeAnswer(t, c.contentType, content); err != nil || trailer != "grpc-status:14\r\ngrpc-message:50%25 are down\r\n" {
				t.Errorf("%s: trailers %q, %v", c.contentType, trailer, err)
			}
		}
		x := exchange(l, "POST")
		x.Request.Header.Add("Content-Type", "application/grpc")
		Answer(x, Unknown, "m")
		if h := &x.Response.Header; !IsCall(&x.Request) || h.Get("Grpc-Status") != "2" || h.Get("Grpc-Message") != "m" || x.Response.Length != 0 {
			t.Errorf("answered with %+v", &x.Response)
		}
		finish(x)
	})
}

// Whatever the pieces that content comes in, what arrives is the same.
func TestContentArrivesWholeHoweverItIsCut(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	looptest.Run(t, func(l *loop.Loop) {
		for range 200 {
			var request, text, answer string
			for range random.IntN(4) {
				m := frame(0, strings.Repeat("q", random.IntN(100)))
				request += m
				text += base64.StdEncoding.EncodeToString([]byte(m))
			}
			for range random.IntN(4) {
				answer += frame(byte(random.IntN(2)), strings.Repeat("a", random.IntN(60_000)))
			}
			u := &upstream{header: header("Content-Type", "application/grpc"), content: cut(answer, random), trailer: header("grpc-status", "0")}
			x := webCall(l, "application/grpc-web-text", cut(text, random)...)
			if err := Web(u).Serve(x); err != nil || u.asked != request {
				t.Fatalf("%v: the upstream is asked %q, not %q", err, u.asked, request)
			}
			content, err := finish(x)
			if messages, _ := decodeAnswer(t, "application/grpc-web-text", content); err != nil || strings.Join(messages, "") != answer {
				t.Fatalf("%v: %d bytes of messages arrive, not %d", err, len(strings.Join(messages, "")), len(answer))
			}
		}
	})
}

func TestSteadyTranslationTakesNoMemory(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		content, answer := &message.BytesBody{}, &message.BytesBody{}
		request, response := []byte("AAAAAAA="), []byte(frame(0, ""))
		h := Web(Calls(message.HandlerFunc(func(x *message.Exchange) error {
			for {
				if _, err := x.Request.Body.Next(); err != nil {
					break
				}
			}
			r := &x.Response
			r.Status, r.Length, r.Body = 200, message.UnknownLength, answer
			r.Header.Add("Content-Type", "application/grpc")
			r.Trailer.Add("Grpc-Status", "0")
			return nil
		}), plainStatus))
		x := exchange(l, "POST")
		run := func() {
			content.Data, answer.Data = request, response
			x.Request.Method, x.Started = "POST", l.Now()
			x.Request.Header.Add("Content-Type", "application/grpc-web-text")
			x.Request.Header.Add("Grpc-Timeout", "1S")
			x.Request.Length, x.Request.Body = 8, content
			if err := h.Serve(x); err != nil {
				t.Error(err)
			}
			for {
				if _, err := x.Response.Body.Next(); err != nil {
					break
				}
			}
			x.End()
			x.Reset()
		}
		// Now and then a pool forgets what was put into it.
		fewest := testing.AllocsPerRun(1, run)
		for range 50 {
			fewest = min(fewest, testing.AllocsPerRun(1, run))
		}
		if fewest != 0 {
			t.Errorf("%v allocations a call", fewest)
		}
	})
}

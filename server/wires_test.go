package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"pingap/http1"
	"pingap/message"
)

// secured makes a site that answers with what it knows of the connection, and
// the configuration of a client that trusts it.
func secured(t *testing.T, protocols ...string) (*Site, *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"a.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	s := site("a", "", loopback)
	s.Wire.Handler = message.HandlerFunc(tellConnection)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: protocols}
	return s, &tls.Config{RootCAs: pool, ServerName: "a.test"}
}

func tellConnection(x *message.Exchange) error {
	text := x.Request.Version.String() + " " + x.Request.Scheme
	if x.TLS != nil {
		text += " " + x.TLS.Version + " " + x.TLS.Protocol + " " + x.TLS.ServerName
	}
	x.Response.Status, x.Response.Length = 200, int64(len(text))
	x.Response.Body = x.BytesBody([]byte(text))
	return nil
}

// fetch asks by a client of the standard library.
func fetch(t *testing.T, transport http.RoundTripper, url string) string {
	t.Helper()
	c := &http.Client{Transport: transport, Timeout: patience}
	defer c.CloseIdleConnections()
	r, err := c.Get(url)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func TestProtocolIsAgreedOnInTheHandshake(t *testing.T) {
	for want, protocols := range map[string][]string{
		"HTTP/2.0 https TLSv1.3 h2 a.test":       {"h2", "http/1.1"},
		"HTTP/1.1 https TLSv1.3 http/1.1 a.test": {"http/1.1"},
		"HTTP/1.1 https TLSv1.3  a.test":         nil,
	} {
		s := start(t, 2)
		a, config := secured(t, protocols...)
		mustStart(t, s, a)
		transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
		if got := fetch(t, transport, "https://"+a.Listening()[0].String()); got != want {
			t.Errorf("with %v: %q, want %q", protocols, got, want)
		}
	}
}

func TestBothVersionsAreSpokenInClearTextWhereThatIsWanted(t *testing.T) {
	s := start(t, 1)
	a := &Site{Name: "a", Addrs: site("", "", loopback).Addrs, HTTP2: true, Wire: &http1.Server{Handler: message.HandlerFunc(tellConnection)}}
	mustStart(t, s, a)
	url := "http://" + a.Listening()[0].String()
	prior := &http.Transport{Protocols: new(http.Protocols)}
	prior.Protocols.SetUnencryptedHTTP2(true)
	if got := fetch(t, prior, url); got != "HTTP/2.0 http" {
		t.Errorf("with prior knowledge: %q", got)
	}
	if got := fetch(t, &http.Transport{}, url); got != "HTTP/1.1 http" {
		t.Errorf("without: %q", got)
	}
}

// A first byte may come alone.
func TestVersionIsSeenInBytesThatDripIn(t *testing.T) {
	s := start(t, 1)
	a := &Site{Name: "a", Addrs: site("", "", loopback).Addrs, HTTP2: true, Wire: &http1.Server{Handler: message.HandlerFunc(tellConnection)}}
	mustStart(t, s, a)
	c := dial(t, a.Listening()[0])
	for _, b := range []byte("PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n") {
		if _, err := c.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := c.answer(t); got != "HTTP/1.1 http" {
		t.Errorf("answer %q", got)
	}
}

func TestClientThatSpeaksClearTextToTLSIsToldSo(t *testing.T) {
	s := start(t, 1)
	a, _ := secured(t)
	mustStart(t, s, a)
	c := dial(t, a.Listening()[0])
	c.ask()
	r, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 400 || !r.Close || !strings.Contains(string(text), "https://") {
		t.Errorf("answered %d %q, %v", r.StatusCode, text, err)
	}
	if _, err := c.in.ReadByte(); err != io.EOF {
		t.Errorf("after the answer: %v", err)
	}
	// What is neither gets no answer that it could not read.
	other := dial(t, a.Listening()[0])
	io.WriteString(other, "\x00\x01\x02 \r\n\r\n")
	if b, err := io.ReadAll(other); len(b) > 0 || err != nil {
		t.Errorf("answered %q, %v", b, err)
	}
	drain(t, s)
}

func TestClientLearnsWhyItsHandshakeFails(t *testing.T) {
	s := start(t, 1)
	a, config := secured(t, "h2", "http/1.1")
	mustStart(t, s, a)
	config.NextProtos = []string{"gopher"}
	_, err := tls.Dial("tcp", a.Listening()[0].String(), config)
	if err == nil || !strings.Contains(err.Error(), "no application protocol") {
		t.Errorf("error %v", err)
	}
}

// A flood of clients that do not go on with their handshakes takes a bounded
// number of places.
func TestHandshakesAreLimitedInNumber(t *testing.T) {
	s := start(t, 1)
	a, config := secured(t, "http/1.1")
	mustStart(t, s, a)
	addr := a.Listening()[0].String()
	entering := &a.entrances[0].wires.entering
	until := func(n int64) {
		// sleep: between looks at a counter
		for began := time.Now(); entering.Load() != n; time.Sleep(time.Millisecond) {
			if time.Since(began) > patience {
				t.Fatalf("%d handshakes are under way, want %d", entering.Load(), n)
			}
		}
	}
	var silent []*client
	for range mostHandshakes {
		silent = append(silent, dial(t, a.Listening()[0]))
	}
	until(mostHandshakes)
	if _, err := tls.Dial("tcp", addr, config); err == nil {
		t.Error("one more is let in")
	}
	silent[0].Close()
	until(mostHandshakes - 1)
	if got := fetch(t, &http.Transport{TLSClientConfig: config}, "https://"+addr); got != "HTTP/1.1 https TLSv1.3  a.test" {
		t.Errorf("with a place that has become free: %q", got)
	}
	for _, c := range silent {
		c.Close()
	}
	drain(t, s)
}

func TestDrainEndsConnectionsOfEveryKind(t *testing.T) {
	s := start(t, 1)
	a, config := secured(t, "h2", "http/1.1")
	plain := &Site{Name: "b", Addrs: site("", "", loopback).Addrs, HTTP2: true, Wire: &http1.Server{Handler: message.HandlerFunc(tellConnection)}}
	mustStart(t, s, a, plain)
	two := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	one := &http.Transport{TLSClientConfig: config.Clone()}
	one.TLSClientConfig.NextProtos = []string{"http/1.1"}
	for _, transport := range []*http.Transport{one, two} {
		r, err := (&http.Client{Transport: transport, Timeout: patience}).Get("https://" + a.Listening()[0].String())
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	silent := dial(t, plain.Listening()[0])
	handshaking := dial(t, a.Listening()[0])
	silent.Close()
	handshaking.Close()
	drain(t, s)
}

// Whoever came in before a certificate was asked for does not stay for ever.
func TestConnectionsEndWhenClientsAreAskedForOtherCertificates(t *testing.T) {
	s := start(t, 2)
	a, config := secured(t, "h2", "http/1.1")
	mustStart(t, s, a)
	addr := a.Listening()[0]
	two := over(&http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: true}, "https://"+addr.String())
	defer two.CloseIdleConnections()
	two.want(t, "HTTP/2.0 https TLSv1.3 h2 a.test")
	for _, roots := range []*x509.CertPool{config.RootCAs, x509.NewCertPool()} {
		came := dial(t, addr)
		config := config.Clone()
		shown := a.TLS.Certificates[0]
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &shown, nil }
		came.Conn = tls.Client(came.Conn, config)
		came.in.Reset(came.Conn)
		if mustAnswer(t, came, "HTTP/1.1 https TLSv1.3  a.test") {
			t.Fatal("the connection ends after its first exchange")
		}
		asking := *a
		asking.TLS = a.TLS.Clone()
		asking.TLS.ClientAuth, asking.TLS.ClientCAs = tls.RequireAndVerifyClientCert, roots
		mustStart(t, s, &asking)
		if asking.Listening()[0] != addr {
			t.Fatalf("the site listens on %v", asking.Listening())
		}
		if !mustAnswer(t, came, "HTTP/1.1 https TLSv1.3  a.test") {
			t.Error("the connection goes on")
		}
		came.Close()
		// What is the same is not asked anew.
		same := asking
		same.TLS = asking.TLS.Clone()
		same.TLS.ClientCAs = roots.Clone()
		mustStart(t, s, &same)
		if same.entrances[0] != asking.entrances[0] {
			t.Error("connections end although clients are asked for the same")
		}
		a = &same
	}
	for began := time.Now(); ; {
		r, err := two.Get(two.url)
		if err != nil {
			break
		}
		r.Body.Close()
		if time.Since(began) > patience {
			t.Fatal("a client without a certificate is still answered")
		}
	}
	drain(t, s)
}

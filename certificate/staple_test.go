package certificate

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ocsp"
)

// responder answers for certificates of an issuer, as its fields say.
type responder struct {
	issuer, signer *pair
	status         int
	holds          time.Duration       // of each answer, from now on
	corrupt        func([]byte) []byte // nil to leave answers as they are
	down           bool

	mu       sync.Mutex
	requests int
}

// change changes how it answers.
func (r *responder) change(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// asked is how often it was.
func (r *responder) asked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

// journal is a log to look at while it is written.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func newResponder(issuer *pair) *responder {
	return &responder{issuer: issuer, signer: issuer, status: ocsp.Good, holds: 10 * time.Hour}
}

func (r *responder) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	body, err := io.ReadAll(request.Body)
	if err != nil || r.down {
		http.Error(w, "out of order", http.StatusServiceUnavailable)
		return
	}
	asked, err := ocsp.ParseRequest(body)
	if err != nil || request.Header.Get("Content-Type") != "application/ocsp-request" {
		http.Error(w, "what?", http.StatusBadRequest)
		return
	}
	template := ocsp.Response{Status: r.status, SerialNumber: asked.SerialNumber, ThisUpdate: time.Now(), RevokedAt: time.Now()}
	if r.holds != 0 {
		template.NextUpdate = time.Now().Add(r.holds)
	}
	if r.signer != r.issuer {
		template.Certificate = r.signer.cert
	}
	answer, err := ocsp.CreateResponse(r.issuer.cert, r.signer.cert, template, r.signer.key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if r.corrupt != nil {
		answer = r.corrupt(answer)
	}
	w.Header().Set("Content-Type", "application/ocsp-response")
	w.Write(answer)
}

// RoundTrip answers without a network.
func (r *responder) RoundTrip(request *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	r.ServeHTTP(w, request)
	return w.Result(), nil
}

// stapled makes a certificate whose issuer names responders.
func stapled(t testing.TB, ca *pair, must bool, urls ...string) *Certificate {
	t.Helper()
	template := x509.Certificate{DNSNames: []string{"a.test"}, OCSPServer: urls, NotAfter: time.Now().Add(1000 * time.Hour)}
	if must {
		template.ExtraExtensions = append(template.ExtraExtensions, mustStapleExtension)
	}
	return loaded(t, Spec{Name: "x"}, sign(t, template, newECDSA(t), ca), ca)
}

func TestStaplesReachClients(t *testing.T) {
	ca := newCA(t, "CA", nil)
	r := newResponder(ca)
	server := httptest.NewServer(r)
	defer server.Close()
	c := stapled(t, ca, true, server.URL)
	s := NewStapler(slog.New(slog.DiscardHandler))
	defer s.Close()
	s.Use([]*Certificate{c})
	s.Ready(context.Background())
	store, _ := NewStore([]*Certificate{c})
	config, client := site(t, ServerSpec{Store: store}, "a.test")
	client.RootCAs = poolOf(ca)
	_, state, err := shake(t, config, client)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := ocsp.ParseResponseForCert(state.OCSPResponse, c.Leaf, ca.cert); err != nil || answer.Status != ocsp.Good {
		t.Errorf("the client got %x: %v", state.OCSPResponse, err)
	}
}

// inBubble runs f with a Stapler that asks r, where time passes at once.
func inBubble(t *testing.T, f func(t *testing.T, s *Stapler, ca *pair, r *responder, log *journal)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ca := newCA(t, "CA", nil)
		r := newResponder(ca)
		var log journal
		s := NewStapler(slog.New(slog.NewTextHandler(&log, nil)))
		s.client.Transport = r
		defer s.Close()
		f(t, s, ca, r, &log)
	})
}

// after lets time pass.
func after(d time.Duration) {
	time.Sleep(d) // sleep: in a bubble with a clock of its own
	synctest.Wait()
}

func hasStaple(c *Certificate) bool { return len(c.TLS().OCSPStaple) > 0 }

func TestStaplesAreRenewedInTheMiddleOfTheirTime(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Stapler, ca *pair, r *responder, _ *journal) {
		c := stapled(t, ca, false, "http://ca.test/")
		s.Use([]*Certificate{c})
		synctest.Wait()
		if !hasStaple(c) || r.asked() != 1 {
			t.Fatalf("there is a staple: %v, after %d requests", hasStaple(c), r.asked())
		}
		after(r.holds/2 - time.Minute)
		if r.asked() != 1 {
			t.Error("asked before the middle")
		}
		after(r.holds / 10)
		if r.asked() != 2 {
			t.Error("not asked after the middle")
		}
	})
}

func TestStaplesAreKeptOnFailureUntilTheyExpire(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Stapler, ca *pair, r *responder, log *journal) {
		c := stapled(t, ca, false, "http://ca.test/")
		s.Use([]*Certificate{c})
		synctest.Wait()
		r.change(func() { r.down = true })
		after(r.holds - time.Minute)
		if !hasStaple(c) || !strings.Contains(log.String(), "503 Service Unavailable") {
			t.Errorf("the staple is gone before its time, or nobody heard of it: %s", log)
		}
		if r.asked() > 12 {
			t.Errorf("asked %d times in vain", r.asked())
		}
		after(2 * time.Minute)
		if hasStaple(c) {
			t.Error("a staple that has expired is served")
		}
		r.change(func() { r.down = false })
		after(2 * time.Hour)
		if !hasStaple(c) {
			t.Error("there is no staple after the responder came back")
		}
	})
}

func TestRevokedCertificatesLoseTheirStaple(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Stapler, ca *pair, r *responder, log *journal) {
		c := stapled(t, ca, false, "http://ca.test/")
		s.Use([]*Certificate{c})
		synctest.Wait()
		r.change(func() { r.status = ocsp.Revoked })
		after(r.holds * 6 / 10)
		if hasStaple(c) || !strings.Contains(log.String(), "has been revoked") {
			t.Errorf("there is a staple: %v; %s", hasStaple(c), log)
		}
	})
}

func TestStaplesPassToTheCertificatesOfANewConfiguration(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Stapler, ca *pair, r *responder, _ *journal) {
		c := stapled(t, ca, false, "http://ca.test/")
		same := &Certificate{Name: "renamed", Leaf: c.Leaf, Chain: c.Chain}
		same.current.Store(c.TLS())
		s.Use([]*Certificate{c})
		synctest.Wait()
		r.change(func() { r.down = true })
		s.Use([]*Certificate{same})
		if !hasStaple(same) {
			t.Error("the same certificate lost its staple")
		}
		s.Use(nil)
		asked := r.asked()
		after(100 * time.Hour)
		if r.asked() != asked || len(s.tasks) > 0 {
			t.Error("work goes on for a certificate that nobody uses")
		}
	})
}

func TestCertificatesThatDemandAStapleWaitForIt(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Stapler, ca *pair, r *responder, log *journal) {
		c := stapled(t, ca, true, "http://ca.test/")
		spare := loaded(t, Spec{Name: "spare"}, newLeaf(t, ca, newRSA(), "a.test"), ca)
		store, _ := NewStore([]*Certificate{c, spare})
		r.change(func() { r.down = true })
		s.Use([]*Certificate{c, spare})
		s.Ready(t.Context()) // one attempt is enough
		if got := chosen(store, hello(modern, "a.test")); got != "spare" {
			t.Errorf("without a staple %s is served", got)
		}
		if !strings.Contains(log.String(), "clients refuse this certificate without one") {
			t.Errorf("the log says %s", log)
		}
		r.change(func() { r.down = false })
		after(retryUrgent)
		if got := chosen(store, hello(modern, "a.test")); got != "x" {
			t.Errorf("with a staple %s is served", got)
		}
	})
}

func TestAnswersOfRespondersAreVerified(t *testing.T) {
	ca, other := newCA(t, "CA", nil), newCA(t, "Other", nil)
	signer := func(issuer *pair, usage x509.ExtKeyUsage, end time.Time) *pair {
		return sign(t, x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{usage}, NotAfter: end, DNSNames: []string{"ocsp.test"}}, newECDSA(t), issuer)
	}
	hour := time.Now().Add(time.Hour)
	for _, c := range []struct {
		what   string
		change func(*responder)
		want   string // none when empty
	}{
		{"of the issuer", func(*responder) {}, ""},
		{"of whom the issuer lets", func(r *responder) { r.signer = signer(ca, x509.ExtKeyUsageOCSPSigning, hour) }, ""},
		{"of another customer", func(r *responder) { r.signer = signer(ca, x509.ExtKeyUsageServerAuth, hour) }, "whom the issuer does not let answer"},
		{"of an expired one", func(r *responder) { r.signer = signer(ca, x509.ExtKeyUsageOCSPSigning, time.Now().Add(-time.Minute)) }, "expired"},
		{"of another issuer", func(r *responder) { r.issuer, r.signer = other, other }, "bad OCSP signature"},
		{"damaged", func(r *responder) { r.corrupt = func(b []byte) []byte { b[len(b)/2] ^= 1; return b } }, "ECDSA verification failure"},
		{"empty", func(r *responder) { r.corrupt = func([]byte) []byte { return nil } }, "asn1"},
		{"too large", func(r *responder) { r.corrupt = func([]byte) []byte { return make([]byte, maxStaple+1) } }, "more than 16 KiB"},
		{"of what it does not know", func(r *responder) { r.status = ocsp.Unknown }, "does not know the certificate"},
		{"expired", func(r *responder) { r.holds = -time.Minute }, "held until"},
		{"without an end", func(r *responder) { r.holds = 0 }, "until when"},
	} {
		r := newResponder(ca)
		c.change(r)
		leaf := stapled(t, ca, false, "http://ca.test/").Leaf
		_, err := fetchStaple(t.Context(), &http.Client{Transport: r}, leaf, ca.cert, time.Now)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("an answer %s: %v", c.what, err)
		}
	}
	early := func() time.Time { return time.Now().Add(-time.Hour) }
	leaf := stapled(t, ca, false, "http://ca.test/").Leaf
	if _, err := fetchStaple(t.Context(), &http.Client{Transport: newResponder(ca)}, leaf, ca.cert, early); err == nil || !strings.Contains(err.Error(), "is the clock right?") {
		t.Errorf("an answer of the future: %v", err)
	}
}

func TestTheNextResponderIsAskedWhenOneFails(t *testing.T) {
	ca := newCA(t, "CA", nil)
	leaf := stapled(t, ca, false, "ldap://ca.test/", "http://down.test/", "http://ca.test/").Leaf
	r := newResponder(ca)
	client := &http.Client{Transport: roundTripper(func(request *http.Request) (*http.Response, error) {
		if request.URL.Host == "down.test" {
			return nil, errors.New("refused")
		}
		return r.RoundTrip(request)
	})}
	if _, err := fetchStaple(t.Context(), client, leaf, ca.cert, time.Now); err != nil {
		t.Error(err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestARespondersSilenceEndsWithItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Stapler, ca *pair, _ *responder, log *journal) {
		s.client.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		s.Use([]*Certificate{stapled(t, ca, false, "http://ca.test/")})
		after(askFor + time.Second)
		if !strings.Contains(log.String(), "deadline exceeded") {
			t.Errorf("the log says %s", log)
		}
	})
}

func TestLoadWarnsOfStaplesThatCannotBeHad(t *testing.T) {
	ca := newCA(t, "CA", nil)
	if got := strings.Join(stapled(t, ca, true).Warnings, "\n"); !strings.Contains(got, "demands an OCSP staple") {
		t.Errorf("got %q", got)
	}
	if got := stapled(t, ca, true, "http://ca.test/").Warnings; len(got) > 0 {
		t.Errorf("got %q", got)
	}
}

func FuzzAnswersOfRespondersNeverPanic(f *testing.F) {
	ca := newCA(f, "CA", nil)
	leaf := stapled(f, ca, false, "http://ca.test/").Leaf
	good, err := fetchStaple(context.Background(), &http.Client{Transport: newResponder(ca)}, leaf, ca.cert, time.Now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good.der)
	f.Add([]byte{0x30, 3, 10, 1, 6})
	f.Fuzz(func(t *testing.T, answer []byte) {
		s, err := verifyStaple(answer, leaf, ca.cert, time.Now())
		if err == nil && !bytes.Equal(answer, good.der) && s.until.IsZero() {
			t.Error("an answer without an end")
		}
	})
}

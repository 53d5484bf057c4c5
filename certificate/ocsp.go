package certificate

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ocsp"
)

const (
	// maxStaple is how large an answer of a responder may be: it goes out with
	// every handshake.
	maxStaple = 16 << 10
	// askFor is how long one responder may take.
	askFor = 15 * time.Second
	// skew is how far the clock of a responder may be ahead.
	skew = 5 * time.Minute
)

// staple is a verified answer that a certificate is good.
type staple struct {
	der         []byte
	from, until time.Time
}

// errRevoked is what a responder says of a certificate that its authority does
// not stand by any more.
var errRevoked = errors.New("the certificate has been revoked: clients refuse it; get a new one")

// fetchStaple asks the responders that leaf names (RFC 6960), one after the
// other, and verifies what they say at the time now.
func fetchStaple(ctx context.Context, client *http.Client, leaf, issuer *x509.Certificate, now func() time.Time) (*staple, error) {
	request, err := ocsp.CreateRequest(leaf, issuer, nil)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, url := range leaf.OCSPServer {
		answer, err := ask(ctx, client, url, request)
		var s *staple
		if err == nil {
			s, err = verifyStaple(answer, leaf, issuer, now())
		}
		if err == nil {
			return s, nil
		}
		errs = append(errs, fmt.Errorf("%.200q: %w", url, err))
	}
	return nil, errors.Join(errs...)
}

// ask sends a request to one responder.
func ask(ctx context.Context, client *http.Client, url string, request []byte) ([]byte, error) {
	if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
		return nil, errors.New("is no address of HTTP")
	}
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(request))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/ocsp-request")
	r.Header.Set("Accept", "application/ocsp-response")
	response, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answers %s", response.Status)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxStaple+1))
	if err == nil && len(answer) > maxStaple {
		err = fmt.Errorf("answers more than %d KiB", maxStaple>>10)
	}
	return answer, err
}

// verifyStaple checks that an answer is about leaf, comes from whom issuer lets
// answer, holds at the time now, and says that the certificate is good.
func verifyStaple(answer []byte, leaf, issuer *x509.Certificate, now time.Time) (*staple, error) {
	r, err := ocsp.ParseResponseForCert(answer, leaf, issuer)
	if err != nil {
		return nil, err
	}
	if err := checkResponder(r.Certificate, issuer, now); err != nil {
		return nil, err
	}
	switch {
	case r.Status == ocsp.Revoked:
		return nil, fmt.Errorf("%w (on %s)", errRevoked, r.RevokedAt.UTC().Format(time.DateOnly))
	case r.Status != ocsp.Good:
		return nil, errors.New("does not know the certificate")
	case r.ThisUpdate.After(now.Add(skew)):
		return nil, fmt.Errorf("answers for a time to come, %v: is the clock right?", r.ThisUpdate)
	case r.NextUpdate.IsZero():
		return nil, errors.New("does not say until when its answer holds")
	case !r.NextUpdate.After(now):
		return nil, fmt.Errorf("gives an answer that held until %v", r.NextUpdate)
	}
	return &staple{der: answer, from: r.ThisUpdate, until: r.NextUpdate}, nil
}

// checkResponder checks that issuer lets responder answer (RFC 6960 section
// 4.2.2.2). Any certificate of the issuer has a right signature, also that of
// another customer, so it must say that it is for this use. nil stands for the
// issuer itself.
func checkResponder(responder, issuer *x509.Certificate, now time.Time) error {
	switch {
	case responder == nil || responder.Equal(issuer):
		return nil
	case !slices.Contains(responder.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning):
		return fmt.Errorf("the answer is signed by %s, whom the issuer does not let answer", describe(responder))
	}
	if w := Validity(responder, now); w != "" {
		return fmt.Errorf("the answer is signed with an invalid certificate: %s", w)
	}
	return nil
}

// mustStaple reports whether a certificate demands that a staple comes with it
// (RFC 7633): without one clients refuse it.
func mustStaple(cert *x509.Certificate) bool {
	const statusRequest = 5
	for _, e := range cert.Extensions {
		var features []int
		if e.Id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}) {
			_, err := asn1.Unmarshal(e.Value, &features)
			return err == nil && slices.Contains(features, statusRequest)
		}
	}
	return false
}

package plugin

import (
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"pingap/message"
)

// Secrets are texts of which a client has to show one.
type Secrets struct{ digests [][sha256.Size]byte }

// NewSecrets makes Secrets of texts.
func NewSecrets[T ~string](texts []T) Secrets {
	var s Secrets
	for _, text := range texts {
		s.digests = append(s.digests, sha256.Sum256([]byte(text)))
	}
	return s
}

// Hold reports whether text is one of the secrets. How long that takes does not
// tell how much of it is right, nor which it is.
func (s *Secrets) Hold(text string) bool {
	digest := sha256.Sum256([]byte(text))
	found := 0
	for i := range s.digests {
		found |= subtle.ConstantTimeCompare(digest[:], s.digests[i][:])
	}
	return found == 1
}

// Refusal is the answer to a client that has not shown what it has to.
type Refusal struct {
	Status  int
	Content Content
	// Delay is how long the answer waits, so that trying secrets out takes time.
	Delay time.Duration
}

// NewRefusal makes a Refusal with a text for its reader, and with header fields.
func NewRefusal(status int, text string, fields ...message.Field) *Refusal {
	return &Refusal{Status: status, Content: Content{
		Header: append(fields, message.Field{Name: "Content-Type", Value: "text/plain; charset=utf-8"}),
		Data:   []byte(text),
	}}
}

// After returns the refusal with a delay.
func (r *Refusal) After(delay time.Duration) *Refusal {
	r.Delay = delay
	return r
}

// Serve answers the exchange with the refusal.
func (r *Refusal) Serve(x *message.Exchange) error {
	if r.Delay > 0 {
		if err := x.Loop.Sleep(r.Delay); err != nil {
			return err
		}
	}
	Answer(x, r.Status, &r.Content)
	return nil
}

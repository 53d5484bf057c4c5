package jwt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"pingap/message"
)

// keys are what tokens are verified with.
type keys interface {
	// keyOf returns the key of a token that is not verified yet. It may park.
	keyOf(x *message.Exchange, t *jwt.Token) (any, error)
}

// always is one key for all tokens.
type always struct{ key any }

func (a always) keyOf(*message.Exchange, *jwt.Token) (any, error) { return a.key, nil }

// Bounds of fetching a JWKS.
const (
	fetchTimeout = 10 * time.Second
	maxKeySet    = 1 << 20 // bytes
	maxKeys      = 1000
	// cooldown is how long after a fetch there is no other one: tokens with keys
	// that do not exist cost whoever makes them nothing.
	cooldown = 10 * time.Second
)

// keySet is the keys that an issuer publishes (RFC 7517), fetched when they are
// needed, and again when they are old or a token has a key that is not among them.
type keySet struct {
	url      string
	ttl      time.Duration
	cooldown time.Duration
	client   *http.Client
	logger   *slog.Logger

	known   atomic.Pointer[knownKeys]
	made    time.Time    // when the set was
	tried   atomic.Int64 // when the last fetch ended, ns after made; 0 for never
	renewal atomic.Bool  // whether somebody waits for keys that take the place of old ones
	mu      sync.Mutex   // held to fetch
}

type knownKeys struct {
	byID    map[string]jose.JSONWebKey
	fetched time.Time
}

func newKeySet(url string, ttl time.Duration, l *slog.Logger) *keySet {
	return &keySet{url: url, ttl: ttl, cooldown: min(ttl, cooldown), made: time.Now(), logger: l, client: &http.Client{
		// No connection is worth keeping for as long as keys are good.
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxKeySet},
		CheckRedirect: stayPrivate,
		Timeout:       fetchTimeout,
	}}
}

// stayPrivate follows a few redirects, but none from https to where anybody on the
// way could put keys of his own into the answer.
func stayPrivate(to *http.Request, via []*http.Request) error {
	switch {
	case via[0].URL.Scheme == "https" && to.URL.Scheme != "https":
		return errors.New("a redirect leads away from https")
	case len(via) > 5:
		return errors.New("there are too many redirects")
	}
	return nil
}

var errUnknownKey = errors.New("the issuer has no such key")

// keyOf returns the key that a token names. Old keys are used when there are no
// new ones to be had, and by all others while one fetches new ones.
func (s *keySet) keyOf(x *message.Exchange, t *jwt.Token) (any, error) {
	id, _ := t.Header["kid"].(string)
	known := s.known.Load()
	key, ok := known.find(id)
	switch {
	case !s.mayFetch():
	case !ok:
		x.Loop.Await(s.fetch)
		key, ok = s.known.Load().find(id)
	case time.Since(known.fetched) > s.ttl && s.renewal.CompareAndSwap(false, true):
		x.Loop.Await(s.renew)
		key, ok = s.known.Load().find(id)
	}
	switch {
	case !ok:
		return nil, errUnknownKey
	case key.Algorithm != "" && key.Algorithm != t.Method.Alg():
		return nil, fmt.Errorf("the key is for %s", key.Algorithm)
	}
	return key.Key, nil
}

// find returns a key for signatures. A token that names none may have the only one
// there is.
func (k *knownKeys) find(id string) (key jose.JSONWebKey, ok bool) {
	if k == nil {
		return key, false
	}
	if id == "" && len(k.byID) == 1 {
		for _, key = range k.byID {
			return key, true
		}
	}
	key, ok = k.byID[id]
	return key, ok
}

func (s *keySet) mayFetch() bool {
	tried := s.tried.Load()
	return tried == 0 || int64(time.Since(s.made))-tried > int64(s.cooldown)
}

// renew fetches the keys for the one who has set renewal.
func (s *keySet) renew() {
	defer s.renewal.Store(false)
	s.fetch()
}

// fetch fetches the keys. Who comes while another one does waits for that.
func (s *keySet) fetch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.mayFetch() {
		return
	}
	known, err := s.get()
	s.tried.Store(int64(time.Since(s.made)))
	if err != nil {
		s.logger.Warn("the keys of tokens cannot be fetched", "url", s.url, "error", err)
		return
	}
	s.known.Store(known)
}

func (s *keySet) get() (*knownKeys, error) {
	response, err := s.client.Get(s.url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != 200 {
		return nil, fmt.Errorf("answered with %s", response.Status)
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, maxKeySet+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxKeySet {
		return nil, fmt.Errorf("is larger than %d KiB", maxKeySet>>10)
	}
	return parseKeys(content)
}

// parseKeys reads a set. Keys of kinds that are not known here are passed over, as
// RFC 7517 section 5 says, and so are secret ones, which nobody should publish.
func parseKeys(content []byte) (*knownKeys, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(content, &set); err != nil {
		return nil, fmt.Errorf("is no set of keys: %w", err)
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("has more than %d keys", maxKeys)
	}
	known := &knownKeys{byID: make(map[string]jose.JSONWebKey), fetched: time.Now()}
	for _, text := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(text) != nil || !key.Valid() || !key.IsPublic() || key.Use == "enc" {
			continue
		}
		known.byID[key.KeyID] = key
	}
	if len(known.byID) == 0 {
		return nil, errors.New("has no public key for signatures")
	}
	return known, nil
}

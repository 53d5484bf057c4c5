package certificate

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// TicketSpec says which keys there are for session tickets.
type TicketSpec struct {
	// File, when it is set, shares the keys between processes: those that read
	// the same file take each other's tickets, also after a restart.
	File string
	// Every is how long a key is in use for new tickets; 0 stands for 8 hours.
	// It is the same for all processes that share a file.
	Every time.Duration
	// Keep is for how many such times a ticket is accepted, the one it was made
	// in among them; 0 stands for 3.
	Keep int
	// Logger hears when the file cannot be kept up to date.
	Logger *slog.Logger
}

// TicketKeys are the keys that session tickets are sealed with (RFC 8446 section
// 4.6.1, RFC 5077). Clients come back with their session as long as its key is
// there, whatever the configuration is by then, so the keys belong to the
// process. They are safe for concurrent use.
//
// The keys of one period follow from a secret, and the secret of the next period
// follows from it, not the other way round. So processes that share one secret
// have the same keys without talking to each other, and a key that is no longer
// used cannot be computed again by who gets hold of the secret of today.
type TicketKeys struct {
	spec   TicketSpec
	sealer atomic.Pointer[tls.Config] // has nothing but the keys

	mu        sync.Mutex // held by those who rotate, never in a handshake
	chain     chain
	published int64 // the period for which the keys in use were chosen; -1 to choose anew

	stop    context.CancelFunc
	stopped sync.WaitGroup
}

// chain is the secret of the oldest period whose tickets are still accepted.
// Periods are counted since 1970.
type chain struct {
	period int64
	secret [sha256.Size]byte
}

// next is the chain one period later.
func (c chain) next() chain {
	return chain{c.period + 1, derive(c.secret, "next period")}
}

// key is what seals tickets in the first period of c.
func (c chain) key() [32]byte { return derive(c.secret, "ticket key") }

func derive(secret [sha256.Size]byte, purpose string) (out [sha256.Size]byte) {
	b, err := hkdf.Expand(sha256.New, secret[:], "pingap session tickets: "+purpose, len(out))
	if err != nil {
		panic(err) // only for lengths that are out of range
	}
	copy(out[:], b)
	return out
}

const (
	defaultEvery = 8 * time.Hour
	defaultKeep  = 3
	// maxKept is for how long tickets may be accepted in all (RFC 8446 section
	// 4.6.1).
	maxKept = 7 * 24 * time.Hour
	// maxSteps is how many periods a chain is continued; one that is older is
	// begun anew.
	maxSteps = 100_000
)

// NewTicketKeys makes keys, or takes those in the file, and changes them in time
// until Close.
func NewTicketKeys(spec TicketSpec) (*TicketKeys, error) {
	k, err := newTicketKeys(spec, time.Now())
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	k.stop = stop
	k.stopped.Go(func() { k.run(ctx) })
	return k, nil
}

// newTicketKeys is NewTicketKeys without what happens later.
func newTicketKeys(spec TicketSpec, now time.Time) (*TicketKeys, error) {
	if spec.Every == 0 {
		spec.Every = defaultEvery
	}
	if spec.Keep == 0 {
		spec.Keep = defaultKeep
	}
	if spec.Every < time.Minute || spec.Every%time.Second != 0 || spec.Keep < 1 || spec.Every > maxKept/time.Duration(spec.Keep) {
		return nil, fmt.Errorf("session tickets: %d keys that change every %v: whole seconds, at least 1m, and %v in all", spec.Keep, spec.Every, maxKept)
	}
	if spec.Logger == nil {
		spec.Logger = slog.New(slog.DiscardHandler)
	}
	k := &TicketKeys{spec: spec}
	rand.Read(k.chain.secret[:])
	k.chain.period = k.oldest(now)
	if err := k.rotate(now); err != nil {
		return nil, err
	}
	return k, nil
}

// Close ends the changing of keys. Tickets go on to be sealed and opened.
func (k *TicketKeys) Close() {
	k.stop()
	k.stopped.Wait()
}

// run changes the keys in time. It looks at the clock at short intervals, since
// that may be set, and machines may sleep.
func (k *TicketKeys) run(ctx context.Context) {
	tick := time.NewTicker(min(k.spec.Every/10, time.Minute))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if err := k.keepUp(now); err != nil {
				k.spec.Logger.Error("session ticket keys are not shared until this is repaired", "error", err)
			}
		}
	}
}

// keepUp rotates when it is time.
func (k *TicketKeys) keepUp(now time.Time) error {
	k.mu.Lock()
	due := k.published != k.period(now)
	k.mu.Unlock()
	if !due {
		return nil
	}
	return k.rotate(now)
}

// period is that of a time, and oldest the first whose tickets are accepted
// then.
func (k *TicketKeys) period(now time.Time) int64 { return now.UnixNano() / int64(k.spec.Every) }
func (k *TicketKeys) oldest(now time.Time) int64 { return k.period(now) - int64(k.spec.Keep) + 1 }

// rotate forgets the keys that are too old at the time now, and adds those that
// are new. With an error of the file it still does so.
func (k *TicketKeys) rotate(now time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var err error
	if k.spec.File != "" {
		err = k.share(now)
	}
	k.chain = k.chain.upTo(k.oldest(now))
	k.publish()
	k.published = k.period(now)
	if err != nil {
		k.published = -1
	}
	return err
}

// upTo is the chain at a period. It cannot go back: when the clock was, what is
// there stays.
func (c chain) upTo(period int64) chain {
	if period-c.period > maxSteps {
		rand.Read(c.secret[:])
		c.period = period
	}
	for c.period < period {
		c = c.next()
	}
	return c
}

// publish puts the keys to use: that of the present period to seal and open,
// those before to open, and the next one too, for the tickets of a process whose
// clock is ahead. The present is where the chain says, which does not go back
// when a clock is set back.
func (k *TicketKeys) publish() {
	var keys [][32]byte
	c := k.chain
	for range k.spec.Keep {
		keys = append(keys, c.key())
		c = c.next()
	}
	slices.Reverse(keys)
	keys = append(keys, c.key())
	sealer := &tls.Config{}
	sealer.SetSessionTicketKeys(keys)
	k.sealer.Store(sealer)
}

// attach makes the sessions of config resume with k. A ticket is bound to the
// name of the server, which the client must not change (RFC 6066 section 3),
// and to what config asks of clients, lest one that was let in by one server is
// let in by another.
func (k *TicketKeys) attach(config *tls.Config) {
	policy := policyOf(config)
	config.WrapSession = func(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		session.Extra = append(session.Extra, binding(policy, state.ServerName))
		return k.sealer.Load().EncryptTicket(state, session)
	}
	config.UnwrapSession = func(ticket []byte, state tls.ConnectionState) (*tls.SessionState, error) {
		session, err := k.sealer.Load().DecryptTicket(ticket, state)
		if session == nil || err != nil {
			return nil, err
		}
		own := binding(policy, state.ServerName)
		at := slices.IndexFunc(session.Extra, func(extra []byte) bool { return bytes.Equal(extra, own) })
		if at < 0 {
			return nil, nil // the client makes a full handshake
		}
		session.Extra = slices.Delete(session.Extra, at, at+1)
		return session, nil
	}
}

// policyOf sums up what config asks of clients.
func policyOf(config *tls.Config) string {
	if config.ClientAuth == tls.NoClientCert {
		return "none"
	}
	//lint:ignore SA1019 the pool is not that of the system
	subjects := config.ClientCAs.Subjects()
	return fmt.Sprintf("%d %x", config.ClientAuth, sha256.Sum256(bytes.Join(subjects, nil)))
}

// binding is what a ticket carries about its policy and the name of the server.
func binding(policy, server string) []byte {
	sum := sha256.Sum256([]byte(policy + "\x00" + strings.ToLower(server)))
	return append([]byte("pingap "), sum[:16]...)
}

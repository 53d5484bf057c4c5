package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// reconnectAfter and reconnectMax bound the pauses between attempts to
	// connect, which differ by a fifth: an etcd that is back is found within
	// little more than a second, and asked by each process that often.
	reconnectAfter = 250 * time.Millisecond
	reconnectMax   = time.Second
	// pingAfter is how long a connection may be silent until it is tried; less is
	// not possible. pingWait is how long the answer may take, and how long the
	// system waits until what it has sent is confirmed: a peer that vanished says
	// nothing.
	pingAfter = 10 * time.Second
	pingWait  = 2 * time.Second
	// maxAnswer bounds an answer of etcd: a configuration, and what is around
	// each text.
	maxAnswer = maxSize + maxSize/4
)

// etcd keeps a configuration in the keys below a prefix, one for each item.
// All requests share one client.
type etcd struct {
	etcdPlace
	probe         time.Duration // how often a watch asks whether etcd is there
	interruptions interruptions
	failed        atomic.Bool // a request was not answered since a watch asked last

	mu     sync.Mutex
	client *clientv3.Client // nil until something is asked
}

// unreachable is an error of etcd; it wraps ErrUnreachable and says more.
type unreachable struct{ error }

func (u unreachable) Is(target error) bool { return target == ErrUnreachable }
func (u unreachable) Unwrap() error        { return u.error }

func (e *etcd) title(key string) string { return "etcd:" + e.prefix + "/" + key }

// key returns the key of a text in etcd.
func (e *etcd) key(key string) string { return e.prefix + "/" + key }

// connect returns the client. It is made at first use; with a user and a
// password, that takes an answer of etcd.
func (e *etcd) connect() (*clientv3.Client, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client != nil {
		return e.client, nil
	}
	scheme := "http://"
	if e.tls != nil {
		scheme = "https://"
	}
	endpoints := make([]string, len(e.hosts))
	for i, host := range e.hosts {
		endpoints[i] = scheme + host
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: endpoints, Username: e.user, Password: e.password, TLS: e.tls,
		DialTimeout: e.connectTimeout, DialKeepAliveTime: pingAfter, DialKeepAliveTimeout: pingWait,
		MaxCallRecvMsgSize: maxAnswer,
		BackoffWaitBetween: reconnectAfter,
		Logger:             zap.NewNop(), // what matters is in the errors
		DialOptions: []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: reconnectAfter, Multiplier: 2, Jitter: 0.2, MaxDelay: reconnectMax},
			MinConnectTimeout: e.connectTimeout,
		}), grpc.WithStatsHandler(&e.interruptions)},
	})
	if err != nil {
		return nil, err
	}
	e.client = client
	return client, nil
}

func (e *etcd) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client == nil {
		return nil
	}
	return e.client.Close()
}

// get returns what stands below a prefix, at one moment.
func (e *etcd) get(ctx context.Context, prefix string, options ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	answer, err := e.request(ctx, prefix, append(options, clientv3.WithPrefix())...)
	if err != nil {
		e.failed.Store(true)
		return nil, e.explain(ctx, "read the configuration from", err)
	}
	return answer, nil
}

// request asks for a key, again and again while there is no connection. The error
// is that of the client. For a user, a client that has been let in before gets a part
// of the time and a new one, which is let in again, the rest.
func (e *etcd) request(ctx context.Context, key string, options ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	patience := e.timeout
	if e.user != "" {
		patience = e.timeout * 2 / 5
	}
	for {
		client, err := e.connect()
		if err != nil {
			return nil, err
		}
		asking, cancel := context.WithTimeout(ctx, patience)
		stop := context.AfterFunc(client.Ctx(), cancel) // or it would go on in vain
		answer, err := client.Get(asking, key, options...)
		stop()
		late := errors.Is(asking.Err(), context.DeadlineExceeded)
		cancel()
		if err == nil || !late && ctx.Err() == nil && e.uses(client) {
			return answer, err
		}
		if late && e.user != "" {
			e.drop(client)
			patience = e.timeout
		}
		if ctx.Err() != nil {
			return nil, err
		}
	}
}

// uses reports whether a client has not been dropped.
func (e *etcd) uses(client *clientv3.Client) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.client == client
}

// drop lets another client take the place of one. An etcd that was started again
// does not know the token any more that it gave to a user, and a client may ask
// with that token for ever.
func (e *etcd) drop(client *clientv3.Client) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client == client {
		e.client = nil
		client.Close()
	}
}

func (e *etcd) read(ctx context.Context) ([]text, error) {
	answer, err := e.get(ctx, e.key(""))
	if err != nil {
		return nil, err
	}
	texts := e.texts(answer)
	if len(texts) == 0 {
		return nil, empty(fmt.Sprintf("the configuration etcd://%s%s is empty; keys such as %s are looked for", strings.Join(e.hosts, ","), e.prefix, e.key("basic.toml")))
	}
	return texts, nil
}

// texts returns what belongs to a configuration of what stands below its prefix.
func (e *etcd) texts(answer *clientv3.GetResponse) (texts []text) {
	for _, kv := range answer.Kvs {
		key := strings.TrimPrefix(string(kv.Key), e.key(""))
		hidden := strings.HasPrefix(key, ".") || strings.Contains(key, "/.")
		if !hidden && strings.HasSuffix(key, extension) {
			texts = append(texts, text{key: key, data: string(kv.Value), revision: kv.ModRevision})
		}
	}
	slices.SortFunc(texts, func(a, b text) int { return strings.Compare(a.key, b.key) })
	return texts
}

// explain makes an error of etcd's client one that helps to repair it.
func (e *etcd) explain(ctx context.Context, what string, err error) error {
	code := status.Code(err)
	if known := (rpctypes.EtcdError{}); errors.As(err, &known) {
		code = known.Code()
	}
	switch {
	case code == codes.ResourceExhausted:
		return fmt.Errorf("%s etcd at %s: it is too large, or etcd is out of space: %w", what, strings.Join(e.hosts, ", "), err)
	case errors.Is(err, context.DeadlineExceeded) || code == codes.DeadlineExceeded || code == codes.Unavailable:
		if why := e.diagnose(); why != nil {
			err = why
		}
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return err
	}
	return unreachable{fmt.Errorf("%s etcd at %s: %w", what, strings.Join(e.hosts, ", "), err)}
}

// diagnosis bounds how long is looked for the reason of a failure.
const diagnosis = 2 * time.Second

// diagnose says why no connection comes about: the client knows only that time
// has run out. It returns nil when one does.
func (e *etcd) diagnose() error {
	var all []error
	dialer := &net.Dialer{Timeout: diagnosis / time.Duration(len(e.hosts))}
	for _, host := range e.hosts {
		conn, err := dialer.Dial("tcp", host)
		if err == nil && e.tls != nil {
			conn.Close()
			conn, err = tls.DialWithDialer(dialer, "tcp", host, e.tls)
		}
		if err == nil {
			conn.Close()
			continue
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

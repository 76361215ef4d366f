// Package etcd keeps a store in an etcd cluster, so that several servers can share it.
//
// [Open] gives a [store.Store] that holds all entries in memory (see [store.OpenReplica]) and writes by etcd transactions.
//
// # Keys
//
// Everything lies under one prefix, so that clusters can be shared:
//
//	d<key>             an entry: a byte that says how it is stored, then the value, or the id of its pieces
//	p/<id>/<n>         a piece of a value that is larger than a piece
//	m/format           the version of this layout
//	m/head             the updates of the latest commit, where it holds more than one
//	m/deletes          touched by each commit that deletes something
//	m/token/<server>   a number that each commit of a server raises: tells whether a commit was made whose answer was lost
//	m/server/<server>  what the server says of itself, on its lease: gone when the server is
//	m/slot/<n>         the server that has the number, on its lease
//	m/owner/<name>     the server that does some work which one does at a time, on its lease
package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"

	"portolan/internal/store"
)

// Options are the settings of [Open].
type Options struct {
	Endpoints []string // host:port
	Member    Member   // in this process, in the place of Endpoints; closed with the store
	Prefix    string   // of all keys
	TLS       *tls.Config
	User      string
	Password  string

	// Server names this process among those that share the prefix. No two that run at the same time may have the same.
	Server string

	// About is what [store.Status] says of this process, such as its address.
	About string

	store.ReplicaOptions
}

// ParseURL reads etcd://host:port,host:port/prefix. The prefix may be left out.
func ParseURL(text string) (Options, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "etcd" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return Options{}, fmt.Errorf("%q is no address of a store: it has the form etcd://host:2379,host:2379/prefix", text)
	}
	if u.User != nil {
		return Options{}, errors.New("the user and the password of a store do not belong in its address")
	}
	opts := Options{Prefix: strings.Trim(u.Path, "/")}
	if opts.Prefix == "" {
		opts.Prefix = "portolan"
	}
	for host := range strings.SplitSeq(u.Host, ",") {
		if _, _, err := net.SplitHostPort(host); err != nil {
			host = net.JoinHostPort(strings.Trim(host, "[]"), "2379")
		}
		opts.Endpoints = append(opts.Endpoints, host)
	}
	return opts, nil
}

// Timeouts of single calls. A commit whose outcome is open is settled for settleFor before its callers are told so.
//
// A member goes on passing calls to a leader that is lost until it holds an election, and gives up on them much later. So
// a commit is not waited for longer than commitTimeout, and what may be asked again is asked with firstTry, again and again
// while an election may last, then with twice the time of the try before.
const (
	contactWithin = 20 * time.Second
	beginWithin   = time.Minute // once the cluster has answered
	dialTimeout   = 5 * time.Second
	callTimeout   = 2 * time.Second
	newestWithin  = 4 * time.Second // the short tries, and some that a slow cluster can answer
	commitTimeout = time.Second
	firstTry      = 250 * time.Millisecond
	shortTries    = 4

	settleFor    = 15 * time.Second
	retryPause   = 50 * time.Millisecond
	leaseSeconds = 10
)

// layout is the version of the keys described above.
const layout = "1"

// cluster implements [store.Cluster].
type cluster struct {
	client *clientv3.Client
	opts   Options
	maxOps int

	tokenRevision uint64 // of this server's token, as last written
	token         uint64
	unsettled     bool     // the outcome of the last commit is open
	proposals     uint64   // how many were made
	put           []string // ids of the pieces that were written for the last

	mu     sync.Mutex
	pieces map[string]string // key of an entry in pieces -> id of the pieces

	// loose are pieces that no entry has led to yet: id -> number -> piece. They belong to whoever loads or follows.
	loose map[string]map[string][]byte

	slot  atomic.Uint64
	lease atomic.Pointer[lease]
	stop  context.CancelFunc // ends what runs in the background
	wait  sync.WaitGroup
}

// Open connects to the cluster and loads the entries.
func Open(ctx context.Context, opts Options) (store.Store, error) {
	c, err := dial(ctx, opts)
	switch {
	case err != nil && opts.Member != nil:
		return nil, fmt.Errorf("store of the cluster: %w", err)
	case err != nil:
		return nil, fmt.Errorf("store etcd://%s: %w", strings.Join(opts.Endpoints, ","), err)
	}
	return store.OpenReplica(ctx, c, opts.ReplicaOptions)
}

func dial(ctx context.Context, opts Options) (*cluster, error) {
	client, err := connect(opts)
	if err != nil {
		return nil, err
	}
	c := &cluster{client: client, opts: opts, pieces: map[string]string{}, stop: func() {}}
	if err := c.begin(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// connect gives a client of the cluster.
func connect(opts Options) (*clientv3.Client, error) {
	if opts.Member != nil {
		return opts.Member.Client(), nil
	}
	if opts.TLS == nil {
		for _, e := range opts.Endpoints {
			if !loopback(e) {
				return nil, fmt.Errorf("%s is not on this machine: TLS is needed (--store-ca)", e)
			}
		}
	}
	return clientv3.New(clientv3.Config{
		Endpoints:            opts.Endpoints,
		DialTimeout:          dialTimeout,
		DialKeepAliveTime:    2 * time.Second,
		DialKeepAliveTimeout: 2 * time.Second,
		TLS:                  opts.TLS,
		Username:             opts.User,
		Password:             opts.Password,
		Logger:               zap.NewNop(),
	})
}

// disconnect ends the client, and the member with it.
func (c *cluster) disconnect() error {
	err := c.client.Close()
	if c.opts.Member != nil {
		err = c.opts.Member.Close() // what its client says on the way is of no use
	}
	return err
}

func loopback(endpoint string) bool {
	host, _, err := net.SplitHostPort(endpoint)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// key is the place of something under the prefix.
func (c *cluster) key(parts ...string) string { return c.opts.Prefix + "/" + strings.Join(parts, "") }

func (c *cluster) tokenKey() string  { return c.key("m/token/", c.opts.Server) }
func (c *cluster) headKey() string   { return c.key("m/head") }
func (c *cluster) deleteKey() string { return c.key("m/deletes") }

// begin checks the layout, finds out how large a transaction may be, and enters the server.
func (c *cluster) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beginWithin)
	defer cancel()
	contact, done := context.WithTimeout(ctx, contactWithin)
	defer done()
	format := c.key("m/format")
	var made *clientv3.TxnResponse
	if err := tries(contact, func(ctx context.Context) (err error) { // a cluster that has just begun elects a leader first
		made, err = c.client.Txn(ctx).
			If(clientv3.Compare(clientv3.CreateRevision(format), "=", 0)).
			Then(clientv3.OpPut(format, layout)).
			Else(clientv3.OpGet(format)).Commit()
		return err
	}); err != nil {
		return c.unanswered(ctx, err)
	}
	if !made.Succeeded {
		if got := string(made.Responses[0].GetResponseRange().Kvs[0].Value); got != layout {
			return fmt.Errorf("the entries under %q have layout %.20q, this binary knows %s: use a newer one", c.opts.Prefix, got, layout)
		}
	}
	var err error
	if c.maxOps, err = c.probe(ctx); err != nil {
		return err
	}
	if err := again(ctx, func(ctx context.Context) error {
		put, err := c.client.Put(ctx, c.tokenKey(), "0")
		if err == nil {
			c.tokenRevision = revisionOf(put.Header.Revision)
		}
		return err
	}); err != nil {
		return err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = stop
	if err := again(ctx, func(ctx context.Context) error { return c.enter(ctx, background) }); err != nil {
		return err
	}
	c.wait.Go(func() { c.stayEntered(background) })
	return c.sweep(ctx)
}

// unanswered says of a first contact that has not come about what becomes of a connection to each address: the client keeps that to
// itself.
func (c *cluster) unanswered(ctx context.Context, err error) error {
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil || c.opts.Member != nil {
		return err
	}
	reasons := make([]string, len(c.opts.Endpoints))
	for i, e := range c.opts.Endpoints {
		reasons[i] = reach(ctx, e, c.opts.TLS)
	}
	return fmt.Errorf("no answer within %s: %s", contactWithin, strings.Join(reasons, "; "))
}

// reach is what becomes of a connection to an address.
func reach(ctx context.Context, address string, config *tls.Config) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	dial := new(net.Dialer).DialContext
	if config != nil {
		dial = (&tls.Dialer{Config: config}).DialContext
	}
	conn, err := dial(ctx, "tcp", address)
	if err != nil {
		return fmt.Sprintf("%s: %v", address, err)
	}
	_ = conn.Close()
	return address + ": connections are taken, but requests are not answered"
}

// again makes a change, which may be made twice, while the cluster does not get to it: it elects a leader, or is busy.
func again(ctx context.Context, change func(context.Context) error) error {
	for {
		try, cancel := context.WithTimeout(ctx, dialTimeout)
		err := change(try)
		late := try.Err() != nil
		cancel()
		if err == nil || ctx.Err() != nil || !late && codeOf(err) != codes.Unavailable {
			return err
		}
		pause(ctx, retryPause)
	}
}

// ask makes a request that changes nothing, and again while the cluster does not get to it, however long an answer takes.
func ask[A any](ctx context.Context, request func(context.Context) (A, error)) (A, error) {
	for end := time.Now().Add(beginWithin); ; {
		got, err := request(ctx)
		if err == nil || codeOf(err) != codes.Unavailable || ctx.Err() != nil || time.Now().After(end) {
			return got, err
		}
		pause(ctx, retryPause)
	}
}

// get is [ask] for keys.
func (c *cluster) get(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	return ask(ctx, func(ctx context.Context) (*clientv3.GetResponse, error) { return c.client.Get(ctx, key, opts...) })
}

// probe is how many operations a transaction may have: etcd's --max-txn-ops, which cannot be asked for. It tries transactions
// that only read.
func (c *cluster) probe(ctx context.Context) (int, error) {
	format := c.key("m/format")
	var err error
	for _, n := range []int{16384, 10000, 4096, 1024, 512, 128} {
		same := make([]clientv3.Cmp, n)
		for i := range same {
			same[i] = clientv3.Compare(clientv3.CreateRevision(format), ">", 0)
		}
		if _, err = ask(ctx, func(ctx context.Context) (*clientv3.TxnResponse, error) {
			return c.client.Txn(ctx).If(same...).Then(clientv3.OpGet(format)).Commit()
		}); err == nil {
			return n, nil
		}
		if !tooLarge(err) {
			return 0, err
		}
	}
	return 0, err
}

// Newest is the revision of the latest commit.
func (c *cluster) Newest(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, newestWithin)
	defer cancel()
	var got *clientv3.GetResponse
	err := tries(ctx, func(ctx context.Context) (err error) {
		got, err = c.client.Get(ctx, c.headKey())
		return err
	})
	if err != nil || len(got.Kvs) == 0 {
		return 0, err
	}
	return revisionOf(got.Kvs[0].ModRevision), nil
}

// tries calls f until it succeeds, is forbidden, or ctx ends, and returns its last error.
func tries(ctx context.Context, f func(context.Context) error) error {
	for n := 0; ; n++ {
		limit := min(firstTry<<min(max(0, n-shortTries), 3), callTimeout)
		try, cancel := context.WithTimeout(ctx, limit)
		err := f(try)
		cancel()
		if err == nil || forbidden(err) {
			return err
		}
		pause(ctx, retryPause)
		if ctx.Err() != nil {
			return err
		}
	}
}

// Close leaves the cluster.
func (c *cluster) Close() error {
	c.stop()
	c.wait.Wait()
	return c.disconnect()
}

// revisionOf is a revision of etcd, which is never negative.
func revisionOf(revision int64) uint64 { return uint64(max(revision, 0)) }

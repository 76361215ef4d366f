// Package member runs a member of an etcd cluster in this process, so that several servers share a store and nothing else has
// to run. It is a module of its own: etcd's server stays out of programs that have none.
package member

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"go.uber.org/zap"

	"portolan/internal/store/etcd"
)

// What a member takes. A store finds out by itself how many operations a transaction may have.
const (
	maxTxnOps       = 16384
	maxRequestBytes = 8 << 20
	quotaBytes      = 8 << 30
	keptRevisions   = "100000" // before older ones are compacted: what a server that was away can catch up with by the watch
)

// tryAgain is how long a member waits before it asks again to be given a vote.
const tryAgain = 200 * time.Millisecond

// Member is a member that runs.
type Member struct {
	etcd    *embed.Etcd
	client  *clientv3.Client
	closing atomic.Bool
}

// Start starts a member and returns when it has a vote in a cluster that has a leader, which of a new cluster needs most of
// the members to run. Should the member end by itself, such as because it was removed, fail is called once.
func Start(ctx context.Context, opts etcd.MemberOptions, fail func(error)) (*Member, error) {
	if err := opts.Check(); err != nil {
		return nil, err
	}
	config, err := configOf(opts)
	if err != nil {
		return nil, err
	}
	e, err := embed.StartEtcd(config)
	if err != nil {
		return nil, fmt.Errorf("member %s: %w", opts.Name, err)
	}
	m := &Member{etcd: e, client: v3client.New(e.Server)}
	if err := m.begin(ctx, opts); err != nil {
		return nil, errors.Join(fmt.Errorf("member %s: %w", opts.Name, err), m.Close())
	}
	go func() {
		select {
		case err = <-e.Err():
		case <-e.Server.StopNotify():
			err = errors.New("it was removed from the cluster, or cannot write its data")
		}
		if !m.closing.Load() {
			fail(fmt.Errorf("member %s has ended: %w", opts.Name, err))
		}
	}()
	return m, nil
}

func configOf(opts etcd.MemberOptions) (*embed.Config, error) {
	own, err := url.Parse(opts.Peers[opts.Name])
	if err != nil {
		return nil, err
	}
	listen, err := listenURL(own, opts.Listen)
	if err != nil {
		return nil, err
	}
	c := embed.NewConfig()
	c.Name, c.Dir = opts.Name, opts.Dir
	c.ListenPeerUrls, c.AdvertisePeerUrls = []url.URL{*listen}, []url.URL{*own}
	c.ListenClientUrls, c.AdvertiseClientUrls = nil, nil // the server is the only client
	c.InitialCluster = ""
	for name, address := range opts.Peers {
		c.InitialCluster += "," + name + "=" + address
	}
	c.InitialCluster = c.InitialCluster[1:]
	c.InitialClusterToken = "portolan"
	if c.ClusterState = embed.ClusterStateFlagNew; opts.Join {
		c.ClusterState = embed.ClusterStateFlagExisting
	}
	if own.Scheme == "https" {
		c.PeerTLSInfo = transport.TLSInfo{TrustedCAFile: opts.CA, CertFile: opts.Cert, KeyFile: opts.Key, ClientCertAuth: true}
		for _, file := range []string{opts.CA, opts.Cert, opts.Key} {
			if _, err := os.Stat(file); err != nil {
				return nil, err
			}
		}
	}
	c.MaxTxnOps, c.MaxRequestBytes, c.QuotaBackendBytes = maxTxnOps, maxRequestBytes, quotaBytes
	c.AutoCompactionMode, c.AutoCompactionRetention = embed.CompactorModeRevision, keptRevisions
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.New(toSlog{opts.Log.Handler()}))
	return c, nil
}

// listenURL is where connections are taken: etcd wants an IP address there. A name stands for all addresses of the machine.
func listenURL(own *url.URL, listen string) (*url.URL, error) {
	if listen == "" {
		host := own.Hostname()
		switch {
		case host == "localhost":
			host = "127.0.0.1"
		case net.ParseIP(host) == nil:
			host = "0.0.0.0"
		}
		listen = net.JoinHostPort(host, own.Port())
	}
	host, _, err := net.SplitHostPort(listen)
	if err != nil || net.ParseIP(host) == nil {
		return nil, fmt.Errorf("--peer-listen %q is not IP:PORT", listen)
	}
	return &url.URL{Scheme: own.Scheme, Host: listen}, nil
}

// begin waits for the cluster, and for a vote.
func (m *Member) begin(ctx context.Context, opts etcd.MemberOptions) error {
	for said := false; ; said = true {
		select {
		case <-m.etcd.Server.ReadyNotify():
			return m.vote(ctx)
		case err := <-m.etcd.Err():
			return err
		case <-m.etcd.Server.StopNotify():
			return errors.New("it is no member of the cluster, or cannot write its data")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Second):
			if !said {
				opts.Log.Warn("waiting for most of the cluster's members", "member", opts.Name, "members", len(opts.Peers))
			}
		}
	}
}

// vote asks for a vote until the member has one: it is given when the member has caught up.
func (m *Member) vote(ctx context.Context) error {
	for m.etcd.Server.IsLearner() {
		_, err := m.etcd.Server.PromoteMember(ctx, uint64(m.etcd.Server.MemberID()))
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(tryAgain):
		}
	}
	return nil
}

// Client talks to the member without a network in between.
func (m *Member) Client() *clientv3.Client { return m.client }

// Close ends the member. Should it lead, another is given the lead first.
func (m *Member) Close() error {
	m.closing.Store(true)
	m.etcd.Close()
	return nil
}

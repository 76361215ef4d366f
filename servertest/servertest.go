// Package servertest gives a Go test a Portolan of its own: a fresh server on a free port of this machine, and the
// configuration with which the AWS SDK talks to it.
//
//	srv := servertest.New(t)
//	client := networkmanager.NewFromConfig(srv.Config())
//
// Options stand for the flags of portolan serve. None has a type that another module cannot name.
package servertest

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"portolan/internal/auth"
	"portolan/internal/events"
	"portolan/internal/node"
	"portolan/internal/server"
	"portolan/internal/store"
	"portolan/internal/turns"
)

// Server is a running server. It ends with the test.
type Server struct {
	URL string // http://127.0.0.1:PORT

	// Of the network of [WithSnapshot], empty without one: its owner, its ids, and which ids its names have become.
	Account, GlobalNetworkID, CoreNetworkID string
	IDs                                     map[string]string
}

// New starts a server. It ends, and what it kept in memory with it, when the test does.
func New(tb testing.TB, options ...Option) *Server {
	tb.Helper()
	c := defaults()
	fail := func(err error) {
		tb.Helper()
		if c.Store != nil {
			_ = c.Store.Close()
		}
		tb.Fatalf("servertest: %v", err)
	}
	for _, o := range options {
		if err := o(c); err != nil {
			fail(err)
		}
	}
	if c.Store == nil {
		c.Store = store.OpenMemory()
	}
	ctx, cancel := context.WithCancel(context.Background())
	srv, run, err := c.start(ctx)
	if err != nil {
		cancel()
		fail(err)
	}
	done := make(chan error, len(run))
	for _, f := range run {
		go func() { done <- f(ctx) }()
	}
	tb.Cleanup(func() {
		cancel()
		for range run {
			if err := <-done; err != nil {
				tb.Errorf("the server did not end well: %v", err)
			}
		}
		if err := c.Store.Close(); err != nil {
			tb.Errorf("the store did not close: %v", err)
		}
	})
	return srv
}

// drain is how long the end of a test waits for requests under way. net/http waits up to six seconds for a connection on which
// nothing was asked, such as one that a client opened in advance.
const drain = time.Minute

// start makes the server, and gives what runs until the context ends.
func (c *config) start(ctx context.Context) (*Server, []func(context.Context) error, error) {
	c.Turns = new(turns.Turns)
	n, err := node.New(ctx, c.Config)
	if err != nil {
		return nil, nil, err
	}
	srv := new(Server)
	if c.snapshot != nil {
		done, err := n.ImportSnapshot(ctx, c.snapshot)
		if err != nil {
			return nil, nil, err
		}
		srv.Account, srv.GlobalNetworkID, srv.CoreNetworkID, srv.IDs = done.Account, done.GlobalNetworkID, done.CoreNetworkID, done.IDs
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	srv.URL = "http://" + listener.Addr().String()
	front := server.New(server.Config{
		Service:       n,
		Turns:         c.Turns,
		Now:           c.Now,
		Authenticator: auth.NewAuthenticator(auth.Config{Credentials: c.credentials, Now: c.Now}),
		Authorizer:    &auth.Authorizer{Tags: n, Sharing: n, Policies: c.shares, Log: c.Log},
		Log:           c.Log,
		Backup:        store.BackupOf(c.Store),
	})
	front.SetReady(true)
	run := []func(context.Context) error{
		func(ctx context.Context) error { n.Run(ctx); return nil },
		func(ctx context.Context) error { return front.Serve(ctx, listener, drain) },
	}
	if c.events != nil {
		runner := events.Runner{Store: c.Store, Sink: sink(c.events), Log: c.Log}
		run = append(run, func(ctx context.Context) error { runner.Run(ctx); return nil })
	}
	return srv, run, nil
}

// Config is an SDK configuration for the server, with the account 111122223333.
func (s *Server) Config() aws.Config { return s.ConfigFor("111122223333") }

// ConfigFor is an SDK configuration for an account of 12 digits. A server with [WithCredentials] takes none such.
func (s *Server) ConfigFor(account string) aws.Config { return s.ConfigWith(account, "any") }

// ConfigWith is an SDK configuration that signs with an access key, as a server with [WithCredentials] wants it.
func (s *Server) ConfigWith(accessKeyID, secretAccessKey string) aws.Config {
	return aws.Config{
		Region:       "us-west-2",
		BaseEndpoint: aws.String(s.URL),
		Credentials:  credentials.NewStaticCredentialsProvider(accessKeyID, secretAccessKey, ""),
	}
}

// Package servertest gives a Go test a Portolan of its own: a fresh server on a free port of this machine, and the
// configuration with which the AWS SDK talks to it.
//
//	srv := servertest.New(t)
//	client := networkmanager.NewFromConfig(srv.Config())
package servertest

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"portolan/internal/auth"
	"portolan/internal/lifecycle"
	"portolan/internal/node"
	"portolan/internal/server"
	"portolan/internal/state"
	"portolan/internal/store"
)

// Server is a running server. It ends with the test.
type Server struct {
	URL string // http://127.0.0.1:PORT
}

// Option changes a server from the default: in memory, instant transitions, the real clock, seeded ids, no log.
type Option func(testing.TB, *node.Config)

// WithNow makes the server go by another clock.
func WithNow(now func() time.Time) Option {
	return func(_ testing.TB, c *node.Config) { c.Now = now }
}

// WithLifecycle sets how long states last, as --lifecycle does: "aws", "instant,device.PENDING=3s".
func WithLifecycle(profile string) Option {
	return func(tb testing.TB, c *node.Config) {
		p, err := lifecycle.ParseProfile(profile)
		if err != nil {
			tb.Fatal(err)
		}
		c.Profile = p
	}
}

// WithQuotas sets limits, as --quota does: "devices=1000,sites=500".
func WithQuotas(quotas string) Option {
	return func(tb testing.TB, c *node.Config) {
		q, err := state.ParseQuotas(quotas)
		if err != nil {
			tb.Fatal(err)
		}
		c.Quotas = q
	}
}

// WithData keeps the data in a file of the folder instead of in memory.
func WithData(dir string) Option {
	return func(tb testing.TB, c *node.Config) {
		st, err := store.OpenBolt(dir+"/portolan.db", store.BoltOptions{})
		if err != nil {
			tb.Fatal(err)
		}
		c.Store = st
	}
}

// WithLog sends the server's log, one line per call included, to the handler.
func WithLog(h slog.Handler) Option {
	return func(_ testing.TB, c *node.Config) { c.Log = slog.New(h) }
}

// New starts a server. It ends, and what it kept in memory with it, when the test does.
func New(tb testing.TB, options ...Option) *Server {
	tb.Helper()
	cfg := node.Config{Random: rand.NewPCG(1, 1), Log: slog.New(slog.DiscardHandler), CheckResourcePolicy: auth.CheckResourcePolicy, Grants: auth.Grants}
	for _, o := range options {
		o(tb, &cfg)
	}
	if cfg.Store == nil {
		cfg.Store = store.OpenMemory()
	}
	ctx, cancel := context.WithCancel(context.Background())
	svc, err := node.New(ctx, cfg)
	if err != nil {
		cancel()
		tb.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		tb.Fatal(err)
	}
	srv := server.New(server.Config{Service: svc, Log: cfg.Log})
	srv.SetReady(true)
	done := make(chan error, 2)
	go func() {
		svc.Run(ctx)
		done <- nil
	}()
	go func() { done <- srv.Serve(ctx, listener, 5*time.Second) }()
	tb.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				tb.Errorf("the server did not end well: %v", err)
			}
		}
		if err := cfg.Store.Close(); err != nil {
			tb.Error(err)
		}
	})
	return &Server{URL: "http://" + listener.Addr().String()}
}

// Config is an SDK configuration for the server, with the account 111122223333.
func (s *Server) Config() aws.Config { return s.ConfigFor("111122223333") }

// ConfigFor is an SDK configuration for an account of 12 digits.
func (s *Server) ConfigFor(account string) aws.Config {
	return aws.Config{
		Region:       "us-west-2",
		BaseEndpoint: aws.String(s.URL),
		Credentials:  credentials.NewStaticCredentialsProvider(account, "any", ""),
	}
}

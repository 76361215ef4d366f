package servertest

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"portolan/internal/auth"
	"portolan/internal/catalog"
	"portolan/internal/events"
	"portolan/internal/lifecycle"
	"portolan/internal/node"
	"portolan/internal/snapshot"
	"portolan/internal/state"
	"portolan/internal/store"
	"portolan/routing"
)

// Option changes a server from the default: in memory, instant transitions, the real clock, seeded ids, no catalog, any
// credentials, no log.
type Option func(*config) error

// config is what a server is made of.
type config struct {
	node.Config

	shares      *auth.ResourcePolicies
	credentials *auth.Credentials
	snapshot    *snapshot.Snapshot
	events      func(Event)
}

func defaults() *config {
	shares := new(auth.ResourcePolicies)
	return &config{shares: shares, Config: node.Config{
		Now: time.Now, Random: rand.NewPCG(1, 1), Secrets: rand.NewChaCha8([32]byte{}), Log: slog.New(slog.DiscardHandler),
		CheckResourcePolicy: shares.Check, Grants: shares.Grants,
	}}
}

// WithClock makes the server go by another clock. It is asked from several goroutines.
func WithClock(now func() time.Time) Option {
	return func(c *config) error {
		c.Now = now
		return nil
	}
}

// WithSeed makes other ids than the default, the same for the same seed.
func WithSeed(seed uint64) Option {
	return func(c *config) error {
		c.Random = rand.NewPCG(seed, seed)
		return nil
	}
}

// WithLifecycle sets how long states last, as --lifecycle does: "aws", "instant,device.PENDING=3s".
func WithLifecycle(profile string) Option {
	return func(c *config) (err error) {
		c.Profile, err = lifecycle.ParseProfile(profile)
		return err
	}
}

// WithQuotas sets limits, as --quota does: "devices=1000,sites=500".
func WithQuotas(quotas string) Option {
	return func(c *config) (err error) {
		c.Quotas, err = state.ParseQuotas(quotas)
		return err
	}
}

// WithData keeps the data in the file portolan.db of a folder, as --data does, instead of in memory.
func WithData(dir string) Option {
	return func(c *config) (err error) {
		c.Store, err = store.OpenBolt(filepath.Join(dir, "portolan.db"), store.BoltOptions{})
		return err
	}
}

// WithCatalog takes VPCs, transit gateways, VPNs and Direct Connect gateways from a file, as --catalog does. References to
// what it does not have are refused. The file may change while the server runs.
func WithCatalog(file string) Option {
	return func(c *config) (err error) {
		c.Catalog, err = catalog.OpenFile(file, catalog.FileOptions{})
		return err
	}
}

// WithSnapshot makes the network of a snapshot file before the server starts, as --snapshot does. [Server] has its ids.
func WithSnapshot(file string) Option {
	return func(c *config) error {
		text, err := os.ReadFile(file)
		if err == nil {
			c.snapshot, err = snapshot.Parse(text)
		}
		return err
	}
}

// WithCredentials checks signatures, and what the owner of an access key may do, by a credentials file, as --credentials
// does. [Server.ConfigWith] signs with a key of it.
func WithCredentials(file string) Option {
	return func(c *config) (err error) {
		c.credentials, err = auth.LoadCredentials(file)
		return err
	}
}

// WithRoutingOptions overrides assumptions about undocumented AWS routing behaviour, as --routing does.
func WithRoutingOptions(o *routing.Options) Option {
	return func(c *config) error {
		c.Routing = o
		return nil
	}
}

// WithLog sends the server's log, one line per call included, to the handler.
func WithLog(h slog.Handler) Option {
	return func(c *config) error {
		c.Log = slog.New(h)
		return nil
	}
}

// Event is one that the server wrote, as EventBridge would deliver it.
type Event struct {
	ID         string
	DetailType string // Network Manager Topology Change, …
	Account    string
	Time       string // RFC 3339, whole seconds, UTC
	Resources  []string
	Detail     []byte // JSON
}

// WithEvents calls a function with each event, those of an account in the order in which they happened. It is called from
// one goroutine, and none any more when the test has ended.
func WithEvents(each func(Event)) Option {
	return func(c *config) error {
		c.events = each
		return nil
	}
}

// sink is a function that takes events.
type sink func(Event)

// Name is the name of the cursor of a sink.
func (sink) Name() string { return "servertest" }

// Send delivers events in order.
func (s sink) Send(_ context.Context, batch []events.Record) (int, error) {
	for i := range batch {
		e := &batch[i].Event
		s(Event{ID: e.ID, DetailType: e.DetailType, Account: e.Account, Time: e.Time, Resources: e.Resources, Detail: e.Detail})
	}
	return len(batch), nil
}

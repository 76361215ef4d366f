// Package node puts one server's parts together: the state, the networks made of it, the operations and what publishes
// events. It is wiring and has no logic.
package node

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/failpoint"
	"portolan/internal/lifecycle"
	"portolan/internal/network"
	"portolan/internal/notify"
	"portolan/internal/service"
	"portolan/internal/speaker"
	"portolan/internal/state"
	"portolan/internal/store"
	"portolan/internal/turns"
	"portolan/policy"
	"portolan/routing"
)

// Config is what a Node is made of. Store is required; everything else has a default.
type Config struct {
	Store   store.Store
	Now     func() time.Time  // default time.Now
	Random  rand.Source       // of ids; default seeded from the operating system
	Fail    *failpoint.Points // makes things go wrong at named places, for tests
	Secrets io.Reader         // of the key for tokens of pages; default the operating system
	Profile lifecycle.Profile // default lifecycle.Instant
	Quotas  state.Quotas      // default the documented ones
	Log     *slog.Logger      // default discards
	Catalog catalog.Catalog   // of what EC2 and Direct Connect own; nil knows nothing and takes every well-formed ARN

	// Routing turns what is decided about routes where AWS documents nothing; nil is the default of everything.
	Routing *routing.Options

	// Turns are the rights to compute something heavy, shared with the server that answers; nil: its own.
	Turns *turns.Turns

	// NoRoutingEvents writes no events about routes, and computes none that nobody asks for.
	NoRoutingEvents bool

	// BGP is where the sessions of Connect peers and VPN attachments have their sockets; "" and [speaker.Off] hold none. BGPSecrets are theirs, and
	// BGPMonitors see what they receive.
	BGP         speaker.Mode
	BGPSecrets  speaker.Secrets
	BGPMonitors []speaker.Monitor

	// CheckResourcePolicy reads a resource policy as those who decide by it will; nil takes what has a Statement.
	CheckResourcePolicy func(document string) error

	// Grants tells whether a resource policy lets a caller of another account do one of the actions with the resource;
	// nil shares nothing.
	Grants state.Grants

	// ParsePolicy reads a policy document; default policy.Parse.
	ParsePolicy func(document []byte) (*policy.Document, policy.Errors)
}

// Node is a server without its door.
type Node struct {
	*service.Service
	*notify.Notifier

	db       *state.DB
	store    store.Store
	networks *network.Networks
	bgp      *speaker.Speaker
}

// New returns a Node over cfg.Store and picks up the transitions an earlier process left unfinished. Run moves them.
func New(ctx context.Context, cfg Config) (*Node, error) {
	if cfg.Turns == nil {
		cfg.Turns = new(turns.Turns)
	}
	holds := cfg.BGP != "" && cfg.BGP != speaker.Off
	db, err := state.Open(ctx, state.Config{
		Store: cfg.Store, Now: cfg.Now, Random: cfg.Random, Secrets: cfg.Secrets, Fail: cfg.Fail, Profile: cfg.Profile, Quotas: cfg.Quotas, Log: cfg.Log, Grants: cfg.Grants,
		ParsePolicy: cfg.ParsePolicy, BGP: holds, Turns: cfg.Turns,
	})
	if err != nil {
		return nil, err
	}
	var heard *network.Heard
	shared, several := cfg.Store.(store.Shared)
	if holds {
		heard = &network.Heard{}
	} else if !several {
		if err := speaker.Forget(ctx, db); err != nil && cfg.Log != nil {
			cfg.Log.Error("BGP: sessions of an earlier process are still shown", "error", err)
		}
	}
	networks := network.New(network.Config{DB: db, Catalog: cfg.Catalog, Options: cfg.Routing, Log: cfg.Log, Heard: heard})
	operations := service.New(db, service.Config{Networks: networks, Catalog: cfg.Catalog, Log: cfg.Log, CheckResourcePolicy: cfg.CheckResourcePolicy})
	if err := db.Load(ctx); err != nil {
		return nil, err
	}
	n := &Node{
		Service: operations,
		Notifier: notify.New(notify.Config{
			DB: db, Networks: networks, Catalog: cfg.Catalog, Log: cfg.Log, Turns: cfg.Turns, NoRoutingEvents: cfg.NoRoutingEvents,
			Deregister: func(ctx context.Context, globalNetwork, gateway string) error {
				_, err := operations.DeregisterTransitGateway(ctx, &api.DeregisterTransitGatewayInput{GlobalNetworkId: globalNetwork, TransitGatewayArn: gateway})
				return err
			},
		}),
		networks: networks,
		store:    cfg.Store,
		db:       db,
	}
	if heard != nil {
		config := speaker.Config{DB: db, Networks: networks, Heard: heard, Mode: cfg.BGP, Catalog: cfg.Catalog, Secrets: cfg.BGPSecrets, Monitors: cfg.BGPMonitors, Log: cfg.Log}
		if several {
			config.Shared = bgpHolder(shared)
		}
		n.bgp = speaker.New(config)
	}
	return n, nil
}

// BGP is what holds BGP sessions; nil: none are held.
func (n *Node) BGP() *speaker.Speaker { return n.bgp }

// Run moves resources through their transitions, and publishes what changes, until ctx ends. Of several servers on one store
// one publishes at a time.
func (n *Node) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { OneAtATime(ctx, n.store, "publishing", n.Notifier.Run) })
	if n.bgp != nil {
		wg.Go(func() { OneAtATime(ctx, n.store, bgpWork, n.bgp.Run) })
	} else if shared, ok := n.store.(store.Shared); ok {
		wg.Go(func() { speaker.ForgetUnheld(ctx, n.db, bgpHolder(shared)) })
	}
	n.db.Run(ctx)
	wg.Wait()
}

// bgpWork is the name of the work of holding BGP sessions.
const bgpWork = "BGP sessions"

// bgpHolder tells which server holds the BGP sessions, "" for none.
func bgpHolder(st store.Shared) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		status, err := st.Status(ctx)
		if err != nil {
			return "", err
		}
		return status.Owners[bgpWork], nil
	}
}

// OneAtATime runs f until ctx ends, on one of the servers that share the store at a time. Where the store is not shared that is
// this one.
func OneAtATime(ctx context.Context, st store.Store, name string, f func(context.Context)) {
	if shared, ok := st.(store.Shared); ok {
		_ = shared.Own(ctx, name, f) // it ends with ctx only
		return
	}
	f(ctx)
}

// Reset removes everything an account has, or everything there is when account is "".
func (n *Node) Reset(ctx context.Context, account string) error { return n.db.Reset(ctx, account) }

// RoutingOptions are what routes are computed with; nil are the defaults.
func (n *Node) RoutingOptions() *routing.Options { return n.networks.RoutingOptions() }

// Check tells whether the state can be read.
func (n *Node) Check(ctx context.Context) error { return n.db.Check(ctx) }

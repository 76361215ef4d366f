// Package network makes the network of a core network of what is stored and of what the catalog knows, and keeps the
// routes that were computed from it.
//
// It works in two phases: rows are read in one look at the state, and after that the catalog is asked and routes are
// computed. It must not know operations or who asks.
package network

import (
	"io"
	"log/slog"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/state"
	"portolan/routing"
)

// Config is what Networks are made of. DB is required.
type Config struct {
	DB      *state.DB
	Catalog catalog.Catalog  // nil knows nothing
	Options *routing.Options // of computing routes; nil are the defaults
	Log     *slog.Logger     // default discards
	Heard   *Heard           // nil: no BGP sessions are held
}

// Networks are the core networks of a server.
type Networks struct {
	db      *state.DB
	catalog catalog.Catalog
	options *routing.Options
	log     *slog.Logger
	heard   *Heard
	cache   cache
}

// New returns the networks of a state.
func New(cfg Config) *Networks {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return &Networks{db: cfg.DB, catalog: cfg.Catalog, options: cfg.Options, log: cfg.Log, heard: cfg.Heard}
}

// RoutingOptions are what routes are computed with; nil are the defaults.
func (n *Networks) RoutingOptions() *routing.Options { return n.options }

// CatalogVersion moves when the catalog may answer otherwise than before.
func (n *Networks) CatalogVersion() uint64 {
	if n.catalog == nil {
		return 0
	}
	return n.catalog.Version()
}

// Find names a core network in a look at the state, or says why the caller cannot have it.
type Find func(*state.View) (*state.CoreNetwork, error)

// ByID finds a core network whoever asks.
func ByID(id state.NetworkID) Find {
	return func(v *state.View) (*state.CoreNetwork, error) {
		row, ok := state.CoreNetworks.Get(v, state.CoreNetworks.Key(id.Account, id.ID))
		if !ok {
			return nil, api.NotFound("core-network", id.ID)
		}
		return row, nil
	}
}

// noLivePolicy is why a core network has no network yet.
func noLivePolicy(row *state.CoreNetwork) error {
	return api.BrokenRule("Core network state is invalid. core network id: " + row.CoreNetworkId)
}

package service

import (
	"context"
	"sync"
	"time"

	"portolan/api"
	"portolan/internal/snapshot"
	"portolan/internal/store"
	"portolan/routing"
)

// computed is a core network's routes, with what they were computed from.
type computed struct {
	generation [2]uint64 // of the state and of the catalog
	at         time.Time
	snapshot   *snapshot.Snapshot
	tables     *routing.Tables
}

// routeCache keeps the routes of core networks that somebody asked for. Routes hold as long as the generation of what
// they depend on.
type routeCache struct {
	mu      sync.Mutex
	entries map[string]*routeEntry
}

type routeEntry struct {
	mu sync.Mutex // one computation at a time; others wait for it
	*computed
}

const maxRouteCache = 16

func (c *routeCache) entry(coreNetwork string) *routeEntry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[coreNetwork]
	if !ok {
		if c.entries == nil || len(c.entries) >= maxRouteCache {
			c.entries = map[string]*routeEntry{}
		}
		e = &routeEntry{}
		c.entries[coreNetwork] = e
	}
	return e
}

// routes is the routes of a core network as it is in this view.
func (v *view) routes(ctx context.Context, row *coreNetworkRow) (*computed, error) {
	generation := [2]uint64{store.Generation(v.r, routingGeneration(row.OwnerAccountId, row.CoreNetworkId)), v.refs.version()}
	e := v.computedRoutes.entry(row.CoreNetworkId)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.computed != nil && e.generation == generation {
		return e.computed, nil
	}
	snap, err := v.snapshot(ctx, row)
	if err != nil {
		return nil, err
	}
	network, err := snap.Network(nil)
	if err != nil {
		return nil, api.Internal(err)
	}
	next := &computed{generation: generation, at: v.now, snapshot: snap}
	if next.tables, err = routing.Compute(*network); err != nil {
		return nil, api.Internal(err)
	}
	e.computed = next
	return next, nil
}

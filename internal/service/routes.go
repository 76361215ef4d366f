package service

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"portolan/api"
	"portolan/internal/snapshot"
	"portolan/internal/store"
	"portolan/policy"
	"portolan/routing"
)

// computed is a core network's routes, with what they were computed from. It does not change; who holds an older one
// reads on in it.
type computed struct {
	generation uint64 // of the state
	catalog    uint64 // version of the catalog
	at         time.Time
	policy     *policy.Policy
	lists      map[string][]netip.Prefix // prefix lists by alias
	tables     *routing.Tables
	unsettled  bool   // some prefixes never settle; their rows are no answer
	cycles     string // of these, as the log has them
	unheard    bool   // the catalog could not be asked for everything: routes may be missing
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

// routes is the routes of a core network as it is in this view, or as it became since the view was taken.
func routes(v *View, ctx context.Context, row *coreNetworkRow) (*computed, error) {
	generation, catalog := store.Generation(v.r, routingGeneration(row.OwnerAccountId, row.CoreNetworkId)), v.refs.version()
	e := v.computedRoutes.entry(row.CoreNetworkId)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.computed != nil && e.generation >= generation && e.catalog == catalog {
		return e.computed, nil
	}
	next := &computed{generation: generation, catalog: catalog, at: v.now, lists: prefixListEntries(v, ctx, row)}
	var ok bool
	if next.policy, ok = livePolicy(v, row); !ok {
		return nil, api.Internal(errors.New("the LIVE policy of " + row.CoreNetworkId + " does not compile"))
	}
	if err := compute(v, ctx, row, e.computed, next); err != nil {
		return nil, err
	}
	// What moved alone was read again: the rest may still be missing.
	next.unheard = v.unheard || e.computed != nil && e.unheard && e.catalog == catalog
	e.computed = next
	return next, nil
}

// compute fills in the tables: those of before with what has changed, or all anew.
func compute(v *View, ctx context.Context, row *coreNetworkRow, before, next *computed) (err error) {
	// What was worked out for another policy, or other prefix lists, is of no use.
	same := before != nil && before.policy == next.policy && reflect.DeepEqual(before.lists, next.lists)
	var put []routing.Attachment
	var remove []string
	known := false
	if same && before.catalog == next.catalog {
		put, remove, known = movedAttachments(v, ctx, row, before)
	}
	if !known {
		gathered, err := takeSnapshot(v, ctx, row)
		if err != nil {
			return err
		}
		network := gathered.On(next.policy, v.routing)
		network.PrefixLists = next.lists
		if same {
			put, remove = differences(before.tables, network.Attachments)
		}
		if !same || len(put)+len(remove) > len(network.Attachments)/4 {
			next.tables, err = routing.Compute(*network)
			return settled(v, row, before, next, err)
		}
	}
	if len(put)+len(remove) == 0 {
		next.tables, next.unsettled, next.cycles, next.at = before.tables, before.unsettled, before.cycles, before.at
		return nil
	}
	next.tables, err = before.tables.Update(put, remove)
	return settled(v, row, before, next, err)
}

// settled takes tables in which some prefixes never settle: the others are as good as ever.
func settled(v *View, row *coreNetworkRow, before, c *computed, err error) error {
	var oscillation *routing.OscillationError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &oscillation) || c.tables == nil:
		return api.Internal(err)
	}
	c.unsettled, c.cycles = true, err.Error()
	if before != nil && before.cycles == c.cycles {
		return nil // and the log says so
	}
	for i := range oscillation.First {
		o := &oscillation.First[i]
		v.log.Warn("a prefix never settles: its routes are left out", slog.String("core_network", row.CoreNetworkId),
			slog.String("segment", o.Segment), slog.String("prefix", o.Prefix.String()), slog.String("cycle", o.States()),
			slog.Int("prefixes", oscillation.Count))
	}
	return nil
}

// movedAttachments reads again the attachments that moved since, and what they announce. It is false when that does not tell
// everything.
func movedAttachments(v *View, ctx context.Context, row *coreNetworkRow, since *computed) (put []routing.Attachment, remove []string, ok bool) {
	moved, ok := store.Moved(v.r, routingGeneration(row.OwnerAccountId, row.CoreNetworkId), since.generation)
	if !ok {
		return nil, nil, false
	}
	ids := map[string]bool{}
	for _, key := range moved {
		_, table, parent, id := splitKey(key, 1)
		switch id = strings.TrimPrefix(id, "/"); table {
		case "attachment":
			ids[id] = true
		case "announcements":
			if peer, isPeer := byID(v.r, connectPeers, id); isPeer {
				id = peer.ConnectAttachmentId
			}
			ids[id] = true // of a peer that is gone: the peer itself moved, too
		case "connect-peer":
			ids[strings.TrimPrefix(parent, "/")] = true
		case "core-network", "prefix-list-association":
		default:
			return nil, nil, false
		}
	}
	var read snapshot.Snapshot
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		if a, there := attachments.Get(v.r, accountKey(row.OwnerAccountId, "attachment", row.CoreNetworkId, id)); there {
			read.Attachments = append(read.Attachments, snapshotOf(v, ctx, a))
		}
	}
	for _, a := range read.On(since.policy, v.routing).Attachments {
		delete(ids, a.ID)
		old, had := since.tables.Attachment(a.ID)
		if a.NetworkFunctionGroup != "" || old.NetworkFunctionGroup != "" {
			return nil, nil, false // who has a place in a group depends on others
		}
		if !had || !reflect.DeepEqual(old, a) {
			put = append(put, a)
		}
	}
	for id := range ids {
		old, had := since.tables.Attachment(id)
		if old.NetworkFunctionGroup != "" {
			return nil, nil, false
		}
		if had {
			remove = append(remove, id)
		}
	}
	slices.Sort(remove)
	return put, remove, true
}

// differences is what makes the attachments of tables those of a list.
func differences(tables *routing.Tables, list []routing.Attachment) (put []routing.Attachment, remove []string) {
	gone := map[string]bool{}
	for a := range tables.Attachments() {
		gone[a.ID] = true
	}
	for i := range list {
		delete(gone, list[i].ID)
		if old, had := tables.Attachment(list[i].ID); !had || !reflect.DeepEqual(old, list[i]) {
			put = append(put, list[i])
		}
	}
	return put, slices.Sorted(maps.Keys(gone))
}

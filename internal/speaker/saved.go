package speaker

import (
	"context"
	"hash/fnv"
	"maps"
	"net/netip"
	"slices"

	"portolan/internal/state"
)

// What was heard is copied to the state now and then, in parts, so that a server that starts has the routes until the routers
// have advertised them again. A few routes are one part; of very many only the parts are written that have changed.
const (
	manyShards   = 256
	fewRoutes    = 2000
	shardsPerTxn = 32
)

// shard is the part of the stored routes that a prefix is in.
func (p *peer) shard(prefix netip.Prefix) int {
	if p.shards <= 1 {
		return 0
	}
	h := fnv.New32a()
	b := prefix.Addr().As16()
	_, _ = h.Write(append(b[:], byte(prefix.Bits())))
	return int(h.Sum32() % uint32(p.shards))
}

// save stores what has changed since the last time.
func (sp *Speaker) save(ctx context.Context) {
	sp.mu.Lock()
	peers := slices.Collect(maps.Keys(sp.unsaved))
	clear(sp.unsaved)
	sp.mu.Unlock()
	for _, p := range peers {
		if err := sp.savePeer(ctx, p); err != nil && ctx.Err() == nil {
			sp.log.Error("BGP: the copy of what was heard is out of date", "connect_peer", p.id, "error", err)
			sp.mu.Lock()
			if sp.peers[p.id] == p {
				sp.unsaved[p] = struct{}{}
			}
			sp.mu.Unlock()
		}
	}
}

func (sp *Speaker) savePeer(ctx context.Context, p *peer) error {
	sp.mu.Lock()
	before, stale := p.shards, p.stale
	p.stale = map[int]struct{}{}
	want := 1
	if p.routes.Len() > fewRoutes || before > 1 && p.routes.Len() > fewRoutes/2 {
		want = manyShards
	}
	if p.shards = want; want != before {
		stale = map[int]struct{}{}
		for shard := range max(want, before) {
			stale[shard] = struct{}{}
		}
	}
	parts := map[int][]state.HeardRoute{}
	for prefix, h := range p.routes.All() {
		shard := p.shard(prefix)
		if _, ok := stale[shard]; !ok {
			continue
		}
		a := announcement(h.best())
		a.Prefix = prefix
		r := state.HeardRoute{Announcement: state.Announcement(a)}
		for at := range h {
			if h[at] != nil {
				r.Sessions |= 1 << at
			}
		}
		parts[shard] = append(parts[shard], r)
	}
	sp.mu.Unlock()
	for some := range slices.Chunk(slices.Sorted(maps.Keys(stale)), shardsPerTxn) {
		err := state.Record(ctx, sp.db, func(tx *state.Txn) error {
			row, ok := state.ConnectPeers.Get(tx.View, p.row.Key())
			if !ok {
				return nil
			}
			b, ok := row.BGP(tx.View)
			if !ok {
				return nil
			}
			for _, shard := range some {
				routes := parts[shard]
				slices.SortFunc(routes, func(x, y state.HeardRoute) int { return x.Prefix.Compare(y.Prefix) })
				b.PutShard(tx, row.OwnerAccountId, shard, routes)
			}
			if b.Shards != want || sp.shared != nil {
				next := *b
				if next.Shards = want; sp.shared != nil {
					next.Version++ // the other servers compute routes from the copy
				}
				state.ConnectPeerBGPs.Put(tx, state.ConnectPeerBGPs.Key(row.OwnerAccountId, row.CoreNetworkId, row.ConnectPeerId), &next)
			}
			return nil
		})
		if err != nil {
			sp.mu.Lock()
			maps.Copy(p.stale, stale)
			sp.mu.Unlock()
			return err
		}
	}
	return nil
}

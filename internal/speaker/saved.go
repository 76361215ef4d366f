package speaker

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net/netip"
	"slices"

	"portolan/internal/order"
	"portolan/internal/prefixmap"
	"portolan/internal/state"
)

// What was heard is copied to the state now and then, in parts, so that a server that starts has the routes until the routers
// have advertised them again. A few routes are one part; of very many only the parts are written that have changed. In memory the
// routes are in the same parts, so that a part is found without a look at the others.
const (
	routesPerTxn = 2500 // about 256 KiB: what is written next waits as long
	shardsPerTxn = 32
)

// shardLevels are how many parts there are for how many routes.
var shardLevels = [...]struct{ shards, above int }{{1, 0}, {256, 2000}, {4096, 200_000}}

// shardsFor is how many parts routes are to be in that are in some: as many again only when half the routes are gone.
func shardsFor(routes, shards int) int {
	want := 1
	for _, l := range shardLevels {
		if routes > l.above || shards >= l.shards && routes > l.above/2 {
			want = l.shards
		}
	}
	return want
}

// heardRoutes are the routes of a peer in the parts in which they are stored: their number is in place from the beginning, or 0
// for one.
type heardRoutes struct {
	parts []prefixmap.Map[heard]
	count int
}

// shard is the part that a prefix is in.
func (r *heardRoutes) shard(prefix netip.Prefix) int {
	if len(r.parts) <= 1 {
		return 0
	}
	const offset, prime = 2166136261, 16777619 // FNV-1a
	h := uint32(offset)
	for _, b := range prefix.Addr().As16() {
		h = (h ^ uint32(b)) * prime
	}
	h = (h ^ uint32(prefix.Bits())) * prime
	return int(h % uint32(len(r.parts)))
}

func (r *heardRoutes) get(prefix netip.Prefix) heard {
	if len(r.parts) == 0 {
		return heard{}
	}
	h, _ := r.parts[r.shard(prefix)].Get(prefix)
	return h
}

// set changes a route; one that no session brings is none.
func (r *heardRoutes) set(prefix netip.Prefix, h heard) {
	if len(r.parts) == 0 {
		r.parts = make([]prefixmap.Map[heard], 1)
	}
	part := &r.parts[r.shard(prefix)]
	r.count -= part.Len()
	if h == (heard{}) {
		part.Delete(prefix)
	} else {
		part.Set(prefix, h)
	}
	r.count += part.Len()
}

// divide puts the routes into another number of parts.
func (r *heardRoutes) divide(parts int) {
	old := *r
	*r = heardRoutes{parts: make([]prefixmap.Map[heard], parts)}
	for prefix, h := range old.all() {
		r.set(prefix, h)
	}
}

func (r *heardRoutes) all() iter.Seq2[netip.Prefix, heard] {
	return func(yield func(netip.Prefix, heard) bool) {
		for i := range r.parts {
			for prefix, h := range r.parts[i].All() {
				if !yield(prefix, h) {
					return
				}
			}
		}
	}
}

// stored is a part as it is stored.
func (r *heardRoutes) stored(shard int) []state.HeardRoute {
	if shard >= len(r.parts) {
		return nil
	}
	list := make([]state.HeardRoute, 0, r.parts[shard].Len())
	for prefix, h := range r.parts[shard].All() {
		n := state.HeardRoute{Announcement: state.Announcement(announcement(h.best()).With(prefix))}
		for at := range h {
			if h[at] != nil {
				n.Sessions |= 1 << at
			}
		}
		list = append(list, n)
	}
	order.Sort(list, func(x, y state.HeardRoute) int { return x.Prefix.Compare(y.Prefix) })
	return list
}

// save stores what has changed since the last time.
func (sp *Speaker) save(ctx context.Context) {
	sp.mu.Lock()
	peers := slices.Collect(maps.Keys(sp.unsaved))
	sp.mu.Unlock()
	for _, p := range peers {
		for more, ok := true, true; more && ok; {
			more, ok = sp.savePart(ctx, p)
		}
	}
}

// saveSome is a part of save. It tells whether there is more that can be stored.
func (sp *Speaker) saveSome(ctx context.Context) (more bool) {
	sp.mu.Lock()
	peers := slices.Collect(maps.Keys(sp.unsaved))
	sp.mu.Unlock()
	if sp.shared != nil {
		sp.save(ctx) // others compute routes from it: all of it or nothing
		return false
	}
	for i, p := range peers {
		if more, ok := sp.savePart(ctx, p); ok && (more || i < len(peers)-1) {
			return true
		}
	}
	return false
}

// behind tells whether there are routes to be stored.
func (sp *Speaker) behind() bool {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	return len(sp.unsaved) > 0
}

// savePart stores some of the parts of a peer's routes that have changed, in one transaction. It tells whether there are more, and
// whether these could be stored.
func (sp *Speaker) savePart(ctx context.Context, p *peer) (more, ok bool) {
	sp.mu.Lock()
	before := max(1, len(p.routes.parts))
	want := before
	if !p.dividing {
		want = shardsFor(p.routes.count, before)
	}
	if want != before {
		p.routes.divide(want)
		for shard := range max(want, before) {
			p.stale[shard] = struct{}{}
		}
		p.dividing, p.upward = true, want < before
	}
	shards := slices.Sorted(maps.Keys(p.stale))
	if !p.upward { // routes of an old part are in new ones before those take its place
		slices.Reverse(shards)
	}
	parts, routes := map[int][]state.HeardRoute{}, 0
	for _, shard := range shards {
		if len(parts) == shardsPerTxn || routes > routesPerTxn {
			break
		}
		delete(p.stale, shard)
		parts[shard] = p.routes.stored(shard)
		routes += len(parts[shard])
	}
	if more = len(p.stale) > 0; !more && shardsFor(p.routes.count, want) == want {
		delete(sp.unsaved, p)
	}
	dividing := p.dividing && more
	sp.mu.Unlock()
	if err := sp.put(ctx, p, parts, want, more, dividing); err != nil {
		if ctx.Err() == nil {
			sp.log.Error("BGP: the copy of what was heard is out of date", "peer", p.id, "error", err)
		}
		sp.mu.Lock()
		for shard := range parts {
			p.stale[shard] = struct{}{}
		}
		if sp.peers[p.id] == p {
			sp.unsaved[p] = struct{}{}
		}
		sp.mu.Unlock()
		return true, false
	}
	sp.mu.Lock()
	p.dividing = dividing
	sp.mu.Unlock()
	return more, true
}

// errUnreported says that there is no row of a peer yet, because its first report could not be stored.
var errUnreported = errors.New("its sessions are not stored yet")

// put stores parts of the routes of a peer, of which there are so many.
func (sp *Speaker) put(ctx context.Context, p *peer, parts map[int][]state.HeardRoute, shards int, more, dividing bool) error {
	return state.Record(ctx, sp.db, func(tx *state.Txn) error {
		b, ok := state.BGPOf(tx.View, p.network, p.id)
		switch {
		case !ok && tx.Speaks(p.network, p.id):
			return errUnreported
		case !ok:
			return nil // deleted meanwhile
		}
		for _, shard := range slices.Sorted(maps.Keys(parts)) {
			b.PutShard(tx, p.network.Account, shard, parts[shard])
		}
		next := *b
		if next.Shards, next.Dividing = shards, 0; dividing {
			next.Shards, next.Dividing = max(shards, b.Shards), shards // some routes are in old parts yet
		}
		if sp.shared != nil && !more {
			next.Version++ // the other servers compute routes from the copy
		}
		if next.Shards == b.Shards && next.Dividing == b.Dividing && next.Version == b.Version {
			return nil
		}
		state.PeerBGPs.Put(tx, state.PeerBGPs.Key(p.network.Account, p.network.ID, p.id), &next)
		return nil
	})
}

package notify

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"portolan/internal/network"
	"portolan/internal/order"
	"portolan/internal/state"
	"portolan/internal/turns"
	"portolan/policy"
	"portolan/routing"
)

// Routes are not written where they change: they follow from what is. So the events about them are the difference between
// the tables as they are and the tables as they were last published. What is kept of the latter is what they were computed
// from, which is small, and is stored in the transaction of the events: a restart computes them again and goes on from
// there, and neither repeats nor forgets.

// routesPublished remembers what the store says of the routes that have been published. Whoever publishes a network is alone with it:
// nobody waits for the publication of another.
type routesPublished struct {
	mu       sync.Mutex
	busy     map[state.NetworkID]chan struct{} // of those that are being published, closed at the end
	seen     map[state.NetworkID]moment
	networks map[state.NetworkID]*published
}

// remembered is what is remembered of one network.
type remembered struct {
	seen  moment
	known bool // seen is set
	last  *published
}

// moment is the state and the catalog at some time.
type moment struct{ generation, catalog uint64 }

// published is the tables of a core network as they were published.
type published struct {
	sequence uint64
	number   int64
	network  state.PublishedPolicy
	policy   *policy.Policy // nil: nothing has been published
	tables   *routing.Tables
}

// publishRoutesOf publishes the routes of the core networks of an account, or of all.
func (n *Notifier) publishRoutesOf(ctx context.Context, account string) {
	networks, err := state.Look(ctx, n.db, func(v *state.View) (map[state.NetworkID]bool, error) { return v.RoutedNetworks(account), nil })
	if err != nil && ctx.Err() == nil {
		n.log.Error("the core networks could not be read", "error", err)
	}
	n.publishRoutes(ctx, networks)
}

func (n *Notifier) publishRoutes(ctx context.Context, networks map[state.NetworkID]bool) {
	ids := slices.Collect(maps.Keys(networks))
	order.Sort(ids, func(a, b state.NetworkID) int {
		return cmp.Or(strings.Compare(a.Account, b.Account), strings.Compare(a.ID, b.ID))
	})
	for _, id := range ids {
		err := n.publishNetwork(ctx, id)
		for tries := 1; errors.Is(err, errPublishedMeanwhile) && tries < publishTries; tries++ {
			err = n.publishNetwork(ctx, id) // what the other published may be older than what is to be published
		}
		if err != nil && ctx.Err() == nil {
			n.log.Error("changed routes were not published", "core_network", id.ID, "error", err)
		}
	}
}

// comparison is what the state says of a core network: what was published of it, and whether it is there.
type comparison struct {
	last   *published // what was published, when it is in memory
	had    bool
	header state.PublishedRoutes
	there  bool
	at     moment

	policy      *state.PublishedPolicy // read when what was published is not in memory
	attachments []routing.Attachment
}

// read reads what is to be compared; nil when there is nothing to publish.
func (p *routesPublished) read(v *state.View, id state.NetworkID, catalogVersion uint64, hasCatalog bool) (*comparison, error) {
	of := p.of(id)
	c := &comparison{at: moment{v.RoutingGeneration(id), catalogVersion}}
	header, had := state.RoutesPublished.Get(v, state.RoutesPublished.Key(id.Account, id.ID))
	if c.had = had; had {
		c.header = *header
	}
	row, err := network.ByID(id)(v)
	c.there = err == nil
	switch {
	case !had && (!c.there || row.LiveVersion == 0): // nothing to publish, and nothing published
		p.forget(id)
		return nil, nil
	case of.known && of.seen == c.at && (!had || of.last == nil || of.last.sequence == header.Sequence):
		return nil, nil
	case !of.known && had && c.there && header.Generation == c.at.generation && !hasCatalog:
		p.see(id, c.at) // published before this process began
		return nil, nil
	}
	c.last = of.last
	if last := c.last; last != nil && had == (last.policy != nil) && (!had || last.sequence == header.Sequence) || !had {
		return c, nil
	}
	var ok bool
	if c.policy, ok = state.PublishedPolicies.Get(v, state.PublishedPolicies.Key(id.Account, id.ID)); !ok {
		return nil, errors.New("the policy is missing that routes were published of")
	}
	c.attachments = state.Published(v, id)
	return c, nil
}

// publishNetwork writes the events of what has changed in the tables of a core network since the last time.
func (n *Notifier) publishNetwork(ctx context.Context, id state.NetworkID) error {
	p := &n.routes
	done, err := p.alone(ctx, id)
	if err != nil {
		return err
	}
	defer done()
	c, err := state.Look(ctx, n.db, func(v *state.View) (*comparison, error) {
		return p.read(v, id, n.networks.CatalogVersion(), n.catalog != nil)
	})
	if err != nil || c == nil {
		return err
	}
	before := c.last
	var now *network.Routes
	next := state.PublishedPolicy{}
	own := &ownTurns{turns: n.turns, account: id.Account, patience: longestWait}
	err = own.compute(ctx, func() (err error) {
		switch {
		case c.policy != nil:
			if before, err = n.compute(c); err != nil {
				return err
			}
		case !c.had:
			before = &published{}
		}
		if !c.there {
			return nil
		}
		var row *state.CoreNetwork
		if row, now, err = n.networks.Current(ctx, network.ByID(id)); err != nil {
			return err
		}
		next = state.PublishedPolicy{
			CoreNetworkArn: row.CoreNetworkArn, GlobalNetworkId: row.GlobalNetworkId, Document: now.Document, Edges: now.Edges, PrefixLists: now.PrefixLists,
		}
		c.at = moment{now.Generation, now.Catalog}
		return nil
	})
	if err != nil {
		return err
	}
	if now != nil && now.CatalogIncomplete {
		n.log.Warn("what changed in the routes is not published before the catalog can be asked", "core_network", id.ID)
		return nil
	}
	return n.publish(ctx, id, own, before, now, next, c.at)
}

// ownTurns are the turns of one publication. Whoever has a turn must not wait for a publication.
type ownTurns struct {
	turns    *turns.Turns
	account  string
	patience time.Duration // how long it waits for turns, those after this included
}

// compute computes in a turn of the account, which it gives back before anything is written. It does without one where the account
// keeps its turns for long, since other accounts wait for the end of the publication.
func (t *ownTurns) compute(ctx context.Context, do func() error) error {
	soon, cancel := context.WithTimeout(ctx, t.patience)
	began := time.Now()
	_, done, err := t.turns.Take(soon, t.account, turns.Publication, 0)
	t.patience -= time.Since(began)
	cancel()
	switch {
	case err == nil:
		defer done()
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return do()
}

// publish writes the differences between what was published and what is now; now is nil when the core network is gone.
func (n *Notifier) publish(ctx context.Context, id state.NetworkID, own *ownTurns, before *published, now *network.Routes, next state.PublishedPolicy, at moment) error {
	after := &published{sequence: before.sequence + 1, number: before.number, network: next}
	if now == nil {
		after.network = before.network
	} else {
		after.policy, after.tables = now.Policy, now.Tables
	}
	var prefixes []netip.Prefix
	var list []state.EventDetail
	events := func() error {
		for len(list) == 0 && len(prefixes) > 0 {
			some := prefixes[:min(prefixesAtOnce, len(prefixes))]
			prefixes = prefixes[len(some):]
			changed := after.changesSince(before)
			for part := range slices.Chunk(some, prefixesInATurn) {
				if err := own.compute(ctx, func() error { changed.add(part); return nil }); err != nil {
					return err
				}
			}
			if err := own.compute(ctx, func() error { list = changed.events(n.db.Now()); return nil }); err != nil {
				return err
			}
		}
		return nil
	}
	var put []routing.Attachment
	var remove []string
	if err := own.compute(ctx, func() error {
		prefixes = after.tables.ChangedPrefixes(before.tables)
		put, remove = attachmentChanges(before.tables, after.tables)
		return nil
	}); err != nil {
		return err
	}
	if err := events(); err != nil {
		return err
	}
	samePolicy := before.policy == after.policy && reflect.DeepEqual(before.network, after.network)
	if len(list) == 0 && len(put)+len(remove) == 0 && samePolicy && before.policy != nil {
		n.routes.see(id, at)
		return nil
	}
	of := &state.CoreNetwork{OwnerAccountId: id.Account, CoreNetworkArn: after.network.CoreNetworkArn, GlobalNetworkId: after.network.GlobalNetworkId}
	// Very many go into several transactions, the last of which says that they are published: who is stopped between two of
	// them publishes the first ones again. Between two others write.
	for {
		began := n.db.Now()
		some := list[:oneCommit(list)]
		if list = list[len(some):]; len(list) == 0 {
			if err := events(); err != nil {
				return err
			}
		}
		err := state.Record(ctx, n.db, func(tx *state.Txn) error {
			header, _ := state.RoutesPublished.Get(tx.View, state.RoutesPublished.Key(id.Account, id.ID))
			if header != nil && header.Sequence != before.sequence || header == nil && before.policy != nil {
				return errPublishedMeanwhile
			}
			for i := range some {
				tx.Emit(of, state.RoutingUpdate, some[i])
			}
			if len(list) == 0 {
				after.save(tx, id, before, samePolicy, at.generation, put, remove)
			}
			return nil
		})
		if err != nil {
			n.routes.forgetTables(id)
			return err
		}
		if len(list) == 0 {
			break
		}
		rest(ctx, n.db.Now().Sub(began))
	}
	n.routes.keep(id, at, after)
	return nil
}

// publishTries is how often a network is published where others, on other servers, are faster.
const publishTries = 5

var errPublishedMeanwhile = errors.New("the routes have been published by another, or reset")

// save stores what the next publication is compared with.
func (p *published) save(tx *state.Txn, id state.NetworkID, before *published, samePolicy bool, generation uint64, put []routing.Attachment, remove []string) {
	header, document := state.RoutesPublished.Key(id.Account, id.ID), state.PublishedPolicies.Key(id.Account, id.ID)
	for _, attachment := range remove {
		state.DeletePublished(tx, id, attachment)
	}
	if p.tables == nil {
		state.RoutesPublished.Delete(tx, header)
		state.PublishedPolicies.Delete(tx, document)
		return
	}
	for i := range put {
		var known *routing.Attachment
		if before.tables != nil {
			if a, ok := before.tables.Attachment(put[i].ID); ok {
				known = &a
			}
		}
		state.PutPublished(tx, id, known, &put[i])
	}
	if !samePolicy {
		state.PublishedPolicies.Put(tx, document, &p.network)
	}
	state.RoutesPublished.Put(tx, header, &state.PublishedRoutes{Sequence: p.sequence, Generation: generation, Number: p.number})
}

// compute computes again the tables that were published.
func (n *Notifier) compute(c *comparison) (*published, error) {
	p := &published{sequence: c.header.Sequence, number: c.header.Number, network: *c.policy}
	compiled, errs := n.db.Compile(n.db.ReadPolicy(c.policy.Document), c.policy.Edges)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	p.policy = compiled
	var oscillation *routing.OscillationError
	var err error
	p.tables, err = routing.Compute(routing.Network{
		Policy: compiled, PrefixLists: c.policy.PrefixLists, Options: n.networks.RoutingOptions(), Attachments: c.attachments,
	})
	if err != nil && !errors.As(err, &oscillation) {
		return nil, err
	}
	return p, nil
}

// prefixesAtOnce is how many changed prefixes are in memory with their events in all tables: as many as AWS's quota for the routes of a
// core network.
const prefixesAtOnce = 10_000

// prefixesInATurn is of how many prefixes changes are collected in one turn: between two, the account's calls have theirs.
const prefixesInATurn = 1000

// oneCommit is how many of the events go into one transaction: others wait as long as they are written.
func oneCommit(list []state.EventDetail) int {
	size := 0
	for i := range list {
		for _, route := range list[i].Routes {
			size += len(route)
		}
		if i > 0 && size > bytesPerCommit {
			return i
		}
	}
	return len(list)
}

// alone waits until nobody else publishes a network; done lets the next one.
func (p *routesPublished) alone(ctx context.Context, id state.NetworkID) (done func(), err error) {
	for {
		p.mu.Lock()
		other, taken := p.busy[id]
		if !taken {
			own := make(chan struct{})
			if p.busy == nil {
				p.busy = map[state.NetworkID]chan struct{}{}
			}
			p.busy[id] = own
			p.mu.Unlock()
			return func() {
				p.mu.Lock()
				delete(p.busy, id)
				p.mu.Unlock()
				close(own)
			}, nil
		}
		p.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (p *routesPublished) of(id state.NetworkID) remembered {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen, known := p.seen[id]
	return remembered{seen, known, p.networks[id]}
}

func (p *routesPublished) see(id state.NetworkID, at moment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = map[state.NetworkID]moment{}
	}
	p.seen[id] = at
}

func (p *routesPublished) forget(id state.NetworkID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.seen, id)
	delete(p.networks, id)
}

// forgetTables has what was published read from the store the next time.
func (p *routesPublished) forgetTables(id state.NetworkID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.networks, id)
}

func (p *routesPublished) keep(id state.NetworkID, at moment, n *published) {
	if n.tables == nil {
		p.forget(id)
		return
	}
	p.see(id, at)
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.networks[id]; !ok && len(p.networks) >= network.MaxCached || p.networks == nil {
		p.networks = map[state.NetworkID]*published{}
	}
	p.networks[id] = n
}

// attachmentChanges is what makes the attachments of old those of now; either may be nil.
func attachmentChanges(old, now *routing.Tables) (put []routing.Attachment, remove []string) {
	var list []routing.Attachment
	if now != nil {
		list = slices.Collect(now.Attachments())
	}
	if old == nil {
		return list, nil
	}
	return network.Differences(old, list)
}

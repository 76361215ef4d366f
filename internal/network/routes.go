package network

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"time"

	"portolan/api"
	"portolan/internal/analysis"
	"portolan/internal/snapshot"
	"portolan/internal/state"
	"portolan/policy"
	"portolan/routing"
)

// Routes is a core network's routes, with what they were computed from. It does not change; who holds an older one reads
// on in it.
type Routes struct {
	Generation  uint64 // of the state
	Catalog     uint64 // version of the catalog
	At          time.Time
	Policy      *policy.Policy
	Document    string                    // of the policy
	Edges       []state.CoreNetworkEdge   // that the policy was compiled over
	PrefixLists map[string][]netip.Prefix // by alias
	Tables      *routing.Tables

	Unsettled         bool // some prefixes never settle; their rows are no answer
	CatalogIncomplete bool // the catalog could not be asked for everything: routes may be missing

	cycles string            // of what never settles, as the log has them
	heard  map[string]uint64 // the version of what was heard from each peer
	texts  *texts            // of Tables without what is unsettled
}

// cache keeps the routes of core networks that somebody asked for. Routes hold as long as the generation of what they
// depend on.
type cache struct {
	mu      sync.Mutex
	entries map[state.NetworkID]*entry
}

type entry struct {
	mu sync.Mutex // one computation at a time; others wait for it
	*Routes
}

// MaxCached is how many core networks keep their routes.
const MaxCached = 16

func (c *cache) entry(id state.NetworkID) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[id]
	if !ok {
		if c.entries == nil || len(c.entries) >= MaxCached {
			c.entries = map[state.NetworkID]*entry{}
		}
		e = &entry{}
		c.entries[id] = e
	}
	return e
}

// Routes is the routes of a core network as it is, or as it became meanwhile, after due transitions have taken their next
// step.
func (n *Networks) Routes(ctx context.Context, find Find) (*state.CoreNetwork, *Routes, error) {
	f, err := state.Read(ctx, n.db, found(find))
	if err != nil {
		return nil, nil, err
	}
	return n.routes(ctx, f, find)
}

// Current is [Networks.Routes] without taking steps that are due.
func (n *Networks) Current(ctx context.Context, find Find) (*state.CoreNetwork, *Routes, error) {
	f, err := state.Look(ctx, n.db, found(find))
	if err != nil {
		return nil, nil, err
	}
	return n.routes(ctx, f, find)
}

// dated is a core network with the generation that its routes must have.
type dated struct {
	row        *state.CoreNetwork
	generation uint64
}

func found(find Find) func(*state.View) (dated, error) {
	return func(v *state.View) (dated, error) {
		row, err := find(v)
		if err != nil {
			return dated{}, err
		}
		return dated{row, v.RoutingGeneration(row.ID())}, nil
	}
}

func (n *Networks) routes(ctx context.Context, f dated, find Find) (*state.CoreNetwork, *Routes, error) {
	e := n.cache.entry(f.row.ID())
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.Routes != nil && e.Generation >= f.generation && e.Catalog == n.CatalogVersion() {
		return f.row, e.Routes, nil
	}
	next, err := n.compute(ctx, find, e.Routes)
	if err != nil {
		return nil, nil, err
	}
	e.Routes = next
	return f.row, next, nil
}

// Subject is a core network with its routes, ready for questions.
func (n *Networks) Subject(ctx context.Context, find Find) (*analysis.Subject, error) {
	subject, err := n.subject(ctx, find)
	if err == nil {
		subject.Beside = func(ctx context.Context) ([]analysis.Finding, error) { return n.findings(ctx, find) }
	}
	return subject, err
}

func (n *Networks) subject(ctx context.Context, find Find) (*analysis.Subject, error) {
	_, c, err := n.Routes(ctx, func(v *state.View) (*state.CoreNetwork, error) {
		row, err := find(v)
		if err == nil && row.LiveVersion == 0 {
			err = noLivePolicy(row)
		}
		return row, err
	})
	switch {
	case err != nil:
		return nil, err
	case !c.Unsettled:
		attachments, err := n.attachments(ctx, find, c.Tables)
		if err != nil {
			return nil, err
		}
		return analysis.Known(c.Tables, c.PrefixLists, attachments), nil
	}
	snap, err := n.Snapshot(ctx, find)
	if err != nil {
		return nil, err
	}
	return analysis.Examine(snap, nil, n.options) // the cycles, which the cached tables do not keep
}

// change is what a computation works from, as one look at the state has it: all of a core network, or what has moved since
// earlier routes.
type change struct {
	generation uint64
	at         time.Time
	policy     *policy.Policy
	row        *state.CoreNetwork
	document   string
	lists      []*state.PrefixListAssociation

	all   []attached
	moved []attached
	ids   map[string]bool // of what moved; nil: all is read
	heard []heardDelta    // of attachments that are not among ids
}

// versions are those of what was heard, with all that was read.
func (c *change) versions(before *Routes) map[string]uint64 {
	versions := map[string]uint64{}
	if before != nil && c.ids != nil {
		maps.Copy(versions, before.heard)
	}
	for _, list := range [][]attached{c.all, c.moved} {
		for i := range list {
			delete(versions, list[i].AttachmentId)
			for j := range list[i].peers {
				delete(versions, list[i].peers[j].ID)
			}
			maps.Copy(versions, list[i].heard)
		}
	}
	for i := range c.heard {
		versions[cmp.Or(c.heard[i].peer, c.heard[i].attachment)] = c.heard[i].version
	}
	return versions
}

// readChange reads what has moved since earlier routes, or all.
func (n *Networks) readChange(v *state.View, row *state.CoreNetwork, before *Routes) (*change, error) {
	c := &change{generation: v.RoutingGeneration(row.ID()), at: v.Now, row: row, lists: readLists(v, row)}
	var ok bool
	if c.policy, ok = v.LivePolicy(row); !ok {
		return nil, api.Internal(errors.New("the LIVE policy of " + row.CoreNetworkId + " does not compile"))
	}
	c.document, _ = v.Document(row, row.LiveVersion)
	if before != nil && before.Policy == c.policy {
		var heard map[string]bool
		if c.ids, heard, ok = v.MovedAttachments(row.ID(), before.Generation); ok {
			c.heard = n.readHeard(v, row.ID(), heard, c.ids, before)
			for _, id := range slices.Sorted(maps.Keys(c.ids)) {
				if a, there := state.Attachments.Get(v, state.Attachments.Key(row.OwnerAccountId, row.CoreNetworkId, id)); there {
					c.moved = append(c.moved, n.read(v, a))
				}
			}
			return c, nil
		}
	}
	c.ids, c.all = nil, n.readAll(v, row)
	return c, nil
}

// compute computes routes: those of before with what has changed, or all anew.
func (n *Networks) compute(ctx context.Context, find Find, before *Routes) (*Routes, error) {
	catalog := n.CatalogVersion()
	look := func(since *Routes) (*change, error) {
		return state.Look(ctx, n.db, func(v *state.View) (*change, error) {
			row, err := find(v)
			if err != nil {
				return nil, err
			}
			return n.readChange(v, row, since)
		})
	}
	since := before
	if before != nil && before.Catalog != catalog {
		since = nil // anything may be announced otherwise
	}
	c, err := look(since)
	if err != nil {
		return nil, err
	}
	q := &question{catalog: n.catalog}
	lists := q.entries(ctx, c.lists)
	// What was worked out for another policy, or other prefix lists, is of no use.
	same := before != nil && before.Policy == c.policy && reflect.DeepEqual(before.PrefixLists, lists)
	var put []routing.Attachment
	var remove []string
	known := false
	if same && c.ids != nil {
		put, remove, known = n.moved(q.attachments(ctx, c.moved), c.ids, before)
	}
	if !known && c.ids != nil { // that was not all
		if c, err = look(nil); err != nil {
			return nil, err
		}
		lists = q.entries(ctx, c.lists)
		same = before.Policy == c.policy && reflect.DeepEqual(before.PrefixLists, lists)
	}
	next := &Routes{
		Generation: c.generation, Catalog: catalog, At: c.at, Policy: c.policy, Document: c.document, Edges: c.row.Edges, PrefixLists: lists,
		heard: c.versions(before), texts: &texts{},
	}
	if !known {
		m := &material{row: c.row, document: c.document}
		network := m.snapshot(q.attachments(ctx, c.all), lists).On(c.policy, n.options)
		if same {
			put, remove = Differences(before.Tables, network.Attachments)
		}
		if !same || len(put)+len(remove) > len(network.Attachments)/4 {
			next.CatalogIncomplete = q.incomplete
			next.Tables, err = routing.Compute(*network)
			return next, n.settled(c.row, before, next, err)
		}
	}
	// What moved alone was read again: the rest may still be missing.
	next.CatalogIncomplete = q.incomplete || before.CatalogIncomplete && before.Catalog == catalog
	changed := slices.ContainsFunc(c.heard, func(d heardDelta) bool { return len(d.announce)+len(d.withdraw) > 0 })
	if len(put)+len(remove) == 0 && !changed {
		next.Tables, next.Unsettled, next.cycles, next.At = before.Tables, before.Unsettled, before.cycles, before.At
		next.texts = before.texts
		return next, nil
	}
	if next.Tables, err = updated(before.Tables, put, remove, c.heard); next.Tables == nil {
		return n.compute(ctx, find, nil) // the error, if it is one of the network, comes again
	}
	return next, n.settled(c.row, before, next, err)
}

// updated is tables with what has changed, and as error what never settles in them. It is nil where they cannot be changed so.
func updated(tables *routing.Tables, put []routing.Attachment, remove []string, heard []heardDelta) (*routing.Tables, error) {
	var err error
	var oscillation *routing.OscillationError
	if len(put)+len(remove) > 0 {
		if tables, err = tables.Update(put, remove); err != nil && !errors.As(err, &oscillation) {
			return nil, err
		}
	}
	for i := range heard {
		d := &heard[i]
		if len(d.announce)+len(d.withdraw) == 0 {
			continue
		}
		if tables, err = tables.UpdateRoutes(d.attachment, d.peer, d.announce, d.withdraw); err != nil && !errors.As(err, &oscillation) {
			return nil, err
		}
	}
	return tables, err
}

// settled takes tables in which some prefixes never settle: the others are as good as ever.
func (n *Networks) settled(row *state.CoreNetwork, before, c *Routes, err error) error {
	var oscillation *routing.OscillationError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &oscillation) || c.Tables == nil:
		return api.Internal(err)
	}
	c.Unsettled, c.cycles = true, err.Error()
	if before != nil && before.cycles == c.cycles {
		return nil // and the log says so
	}
	for i := range oscillation.First {
		o := &oscillation.First[i]
		n.log.Warn("a prefix never settles: its routes are left out", slog.String("core_network", row.CoreNetworkId),
			slog.String("segment", o.Segment), slog.String("prefix", o.Prefix.String()), slog.String("cycle", o.States()),
			slog.Int("prefixes", oscillation.Count))
	}
	return nil
}

// moved is what the attachments that moved come to. It is false when that does not tell everything.
func (n *Networks) moved(list []snapshot.Attachment, ids map[string]bool, since *Routes) (put []routing.Attachment, remove []string, ok bool) {
	part := snapshot.Snapshot{Attachments: list}
	for _, a := range part.On(since.Policy, n.options).Attachments {
		delete(ids, a.ID)
		old, had := since.Tables.Attachment(a.ID)
		if a.NetworkFunctionGroup != "" || old.NetworkFunctionGroup != "" {
			return nil, nil, false // who has a place in a group depends on others
		}
		if !had || !reflect.DeepEqual(old, a) {
			put = append(put, a)
		}
	}
	for id := range ids {
		old, had := since.Tables.Attachment(id)
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

// Differences is what makes the attachments of tables those of a list.
func Differences(tables *routing.Tables, list []routing.Attachment) (put []routing.Attachment, remove []string) {
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

package service

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

	"portolan/api"
	"portolan/internal/store"
	"portolan/policy"
	"portolan/routing"
)

// Routes are not written where they change: they follow from what is. So the events about them are the difference between
// the tables as they are and the tables as they were last told of. What is kept of the latter is what they were computed
// from, which is small, and is stored in the transaction of the events: a restart computes them again and goes on from
// there, and neither repeats nor forgets.

// announcedRow says up to where the routes of a core network have been told.
type announcedRow struct {
	Sequence   uint64 // moves with every telling
	Generation uint64 // of the state that was told
	Number     int64  // the sequenceNumber of the last event
}

// announcedPolicyRow is what the tables that were told of were computed from, besides attachments.
type announcedPolicyRow struct {
	CoreNetworkArn  string
	GlobalNetworkId string
	Document        string
	Edges           []api.CoreNetworkEdge
	PrefixLists     map[string][]netip.Prefix
}

var (
	announcedRoutes = store.NewTable(store.Schema[announcedRow]{
		Name: "announced-routes",
		Indexes: []store.Index[announcedRow]{
			// A core network may be gone that there is still something to tell of.
			{Name: "network", Keys: func(key string, _ *announcedRow) []string { return []string{announcedIndex + networkOfKey(key).id} }},
		},
	})
	announcedPolicies    = store.NewTable(store.Schema[announcedPolicyRow]{Name: "announced-policy"})
	announcedAttachments = store.NewTable(store.Schema[routing.Attachment]{Name: "announced-attachment"})
)

// networkKey names a core network with the account it is in.
type networkKey struct{ account, id string }

const announcedIndex = "/announced/"

// publisher remembers what the store says of the routes that have been told.
type publisher struct {
	mu       sync.Mutex // one telling at a time
	seen     map[networkKey][2]uint64
	networks map[networkKey]*published
}

// published is the tables of a core network as they were told.
type published struct {
	sequence uint64
	number   int64
	network  announcedPolicyRow
	policy   *policy.Policy // nil: nothing has been told
	tables   *routing.Tables
}

const (
	restBetweenTellings = 50 * time.Millisecond
	longestRest         = 10 * time.Second
	catalogFileLook     = 5 * time.Second
	catalogEC2Look      = 5 * time.Minute // each look asks EC2 again for everything that is attached
	eventsPerCommit     = 200
)

// tellRoutes tells of changed routes until ctx ends.
func (s *env) tellRoutes(ctx context.Context) {
	var look <-chan time.Time
	if s.refs.catalog != nil {
		ticker := time.NewTicker(s.lookEvery())
		defer ticker.Stop()
		look = ticker.C
	}
	for ctx.Err() == nil {
		watch, err := s.store.Watch(ctx, "/acct/")
		if err != nil {
			return // closed
		}
		s.tellAll(ctx, "")
		for open := true; open; {
			changed := map[networkKey]bool{}
			select {
			case <-ctx.Done():
				return
			case <-look:
				s.tellAll(ctx, "")
				continue
			case commit, ok := <-watch:
				open = ok
				touched(commit, changed)
			}
			for more := open; more; {
				select {
				case commit, ok := <-watch:
					open, more = ok, ok
					touched(commit, changed)
				default:
					more = false
				}
			}
			if len(changed) > 0 {
				s.tellThenRest(ctx, changed)
			}
		}
	}
}

// touched adds the core networks whose routes a commit may have changed.
func touched(commit store.Commit, into map[networkKey]bool) {
	for i := range commit.Changes {
		if key := commit.Changes[i].Key; strings.Contains(key, "/routing-generation/") {
			into[networkOfKey(key)] = true
		}
	}
}

// tellThenRest leaves three quarters of the time to others, and lets changes in quick succession come together.
func (s *env) tellThenRest(ctx context.Context, changed map[networkKey]bool) {
	began := s.clock()
	s.tellEach(ctx, changed)
	rest := time.NewTimer(min(max(3*s.clock().Sub(began), restBetweenTellings), longestRest))
	defer rest.Stop()
	select {
	case <-ctx.Done():
	case <-rest.C:
	}
}

// tellAll tells of the core networks of an account, or of all.
func (s *env) tellAll(ctx context.Context, account string) {
	networks := map[networkKey]bool{}
	err := s.store.View(ctx, func(r store.Reader) error {
		clear(networks)
		if account != "" {
			for _, table := range []string{"core-network", "announced-routes"} {
				for key := range r.Scan(accountKey(account, table)+"/", "") {
					networks[networkOfKey(key)] = true
				}
			}
			return nil
		}
		for _, row := range coreNetworks.ScanIndex(r, idKey("core-network-"), "") {
			networks[networkOfKey(row.key())] = true
		}
		for entry := range r.Scan(announcedIndex, "") {
			if key, ok := announcedRoutes.KeyAt(r, entry); ok {
				networks[networkOfKey(key)] = true
			}
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		s.log.Error("the core networks could not be read", "error", err)
	}
	s.tellEach(ctx, networks)
}

func (s *env) tellEach(ctx context.Context, networks map[networkKey]bool) {
	for _, key := range slices.SortedFunc(maps.Keys(networks), func(a, b networkKey) int {
		return cmp.Or(strings.Compare(a.account, b.account), strings.Compare(a.id, b.id))
	}) {
		if err := s.tellNetwork(ctx, key); err != nil && ctx.Err() == nil {
			s.log.Error("changed routes were not told", "core_network", key.id, "error", err)
		}
	}
}

// networkOfKey is the core network of a key below /acct/ACCOUNT/TABLE/CORE-NETWORK.
func networkOfKey(key string) networkKey {
	account, _, parent, _ := splitKey(key, 1)
	return networkKey{account, strings.TrimPrefix(parent, "/")}
}

// tellNetwork writes the events of what has changed in the tables of a core network since the last time.
func (s *env) tellNetwork(ctx context.Context, key networkKey) error {
	a := &s.publisher
	a.mu.Lock()
	defer a.mu.Unlock()
	var told *published
	var now *computed
	next := announcedPolicyRow{}
	var at [2]uint64
	err := s.store.View(ctx, func(r store.Reader) (err error) {
		now, told = nil, nil
		v := s.view(r, api.Caller{Account: key.account})
		at = [2]uint64{store.Generation(r, routingGeneration(key.account, key.id)), s.refs.version()}
		header, had := announcedRoutes.Get(r, accountKey(key.account, "announced-routes", key.id))
		row, there := coreNetworks.Get(r, accountKey(key.account, "core-network", key.id))
		switch seen, known := a.seen[key]; {
		case !had && (!there || row.LiveVersion == 0): // nothing to tell, and nothing told
			delete(a.seen, key)
			delete(a.networks, key)
			return nil
		case known && seen == at && (!had || a.networks[key] == nil || a.networks[key].sequence == header.Sequence):
			return nil
		case !known && had && there && header.Generation == at[0] && s.refs.catalog == nil:
			a.see(key, at) // told before this process began
			return nil
		}
		if told = a.networks[key]; told == nil || had != (told.policy != nil) || had && told.sequence != header.Sequence {
			if told, err = readAnnounced(v, key); err != nil {
				return err
			}
		}
		if !there {
			return nil
		}
		if now, err = routes(v, ctx, row); err != nil {
			return err
		}
		version, err := findVersion(v, row, row.LiveVersion)
		if err != nil {
			return err
		}
		next = announcedPolicyRow{row.CoreNetworkArn, row.GlobalNetworkId, version.PolicyDocument, row.Edges, now.lists}
		at = [2]uint64{now.generation, now.catalog}
		return nil
	})
	if err != nil || told == nil {
		return err
	}
	if now != nil && now.unheard {
		s.log.Warn("what changed in the routes is not told before the catalog can be asked", "core_network", key.id)
		return nil
	}
	return s.tell(ctx, key, told, now, next, at)
}

// tell writes the differences between what was told and what is now; now is nil when the core network is gone.
func (s *env) tell(ctx context.Context, key networkKey, told *published, now *computed, next announcedPolicyRow, at [2]uint64) error {
	after := &published{sequence: told.sequence + 1, number: told.number, network: next}
	if now == nil {
		after.network = told.network
	} else {
		after.policy, after.tables = now.policy, now.tables
	}
	list := after.eventsSince(told, s.clock())
	put, remove := attachmentChanges(told.tables, after.tables)
	samePolicy := told.policy == after.policy && reflect.DeepEqual(told.network, after.network)
	if len(list) == 0 && len(put)+len(remove) == 0 && samePolicy && told.policy != nil {
		s.publisher.see(key, at)
		return nil
	}
	// Very many go into several transactions, the last of which says that they are told: who is stopped between two of them
	// tells the first ones again.
	for {
		some := list[:min(eventsPerCommit, len(list))]
		list = list[len(some):]
		err := s.store.Update(ctx, func(w store.Txn) error {
			tx := &Txn{View: s.view(w, api.Caller{}), w: w}
			header, _ := announcedRoutes.Get(w, accountKey(key.account, "announced-routes", key.id))
			if header != nil && header.Sequence != told.sequence || header == nil && told.policy != nil {
				return errToldMeanwhile
			}
			network := &coreNetworkRow{OwnerAccountId: key.account}
			network.CoreNetworkArn, network.GlobalNetworkId = after.network.CoreNetworkArn, after.network.GlobalNetworkId
			for i := range some {
				emit(tx, network, routingUpdate, some[i])
			}
			if len(list) == 0 {
				after.save(w, key, samePolicy, at[0], put, remove)
			}
			return nil
		})
		if err != nil {
			delete(s.publisher.networks, key)
			return err
		}
		if len(list) == 0 {
			break
		}
	}
	s.publisher.keep(key, at, after)
	return nil
}

var errToldMeanwhile = errors.New("the routes have been told by another, or reset")

// save stores what the next telling is compared with.
func (n *published) save(w store.Txn, key networkKey, samePolicy bool, generation uint64, put []routing.Attachment, remove []string) {
	header := accountKey(key.account, "announced-routes", key.id)
	document := accountKey(key.account, "announced-policy", key.id)
	for _, id := range remove {
		announcedAttachments.Delete(w, accountKey(key.account, "announced-attachment", key.id, id))
	}
	if n.tables == nil {
		announcedRoutes.Delete(w, header)
		announcedPolicies.Delete(w, document)
		return
	}
	for i := range put {
		announcedAttachments.Put(w, accountKey(key.account, "announced-attachment", key.id, put[i].ID), &put[i])
	}
	if !samePolicy {
		announcedPolicies.Put(w, document, &n.network)
	}
	announcedRoutes.Put(w, header, &announcedRow{Sequence: n.sequence, Generation: generation, Number: n.number})
}

// readAnnounced computes again the tables that were told.
func readAnnounced(v *View, key networkKey) (*published, error) {
	header, ok := announcedRoutes.Get(v.r, accountKey(key.account, "announced-routes", key.id))
	if !ok {
		return &published{}, nil
	}
	row, ok := announcedPolicies.Get(v.r, accountKey(key.account, "announced-policy", key.id))
	if !ok {
		return nil, errors.New("the policy is missing that routes were told of")
	}
	n := &published{sequence: header.Sequence, number: header.Number, network: *row}
	compiled, errs := compilePolicy(row.Document, row.Edges)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	n.policy = compiled
	network := routing.Network{Policy: compiled, PrefixLists: row.PrefixLists, Options: v.routing}
	for _, a := range announcedAttachments.Scan(v.r, accountKey(key.account, "announced-attachment", key.id)+"/", "") {
		network.Attachments = append(network.Attachments, *a)
	}
	var oscillation *routing.OscillationError
	var err error
	if n.tables, err = routing.Compute(network); err != nil && !errors.As(err, &oscillation) {
		return nil, err
	}
	return n, nil
}

func (a *publisher) see(key networkKey, at [2]uint64) {
	if a.seen == nil {
		a.seen = map[networkKey][2]uint64{}
	}
	a.seen[key] = at
}

func (a *publisher) keep(key networkKey, at [2]uint64, n *published) {
	if n.tables == nil {
		delete(a.seen, key)
		delete(a.networks, key)
		return
	}
	if _, ok := a.networks[key]; !ok && len(a.networks) >= maxRouteCache || a.networks == nil {
		a.networks = map[networkKey]*published{}
	}
	a.networks[key] = n
	a.see(key, at)
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
	return differences(old, list)
}

// Package analysis answers questions about a computed network: where a packet goes and comes back, which segment reaches
// which and through which appliance, what a change of policy adds and takes away, whether what somebody relies on holds, and
// what is silently lost.
//
// It reads tables and never decides about a route: what it says is what the tables of package routing say. It must not know
// who asks.
package analysis

import (
	"context"
	"errors"
	"iter"
	"net/netip"
	"slices"
	"sync"

	"portolan/internal/snapshot"
	"portolan/policy"
	"portolan/routing"
)

// Subject is a network that questions are asked of, whether a server keeps it or a file. It does not change.
type Subject struct {
	Network  *routing.Network
	Tables   *routing.Tables    // computed from Network
	Snapshot *snapshot.Snapshot // what Network was made of; nil: see [Known]

	// Beside finds what neither routes nor attachments show; nil finds nothing.
	Beside func(context.Context) ([]Finding, error)

	failed     []string // what is supposed to fail and would carry no traffic otherwise, in words
	inventory  *inventory
	unsettled  *routing.OscillationError // nil: all prefixes settle
	attachment map[string]*routing.Attachment
	inspected  map[[2]string]*policy.Insertion // by the two segments, either way round
	classes    func() *classes
	announcers func() map[netip.Prefix][]*routing.Attachment // attachments of segments by what they offer
	speller    func() *policy.Speller
	idle       func() []idleAttachment
}

// New joins a network and the tables that were computed from it.
func New(network *routing.Network, tables *routing.Tables) *Subject {
	s := &Subject{Network: network, Tables: tables, attachment: map[string]*routing.Attachment{}, inspected: map[[2]string]*policy.Insertion{}}
	takeStock(s, nil)
	s.speller = sync.OnceValue(network.Policy.Speller)
	s.idle = sync.OnceValue(func() []idleAttachment { return allIdle(s) })
	s.classes = sync.OnceValue(func() *classes { return classesOf(network) })
	s.announcers = sync.OnceValue(func() map[netip.Prefix][]*routing.Attachment {
		by := map[netip.Prefix][]*routing.Attachment{}
		for i := range network.Attachments {
			a := &network.Attachments[i]
			for p := range s.offers(a) {
				if a.Segment != "" && !slices.Contains(by[p], a) {
					by[p] = append(by[p], a)
				}
			}
		}
		return by
	})
	for i := range network.Attachments {
		s.attachment[network.Attachments[i].ID] = &network.Attachments[i]
	}
	for i := range network.Policy.Insertions {
		in := &network.Policy.Insertions[i]
		for _, pair := range [][2]string{{in.Segment, in.With}, {in.With, in.Segment}} {
			if s.inspected[pair] == nil {
				s.inspected[pair] = in
			}
		}
	}
	return s
}

// Compute computes a network and makes it ready for questions. It fails as [routing.Compute] does; where prefixes never
// settle there is no error: see [Subject.Settled].
func Compute(network *routing.Network) (*Subject, error) {
	tables, err := routing.Compute(*network)
	if tables == nil {
		return nil, err
	}
	s := New(network, tables)
	_ = errors.As(err, &s.unsettled)
	return s, nil
}

// Examine computes a network from its snapshot, under its own policy or, if document is not empty, under that one. No
// options are the defaults. Whether it settles is for the caller to ask.
func Examine(snap *snapshot.Snapshot, document []byte, options *routing.Options) (*Subject, error) {
	network, err := snap.Network(options)
	attachments := snap.Attachments
	if len(document) > 0 {
		var executed *snapshot.Execution
		if executed, err = snap.Execute(document); err == nil {
			network, attachments = executed.Network(options), executed.Snapshot.Attachments
		}
	}
	if err != nil {
		return nil, err
	}
	s, err := Compute(network)
	if err != nil {
		return nil, err
	}
	s.Snapshot = snap
	takeStock(s, attachments)
	return s, nil
}

// Known is a network whose tables are there already, and all attachments of the core network: of those in the tables nothing
// is needed that the tables have. It has no snapshot: what it would be under another policy cannot be asked of it.
func Known(tables *routing.Tables, prefixLists map[string][]netip.Prefix, attachments []snapshot.Attachment) *Subject {
	s := New(&routing.Network{Policy: tables.Policy(), Attachments: slices.Collect(tables.Attachments()), PrefixLists: prefixLists}, tables)
	takeStock(s, attachments)
	return s
}

// Settled fails with an OscillationError when some prefixes never settle. The tables are no answer then: only Doctor may be
// asked, and what does not look at routes.
func (s *Subject) Settled() error {
	if s.unsettled == nil {
		return nil
	}
	return s.unsettled
}

// forwards are the rows of a table, in the order of prefixes; none when there is no such table.
func (s *Subject) forwards(id routing.TableID) iter.Seq[routing.Forward] {
	table, _ := s.Tables.Table(id)
	return table.Forwards()
}

// route is the row of a prefix.
func (s *Subject) route(id routing.TableID, prefix netip.Prefix) (routing.Route, bool) {
	table, _ := s.Tables.Table(id)
	return table.Exact(prefix)
}

// lookup is the row that traffic to an address uses.
func (s *Subject) lookup(id routing.TableID, addr netip.Addr) (*routing.Route, bool) {
	table, ok := s.Tables.Table(id)
	if !ok {
		return nil, false
	}
	r, ok := table.LookupAddr(addr)
	return &r, ok
}

// tableOf is the table a packet from an attachment is looked up in, at one of its edges.
func tableOf(a *routing.Attachment, edge string) routing.TableID {
	return routing.TableID{Segment: a.Segment, NetworkFunctionGroup: a.NetworkFunctionGroup, Edge: edge}
}

// hosts are addresses that stand for what an attachment offers, at most limit, each once. They lie outside what others
// offer more precisely; a prefix that is covered by such altogether has none.
func (s *Subject) hosts(a *routing.Attachment, limit int) []netip.Addr {
	var list []netip.Addr
	known := s.classes()
	for p := range s.offers(a) {
		if len(list) == limit {
			break
		}
		if i, ok := known.at[p]; ok && !slices.Contains(list, known.addrs[i]) {
			list = append(list, known.addrs[i])
		}
	}
	return list
}

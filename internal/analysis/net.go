// Package analysis answers questions about a computed network: where a packet goes and comes back, who reaches whom and
// through which appliance, what a change of policy adds and takes away, whether what somebody relies on holds, and what
// is silently lost.
//
// It reads tables and never decides about a route: what it says is what the tables of package routing say. It must not know
// who asks.
package analysis

import (
	"net/netip"
	"slices"
	"sync"

	"portolan/policy"
	"portolan/routing"
)

// Net is a network with its tables, ready for questions. It is immutable.
type Net struct {
	network    *routing.Network
	tables     *Computed
	unsettled  *routing.OscillationError // nil: all prefixes settle
	attachment map[string]*routing.Attachment
	inspected  map[[2]string]*policy.Insertion // by the two segments, either way round
	classes    func() *classes
	announcers func() map[netip.Prefix][]*routing.Attachment // attachments of segments by what they announce
}

// New joins a network and the tables that were computed from it.
func New(network *routing.Network, tables *Computed) *Net {
	n := &Net{network: network, tables: tables, attachment: map[string]*routing.Attachment{}, inspected: map[[2]string]*policy.Insertion{}}
	n.classes = sync.OnceValue(func() *classes { return classesOf(network) })
	n.announcers = sync.OnceValue(func() map[netip.Prefix][]*routing.Attachment {
		by := map[netip.Prefix][]*routing.Attachment{}
		for i := range network.Attachments {
			a := &network.Attachments[i]
			for _, x := range a.Announcements {
				if p := x.Prefix.Masked(); a.Segment != "" && !slices.Contains(by[p], a) {
					by[p] = append(by[p], a)
				}
			}
		}
		return by
	})
	for i := range network.Attachments {
		n.attachment[network.Attachments[i].ID] = &network.Attachments[i]
	}
	for i := range network.Policy.Insertions {
		in := &network.Policy.Insertions[i]
		for _, pair := range [][2]string{{in.Segment, in.With}, {in.With, in.Segment}} {
			if n.inspected[pair] == nil {
				n.inspected[pair] = in
			}
		}
	}
	return n
}

// Attachment is an attachment that is part of the network.
func (n *Net) Attachment(id string) (*routing.Attachment, bool) {
	a, ok := n.attachment[id]
	return a, ok
}

// tableOf is the table a packet from an attachment is looked up in, at one of its edges.
func tableOf(a *routing.Attachment, edge string) routing.TableID {
	return routing.TableID{Segment: a.Segment, NetworkFunctionGroup: a.NetworkFunctionGroup, Edge: edge}
}

// hosts are addresses that stand for what an attachment announces, at most limit, each once. They lie outside what others
// announce more precisely; a prefix that is covered by such altogether has none.
func (n *Net) hosts(a *routing.Attachment, limit int) []netip.Addr {
	var list []netip.Addr
	known := n.classes()
	for _, announced := range a.Announcements {
		if len(list) == limit {
			break
		}
		if i, ok := known.at[announced.Prefix.Masked()]; ok && !slices.Contains(list, known.addrs[i]) {
			list = append(list, known.addrs[i])
		}
	}
	return list
}

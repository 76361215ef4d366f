package routing

import (
	"net/netip"

	"portolan/policy"
)

// A vrf is the routing of one segment or network function group, at all edges: each pair of a vrf and an edge is a table.
// Vrfs with the same edges and no routing policies between them share one bgp.
type vrf struct {
	id       vrfID
	name     string
	segment  *policy.Segment              // one
	group    *policy.NetworkFunctionGroup // of the two
	hasTable []bool                       // by edge
	toEdge   [][]Destination              // the same vrf at each edge, shared by all rows that lead there
	bgp      *bgp

	// Of a segment.
	statics map[netip.Prefix][]*policy.StaticRoute
	inserts map[insertKey]*policy.Insertion
	via     []vrfID // groups of inserts
	sendTo  *policy.SendTo
	toGroup vrfID

	// Of a group.
	dualHop bool
}

// insertKey is a network function group and the segment at the other end of traffic through it.
type insertKey struct{ group, with vrfID }

func (c *core) addVRF(name string, edges []string, names map[string]vrfID) *vrf {
	v := &vrf{id: vrfID(len(c.vrfs)), name: name, hasTable: make([]bool, len(c.edges)), toGroup: noVRF}
	for _, e := range edges {
		if i, ok := c.edge[e]; ok {
			v.hasTable[i] = true
		}
	}
	if _, taken := names[name]; !taken {
		names[name] = v.id
	}
	c.vrfs = append(c.vrfs, v)
	return v
}

// table names the table at an edge.
func (v *vrf) table(edge string) TableID {
	if v.segment != nil {
		return TableID{Segment: v.name, Edge: edge}
	}
	return TableID{NetworkFunctionGroup: v.name, Edge: edge}
}

// place is the statement of the policy that defines the vrf.
func (v *vrf) place() policy.Place {
	if v.segment != nil {
		return v.segment.Place
	}
	return v.group.Place
}

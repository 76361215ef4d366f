package routing

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"portolan/policy"
)

// A path is a route where it enters a vrf, before the decision: one that an attachment announces, after inbound and share
// policies, or a static route. Paths of other edges are made from best paths in bgp.go and are candidates only.
type path struct {
	*Attributes
	from   *attachment         // nil for a blackhole that the policy asks for
	static *policy.StaticRoute // nil for what an attachment announces
	edge   edgeID
	peer   peerID
	kind   pathKind
	ecmp   bool // shares traffic with its equals
}

// pathKind is what a path is at the edge where it enters. The order is that of ties between them.
type pathKind uint8

const (
	pathBlackhole pathKind = iota
	pathStatic
	pathVPC
	pathDirectConnect
	pathConnect
	pathVPN
	pathOther
	pathUnknown
)

func (k pathKind) static() bool { return k <= pathStatic }

func pathKindOf(attachmentType string) pathKind {
	switch attachmentType {
	case policy.TypeVPC:
		return pathVPC
	case policy.TypeDirectConnectGateway:
		return pathDirectConnect
	case policy.TypeConnect:
		return pathConnect
	case policy.TypeSiteToSiteVPN:
		return pathVPN
	case policy.TypeTransitGatewayRouteTable:
		return pathOther
	}
	return pathUnknown
}

// newPath is the path of a received route.
func (c *core) newPath(r *received, attrs *Attributes) path {
	p := path{Attributes: attrs, from: r.from, edge: r.edge, peer: r.peer, kind: pathKindOf(r.from.Type)}
	switch p.kind {
	case pathConnect:
		p.ecmp = c.policy.VPNECMPSupport || !c.opt.ConnectECMPNeedsVPNSupport
	case pathVPN: // a static route has no path: a peer would have put its own ASN there
		p.ecmp = c.policy.VPNECMPSupport && len(r.announced.ASPath) > 0
	}
	return p
}

func (p *path) id() string {
	if p.from == nil {
		return ""
	}
	return p.from.ID
}

func (p *path) peerName() string {
	if p.from == nil {
		return ""
	}
	return p.from.peerName(p.peer)
}

func (p *path) next() []Destination { return p.from.next[p.peer] }

// importRule is a way of routes of the attachments of a segment into a vrf.
type importRule struct {
	to      *vrf
	how     StepKind // StepImport, StepShare or StepLearn
	share   *policy.Share
	refused policy.Place // of the filter; only where by is not nil
	by      *policy.Segment
}

// importRules finds where the routes of each segment's attachments go.
func (c *core) importRules() {
	c.imports = make([][]importRule, len(c.vrfs))
	for i, v := range c.vrfs {
		if v.segment != nil {
			c.imports[i] = append(c.imports[i], importRule{to: v, how: StepImport})
			continue
		}
		for _, name := range v.group.Learns {
			if from, ok := c.segment[name]; ok {
				c.imports[from] = append(c.imports[from], importRule{to: v, how: StepLearn})
			}
		}
	}
	for i := range c.policy.Shares {
		s := &c.policy.Shares[i]
		from, okFrom := c.segment[s.From]
		to, okTo := c.segment[s.To]
		if !okFrom || !okTo {
			continue
		}
		rule := importRule{to: c.vrfs[to], how: StepShare, share: s}
		source, target := c.vrfs[from].segment, c.vrfs[to].segment
		switch {
		case !target.Accepts(source.Name):
			rule.by, rule.refused = target, target.Place
		case !c.opt.FiltersDirectional && !source.Accepts(target.Name):
			rule.by, rule.refused = source, source.Place
		}
		c.imports[from] = append(c.imports[from], rule)
	}
}

// imported says whether a route of an attachment gets from its own segment's rule into the segment's vrf.
func (c *core) imported(r *received, v *vrf) bool {
	return !v.segment.Isolate || r.from.Type == policy.TypeTransitGatewayRouteTable
}

// importRoute says what is left of a received route in the vrf of a rule, or false where it does not get in.
func (c *core) importRoute(rule *importRule, r *received, prefix netip.Prefix, t *trail) (*Attributes, bool) {
	at := func(kind StepKind, place policy.Place, detail string) {
		t.step(Step{Kind: kind, Edge: c.location(r.edge), Segment: rule.to.name, Place: place, Detail: detail, After: *r.accepted})
	}
	switch rule.how {
	case StepImport:
		seg := rule.to.segment
		if !c.imported(r, rule.to) {
			if t != nil {
				at(StepIsolated, seg.Place, "segment "+seg.Name+" isolates its attachments")
				t.drop("the segment isolates its attachments")
			}
			return nil, false
		}
		if t != nil {
			at(StepImport, seg.Place, "enters the table of its segment")
		}
		return r.accepted, true
	case StepLearn:
		if t != nil {
			at(StepLearn, rule.to.group.Place, "the group learns the routes of segment "+r.from.Segment)
		}
		return r.accepted, true
	}
	if t != nil {
		at(StepShare, rule.share.Actions[0], "shared from "+rule.share.From+" to "+rule.share.To)
	}
	if rule.by != nil {
		if t != nil {
			word := "deny-filter"
			if len(rule.by.AllowFilter) > 0 {
				word = "allow-filter"
			}
			at(StepFilter, rule.refused, fmt.Sprintf("the %s of segment %s", word, rule.by.Name))
			t.drop("the " + word + " of segment " + rule.by.Name + " refuses it")
		}
		return nil, false
	}
	if !rule.to.hasTable[r.edge] {
		if t != nil {
			at(StepNoTable, rule.to.place(), "segment "+rule.to.name+" has no table at this edge")
		}
		if !c.opt.ShareAcrossMissingEdges {
			t.drop("the segment has no table where the route starts")
			return nil, false
		}
	}
	return c.apply(rule.share.Policies, prefix, r.accepted, scopeAll, Step{Kind: StepSharePolicy, Edge: c.location(r.edge), Segment: rule.to.name}, t)
}

// statics are the static routes of a prefix in a vrf: one at an edge, a blackhole before all others, then the smallest
// attachment id. find finds attachments.
func (c *core) statics(v *vrf, prefix netip.Prefix, find func(string) *attachment) []path {
	return slices.CompactFunc(c.allStatics(v, prefix, find), func(a, b path) bool { return a.edge == b.edge })
}

// allStatics are the static routes of a prefix in a vrf, those that another one at their edge takes the place of too.
func (c *core) allStatics(v *vrf, prefix netip.Prefix, find func(string) *attachment) []path {
	var list []path
	add := func(p path) {
		p.Attributes = c.plain
		if v.hasTable[p.edge] {
			list = append(list, p)
		}
	}
	for _, r := range v.statics[prefix] {
		for e := range v.hasTable {
			if r.Blackhole {
				add(path{edge: edgeID(e), kind: pathBlackhole, static: r})
			}
		}
		for _, id := range r.Destinations {
			a := find(id)
			if a == nil {
				continue
			}
			kind := pathStatic
			if a.down {
				kind = pathBlackhole
			}
			for _, e := range a.edges {
				add(path{edge: e, kind: kind, from: a, static: r})
			}
		}
	}
	slices.SortStableFunc(list, comparePaths)
	return list
}

// comparePaths orders the paths of a prefix: by edge, static routes first, then by attachment and peer.
func comparePaths(a, b path) int {
	rank := func(k pathKind) pathKind { return min(k, pathStatic+1) }
	return cmp.Or(cmp.Compare(a.edge, b.edge), cmp.Compare(rank(a.kind), rank(b.kind)), cmp.Compare(a.id(), b.id()), cmp.Compare(a.peer, b.peer))
}

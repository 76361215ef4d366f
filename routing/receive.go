package routing

import (
	"fmt"
	"net/netip"
	"slices"

	"portolan/policy"
)

// received is a row of the Adj-RIB-In of an edge: a route as an attachment announces it, and what is left of it after the
// checks of the edge and the inbound routing policies of the attachment. It is the same for all prefixes of a class.
type received struct {
	from      *attachment
	announced *Attributes // as announced
	arrived   *Attributes // without communities that do not come in
	accepted  *Attributes // after the inbound policies; nil where it is refused
	edge      edgeID
	peer      peerID
	nat       natRole
	refused   refusal
}

// refusal is why a route that an attachment announces does not come in.
type refusal uint8

const (
	notRefused      refusal = iota
	refusedDown             // the attachment does not work
	refusedGroup            // appliances announce nothing
	refusedNAT              // a NAT rule takes the route of a VPC away
	refusedLoop             // the AS path holds the ASN of the edge
	refusedByPolicy         // an inbound routing policy drops it
	refusedForOther         // the attachment, or peer, announces a better one
)

// receive runs the checks of an edge and the inbound policies of an attachment over a route that it announces.
func (c *core) receive(r *arrival, prefix netip.Prefix, t *trail) received {
	a := r.from
	in := received{from: a, announced: r.attrs, arrived: c.arriving(a, r.attrs), edge: r.edge, peer: r.peer, nat: r.nat}
	common := Step{Kind: StepAttachmentPolicy, Edge: c.location(r.edge), Segment: a.Segment}
	if t != nil {
		t.step(Step{Kind: StepAnnounced, Edge: common.Edge, Segment: a.Segment, Detail: c.announcedBy(&in, prefix), After: *in.arrived})
	}
	switch {
	case a.down:
		in.refused = refusedDown
		t.drop("the attachment does not work: its prefixes are withdrawn")
	case a.inGroup():
		in.refused = refusedGroup
		t.drop("what an appliance of a network function group announces is not used")
	case r.nat == natHidden:
		in.refused = refusedNAT
		t.drop("a NAT rule of the attachment translates it: the NAT CIDR is routed in its place")
	case c.opt.CheckAttachmentLoops && slices.Contains(r.attrs.ASPath, c.edges[r.edge].ASN):
		in.refused = refusedLoop
		if t != nil {
			t.step(Step{Kind: StepLoop, Edge: common.Edge, Segment: a.Segment, Detail: fmt.Sprintf("the AS path holds %d, the ASN of the edge", c.edges[r.edge].ASN), After: *in.arrived})
			t.drop("the AS path holds the ASN of the edge")
		}
	default:
		attrs, ok := c.apply(a.inboundAt(r.edge), prefix, in.arrived, a.scope, common, t)
		if !ok {
			in.refused = refusedByPolicy
			return in
		}
		in.accepted = attrs
	}
	return in
}

func (c *core) announcedBy(r *received, prefix netip.Prefix) string {
	switch peer := r.from.peerName(r.peer); {
	case r.nat == natSystem:
		return r.from.ID + " translates " + r.from.NAT.sourceOf(prefix).String() + " to it"
	case peer != "":
		return "peer " + peer + " of " + r.from.ID + " announces it"
	}
	return r.from.ID + " announces it"
}

// arriving are the attributes of an announcement at the edge. A core network knows communities from policy version 2025.11
// on, and of VPN and Connect attachments only. Those that hold an ASN of the core network's own ranges do not come in.
func (c *core) arriving(a *attachment, announced *Attributes) *Attributes {
	if len(announced.Communities) == 0 {
		return announced
	}
	foreign := func(tag policy.Community) bool {
		return a.scope == scopeAll && c.policy.Version != policy.Version2021 && !(c.opt.StripOwnCommunities && c.policy.OwnASN(uint32(tag>>16)))
	}
	if !slices.ContainsFunc(announced.Communities, func(tag policy.Community) bool { return !foreign(tag) }) {
		return announced
	}
	left := *announced
	left.Communities = nil
	for _, tag := range announced.Communities {
		if foreign(tag) {
			left.Communities = append(left.Communities, tag)
		}
	}
	return &left
}

// apply runs routing policies over one route. It gives the same attributes back where the policies change nothing.
func (c *core) apply(policies []*policy.RoutingPolicy, prefix netip.Prefix, attrs *Attributes, scope filterScope, common Step, t *trail) (*Attributes, bool) {
	if len(policies) == 0 {
		return attrs, true
	}
	f := filter{lists: c.lists, scope: scope, met: c.met}
	if t != nil {
		f.record = &common
	}
	r := f.run(policies, []route{{prefix: prefix, Attributes: *attrs}})[0]
	t.filtered(&r)
	switch {
	case r.dropped:
		return nil, false
	case !r.changed:
		return attrs, true
	}
	return &r.Attributes, true
}

// trail records what happens to one route, for explanations. A nil trail records nothing.
type trail struct {
	steps   []Step
	dropped string // in words; empty where it was not
}

func (t *trail) step(s Step) {
	if t != nil {
		t.steps = append(t.steps, s)
	}
}

// drop says that the last step dropped the route.
func (t *trail) drop(detail string) {
	if t != nil {
		t.dropped = detail
		t.steps[len(t.steps)-1].Dropped = true
	}
}

// filtered takes over what routing policies did.
func (t *trail) filtered(r *route) {
	if t == nil {
		return
	}
	t.steps = append(t.steps, r.recorded...)
	if r.dropped {
		t.drop(droppedBy(&t.steps[len(t.steps)-1]))
	}
}

func droppedBy(s *Step) string {
	return fmt.Sprintf("rule %d of routing policy %s, line %d: %s", s.RuleNumber, s.Policy, s.Place.Line(), s.Action)
}

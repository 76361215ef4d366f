package routing

import (
	"fmt"
	"hash/fnv"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Options are the places where AWS documents nothing and measurements are missing: each can be turned when one is made.
type Options struct {
	// FiltersDirectional makes allow and deny filters act on what the segment that has them learns, and not on what
	// others learn from it.
	FiltersDirectional bool
	// ShareAcrossMissingEdges lets a shared route into a segment that has no table at the edge the route starts from: it
	// appears at the segment's other edges.
	ShareAcrossMissingEdges bool
	// StaticBeforeInsertion keeps local static routes and blackholes where service insertion has a route too.
	StaticBeforeInsertion bool
	// InsertionBeforeShare makes send-via win for a pair of segments that is also shared.
	InsertionBeforeShare bool
	// CarryMED keeps the MED from edge to edge; otherwise it becomes 100 at each.
	CarryMED bool
	// CarryLocalPreference keeps the local preference from edge to edge; otherwise it becomes 0 at each.
	CarryLocalPreference bool
	// LocalPreferenceBeforeASPath compares local preference before the length of the AS path, otherwise after it.
	LocalPreferenceBeforeASPath bool
	// TieBreak decides between paths that are equal in all that is documented. nil takes a local path before one over
	// another edge, then the edge first in the alphabet, then the attachment id first in the alphabet.
	TieBreak TieBreak
	// DefaultRegionPriority is the order in which edges are tried when no override says where to inspect. nil is the list that
	// AWS publishes. Edges that are not named come after those that are, in the order of edge-locations.
	DefaultRegionPriority []string
	// DualHopNFGRemote shows the second appliance as the destination of remote rows in tables of dual-hop groups, otherwise
	// the edge.
	DualHopNFGRemote bool
	// DualHopMissingFar makes routes of a segment blackholes when the second appliance of a dual-hop is missing. Otherwise
	// the first appliance stays their destination, and the group's table drops.
	DualHopMissingFar bool
	// RemoteStaticIsStatic lets a static route that was learned from another edge rank, and be shown, as a static route.
	RemoteStaticIsStatic bool
	// IsolatedTGWAdvertiseInserted advertises the routes of service insertion to transit gateway route tables in isolated segments.
	IsolatedTGWAdvertiseInserted bool
	// SendToStatic shows the default routes of send-to as STATIC, otherwise as PROPAGATED.
	SendToStatic bool
	// CheckAttachmentLoops drops an announcement whose AS path holds the ASN of the edge it arrives at, as BGP speakers do.
	CheckAttachmentLoops bool
	// OverrideNeedsBothEdges heeds an override for two edges only where the group has an appliance at both of them.
	OverrideNeedsBothEdges bool
	// ConnectECMPNeedsVPNSupport lets equal routes of Connect attachments and peers share traffic only with vpn-ecmp-support.
	ConnectECMPNeedsVPNSupport bool
	// RIBBeforeAttachmentPolicies shows routes of attachments in the RIB of their own segment as they are announced, those
	// that an inbound policy of the attachment drops too.
	RIBBeforeAttachmentPolicies bool
	// StripOwnCommunities takes communities that hold an ASN of the core network's asn-ranges off what attachments announce.
	StripOwnCommunities bool
	// StaticRoutesAdvertisedToTarget advertises a static route also to the attachment it leads to.
	StaticRoutesAdvertisedToTarget bool
	// AdvertiseBetweenConnectPeers advertises what one peer of a Connect attachment announces to the others.
	AdvertiseBetweenConnectPeers bool
	// DirectConnectAnyEdge ranks a route that entered from a Direct Connect gateway at another edge by that type, not as one
	// of another edge.
	DirectConnectAnyEdge bool
	// TypeBeforeASPath compares the type of attachment before the length of the AS path, otherwise after the MED.
	TypeBeforeASPath bool
	// DirectConnectZeroMED gives routes of Direct Connect gateways that came without a MED 0 in place of 100.
	DirectConnectZeroMED bool
	// NATInexactVPCRuleRoute routes the NAT CIDR of a rule whose source is no block of the VPC.
	NATInexactVPCRuleRoute bool
	// NATHidesLearnedExact takes away what a VPN or Direct Connect gateway announces where it equals the source of a rule.
	NATHidesLearnedExact bool
	// NATSystemRouteNeedsLearned routes the NAT CIDR of a VPN or Direct Connect gateway only while a route is announced that
	// covers the source of the rule.
	NATSystemRouteNeedsLearned bool
}

// DefaultOptions is what is known or most likely.
func DefaultOptions() *Options {
	return &Options{
		FiltersDirectional: true, ShareAcrossMissingEdges: true, StaticBeforeInsertion: true, InsertionBeforeShare: true,
		CarryMED: true, LocalPreferenceBeforeASPath: true, DualHopNFGRemote: true, IsolatedTGWAdvertiseInserted: true,
		SendToStatic: true, CheckAttachmentLoops: true, RIBBeforeAttachmentPolicies: true, StripOwnCommunities: true,
		StaticRoutesAdvertisedToTarget: true, AdvertiseBetweenConnectPeers: true, DirectConnectAnyEdge: true, NATInexactVPCRuleRoute: true,
	}
}

// namedSwitch is an option that is on or off.
type namedSwitch struct {
	Name string
	On   *bool
}

func (o *Options) switches() []namedSwitch {
	return []namedSwitch{
		{"filtersDirectional", &o.FiltersDirectional},
		{"shareAcrossMissingEdges", &o.ShareAcrossMissingEdges},
		{"staticBeforeInsertion", &o.StaticBeforeInsertion},
		{"insertionBeforeShare", &o.InsertionBeforeShare},
		{"carryMed", &o.CarryMED},
		{"carryLocalPreference", &o.CarryLocalPreference},
		{"localPreferenceBeforeAsPath", &o.LocalPreferenceBeforeASPath},
		{"dualHopNfgRemote", &o.DualHopNFGRemote},
		{"dualHopMissingFar", &o.DualHopMissingFar},
		{"remoteStaticIsStatic", &o.RemoteStaticIsStatic},
		{"isolatedTgwAdvertiseInserted", &o.IsolatedTGWAdvertiseInserted},
		{"checkAttachmentLoops", &o.CheckAttachmentLoops},
		{"overrideNeedsBothEdges", &o.OverrideNeedsBothEdges},
		{"connectEcmpNeedsVpnEcmpSupport", &o.ConnectECMPNeedsVPNSupport},
		{"ribBeforeAttachmentPolicies", &o.RIBBeforeAttachmentPolicies},
		{"stripOwnCommunities", &o.StripOwnCommunities},
		{"staticRoutesAdvertisedToTarget", &o.StaticRoutesAdvertisedToTarget},
		{"advertiseBetweenConnectPeers", &o.AdvertiseBetweenConnectPeers},
		{"directConnectAnyEdge", &o.DirectConnectAnyEdge},
		{"typeBeforeAsPath", &o.TypeBeforeASPath},
		{"directConnectZeroMed", &o.DirectConnectZeroMED},
		{"natInexactVpcRuleRoute", &o.NATInexactVPCRuleRoute},
		{"natHidesLearnedExact", &o.NATHidesLearnedExact},
		{"natSystemRouteNeedsLearned", &o.NATSystemRouteNeedsLearned},
	}
}

// Alternatives are the settings that turn one option each: carryMed=false.
func (o *Options) Alternatives() []string {
	var list []string
	for _, s := range o.switches() {
		list = append(list, fmt.Sprintf("%s=%t", s.Name, !*s.On))
	}
	sendTo := Static
	if o.SendToStatic {
		sendTo = Propagated
	}
	return append(list, "sendToRouteType="+string(sendTo))
}

// Set turns an option by its name: the switches are true or false, sendToRouteType is STATIC or PROPAGATED, tieBreak is
// order or hash, defaultRegionPriority lists edges with commas between them.
func (o *Options) Set(name, value string) error {
	for _, s := range o.switches() {
		if s.Name == name {
			return choose(name, value, map[string]func(){"true": func() { *s.On = true }, "false": func() { *s.On = false }})
		}
	}
	switch name {
	case "sendToRouteType":
		return choose(name, value, map[string]func(){
			string(Static): func() { o.SendToStatic = true }, string(Propagated): func() { o.SendToStatic = false },
		})
	case "tieBreak":
		return choose(name, value, map[string]func(){"order": func() { o.TieBreak = nil }, "hash": func() { o.TieBreak = TieByHash }})
	case "defaultRegionPriority":
		o.DefaultRegionPriority = nil
		if value != "" {
			o.DefaultRegionPriority = strings.Split(value, ",")
		}
		return nil
	}
	names := []string{"sendToRouteType", "tieBreak", "defaultRegionPriority"}
	for _, s := range o.switches() {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return fmt.Errorf("there is no routing option %q; there are: %s", name, strings.Join(names, " "))
}

func choose(name, value string, choices map[string]func()) error {
	set, ok := choices[value]
	if !ok {
		return fmt.Errorf("%s is %s, not %q", name, strings.Join(slices.Sorted(maps.Keys(choices)), " or "), value)
	}
	set()
	return nil
}

// TieBreak picks one of the paths of a tie by its index. It must be a pure function; an index that is out of range counts
// as 0.
type TieBreak func(Tie) int

// Tie is two or more paths that are equal in all that is documented, in the default order.
type Tie struct {
	Table  TableID
	Prefix netip.Prefix
	Paths  []TiedPath
}

// TiedPath is one path of a tie: an attachment at the edge, or another edge.
type TiedPath struct {
	Attachment string
	Peer       string // of a Connect attachment
	Edge       string
	ASPath     []uint32 // after the edge's own policies
}

// TieByHash is a TieBreak that spreads ties over the equal paths: by the table and the prefix, and nothing else.
func TieByHash(t Tie) int {
	h := fnv.New64a()
	fmt.Fprint(h, t.Table, " ", t.Prefix)
	return int(h.Sum64() >> 32 % uint64(len(t.Paths))) // the last bits of this hash are those of the text
}

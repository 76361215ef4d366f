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
	// DefaultRegionPriority is the order in which edges are tried when no override says where to inspect. nil is the order
	// of edge-locations. Edges that are not named come after those that are.
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
}

// DefaultOptions is what is known or most likely.
func DefaultOptions() *Options {
	return &Options{
		FiltersDirectional: true, ShareAcrossMissingEdges: true, StaticBeforeInsertion: true, InsertionBeforeShare: true,
		CarryMED: true, LocalPreferenceBeforeASPath: true, DualHopNFGRemote: true, IsolatedTGWAdvertiseInserted: true,
		SendToStatic: true, CheckAttachmentLoops: true,
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
	}
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
	Edge       string
	ASPath     []uint32 // after the edge's own policies
}

// TieByHash is a TieBreak that spreads ties over the equal paths: by the table and the prefix, and nothing else.
func TieByHash(t Tie) int {
	h := fnv.New64a()
	fmt.Fprint(h, t.Table, " ", t.Prefix)
	return int(h.Sum64() >> 32 % uint64(len(t.Paths))) // the last bits of this hash are those of the text
}

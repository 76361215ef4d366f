package lint

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"portolan/internal/order"
	"portolan/internal/words"
	"portolan/policy"
)

// routeLintRules are the rules about static routes and about the core network itself: edges, ASNs, inside CIDR blocks.
var routeLintRules = []Rule{
	{
		Name: "static-route-repeated", Severity: SeverityWarning,
		Summary: "A segment has two static routes for one block.",
		Why:     "At an edge one of the two counts: a blackhole before anything else, then the attachment with the smallest identifier. All destinations of a block, one for each Region, belong into one action.",
		Example: `{"segment-actions": [
  {"action": "create-route", "segment": "prod", "destination-cidr-blocks": ["10.0.0.0/8"], "destinations": ["attachment-0123456789abcdef0"]},
  {"action": "create-route", "segment": "prod", "destination-cidr-blocks": ["10.0.0.0/8"], "destinations": ["blackhole"]}]}`,
		find: staticRouteRepeated,
	},
	{
		Name: "static-route-overlap", Severity: SeverityNote,
		Summary: "A static route lies within another of the same segment that leads to other attachments.",
		Why:     "The longer prefix wins, whatever the order of the actions. Default routes, in which every route lies, are left alone, and so are exceptions that drop or are not dropped.",
		Example: `{"segment-actions": [
  {"action": "create-route", "segment": "prod", "destination-cidr-blocks": ["10.0.0.0/8"], "destinations": ["attachment-0123456789abcdef0"]},
  {"action": "create-route", "segment": "prod", "destination-cidr-blocks": ["10.1.0.0/16"], "destinations": ["attachment-0123456789abcdef1"]}]}`,
		find: staticRouteOverlap,
	},
	{
		Name: "static-default-not-shared", Severity: SeverityNote,
		Summary: "A shared segment has a static default route, which the others do not learn.",
		Why:     "A share copies the routes of attachments and never static ones. Each segment needs its own create-route, or a send-to.",
		Example: `{"segments": [{"name": "egress"}, {"name": "prod"}],
 "segment-actions": [
  {"action": "share", "mode": "attachment-route", "segment": "egress", "share-with": ["prod"]},
  {"action": "create-route", "segment": "egress", "destination-cidr-blocks": ["0.0.0.0/0"], "destinations": ["attachment-0123456789abcdef0"]}]}`,
		find: staticDefaultNotShared,
	},
	{
		Name: "send-to-default-not-shared", Severity: SeverityNote,
		Summary: "A shared segment has a send-to, whose default route the others do not learn.",
		Why:     "The default route of a send-to stays in its segment: a share copies the routes of attachments only, and so does a send-via. Each segment needs its own send-to, or a create-route.",
		Example: `{"segments": [{"name": "egress"}, {"name": "prod"}], "network-function-groups": [{"name": "inspection"}],
 "segment-actions": [
  {"action": "share", "mode": "attachment-route", "segment": "egress", "share-with": ["prod"]},
  {"action": "send-to", "segment": "egress", "via": {"network-function-groups": ["inspection"]}}]}`,
		find: sendToDefaultNotShared,
	},
	{
		Name: "static-default-beside-send-to", Severity: SeverityWarning,
		Summary: "A segment has both a send-to and a static default route.",
		Why:     "Both are default routes. At the edges of its destinations the static one wins, and traffic there is not inspected; a blackhole wins everywhere.",
		Example: `{"network-function-groups": [{"name": "inspection"}],
 "segment-actions": [
  {"action": "send-to", "segment": "prod", "via": {"network-function-groups": ["inspection"]}},
  {"action": "create-route", "segment": "prod", "destination-cidr-blocks": ["0.0.0.0/0"], "destinations": ["attachment-0123456789abcdef0"]}]}`,
		find: staticDefaultBesideSendTo,
	},
	{
		Name: "edge-without-segment", Severity: SeverityWarning,
		Summary: "No segment has a table at an edge location.",
		Why:     "Attachments there cannot be associated with any segment, and an edge is paid for by the hour.",
		Example: `{"segments": [{"name": "prod", "edge-locations": ["us-east-1"]}]}`,
		find:    edgeWithoutSegment,
	},
	{
		Name: "connect-without-inside-cidr", Severity: SeverityWarning,
		Summary: "Connect attachments are expected at an edge that has no inside CIDR block.",
		Why:     "The tunnels of Connect peers take their addresses from the inside CIDR blocks of the edge. Without one no GRE peer can be made there.",
		Example: `{"attachment-policies": [{"rule-number": 100, "conditions": [{"type": "attachment-type", "operator": "equals", "value": "connect"}], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find:    connectWithoutInsideCIDR,
	},
	{
		Name: "asn-ranges-used-up", Severity: SeverityNote,
		Summary: "No ASN of asn-ranges is left for another edge location.",
		Why:     "The next edge cannot be added without touching the ranges. The upper end of a range is not part of it, so 64512-64514 is two ASNs.",
		Example: `{"core-network-configuration": {"asn-ranges": ["64512-64514"], "edge-locations": [{"location": "us-east-1"}, {"location": "eu-west-1"}]}}`,
		find:    asnRangesUsedUp,
	},
	{
		Name: "asn-ranges-overlap", Severity: SeverityNote,
		Summary: "Two ranges of asn-ranges overlap.",
		Why:     "It does no harm, but there are fewer ASNs than it seems.",
		Example: `{"core-network-configuration": {"asn-ranges": ["64512-64520", "64515-64530"], "edge-locations": [{"location": "us-east-1"}]}}`,
		find:    asnRangesOverlap,
	},
	{
		Name: "inside-cidr-used-up", Severity: SeverityNote,
		Summary: "No inside CIDR block is left for another edge location.",
		Why:     "The next edge cannot be added, or gets no block, without touching inside-cidr-blocks, of which nothing that is assigned can be taken away.",
		Example: `{"core-network-configuration": {"asn-ranges": ["64512-64599"], "inside-cidr-blocks": ["10.255.0.0/24"], "edge-locations": [{"location": "us-east-1"}]}}`,
		find:    insideCIDRUsedUp,
	},
}

var (
	defaultIPv4 = netip.MustParsePrefix("0.0.0.0/0")
	defaultIPv6 = netip.MustParsePrefix("::/0")
)

// staticRoutes calls a function with the static routes of every segment in turn, in order of addresses, wider blocks first.
func (l *linter) staticRoutes(do func(routes []policy.StaticRoute)) {
	all := slices.Clone(l.StaticRoutes)
	order.Stable(all, func(a, b policy.StaticRoute) int {
		return cmp.Or(cmp.Compare(a.Segment, b.Segment), a.Prefix.Addr().Compare(b.Prefix.Addr()), cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()))
	})
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(r policy.StaticRoute) bool { return r.Segment != all[0].Segment })
		if n < 0 {
			n = len(all)
		}
		do(all[:n])
		all = all[n:]
	}
}

func staticRouteRepeated(l *linter) {
	l.staticRoutes(func(routes []policy.StaticRoute) {
		for i := 1; i < len(routes); i++ {
			if a, b := &routes[i-1], &routes[i]; a.Prefix == b.Prefix {
				l.find(b.Place, fmt.Sprintf("segment %s has another static route for %s on line %d", b.Segment, b.Prefix, a.Line()), "name all destinations in one action")
			}
		}
	})
}

// staticRouteOverlap keeps the blocks that the one at hand may lie in.
func staticRouteOverlap(l *linter) {
	l.staticRoutes(func(routes []policy.StaticRoute) {
		var around []*policy.StaticRoute
		for i := range routes {
			r := &routes[i]
			for len(around) > 0 && !around[len(around)-1].Prefix.Overlaps(r.Prefix) {
				around = around[:len(around)-1]
			}
			if n := len(around); n > 0 {
				if outer := around[n-1]; outer.Prefix != r.Prefix && outer.Blackhole == r.Blackhole && !sameWay(outer, r) {
					l.find(r.Place, fmt.Sprintf("%s lies within %s on line %d, which leads elsewhere", r.Prefix, outer.Prefix, outer.Line()), "the longer prefix wins")
				}
			}
			if r.Prefix.Bits() > 0 {
				around = append(around, r)
			}
		}
	})
}

// sameWay says whether two static routes lead to the same attachments.
func sameWay(a, b *policy.StaticRoute) bool {
	return len(a.Destinations) == len(b.Destinations) && slices.Equal(slices.Sorted(slices.Values(a.Destinations)), slices.Sorted(slices.Values(b.Destinations)))
}

// block is a static route, or the default route of a send-to, of a segment.
type block struct {
	segment string
	prefix  netip.Prefix
}

func (l *linter) blocks() map[block]bool {
	given := map[block]bool{}
	for _, r := range l.StaticRoutes {
		given[block{r.Segment, r.Prefix}] = true
	}
	for _, st := range l.Policy.SendTo {
		given[block{st.Segment, defaultIPv4}], given[block{st.Segment, defaultIPv6}] = true, true
	}
	return given
}

func sendToDefaultNotShared(l *linter) {
	given := l.blocks()
	for _, st := range l.Policy.SendTo {
		if without := l.withoutDefault(st.Segment, defaultIPv4, given); len(without) > 0 {
			l.find(st.Place, fmt.Sprintf("the default route of the send-to stays in segment %s and is not learned by %s", st.Segment, listed(without)), "add a send-to to each segment that needs it")
		}
	}
}

// staticDefaultNotShared finds both families of addresses once where the same segments have neither.
func staticDefaultNotShared(l *linter) {
	given := l.blocks()
	seen, said := map[block]bool{}, map[[2]string]bool{}
	for i := range l.StaticRoutes {
		r := &l.StaticRoutes[i]
		this := block{r.Segment, r.Prefix}
		if r.Prefix.Bits() > 0 || r.Blackhole || seen[this] {
			continue
		}
		seen[this] = true
		without := l.withoutDefault(r.Segment, r.Prefix, given)
		if key := [2]string{r.Segment, fmt.Sprint(without)}; len(without) > 0 && !said[key] {
			said[key] = true
			l.find(r.Place, fmt.Sprintf("%s of segment %s is a static route, which sharing does not take to %s", r.Prefix, r.Segment, listed(without)), "create the route in each of them")
		}
	}
}

// withoutDefault is the segments that seem to count on the default route of another and have none: those that it is shared
// with by an action of its own, those of two and more that share themselves with it, and those with a send-via to it. A
// segment whose default route leads into another one is shared with that one, too, and is not meant.
func (l *linter) withoutDefault(segment string, prefix netip.Prefix, given map[block]bool) []string {
	var served, joined []string
	l.shareActions(func(a *policy.SegmentAction, own *policy.Segment, others []int) {
		switch {
		case own.Name == segment:
			for _, i := range others {
				served = append(served, l.Policy.Segments[i].Name)
			}
		case slices.ContainsFunc(a.ShareWith.Names, func(n policy.Named) bool { return n.Name == segment }):
			joined = append(joined, own.Name)
		}
	})
	if slices.Sort(joined); len(slices.Compact(joined)) > 1 {
		served = append(served, joined...)
	}
	l.actionsOf(policy.ActionSendVia, func(a *policy.SegmentAction) {
		if a.Segment.Name != segment && slices.ContainsFunc(a.WhenSentTo.Names, func(n policy.Named) bool { return n.Name == segment }) {
			served = append(served, a.Segment.Name)
		}
	})
	var without []string
	for _, other := range served {
		if !given[block{other, prefix}] && l.Policy.Segment(other).Accepts(segment) && !slices.Contains(without, other) {
			without = append(without, other)
		}
	}
	return without
}

func staticDefaultBesideSendTo(l *linter) {
	for i := range l.StaticRoutes {
		r := &l.StaticRoutes[i]
		j := slices.IndexFunc(l.Policy.SendTo, func(st policy.SendTo) bool { return st.Segment == r.Segment })
		if r.Prefix.Bits() > 0 || j < 0 {
			continue
		}
		where := "at the edges of its destinations"
		if r.Blackhole {
			where = "everywhere"
		}
		l.find(r.Place, fmt.Sprintf("wins against the send-to on line %d %s", l.Policy.SendTo[j].Line(), where), "keep one of the two")
	}
}

func edgeWithoutSegment(l *linter) {
	at := map[string]bool{}
	for i := range l.Policy.Segments {
		for _, e := range l.Policy.Segments[i].Edges {
			at[e] = true
		}
	}
	for i := range l.Policy.Edges {
		if e := &l.Policy.Edges[i]; !at[e.Location] {
			l.find(e.Place, "no segment has a table at "+e.Location, "add the edge location to a segment, or take it away")
		}
	}
}

// connectWithoutInsideCIDR asks the attachments for Connect ones, and the rules for an interest in them. A rule that takes
// other types, too, is only a note: people list all types.
func connectWithoutInsideCIDR(l *linter) {
	for _, a := range l.facts.Attachments {
		if missing := l.withoutInsideCIDR(a.Edges); a.Type == policy.TypeConnect && len(missing) > 0 {
			l.find(missing[0].Place, fmt.Sprintf("%s has no inside CIDR block, but the Connect attachment %s is there", missing[0].Location, words.Clip(a.ID)), addInsideCIDR)
			return
		}
	}
	connect := uint64(1) << slices.Index(attachmentTypes, policy.TypeConnect)
	for i := range l.linted {
		r := &l.linted[i]
		var edges []string
		for _, b := range r.branches {
			if !slices.ContainsFunc(b, func(t term) bool { return t.Kind == policy.TestAttachmentType && t.set == connect }) {
				continue
			}
			for number, e := range l.locations {
				if (len(l.locations) > maxSet || b.permitsEdge(number)) && !slices.Contains(edges, e) {
					edges = append(edges, e)
				}
			}
		}
		missing := l.withoutInsideCIDR(edges)
		if len(missing) == 0 {
			continue
		}
		var names []string
		for _, e := range missing {
			names = append(names, e.Location)
		}
		severity := SeverityWarning
		if len(r.branches) > 1 {
			severity = SeverityNote
		}
		l.findAs(severity, r.Place, fmt.Sprintf("rule %d is about Connect attachments, and there is no inside CIDR block at %s", r.RuleNumber, listed(names)), addInsideCIDR)
		return
	}
}

const addInsideCIDR = "add inside-cidr-blocks to core-network-configuration"

// withoutInsideCIDR is the edges of some locations that have no inside CIDR block.
func (l *linter) withoutInsideCIDR(locations []string) (edges []*policy.Edge) {
	for i := range l.Policy.Edges {
		if e := &l.Policy.Edges[i]; len(e.InsideCIDRs) == 0 && slices.Contains(locations, e.Location) {
			edges = append(edges, e)
		}
	}
	return edges
}

func asnRangesUsedUp(l *linter) {
	if l.FreeASNs() <= 0 {
		l.find(l.doc.Configuration.Member("asn-ranges"), "every ASN belongs to an edge location", "widen a range before the next edge is needed")
	}
}

func asnRangesOverlap(l *linter) {
	sorted := slices.Clone(l.doc.Configuration.ASNRanges)
	order.Stable(sorted, func(a, b policy.ASNRange) int { return cmp.Compare(a.Low, b.Low) })
	for i, widest := 1, 0; i < len(sorted); i++ {
		if a, b := sorted[widest], sorted[i]; b.Low < a.High {
			if a.Offset() > b.Offset() {
				a, b = b, a
			}
			l.find(b.Place, fmt.Sprintf("%s overlaps %s on line %d", b.Text(), a.Text(), a.Line()), "")
		}
		if sorted[i].High > sorted[widest].High {
			widest = i
		}
	}
}

func insideCIDRUsedUp(l *linter) {
	for _, bits := range l.NoInsideCIDRLeft() {
		l.find(l.doc.Configuration.Member("inside-cidr-blocks"), fmt.Sprintf("no /%d is left for another edge location", bits), "add a block before the next edge is needed")
	}
}

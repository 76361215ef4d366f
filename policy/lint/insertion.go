package lint

import (
	"fmt"
	"slices"

	"portolan/policy"
)

// insertionLintRules are the rules about network function groups and the actions that lead traffic through them.
var insertionLintRules = []Rule{
	{
		Name: "group-unused", Severity: SeverityWarning,
		Summary: "No send-via or send-to leads traffic to a network function group.",
		Why:     "Its attachments get no traffic, and cost as much as others.",
		Example: `{"network-function-groups": [{"name": "inspection"}]}`,
		find:    groupUnused,
	},
	{
		Name: "group-without-way-in", Severity: SeverityError,
		Summary: "Traffic is led to a network function group that no attachment policy puts attachments into.",
		Why:     "A group without attachments drops the traffic that is led to it; executing the policy succeeds all the same.",
		Example: `{"network-function-groups": [{"name": "inspection"}],
 "segment-actions": [{"action": "send-to", "segment": "prod", "via": {"network-function-groups": ["inspection"]}}]}`,
		find: groupWithoutWayIn,
	},
	{
		Name: "group-without-attachment", Severity: SeverityError, Facts: true,
		Summary: "A network function group has no attachment at an edge where traffic is led to it.",
		Why:     "Dual-hop needs an attachment at every edge of the segments. Single-hop and send-to need one at every edge that an override uses, and one at all. Without it traffic is dropped; executing the policy succeeds all the same.",
		Example: `{"network-function-groups": [{"name": "inspection"}],
 "segments": [{"name": "prod", "isolate-attachments": true}],
 "segment-actions": [{"action": "send-via", "segment": "prod", "mode": "dual-hop", "via": {"network-function-groups": ["inspection"]}}],
 "attachment-policies": [{"rule-number": 100, "conditions": [{"type": "tag-exists", "key": "inspection"}], "action": {"add-to-network-function-group": "inspection"}}]}`,
		find: groupWithoutAttachment,
	},
	{
		Name: "group-attachments-at-one-edge", Severity: SeverityError, Facts: true,
		Summary: "Two attachments would join one network function group at one edge.",
		Why:     "A group has one attachment in a Region. The other stays unassociated and gets no traffic.",
		Example: `{"network-function-groups": [{"name": "inspection"}],
 "attachment-policies": [{"rule-number": 100, "conditions": [{"type": "any"}], "action": {"add-to-network-function-group": "inspection"}}]}`,
		find: groupAttachmentsAtOneEdge,
	},
	{
		Name: "send-via-skips-own-segment", Severity: SeverityWarning,
		Summary: "A send-via about all segments leaves out its own, whose attachments are not isolated.",
		Why:     "With * the traffic within the segment is inspected only if its attachments are isolated. Otherwise it stays direct, without a word.",
		Example: `{"segments": [{"name": "prod"}, {"name": "dev"}], "network-function-groups": [{"name": "inspection"}],
 "segment-actions": [{"action": "send-via", "segment": "prod", "mode": "dual-hop", "when-sent-to": {"segments": "*"}, "via": {"network-function-groups": ["inspection"]}}]}`,
		find: sendViaSkipsOwnSegment,
	},
	{
		Name: "send-via-with-nobody", Severity: SeverityError,
		Summary: "A send-via leaves no segment to lead traffic to.",
		Why:     "With * and no other segment, and the own one not isolated, the action does nothing.",
		Example: `{"network-function-groups": [{"name": "inspection"}],
 "segment-actions": [{"action": "send-via", "segment": "prod", "mode": "dual-hop", "when-sent-to": {"segments": "*"}, "via": {"network-function-groups": ["inspection"]}}]}`,
		find: sendViaWithNobody,
	},
	{
		Name: "send-via-repeated", Severity: SeverityWarning,
		Summary: "A send-via names a pair of segments that another one before it has.",
		Why:     "A send-via works both ways round, and of several for one pair the first counts, with its overrides. The mirrored action adds nothing.",
		Example: `{"segments": [{"name": "prod"}, {"name": "dev"}], "network-function-groups": [{"name": "inspection"}],
 "segment-actions": [
  {"action": "send-via", "segment": "prod", "mode": "dual-hop", "when-sent-to": {"segments": ["dev"]}, "via": {"network-function-groups": ["inspection"]}},
  {"action": "send-via", "segment": "dev", "mode": "dual-hop", "when-sent-to": {"segments": ["prod"]}, "via": {"network-function-groups": ["inspection"]}}]}`,
		find: sendViaRepeated,
	},
	{
		Name: "share-bypassed-by-send-via", Severity: SeverityWarning,
		Summary: "Two segments are shared and have a send-via between them.",
		Why:     "Inspection wins: the shared routes of attachments are replaced by those through the network function group, and the share's routing policies do not run on them. Take the share away to say what happens.",
		Example: `{"segments": [{"name": "prod"}, {"name": "dev"}], "network-function-groups": [{"name": "inspection"}],
 "segment-actions": [
  {"action": "share", "mode": "attachment-route", "segment": "prod", "share-with": ["dev"]},
  {"action": "send-via", "segment": "prod", "mode": "dual-hop", "when-sent-to": {"segments": ["dev"]}, "via": {"network-function-groups": ["inspection"]}}]}`,
		find: shareBypassed,
	},
	{
		Name: "overrides-in-dual-hop", Severity: SeverityError,
		Summary: "A dual-hop send-via has edge overrides.",
		Why:     "With two hops traffic is inspected where it leaves and where it arrives, and nowhere else. Overrides play no part.",
		Example: `{"segments": [{"name": "prod"}, {"name": "dev"}], "network-function-groups": [{"name": "inspection"}],
 "segment-actions": [{"action": "send-via", "segment": "prod", "mode": "dual-hop", "when-sent-to": {"segments": ["dev"]},
  "via": {"network-function-groups": ["inspection"], "with-edge-overrides": [{"edge-sets": [["us-east-1", "eu-west-1"]], "use-edge-location": "us-east-1"}]}}]}`,
		find: overridesInDualHop,
	},
	{
		Name: "override-shadowed", Severity: SeverityError,
		Summary: "An edge set of an override is in an override before it.",
		Why:     "The first set that fits decides, and a pair of edges is the same either way round.",
		Example: `{"segments": [{"name": "prod"}, {"name": "dev"}], "network-function-groups": [{"name": "inspection"}],
 "segment-actions": [{"action": "send-via", "segment": "prod", "mode": "single-hop", "when-sent-to": {"segments": ["dev"]}, "via": {"network-function-groups": ["inspection"], "with-edge-overrides": [
  {"edge-sets": [["us-east-1", "eu-west-1"]], "use-edge-location": "us-east-1"},
  {"edge-sets": [["eu-west-1", "us-east-1"]], "use-edge-location": "eu-west-1"}]}}]}`,
		find: overrideShadowed,
	},
	{
		Name: "override-pair-in-send-to", Severity: SeverityError,
		Summary: "An override of a send-to names two edges.",
		Why:     "What send-to leads away has no destination edge yet: only sets of one edge, that where the traffic is, ever fit.",
		Example: `{"network-function-groups": [{"name": "inspection"}],
 "segment-actions": [{"action": "send-to", "segment": "prod", "via": {"network-function-groups": ["inspection"], "with-edge-overrides": [{"edge-sets": [["us-east-1", "eu-west-1"]], "use-edge-location": "us-east-1"}]}}]}`,
		find: overridePairInSendTo,
	},
	{
		Name: "override-without-segment", Severity: SeverityWarning,
		Summary: "An edge set of an override names an edge where none of the segments has a table.",
		Why:     "Nobody is attached there, so no traffic fits the set.",
		Example: `{"segments": [{"name": "prod", "edge-locations": ["us-east-1"]}], "network-function-groups": [{"name": "inspection"}],
 "segment-actions": [{"action": "send-to", "segment": "prod", "via": {"network-function-groups": ["inspection"], "with-edge-overrides": [{"edge-sets": [["eu-west-1"]], "use-edge-location": "us-east-1"}]}}]}`,
		find: overrideWithoutSegment,
	},
}

func groupUnused(l *linter) {
	for i := range l.Policy.NetworkFunctionGroups {
		if g := &l.Policy.NetworkFunctionGroups[i]; len(g.SendVia)+len(g.SendTo) == 0 {
			l.find(g.Place.Member("name"), "no traffic is led to network function group "+g.Name, "use it in a send-via or send-to, or take it away")
		}
	}
}

// groupWithoutWayIn leaves alone groups with a rule that matches nothing: that is found at the rule.
func groupWithoutWayIn(l *linter) {
	fed := map[string]bool{}
	for i := range l.linted {
		if r := &l.linted[i]; r.group != nil {
			fed[r.group.Name] = true
		}
	}
	for i := range l.Policy.NetworkFunctionGroups {
		if g := &l.Policy.NetworkFunctionGroups[i]; !fed[g.Name] && len(g.SendVia)+len(g.SendTo) > 0 {
			l.find(g.Place.Member("name"), "no attachment policy puts anything into network function group "+g.Name+", to which traffic is led", "add a rule with add-to-network-function-group")
		}
	}
}

// groupWithoutAttachment works out at which edges each group has to have an attachment, and for which action.
func groupWithoutAttachment(l *linter) {
	said := map[[2]string]bool{}
	has := func(group, edge string) bool { return len(l.groupMembers[[2]string{group, edge}]) > 0 }
	missing := func(at policy.Place, group, edge, why string) {
		if key := [2]string{group, edge}; !said[key] && !has(group, edge) {
			said[key] = true
			l.find(at, fmt.Sprintf("network function group %s has no attachment at %s, where %s", group, edge, why), "attach it there")
		}
	}
	check := func(at policy.Place, group string, overrides []policy.Override) {
		for _, o := range overrides {
			missing(o.Place.Member("use-edge-location"), group, o.Use, "an override leads traffic to")
		}
		if !slices.ContainsFunc(l.locations, func(e string) bool { return has(group, e) }) && !said[[2]string{group}] {
			said[[2]string{group}] = true
			l.find(at, "network function group "+group+" has no attachment at any edge, so the traffic led to it is dropped", "attach it somewhere")
		}
	}
	for _, in := range l.Insertions {
		if !in.DualHop {
			check(in.Place, in.Group, in.Overrides)
			continue
		}
		for _, name := range []string{in.Segment, in.With} {
			for _, e := range l.Policy.Segment(name).Edges {
				missing(in.Place, in.Group, e, "traffic of segment "+name+" is led to it")
			}
		}
	}
	for _, st := range l.Policy.SendTo {
		check(st.Place, st.Group, st.Overrides)
	}
}

func groupAttachmentsAtOneEdge(l *linter) {
	for i := range l.Policy.NetworkFunctionGroups {
		g := &l.Policy.NetworkFunctionGroups[i]
		for _, e := range l.locations {
			if members := l.groupMembers[[2]string{g.Name, e}]; len(members) > 1 {
				l.find(g.Place.Member("name"), fmt.Sprintf("network function group %s would have %d attachments at %s: %s", g.Name, len(members), e, listed(members)), "keep one, or narrow the attachment policy")
			}
		}
	}
}

// actionsOf calls a function for every action of a kind.
func (l *linter) actionsOf(action string, do func(a *policy.SegmentAction)) {
	for i := range l.doc.SegmentActions {
		if a := &l.doc.SegmentActions[i]; a.Action == action && !l.full() {
			do(a)
		}
	}
}

func sendViaSkipsOwnSegment(l *linter) {
	l.actionsOf(policy.ActionSendVia, func(a *policy.SegmentAction) {
		if a.WhenSentTo.All && !l.Policy.Segment(a.Segment.Name).Isolate && len(l.SentTo(a)) > 0 {
			l.find(a.WhenSentTo.Place, "traffic within segment "+a.Segment.Name+" is left out, because its attachments are not isolated", "to inspect it too, set isolate-attachments in the segment")
		}
	})
}

func sendViaWithNobody(l *linter) {
	l.actionsOf(policy.ActionSendVia, func(a *policy.SegmentAction) {
		if len(l.SentTo(a)) == 0 {
			l.find(a.WhenSentTo.Place, "leaves no segment to lead the traffic of "+a.Segment.Name+" to", "isolate the attachments of the segment, or name another")
		}
	})
}

// sendViaRepeated finds pairs that are named twice, and actions about all segments that bring no new pair.
func sendViaRepeated(l *linter) {
	known := map[[2]int]policy.Place{}
	l.actionsOf(policy.ActionSendVia, func(a *policy.SegmentAction) {
		own, others := l.index[a.Segment.Name], l.SentTo(a)
		repeated := 0
		var first policy.Place
		for _, i := range others {
			pair := [2]int{min(own, i), max(own, i)}
			at, twice := known[pair]
			if !twice {
				known[pair] = a.Place
				continue
			}
			repeated, first = repeated+1, at
			if !a.WhenSentTo.All {
				where := a.Place
				if a.WhenSentTo.Known() {
					where = named(&a.WhenSentTo, l.Policy.Segments[i].Name)
				}
				l.find(where, fmt.Sprintf("traffic between %s and %s is led by the send-via on line %d already", a.Segment.Name, l.Policy.Segments[i].Name, at.Line()), "a send-via works both ways round")
			}
		}
		if a.WhenSentTo.All && repeated > 0 && repeated == len(others) {
			l.find(a.Place, fmt.Sprintf("all traffic this is about is led by other send-via actions already, such as that on line %d", first.Line()), "a send-via works both ways round")
		}
	})
}

func shareBypassed(l *linter) {
	inserted := map[[2]string]policy.Place{}
	for _, in := range l.Insertions {
		inserted[[2]string{min(in.Segment, in.With), max(in.Segment, in.With)}] = in.Place
	}
	said := map[[2]string]bool{}
	l.shareActions(func(a *policy.SegmentAction, own *policy.Segment, others []int) {
		for _, i := range others {
			other := l.Policy.Segments[i].Name
			pair := [2]string{min(own.Name, other), max(own.Name, other)}
			if at, found := inserted[pair]; found && !said[pair] {
				said[pair] = true
				l.find(named(&a.ShareWith, other), fmt.Sprintf("traffic between %s and %s goes through a network function group by the send-via on line %d, shared or not", own.Name, other, at.Line()), "")
			}
		}
	})
}

func overridesInDualHop(l *linter) {
	l.actionsOf(policy.ActionSendVia, func(a *policy.SegmentAction) {
		if a.Mode == policy.DualHop && len(a.Via.Overrides) > 0 {
			l.find(a.Via.Member("with-edge-overrides"), "overrides play no part in dual-hop", "use single-hop, or take them away")
		}
	})
}

// overrideSets calls a function for every set of every override of an action that heeds them.
func (l *linter) overrideSets(do func(a *policy.SegmentAction, set []policy.Named)) {
	for i := range l.doc.SegmentActions {
		a := &l.doc.SegmentActions[i]
		if a.Action != policy.ActionSendTo && (a.Action != policy.ActionSendVia || a.Mode != policy.SingleHop) {
			continue
		}
		for _, o := range a.Via.Overrides {
			for _, set := range o.Sets {
				if !l.full() {
					do(a, set)
				}
			}
		}
	}
}

func overrideShadowed(l *linter) {
	var action *policy.SegmentAction
	var known map[[2]string]policy.Place
	l.overrideSets(func(a *policy.SegmentAction, set []policy.Named) {
		if a != action {
			action, known = a, map[[2]string]policy.Place{}
		}
		at, twice := set[0].Parent(), true
		var first policy.Place
		for _, pair := range policy.EdgePairs(set) {
			either := [2]string{min(pair[0], pair[1]), max(pair[0], pair[1])}
			if before, known := known[either]; known {
				first = before
				continue
			}
			known[either], twice = at, false
		}
		if twice {
			l.find(at, fmt.Sprintf("never counts, because the set on line %d is the same", first.Line()), "")
		}
	})
}

func overridePairInSendTo(l *linter) {
	l.overrideSets(func(a *policy.SegmentAction, set []policy.Named) {
		if pair := policy.EdgePairs(set)[0]; a.Action == policy.ActionSendTo && pair[0] != pair[1] {
			l.find(set[0].Parent(), "a pair of edges never fits what send-to leads away", "write a set of one edge, that where the traffic is")
		}
	})
}

func overrideWithoutSegment(l *linter) {
	var action *policy.SegmentAction
	var at map[string]bool // edges where a segment of the action is
	l.overrideSets(func(a *policy.SegmentAction, set []policy.Named) {
		if a != action {
			action, at = a, map[string]bool{}
			segments := []int{l.index[a.Segment.Name]}
			if a.Action == policy.ActionSendVia {
				segments = append(segments, l.SentTo(a)...)
			}
			for _, i := range segments {
				for _, e := range l.Policy.Segments[i].Edges {
					at[e] = true
				}
			}
		}
		for _, e := range set {
			if !at[e.Name] {
				l.find(e.Place, "none of the segments of this action has a table at "+e.Name, "")
			}
		}
	})
}

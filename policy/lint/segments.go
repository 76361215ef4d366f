package lint

import (
	"fmt"
	"slices"
	"strings"

	"portolan/policy"
)

// segmentLintRules are the rules about segments, shares and filters: who gets in, and whom they reach.
var segmentLintRules = []Rule{
	{
		Name: "segment-without-way-in", Severity: SeverityWarning,
		Summary: "No attachment policy can put an attachment into a segment.",
		Why:     "The segment stays empty: no rule names it, or those that could are taken by rules with lower numbers.",
		Example: `{"segments": [{"name": "prod"}, {"name": "dev"}],
 "attachment-policies": [{"rule-number": 100, "conditions": [{"type": "any"}], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find: segmentWithoutWayIn,
	},
	{
		Name: "segment-isolated-alone", Severity: SeverityWarning,
		Summary: "A segment isolates its attachments, and nothing leads anywhere else.",
		Why:     "Isolated attachments reach only what is shared with the segment, a static route, or a network function group. With none of them they reach nothing (transit gateway route tables aside, whose routes ignore isolation).",
		Example: `{"segments": [{"name": "prod", "isolate-attachments": true}],
 "attachment-policies": [{"rule-number": 100, "conditions": [{"type": "tag-exists", "key": "env"}], "action": {"association-method": "constant", "segment": "prod"}}]}`,
		find: segmentIsolatedAlone,
	},
	{
		Name: "names-differ-in-case", Severity: SeverityWarning,
		Summary: "Two segments or network function groups have names that differ in nothing but case.",
		Why:     "Tags name segments with case. An attachment tagged Prod does not get into prod, and nobody sees why.",
		Example: `{"segments": [{"name": "prod"}, {"name": "Prod"}]}`,
		find:    namesDifferInCase,
	},
	{
		Name: "share-cancelled-by-filters", Severity: SeverityError,
		Summary: "Two segments are shared, and the filters of both refuse the routes of the other.",
		Why:     "Filters act after shares. Between the two not one route is shared.",
		Example: `{"segments": [{"name": "prod", "deny-filter": ["dev"]}, {"name": "dev", "allow-filter": ["ops"]}, {"name": "ops"}],
 "segment-actions": [{"action": "share", "mode": "attachment-route", "segment": "prod", "share-with": ["dev"]}]}`,
		find: func(l *linter) { l.filteredShares(true) },
	},
	{
		Name: "share-one-way", Severity: SeverityNote,
		Summary: "Two segments are shared, and the filter of one refuses the routes of the other.",
		Why:     "One side knows the other, which has no route back. Connections only work if another route, such as a default, leads back.",
		Example: `{"segments": [{"name": "prod", "deny-filter": ["dev"]}, {"name": "dev"}],
 "segment-actions": [{"action": "share", "mode": "attachment-route", "segment": "prod", "share-with": ["dev"]}]}`,
		find: func(l *linter) { l.filteredShares(false) },
	},
	{
		Name: "share-with-nobody", Severity: SeverityError,
		Summary: "A share leaves no other segment to share with.",
		Why:     "A segment is not shared with itself, and exceptions are taken away from all other segments. The action does nothing. With * or except it is a note: segments may be added later.",
		Example: `{"segments": [{"name": "prod"}, {"name": "dev"}],
 "segment-actions": [{"action": "share", "mode": "attachment-route", "segment": "prod", "share-with": ["prod"]}]}`,
		find: shareWithNobody,
	},
	{
		Name: "share-names-itself", Severity: SeverityNote,
		Summary: "A share lists its own segment.",
		Why:     "Attachments of one segment reach each other without a share, and if they are isolated a share does not change that.",
		Example: `{"segments": [{"name": "prod"}, {"name": "dev"}],
 "segment-actions": [{"action": "share", "mode": "attachment-route", "segment": "prod", "share-with": ["prod", "dev"]}]}`,
		find: shareNamesItself,
	},
	{
		Name: "share-repeated", Severity: SeverityNote,
		Summary: "Everything a share joins is joined by other shares before it.",
		Why:     "A share goes both ways, so the mirrored action adds nothing. It does add its routing policies to those of the others, which is why shares with routing policies are left alone.",
		Example: `{"segments": [{"name": "prod"}, {"name": "dev"}],
 "segment-actions": [
  {"action": "share", "mode": "attachment-route", "segment": "prod", "share-with": ["dev"]},
  {"action": "share", "mode": "attachment-route", "segment": "dev", "share-with": ["prod"]}]}`,
		find: shareRepeated,
	},
	{
		Name: "filter-without-share", Severity: SeverityWarning,
		Summary: "A filter names a segment that shares nothing with its own.",
		Why:     "Filters only refuse shared routes, and an allow-filter shares nothing by itself. Nothing is there to be let in or refused.",
		Example: `{"segments": [{"name": "prod", "allow-filter": ["dev"]}, {"name": "dev"}]}`,
		find:    filterWithoutShare,
	},
	{
		Name: "allow-filter-empty", Severity: SeverityWarning,
		Summary: "A segment has an empty allow-filter.",
		Why:     "It looks as if nothing were let in, but an empty list is no filter: all shared routes enter.",
		Example: `{"segments": [{"name": "prod", "allow-filter": []}]}`,
		find:    allowFilterEmpty,
	},
	{
		Name: "share-without-common-edge", Severity: SeverityNote,
		Summary: "Two shared segments have no edge location in common.",
		Why:     "The share works across edges, but all its traffic leaves the Region, and each segment must be at an edge to be attached to there.",
		Example: `{"segments": [{"name": "prod", "edge-locations": ["us-east-1"]}, {"name": "dev", "edge-locations": ["eu-west-1"]}],
 "segment-actions": [{"action": "share", "mode": "attachment-route", "segment": "prod", "share-with": ["dev"]}]}`,
		find: shareWithoutCommonEdge,
	},
}

// segmentWithoutWayIn looks for a rule that some attachment of the segment could meet and no earlier rule takes. Where a
// rule names the segment and never runs, that rule is what is found, by another rule of advice.
func segmentWithoutWayIn(l *linter) {
	if len(l.linted) == 0 {
		at := l.doc.Place
		if v := l.doc.Member("attachment-policies"); v.Known() {
			at = v
		}
		l.find(at, "there are no attachment policies: no attachment can join a segment", "")
		return
	}
	w := work{maxWork}
	for i := range l.Policy.Segments {
		s := &l.Policy.Segments[i]
		var takenBy *lintedRule
		open, explained := false, false
		for j := range l.linted {
			r := &l.linted[j]
			explained = explained || r.segment == s || r.misspells(s.Name)
			for _, b := range r.branches {
				switch key := r.Action.TagKey; {
				case r.segment == s:
				case key.Known() && b.permits(key.Name, s.Name):
					b = b.with(key.Name, s.Name)
				default:
					continue
				}
				earlier := l.coveredBefore(b, j, &w)
				if open = earlier < 0; open {
					break
				}
				takenBy = &l.linted[earlier]
			}
			if open {
				break
			}
		}
		switch at := s.Place.Member("name"); {
		case open, explained:
		case takenBy != nil:
			l.find(at, fmt.Sprintf("every attachment for segment %s is taken by rule %d on line %d first", s.Name, takenBy.RuleNumber, takenBy.Line()), "give the rule for the segment a lower number")
		default:
			l.find(at, "no attachment policy puts anything into segment "+s.Name, "add a rule with this segment, or one that takes the segment from a tag")
		}
	}
}

// misspells says whether a rule that takes the segment from a tag asks for a name that differs in case only.
func (r *lintedRule) misspells(segment string) bool {
	return slices.ContainsFunc(r.terms, func(t term) bool {
		return t.Kind == policy.TestTagValue && t.Key == r.Action.TagKey.Name && t.Value != segment && strings.EqualFold(t.Value, segment)
	})
}

// segmentIsolatedAlone leaves alone a segment that takes every attachment that no rule before took, which is a quarantine,
// and a document without rules, which is a first stage.
func segmentIsolatedAlone(l *linter) {
	for i := range l.Policy.Segments {
		s := &l.Policy.Segments[i]
		reaches := !s.Isolate || len(l.linted) == 0 ||
			slices.ContainsFunc(l.linted, func(r lintedRule) bool { return r.segment == s && r.takesAll() }) ||
			slices.ContainsFunc(l.Shares, func(sh policy.Share) bool { return sh.To == s.Name && s.Accepts(sh.From) }) ||
			slices.ContainsFunc(l.Insertions, func(in policy.Insertion) bool { return in.Segment == s.Name || in.With == s.Name }) ||
			slices.ContainsFunc(l.SendTo, func(st policy.SendTo) bool { return st.Segment == s.Name }) ||
			slices.ContainsFunc(l.StaticRoutes, func(r policy.StaticRoute) bool { return r.Segment == s.Name && !r.Blackhole })
		if !reaches {
			l.find(s.Place.Member("isolate-attachments"), "the attachments of segment "+s.Name+" reach nothing", "share the segment, or lead its traffic to a network function group")
		}
	}
}

func namesDifferInCase(l *linter) {
	first := map[string]policy.Named{}
	look := func(name string, at policy.Place) {
		folded := strings.ToLower(name)
		if other, seen := first[folded]; seen {
			l.find(at, fmt.Sprintf("%s differs from %s on line %d in nothing but case", name, other.Name, other.Line()), "")
			return
		}
		first[folded] = policy.Named{Place: at, Name: name}
	}
	for _, s := range l.doc.Segments {
		look(s.Name, s.NameAt)
	}
	for _, g := range l.doc.NetworkFunctionGroups {
		look(g.Name, g.NameAt)
	}
}

// shareActions calls a function for every share with the segments that it names.
func (l *linter) shareActions(do func(a *policy.SegmentAction, own *policy.Segment, others []int)) {
	for i := range l.doc.SegmentActions {
		if a := &l.doc.SegmentActions[i]; a.Action == policy.ActionShare {
			do(a, l.Policy.Segment(a.Segment.Name), l.SharedWith(a))
		}
	}
}

// named is where a set names a segment, or the whole set.
func named(s *policy.SegmentSet, name string) policy.Place {
	for _, n := range s.Names {
		if n.Name == name {
			return n.Place
		}
	}
	return s.Place
}

// filteredShares finds shares of which filters take away both directions, or one.
func (l *linter) filteredShares(both bool) {
	said := map[[2]string]bool{}
	l.shareActions(func(a *policy.SegmentAction, own *policy.Segment, others []int) {
		for _, i := range others {
			other := &l.Policy.Segments[i]
			in, out := own.Accepts(other.Name), other.Accepts(own.Name)
			pair := [2]string{min(own.Name, other.Name), max(own.Name, other.Name)}
			if said[pair] || in && out || both != (!in && !out) {
				continue
			}
			said[pair] = true
			deaf, heard := own.Name, other.Name
			if in {
				deaf, heard = heard, deaf
			}
			if both {
				l.find(named(&a.ShareWith, other.Name), fmt.Sprintf("the filters of %s and %s refuse each other's routes, so nothing is shared", own.Name, other.Name), "take one of the filters away, or the share")
			} else {
				l.find(named(&a.ShareWith, other.Name), fmt.Sprintf("the filter of %s refuses the routes of %s, which learns those of %s", deaf, heard, deaf), "make sure that traffic finds its way back")
			}
		}
	})
}

func shareWithNobody(l *linter) {
	l.shareActions(func(a *policy.SegmentAction, own *policy.Segment, others []int) {
		if len(others) == 0 {
			severity := SeverityError
			if a.ShareWith.All { // of * and of exceptions there may be others later
				severity = SeverityNote
			}
			l.findAs(severity, a.ShareWith.Place, "leaves no segment to share "+own.Name+" with", "")
		}
	})
}

func shareNamesItself(l *linter) {
	l.shareActions(func(a *policy.SegmentAction, own *policy.Segment, others []int) {
		for _, n := range slices.Concat(a.ShareWith.Names, a.ShareWith.Except) {
			if n.Name == own.Name && len(others) > 0 {
				l.find(n.Place, "segment "+own.Name+" is not shared with itself in any case", "")
			}
		}
	})
}

func shareRepeated(l *linter) {
	joined := map[[2]int]policy.Place{}
	l.shareActions(func(a *policy.SegmentAction, own *policy.Segment, others []int) {
		repeated := len(others) > 0 && len(a.RoutingPolicyNames) == 0
		var first policy.Place
		i := l.index[own.Name]
		for _, other := range others {
			pair := [2]int{min(i, other), max(i, other)}
			at, known := joined[pair]
			if repeated = repeated && known; !known {
				joined[pair] = a.Place
			} else if !first.Known() {
				first = at
			}
		}
		if repeated {
			l.find(a.Place, fmt.Sprintf("what this joins is joined by the share on line %d already", first.Line()), "a share goes both ways")
		}
	})
}

func filterWithoutShare(l *linter) {
	for i := range l.doc.Segments {
		s := &l.doc.Segments[i]
		for _, n := range slices.Concat(s.DenyFilter, s.AllowFilter) {
			switch {
			case n.Name == s.Name:
				l.find(n.Place, "a segment's own routes are not filtered", "")
			case !slices.Contains(l.Policy.Segment(s.Name).SharedSegments, n.Name):
				l.find(n.Place, fmt.Sprintf("segments %s and %s are not shared, so there is nothing to filter", s.Name, n.Name), "a filter does not share; a share action does")
			}
		}
	}
}

func allowFilterEmpty(l *linter) {
	for i := range l.doc.Segments {
		if s := &l.doc.Segments[i]; s.AllowFilter != nil && len(s.AllowFilter) == 0 {
			l.find(s.Member("allow-filter"), "an empty allow-filter lets all shared routes in", "to let nothing in, do not share the segment")
		}
	}
}

func shareWithoutCommonEdge(l *linter) {
	said := map[[2]string]bool{}
	l.shareActions(func(a *policy.SegmentAction, own *policy.Segment, others []int) {
		for _, i := range others {
			other := &l.Policy.Segments[i]
			pair := [2]string{min(own.Name, other.Name), max(own.Name, other.Name)}
			if !said[pair] && !slices.ContainsFunc(own.Edges, other.HasEdge) {
				l.find(named(&a.ShareWith, other.Name), fmt.Sprintf("segments %s and %s have no edge location in common", own.Name, other.Name), "")
			}
			said[pair] = true
		}
	})
}

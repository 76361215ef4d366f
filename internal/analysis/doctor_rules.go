package analysis

import (
	"cmp"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"strings"

	"portolan/policy"
	"portolan/routing"
)

// rules finds rules of routing policies that match no route.
func (d *doctor) rules() error {
	unmatched, err := routing.UnmatchedRules(*d.Network)
	if err != nil {
		return err
	}
	for _, u := range unmatched {
		users, attachments := d.usersOf(u.Policy)
		if len(users) == 0 {
			users = []string{"nothing"}
		}
		x := Instance{Subjects: []string{u.Policy.Name}, Detail: []string{"used by " + strings.Join(shortened(users, maxShown), "; ")}}
		if u.Rule == nil {
			x.Place = u.Policy.Place
			x.Message = fmt.Sprintf("routing policy %s (%s) filters no route: nothing that has routes uses it", u.Policy.Name, u.Policy.Direction)
			d.add(CheckUnmatchedRule, "", x)
			continue
		}
		x.Place = u.Rule.Place
		x.Message = fmt.Sprintf("rule %d of routing policy %s matches no route: %s; action %s, %s",
			u.Rule.RuleNumber, u.Policy.Name, matchesText(u.Rule), u.Rule.Action.Type, u.Policy.Direction)
		for i := range u.Rule.Matches {
			m := &u.Rule.Matches[i]
			if m.Type != policy.MatchPrefixEquals && m.Type != policy.MatchPrefixInCIDR {
				continue
			}
			if hint := cmp.Or(d.nearestPrefix(m), announcedNear(attachments, m.Prefix.Masked())); hint != "" {
				x.Detail = append(x.Detail, hint)
			}
		}
		d.add(CheckUnmatchedRule, "", x)
	}
	return nil
}

// usersOf says where a routing policy is used, and by which attachments.
func (d *doctor) usersOf(p *policy.RoutingPolicy) (users []string, attachments []*routing.Attachment) {
	labels := map[string][]string{} // attachments by label
	for i := range d.Network.Attachments {
		a := &d.Network.Attachments[i]
		edges := []string{""}
		if a.Type == policy.TypeDirectConnectGateway {
			edges = a.Edges
		}
		uses := func(edge string) bool {
			list, _ := d.Network.Policy.RoutingPolicies(a.RoutingPolicyLabel, edge)
			return slices.Contains(list, p)
		}
		if !a.Down && slices.ContainsFunc(edges, uses) {
			attachments = append(attachments, a)
			labels[a.RoutingPolicyLabel] = append(labels[a.RoutingPolicyLabel], a.ID)
		}
	}
	for i := range d.Network.Policy.AttachmentRoutingPolicyRules {
		r := &d.Network.Policy.AttachmentRoutingPolicyRules[i]
		if !slices.ContainsFunc(r.Policies, func(n policy.Named) bool { return n.Name == p.Name }) {
			continue
		}
		for _, l := range r.Labels {
			who := "no attachment"
			if len(labels[l.Name]) > 0 {
				who = strings.Join(shortened(labels[l.Name], maxShown), ", ")
			}
			users = append(users, "label "+l.Name+": "+who)
		}
	}
	for i := range d.Network.Policy.EdgeAssociations {
		if e := &d.Network.Policy.EdgeAssociations[i]; slices.Contains(e.Policies, p) {
			users = append(users, fmt.Sprintf("segment %s at %s with peer %s", e.Segment, e.Edge, e.Peer))
		}
	}
	for i := range d.Network.Policy.Shares {
		if s := &d.Network.Policy.Shares[i]; slices.Contains(s.Policies, p) {
			users = append(users, fmt.Sprintf("share of %s with %s", s.From, s.To))
		}
	}
	return users, attachments
}

// announcedNear names the prefixes that attachments announce nearest to one that none of them is in: those that have most
// leading bits in common with it. "" when they announce none.
func announcedNear(attachments []*routing.Attachment, asked netip.Prefix) string {
	var list []netip.Prefix
	for _, a := range attachments {
		for i := range a.Announcements {
			if p := a.Announcements[i].Prefix.Masked(); p.Addr().Is4() == asked.Addr().Is4() {
				list = append(list, p)
			}
		}
	}
	if len(list) == 0 {
		return ""
	}
	slices.SortFunc(list, func(a, b netip.Prefix) int {
		return cmp.Or(cmp.Compare(commonBits(b.Addr(), asked.Addr()), commonBits(a.Addr(), asked.Addr())), a.Compare(b))
	})
	var names []string
	for _, p := range slices.Compact(list) {
		names = append(names, p.String())
	}
	return "nearest: these attachments announce " + strings.Join(shortened(names, maxShown), ", ")
}

// commonBits is how many leading bits two addresses of one family have in common.
func commonBits(a, b netip.Addr) int {
	x, y := a.As16(), b.As16()
	for i := range x {
		if x[i] != y[i] {
			return 8*i + bits.LeadingZeros8(x[i]^y[i])
		}
	}
	return 8 * len(x)
}

// matchesText is the conditions of a rule in words.
func matchesText(r *policy.RoutingRule) string {
	var parts []string
	for i := range r.Matches {
		parts = append(parts, matchText(&r.Matches[i]))
	}
	word := " and "
	if r.Or {
		word = " or "
	}
	return strings.Join(parts, word)
}

func matchText(m *policy.RouteMatch) string {
	switch m.Type {
	case policy.MatchPrefixEquals, policy.MatchPrefixInCIDR:
		return m.Type + " " + m.Prefix.String()
	case policy.MatchPrefixInPrefixList:
		return m.Type + " " + m.Alias
	case policy.MatchCommunityInList:
		return m.Type + " " + m.Community.String()
	default:
		return fmt.Sprintf("%s %d", m.Type, m.Number)
	}
}

// nearestPrefix says which route a match by prefix most likely means, "" when the network has none like it.
func (d *doctor) nearestPrefix(m *policy.RouteMatch) string {
	asked := m.Prefix.Masked()
	var wider, inside netip.Prefix
	for _, p := range d.Tables.Prefixes() {
		switch {
		case p == asked && m.Type == policy.MatchPrefixInCIDR:
			return "nearest: the network has a route " + p.String() + ", but prefix-in-cidr matches smaller blocks only, not the block itself"
		case p != asked && p.Bits() > 0 && p.Overlaps(asked) && p.Bits() < asked.Bits() && (!wider.IsValid() || p.Bits() > wider.Bits()):
			wider = p
		case p != asked && p.Overlaps(asked) && p.Bits() > asked.Bits() && !inside.IsValid():
			inside = p
		}
	}
	switch {
	case inside.IsValid() && m.Type == policy.MatchPrefixEquals:
		return "nearest: the network has " + inside.String() + " inside " + asked.String() + "; prefix-in-cidr would match it"
	case wider.IsValid():
		return "nearest: the network has the wider " + wider.String()
	}
	return ""
}

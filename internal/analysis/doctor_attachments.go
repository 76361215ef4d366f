package analysis

import (
	"fmt"
	"strings"

	"portolan/internal/snapshot"
	"portolan/policy"
)

// idle finds attachments that carry no traffic. Those with one cause are told together.
func (d *doctor) idle() {
	for _, idle := range d.Subject.idle() {
		a, why := idle.Attachment, idle.why
		x := Instance{Subjects: []string{a.ID}, Message: "attachment " + a.ID + " " + why.Reason + why.Once}
		for i := range why.Near {
			near := &why.Near[i]
			x.Detail = append(x.Detail, "nearest: "+near.String()+placeText(near.Place))
			if i == 0 {
				x.Tag, x.Place = near.Key, near.Place
				if why.Trace != nil {
					x.Message += "; likely cause: its " + near.Has
				} else { // a rule has a place for it, if not the one that was meant
					x.Message += ", but its " + near.Has + " looks misspelt"
				}
			}
			x.Detail = append(x.Detail, fmt.Sprintf("fix: %s, or change rule %d of the attachment policies", near.Fix, near.RuleNumber))
		}
		if x.Tag == "" {
			x.Detail = append(x.Detail, why.Trace...)
		} else {
			x.Trace = why.Trace
		}
		if why.Check == CheckUnassociated {
			x.Detail = append(x.Detail, "impact: it is in no segment and carries no traffic"+unreached(prefixesOf(d.Subject, a)))
		}
		cause := why.Reason // those that failed are told together, wherever they would be
		if len(why.Near) > 0 {
			cause += why.Near[0].String()
		}
		d.add(why.Check, why.Check+cause, x)
	}
}

// unreached says that no route leads to the prefixes of an attachment.
func unreached(prefixes []string) string {
	if len(prefixes) == 0 {
		return ""
	}
	return "; no route leads to " + strings.Join(shortened(prefixes, maxShown), ", ")
}

// spelling finds attachments that a later rule takes because a tag is misspelt.
func (d *doctor) spelling() {
	for i := range d.inventory.list {
		a := &d.inventory.list[i]
		n := d.attachment[a.ID]
		if n == nil || n.Down {
			continue
		}
		for _, near := range d.speller().NearMisses(asPolicy(a)) {
			at := policy.Association{Segment: n.Segment, NetworkFunctionGroup: n.NetworkFunctionGroup}
			if near.To.Same(at) {
				continue
			}
			d.add(CheckTag, near.String(), Instance{
				Subjects: []string{a.ID}, Place: near.Place, Tag: near.Key,
				Message: fmt.Sprintf("attachment %s is associated with %s, but %s", a.ID, placeName(at), near.String()),
				Detail:  []string{fmt.Sprintf("fix: %s, or change rule %d of the attachment policies", near.Fix, near.RuleNumber)},
			})
			break
		}
	}
}

// options finds VPC attachments whose options do not go with what the policy does with them.
func (d *doctor) options() {
	p := d.Network.Policy
	for i := range d.inventory.list {
		a := &d.inventory.list[i]
		n := d.attachment[a.ID]
		if n == nil || n.Down {
			continue
		}
		if text := zonesOf(d.Subject, a); text != "" {
			d.add(CheckApplianceMode, "", Instance{Subjects: []string{a.ID, n.NetworkFunctionGroup}, Message: text})
		}
		off := func(option *bool) bool { return a.Options != nil && option != nil && !*option }
		switch {
		case a.Options == nil:
		case p.SecurityGroupReferencingSupport && off(a.Options.SecurityGroupReferencing):
			d.add(CheckVPCOption, "security groups", Instance{
				Subjects: []string{a.ID},
				Message:  "attachment " + a.ID + " has security group referencing off: other VPCs cannot reference its security groups, although the core network supports it",
			})
		case p.DNSSupport && off(a.Options.DNSSupport):
			d.add(CheckVPCOption, "DNS", Instance{
				Subjects: []string{a.ID},
				Message:  "attachment " + a.ID + " has DNS support off: public DNS names of other VPCs resolve to public addresses, although the core network supports it",
			})
		}
	}
}

// zonesOf says why an appliance behind an attachment sees only one direction of some flows, "" if it sees both: it is in
// several Availability Zones without appliance mode.
func zonesOf(s *Subject, a *snapshot.Attachment) string {
	n := s.attachment[a.ID]
	if n == nil || n.NetworkFunctionGroup == "" || len(a.SubnetARNs) < 2 || a.Options != nil && a.Options.ApplianceMode != nil && *a.Options.ApplianceMode {
		return ""
	}
	return fmt.Sprintf("attachment %s of network function group %s has subnets in %d Availability Zones and appliance mode off: the two directions of a flow can use different zones, and a stateful appliance drops it",
		a.ID, n.NetworkFunctionGroup, len(a.SubnetARNs))
}

// zonesOn are the appliances of a way that see only one direction of some flows.
func zonesOn(s *Subject, ways ...*Way) []string {
	var list []string
	for _, w := range ways {
		if w == nil {
			continue
		}
		for _, i := range w.Inspections {
			if a := s.inventory.byID[i.Attachment]; a != nil {
				if text := zonesOf(s, a); text != "" {
					list = insert(list, text)
				}
			}
		}
	}
	return list
}

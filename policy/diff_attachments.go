package policy

import (
	"fmt"
	"slices"
)

// attachments compares where attachments are, which tables learn their routes, and which routing policies run on those.
func (d *differ) attachments(attached []Associated) {
	mapped := [2]map[string]item{{}, {}}
	learned := [2]map[string]item{{}, {}}
	filtered := [2]map[string]item{{}, {}}
	policies := [2]*Policy{d.old, d.new}
	tables := [2]tablesOf{{}, {}}
	for i := range attached {
		a := &attached[i]
		places := [2]Association{a.At, a.Next}
		for side, p := range policies {
			segment, group := places[side].Segment, places[side].NetworkFunctionGroup
			if segment != "" || group != "" {
				mapped[side][a.ID] = item{
					identifier: a.ID, canonical: segment + "\x00" + group, edges: a.Edges,
					values: &ChangeValues{SegmentName: segment, NetworkFunctionGroupName: group},
				}
			}
			for _, t := range tables[side].of(p, segment, a.Type) {
				learned[side][t.name()+"/"+a.ID] = item{
					identifier: a.ID, edges: a.Edges,
					values: &ChangeValues{SegmentName: t.segment, NetworkFunctionGroupName: t.group, DestinationIdentifier: a.ID},
				}
			}
			if segment == "" {
				continue // no routes, nothing to run on
			}
			if details := p.labelDetails(a.Attached); len(details) > 0 {
				filtered[side][a.ID] = item{
					identifier: a.ID, edges: a.Edges, canonical: fmt.Sprint(details),
					values: &ChangeValues{AttachmentID: a.ID, RoutingPolicyAssociations: details},
				}
			}
		}
	}
	d.compare(ChangeAttachmentMapping, mapped[0], mapped[1])
	d.compare(ChangeAttachmentRoutePropagation, learned[0], learned[1])
	d.compare(ChangeRoutingPolicyAttachment, filtered[0], filtered[1])
}

// table is the table of a segment or of a network function group.
type table struct{ segment, group string }

func (t table) name() string { return t.segment + t.group }

// tablesOf remembers which tables learn the routes of a segment's attachments.
type tablesOf map[table][]table

func (m tablesOf) of(p *Policy, segment, kind string) []table {
	s := p.Segment(segment)
	if s == nil {
		return nil // an attachment of a group propagates nowhere: traffic is led to it, not routed
	}
	key := table{segment: segment}
	if kind == TypeTransitGatewayRouteTable {
		key.group = kind
	}
	if list, ok := m[key]; ok {
		return list
	}
	var list []table
	// Everybody in a segment learns the routes of a transit gateway route table, isolated or not.
	if !s.Isolate || kind == TypeTransitGatewayRouteTable {
		list = append(list, table{segment: segment})
	}
	for _, share := range p.Shares {
		if to := p.Segment(share.To); share.From == segment && to != nil && to.Accepts(segment) {
			list = append(list, table{segment: share.To})
		}
	}
	for i := range p.NetworkFunctionGroups {
		if g := &p.NetworkFunctionGroups[i]; slices.Contains(g.Learns, segment) {
			list = append(list, table{group: g.Name})
		}
	}
	m[key] = list
	return list
}

// labelDetails is the routing policies of an attachment by its label. Those of a Direct Connect gateway may differ from
// edge to edge.
func (p *Policy) labelDetails(a *Attached) []RoutingPolicyAssociation {
	if a.Label == "" {
		return nil
	}
	edges := []string{""}
	if a.Type == TypeDirectConnectGateway {
		edges = sorted(a.Edges)
	}
	var details []RoutingPolicyAssociation
	for _, e := range edges {
		policies, _ := p.RoutingPolicies(a.Label, e)
		names := policyNames(policies)
		if len(names) > 0 && !slices.ContainsFunc(details, func(d RoutingPolicyAssociation) bool { return slices.Equal(d.RoutingPolicyNames, names) }) {
			details = append(details, RoutingPolicyAssociation{RoutingPolicyNames: names})
		}
	}
	return details
}

func policyNames(policies []*RoutingPolicy) []string {
	var names []string
	for _, p := range policies {
		names = append(names, p.Name)
	}
	return names
}

package routing_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"portolan/policy"
	"portolan/routing"
)

const filtered = `{
 "version": "2025.11",
 "core-network-configuration": {"asn-ranges": ["64512-64599"], "edge-locations": [{"location": "us-east-1"}, {"location": "eu-west-1"}]},
 "segments": [{"name": "net", "require-attachment-acceptance": false}],
 "attachment-policies": [{"rule-number": 1, "conditions": [{"type": "any"}], "action": {"association-method": "constant", "segment": "net"}}],
 "segment-actions": [{"action": "associate-routing-policy", "segment": "net", "edge-location-association": {"edge-location": "us-east-1", "peer-edge-location": "eu-west-1", "routing-policy-names": ["between"]}}],
 "attachment-routing-policy-rules": [{"rule-number": 1, "conditions": [{"type": "routing-policy-label", "value": "branch"}], "action": {"associate-routing-policies": ["towards"]}}],
 "routing-policies": [
  {"routing-policy-name": "between", "routing-policy-direction": "inbound", "routing-policy-number": 10, "routing-policy-rules": [
   {"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-equals", "value": "10.2.0.0/16"}], "action": {"type": "drop"}}},
   {"rule-number": 2, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "10.1.0.0/16"}], "action": {"type": "drop"}}}]},
  {"routing-policy-name": "towards", "routing-policy-direction": "outbound", "routing-policy-number": 20, "routing-policy-rules": [
   {"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-equals", "value": "10.1.0.0/16"}], "action": {"type": "drop"}}},
   {"rule-number": 2, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "med-equals", "value": 7}], "action": {"type": "drop"}}}]},
  {"routing-policy-name": "unused", "routing-policy-direction": "inbound", "routing-policy-number": 30, "routing-policy-rules": [
   {"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "0.0.0.0/0"}], "action": {"type": "drop"}}}]}
 ]
}`

func TestUnmatchedRules(t *testing.T) {
	p, errs := compile(filtered)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	got, err := routing.UnmatchedRules(routing.Network{Policy: p, Attachments: []routing.Attachment{
		{ID: "a", Type: policy.TypeVPC, Segment: "net", Edges: []string{"eu-west-1"}, Announcements: []routing.Announcement{
			{Prefix: netip.MustParsePrefix("10.1.0.0/16")}, {Prefix: netip.MustParsePrefix("10.2.0.0/16")},
		}},
		{ID: "b", Type: policy.TypeSiteToSiteVPN, Segment: "net", Edges: []string{"us-east-1"}, RoutingPolicyLabel: "branch"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if list := named(got); !slices.Equal(list, []string{"between 2", "towards 2", "unused"}) {
		t.Errorf("got %q", list)
	}
}

// TestUnmatchedRules_atShares: a rule is matched by whatever comes to the share, also by a route that its own peer has a
// better one for; what a filter refuses does not come to the share's routing policies.
func TestUnmatchedRules_atShares(t *testing.T) {
	p, errs := compile(`{
 "version": "2025.11",
 "core-network-configuration": {"asn-ranges": ["64512-64599"], "edge-locations": [{"location": "us-east-1"}]},
 "segments": [{"name": "net", "require-attachment-acceptance": false, "deny-filter": ["closed"]}, {"name": "lab", "require-attachment-acceptance": false}, {"name": "closed", "require-attachment-acceptance": false}],
 "attachment-policies": [{"rule-number": 1, "conditions": [{"type": "any"}], "action": {"association-method": "constant", "segment": "net"}}],
 "segment-actions": [
  {"action": "share", "mode": "attachment-route", "segment": "net", "share-with": ["lab"], "routing-policy-names": ["shared"]},
  {"action": "share", "mode": "attachment-route", "segment": "net", "share-with": ["closed"], "routing-policy-names": ["refused"]}],
 "routing-policies": [
  {"routing-policy-name": "shared", "routing-policy-direction": "inbound", "routing-policy-number": 10, "routing-policy-rules": [
   {"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "med-equals", "value": 5}], "action": {"type": "drop"}}},
   {"rule-number": 2, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "med-equals", "value": 50}], "action": {"type": "drop"}}},
   {"rule-number": 3, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "med-equals", "value": 500}], "action": {"type": "drop"}}}]},
  {"routing-policy-name": "refused", "routing-policy-direction": "inbound", "routing-policy-number": 20, "routing-policy-rules": [
   {"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "0.0.0.0/0"}], "action": {"type": "drop"}}}]}
 ]
}`)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	med := func(n uint32) *uint32 { return &n }
	prefix := netip.MustParsePrefix("10.1.0.0/16")
	got, err := routing.UnmatchedRules(routing.Network{Policy: p, Attachments: []routing.Attachment{
		{ID: "vpn", Type: policy.TypeSiteToSiteVPN, Segment: "lab", Edges: []string{"us-east-1"}, Announcements: []routing.Announcement{
			{Prefix: prefix, ASPath: []uint32{65001}, MED: med(50)}, {Prefix: prefix, ASPath: []uint32{65001}, MED: med(5)},
		}},
		{ID: "vpc", Type: policy.TypeVPC, Segment: "closed", Edges: []string{"us-east-1"}, Announcements: []routing.Announcement{{Prefix: prefix}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if list := named(got); !slices.Equal(list, []string{"shared 3", "refused"}) {
		t.Errorf("got %q", list)
	}
}

func named(list []routing.Unmatched) []string {
	var names []string
	for _, u := range list {
		name := u.Policy.Name
		if u.Rule != nil {
			name += fmt.Sprint(" ", u.Rule.RuleNumber)
		}
		names = append(names, name)
	}
	return names
}

// TestUnmatchedRules_noneIsInAnExplanation: no route was changed by a rule that is said to match none.
func TestUnmatchedRules_noneIsInAnExplanation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, text := drawNetwork(t)
		unmatched, err := routing.UnmatchedRules(n)
		tables, computed := routing.Compute(n)
		if fmt.Sprint(err) != fmt.Sprint(computed) && len(n.Policy.RoutingPoliciesByNumber) > 0 {
			t.Fatalf("got %v, want %v", err, computed)
		}
		if computed != nil {
			return
		}
		none := named(unmatched)
		for _, id := range tables.TableIDs() {
			table, _ := tables.Table(id)
			for p := range table.RIB() {
				e := table.Explain(p.Prefix)
				for _, c := range e.Candidates {
					for _, s := range c.Steps {
						if s.Policy != "" && (slices.Contains(none, s.Policy) || slices.Contains(none, fmt.Sprint(s.Policy, " ", s.RuleNumber))) {
							t.Fatalf("%s in %s: rule %d of %s ran\n%s", p.Prefix, id, s.RuleNumber, s.Policy, text)
						}
					}
				}
			}
		}
	})
}

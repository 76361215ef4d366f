package routing_test

import (
	"net/netip"
	"testing"

	"portolan/policy"
	"portolan/routing"
)

// TestUpdate_aggregateGoesWithItsRoutes: the last route of an aggregate takes it along, and the first brings it, although
// nobody announces the aggregate itself.
func TestUpdate_aggregateGoesWithItsRoutes(t *testing.T) {
	p, errs := compile(`{"version": "2025.11",
		"core-network-configuration": {"asn-ranges": ["64512-64599"], "edge-locations": [{"location": "us-east-1"}, {"location": "eu-west-1"}]},
		"segments": [{"name": "net"}], "attachment-policies": [],
		"segment-actions": [{"action": "associate-routing-policy", "segment": "net", "edge-location-association":
			{"edge-location": "us-east-1", "peer-edge-location": "eu-west-1", "routing-policy-names": ["tens"]}}],
		"routing-policies": [{"routing-policy-name": "tens", "routing-policy-direction": "outbound", "routing-policy-number": 1, "routing-policy-rules": [
			{"rule-number": 1, "rule-definition": {"match-conditions": [{"type": "prefix-in-cidr", "value": "10.0.0.0/8"}],
			 "condition-logic": "or", "action": {"type": "summarize", "value": "10.0.0.0/8"}}}]}]}`)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	vpc := func(id, prefix string) routing.Attachment {
		return routing.Attachment{
			ID: id, Type: policy.TypeVPC, Segment: "net", Edges: []string{"us-east-1"},
			Announcements: []routing.Announcement{{Prefix: netip.MustParsePrefix(prefix)}},
		}
	}
	tables := compute(t, routing.Network{Policy: p, Attachments: []routing.Attachment{vpc("a", "10.1.0.0/16")}})
	for _, step := range []struct {
		put    []routing.Attachment
		remove []string
		want   string
	}{
		{[]routing.Attachment{vpc("b", "10.2.0.0/16")}, nil, "net@eu-west-1\n  10.0.0.0/8 → edge:us-east-1\n"},
		{nil, []string{"a"}, "net@eu-west-1\n  10.0.0.0/8 → edge:us-east-1\n"},
		{nil, []string{"b"}, "net@eu-west-1\n  (empty)\n"},
		{[]routing.Attachment{vpc("c", "10.3.0.0/16")}, nil, "net@eu-west-1\n  10.0.0.0/8 → edge:us-east-1\n"},
		{[]routing.Attachment{vpc("c", "172.16.0.0/16")}, nil, "net@eu-west-1\n  172.16.0.0/16 → edge:us-east-1\n"},
	} {
		next, err := tables.Update(step.put, step.remove)
		if err != nil {
			t.Fatal(err)
		}
		tables = next
		table, _ := tables.Table(routing.TableID{Segment: "net", Edge: "eu-west-1"})
		if got := fib(table); got != step.want {
			t.Errorf("put %v, remove %v: got\n%swant\n%s", step.put, step.remove, got, step.want)
		}
	}
}

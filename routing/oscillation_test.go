package routing_test

import (
	"errors"
	"strings"
	"testing"

	"portolan/policy"
	"portolan/routing"
)

// TestCompute_manyOscillations: all are counted, some are listed, fewer are printed.
func TestCompute_manyOscillations(t *testing.T) {
	edges := []string{"us-east-1", "eu-west-1", "ap-south-1"}
	actions := make([]string, len(edges))
	for i, e := range edges {
		actions[i] = `{"action": "associate-routing-policy", "segment": "net", "edge-location-association":
			{"edge-location": "` + e + `", "peer-edge-location": "` + edges[(i+1)%3] + `", "routing-policy-names": ["liked"]}}`
	}
	p, errs := compile(`{"version": "2025.11",
		"core-network-configuration": {"asn-ranges": ["64512-64599"], "edge-locations": [{"location": "us-east-1"}, {"location": "eu-west-1"}, {"location": "ap-south-1"}]},
		"segments": [{"name": "net"}], "attachment-policies": [], "segment-actions": [` + strings.Join(actions, ",") + `],
		"routing-policies": [{"routing-policy-name": "liked", "routing-policy-direction": "inbound", "routing-policy-number": 1, "routing-policy-rules": [
			{"rule-number": 1, "rule-definition": {"match-conditions": [{"type": "med-equals", "value": 100}],
			 "condition-logic": "or", "action": {"type": "set-local-preference", "value": 200}}}]}]}`)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	gateway := routing.Attachment{ID: "dx", Type: policy.TypeDirectConnectGateway, Segment: "net", Edges: edges, Announcements: many(10, 25)}
	for i := range gateway.Announcements {
		gateway.Announcements[i].ASPath = []uint32{65001}
	}
	tables, err := routing.Compute(routing.Network{Policy: p, Attachments: []routing.Attachment{gateway}})
	var oscillation *routing.OscillationError
	if !errors.As(err, &oscillation) {
		t.Fatal(err)
	}
	if oscillation.Count != 25 || len(oscillation.First) != 20 || oscillation.First[19].Prefix.String() != "10.0.19.0/24" {
		t.Errorf("%d, listed %d up to %s", oscillation.Count, len(oscillation.First), oscillation.First[len(oscillation.First)-1].Prefix)
	}
	text := err.Error()
	if !strings.HasPrefix(text, "routing: 25 prefixes never settle; 10.0.0.0/24 in net: ") || strings.Count(text, "/24 in net") != 3 {
		t.Errorf("got %s", text)
	}
	for _, o := range oscillation.First {
		if len(o.Cycle) < 2 {
			t.Errorf("%s: the cycle is %v", o.Prefix, o.Cycle)
		}
	}
	if next, err := tables.Update(nil, []string{"dx"}); err != nil || next == nil {
		t.Errorf("without routes nothing changes for ever: %v", err)
	}
}

package analysis_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"portolan/internal/analysis"
	"portolan/internal/snapshot"
)

// inspected is prod and dev at two edges; what prod sends to dev passes a firewall at both ends.
const inspected = `
version: 1
policy:
  version: "2021.12"
  core-network-configuration: {asn-ranges: ["64512-64599"], edge-locations: [{location: us-east-1}, {location: eu-west-1}]}
  segments:
    - {name: prod, require-attachment-acceptance: false, isolate-attachments: true}
    - {name: dev, require-attachment-acceptance: false}
    - {name: lonely, require-attachment-acceptance: false}
  network-function-groups: [{name: fw, require-attachment-acceptance: false}]
  segment-actions:
    - {action: send-via, segment: prod, mode: dual-hop, when-sent-to: {segments: "*"}, via: {network-function-groups: [fw]}}
    - {action: create-route, segment: dev, destination-cidr-blocks: [172.16.0.0/12], destinations: [blackhole]}
  attachment-policies:
    - {rule-number: 100, conditions: [{type: tag-exists, key: nfg}], action: {add-to-network-function-group: fw}}
    - {rule-number: 200, conditions: [{type: tag-exists, key: domain}], action: {association-method: tag, tag-value-of-key: domain}}
attachments:
  - {id: a1, type: vpc, edges: [us-east-1], tags: {domain: prod}, announcements: [{prefix: 10.0.0.0/16}]}
  - {id: a2, type: vpc, edges: [eu-west-1], tags: {domain: prod}, announcements: [{prefix: 10.1.0.0/16}]}
  - {id: a3, type: vpc, edges: [us-east-1], tags: {domain: dev}, announcements: [{prefix: 10.10.0.0/16}]}
  - {id: a4, type: vpc, edges: [eu-west-1], tags: {domain: dev}, announcements: [{prefix: 10.11.0.0/16}]}
  - {id: a7, type: vpc, edges: [eu-west-1], tags: {domain: lonely}, announcements: [{prefix: 10.20.0.0/16}]}
  - {id: a5, type: vpc, edges: [us-east-1], tags: {nfg: fw}}
  - {id: a6, type: vpc, edges: [eu-west-1], tags: {nfg: fw}}
`

func compute(t testing.TB, text string) *analysis.Subject {
	t.Helper()
	s, err := snapshot.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	network, err := s.Network(nil)
	if err != nil {
		t.Fatal(err)
	}
	net, err := analysis.Compute(network)
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// matrix is which segment reaches which.
func matrix(t *testing.T, s *analysis.Subject) []analysis.Reach {
	t.Helper()
	pairs, err := s.SegmentMatrix(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pairs
}

// compared is what changes, with its routes.
func compared(t *testing.T, before, after *analysis.Subject) (*analysis.Comparison, []analysis.RouteChange) {
	t.Helper()
	c, err := analysis.Compare(t.Context(), before, after)
	if err != nil {
		t.Fatal(err)
	}
	var routes []analysis.RouteChange
	for r := range c.Routes() {
		routes = append(routes, *r)
	}
	if got := c.Added + c.Withdrawn + c.Rerouted; got != len(routes) {
		t.Errorf("%d routes were counted, %d are listed", got, len(routes))
	}
	return c, routes
}

// found is what doctor finds.
func found(t *testing.T, s *analysis.Subject) []analysis.Finding {
	t.Helper()
	list, err := s.Findings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func appliances(w *analysis.Way) string {
	var list []string
	for _, i := range w.Inspections {
		list = append(list, i.Attachment)
	}
	return strings.Join(list, " ")
}

func TestPath_verdicts(t *testing.T) {
	net := compute(t, inspected)
	for _, c := range []struct {
		name, from, to string
		verdict        analysis.Verdict
		at, there      string
		back           string
	}{
		{"two appliances, met again in the opposite order", "a1", "10.11.0.1", analysis.Delivered, "a4", "a5 a6", "a6 a5"},
		{"one appliance at one edge", "a1", "10.10.0.1", analysis.Delivered, "a3", "a5", "a5"},
		{"the same segment, isolated and inspected", "a1", "10.1.0.1", analysis.Delivered, "a2", "a5 a6", "a6 a5"},
		{"the same segment, directly", "a3", "10.11.0.1", analysis.Delivered, "a4", "", ""},
		{"a blackhole", "a3", "172.16.0.1", analysis.Blackholed, "", "", ""},
		{"nothing there", "a3", "8.8.8.8", analysis.NoRoute, "", "", ""},
		{"a segment nobody shares with", "a3", "10.20.0.1", analysis.NoRoute, "", "", ""},
	} {
		p, err := net.RoundTrip(c.from, "", netip.MustParseAddr(c.to), netip.Addr{})
		if err != nil {
			t.Fatal(err)
		}
		if p.Verdict != c.verdict || p.Forward.At != c.at || appliances(p.Forward) != c.there {
			t.Errorf("%s: %s at %q through %q (%s)", c.name, p.Verdict, p.Forward.At, appliances(p.Forward), p.Reason)
		}
		if p.Back != nil && appliances(p.Back) != c.back {
			t.Errorf("%s: back through %q", c.name, appliances(p.Back))
		}
	}
	for _, c := range [][2]string{{"a9", ""}, {"a1", "eu-west-1"}} {
		if _, err := net.RoundTrip(c[0], c[1], netip.MustParseAddr("10.0.0.1"), netip.Addr{}); err == nil {
			t.Errorf("%v was taken", c)
		}
	}
}

func TestSegmentMatrix_whoReachesWhom(t *testing.T) {
	got := map[string]string{}
	for _, r := range matrix(t, compute(t, inspected)) {
		switch {
		case r.Samples == 0:
			got[r.From+" "+r.To] = "nothing"
		case r.Reaches():
			got[r.From+" "+r.To] = "reaches " + strings.Join(r.InspectedBy, ",")
		default:
			got[r.From+" "+r.To] = string(r.Verdict)
		}
	}
	for pair, want := range map[string]string{
		"prod dev": "reaches fw", "dev prod": "reaches fw", "prod prod": "reaches fw", "dev dev": "reaches ", "dev lonely": "no route", "lonely lonely": "nothing",
	} {
		if got[pair] != want {
			t.Errorf("%s: %q, want %q", pair, got[pair], want)
		}
	}
}

func TestCompare_whatAChangeDoes(t *testing.T) {
	before := compute(t, inspected)
	if c, _ := compared(t, before, compute(t, inspected)); !c.IsEmpty() {
		t.Errorf("nothing changed: %+v", c)
	}
	after := compute(t, strings.Replace(inspected, `when-sent-to: {segments: "*"}`, `when-sent-to: {segments: [prod]}`, 1))
	c, routes := compared(t, before, after)
	lost := slices.ContainsFunc(c.Segments, func(p analysis.PairChange) bool { return p.From == "prod" && p.To == "dev" && p.Lost() })
	pair := slices.ContainsFunc(c.Attachments, func(p analysis.PairChange) bool { return p.From == "a1" && p.To == "a4" && p.Lost() })
	if !lost || !pair || len(routes) == 0 || routes[0].Kind() != "withdrawn" || !slices.Equal(c.Edges, []string{"eu-west-1", "us-east-1"}) {
		t.Errorf("got %+v", c)
	}
	// Sharing in the place of inspecting: they still talk, and nobody looks.
	open := strings.Replace(inspected, `{action: send-via, segment: prod, mode: dual-hop, when-sent-to: {segments: "*"}, via: {network-function-groups: [fw]}}`,
		`{action: share, mode: attachment-route, segment: prod, share-with: [dev]}`, 1)
	c, _ = compared(t, before, compute(t, open))
	if !slices.ContainsFunc(c.Segments, func(p analysis.PairChange) bool {
		return p.From == "prod" && p.To == "dev" && slices.Equal(p.InspectionLost(), []string{"fw"})
	}) {
		t.Errorf("inspection lost unseen: %+v", c.Segments)
	}
}

func address(text string) netip.Addr { return netip.MustParseAddr(text) }

// TestPath_shareFromAnEdgeWithoutTable: a segment that has no table where a route is shared in sends there all the
// same.
func TestPath_shareFromAnEdgeWithoutTable(t *testing.T) {
	net := compute(t, network(`{name: a, require-attachment-acceptance: false, edge-locations: [us-east-1]}, {name: b, require-attachment-acceptance: false}`,
		`{action: share, mode: attachment-route, segment: a, share-with: [b]}`, `
		{id: a1, type: vpc, edges: [us-east-1], tags: {domain: a}, announcements: [{prefix: 10.0.0.0/16}]},
		{id: b1, type: vpc, edges: [eu-west-1], tags: {domain: b}, announcements: [{prefix: 10.1.0.0/16}]}`))
	p, err := net.RoundTrip("a1", "", address("10.1.0.1"), address("10.0.0.1"))
	if err != nil || p.Verdict != analysis.Delivered || p.Forward.At != "b1" || len(p.Forward.Hops) != 2 {
		t.Errorf("got %+v %v", p, err)
	}
	if got := found(t, net); len(got) != 0 {
		t.Errorf("a sound network: %+v", got)
	}
	for _, r := range matrix(t, net) {
		if r.From != r.To && !r.Reaches() {
			t.Errorf("%s to %s: %+v", r.From, r.To, r)
		}
	}
}

// TestCompare_partOfAPairIsNoMoreInspected: some of what two attachments send no longer passes the appliance, the rest
// does.
func TestCompare_partOfAPairIsNoMoreInspected(t *testing.T) {
	const via = `{action: send-via, segment: a, mode: single-hop, when-sent-to: {segments: [b]}, via: {network-function-groups: [fw]}}`
	attachments := `
		{id: a1, type: vpc, edges: [us-east-1], tags: {domain: a}, announcements: [{prefix: 10.0.0.0/16}]},
		{id: b1, type: vpc, edges: [us-east-1], tags: {domain: b}, announcements: [{prefix: 10.1.0.0/16}, {prefix: 10.2.0.0/16}]},
		{id: f1, type: vpc, edges: [us-east-1], tags: {nfg: fw}}`
	withID := strings.ReplaceAll(attachments, "b1", "attachment-0123456789abcdef0")
	before := compute(t, network(twoSegments, via, withID))
	after := compute(t, network(twoSegments, via+`,{action: create-route, segment: a, destination-cidr-blocks: [10.2.0.0/16], destinations: [attachment-0123456789abcdef0]}`, withID))
	c, _ := compared(t, before, after)
	if !slices.ContainsFunc(c.Attachments, func(p analysis.PairChange) bool {
		return p.From == "a1" && len(p.InspectionLost()) == 0 && p.Bypassed()
	}) {
		t.Errorf("got %+v", c.Attachments)
	}
}

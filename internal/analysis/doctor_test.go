package analysis_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"portolan/internal/analysis"
)

// network is a snapshot of three edges with segments a and b, whose policy has these actions and attachments.
func network(segments, actions, attachments string) string {
	return `
version: 1
policy:
  version: "2021.12"
  core-network-configuration: {asn-ranges: ["64512-64599"], edge-locations: [{location: us-east-1}, {location: eu-west-1}, {location: eu-west-2}]}
  segments: [` + segments + `]
  network-function-groups: [{name: fw, require-attachment-acceptance: false}]
  segment-actions: [` + actions + `]
  attachment-policies:
    - {rule-number: 100, conditions: [{type: tag-exists, key: nfg}], action: {add-to-network-function-group: fw}}
    - {rule-number: 200, conditions: [{type: tag-exists, key: domain}], action: {association-method: tag, tag-value-of-key: domain}}
attachments: [` + attachments + `]
`
}

func findings(net *analysis.Net, check string) (list []string) {
	for _, f := range net.Doctor() {
		if f.Name == check {
			list = append(list, f.Message)
		}
	}
	return list
}

const twoSegments = `{name: a, require-attachment-acceptance: false}, {name: b, require-attachment-acceptance: false}`

// What AWS decides by luck is found by computing the network for each outcome.
func TestDoctor_tiesWithEveryOutcome(t *testing.T) {
	vpc := func(id, edge, prefix string) string {
		return fmt.Sprintf(`{id: %s, type: vpc, edges: [%s], tags: {domain: a}, announcements: [{prefix: %s}]}`, id, edge, prefix)
	}
	tied := compute(t, network(twoSegments, "", vpc("a1", "us-east-1", "10.0.0.0/16")+","+vpc("a2", "eu-west-1", "10.0.0.0/16")))
	want := `10.0.0.0/16 in table a@eu-west-2 is a tie: edge:eu-west-1 and edge:us-east-1 are equal in all that is documented, and ` +
		`traffic ends at a2, or ends at a1 (all 2 outcomes were tried)`
	if got := findings(tied, analysis.CheckTie); !slices.Equal(got, []string{want}) {
		t.Errorf("got %q", got)
	}
	// Not of luck: one place where it ends, a shorter path, tunnels that are used together.
	single := compute(t, strings.Replace(network(twoSegments, "", vpc("a1", "us-east-1", "10.0.0.0/16")+","+
		`{id: v1, type: site-to-site-vpn, edges: [eu-west-1], tags: {domain: a}, announcements: [{prefix: 10.0.0.0/16, asPath: [65001]}, {prefix: 10.9.0.0/16, asPath: [65001]}]},`+
		`{id: v2, type: site-to-site-vpn, edges: [eu-west-1], tags: {domain: a}, announcements: [{prefix: 10.9.0.0/16, asPath: [65001]}]}`),
		"asn-ranges:", "vpn-ecmp-support: false, asn-ranges:", 1))
	if got := findings(single, analysis.CheckTie); len(got) != 1 || !strings.Contains(got[0], "v1 and v2 are equal") {
		t.Errorf("two VPN connections without ECMP: %q", got)
	}
	ecmp := compute(t, strings.Replace(network(twoSegments, "", `
		{id: v1, type: site-to-site-vpn, edges: [eu-west-1], tags: {domain: a}, announcements: [{prefix: 10.9.0.0/16, asPath: [65001]}]},`+
		`{id: v2, type: site-to-site-vpn, edges: [eu-west-1], tags: {domain: a}, announcements: [{prefix: 10.9.0.0/16, asPath: [65001]}]}`),
		"asn-ranges:", "vpn-ecmp-support: true, asn-ranges:", 1))
	if got := findings(ecmp, analysis.CheckTie); len(got) != 0 {
		t.Errorf("two VPN connections with ECMP: %q", got)
	}
}

// A second prefix whose answers are lost is a loss, whatever becomes of the first.
func TestDoctor_everyPrefixBothWays(t *testing.T) {
	net := compute(t, network(`{name: a, require-attachment-acceptance: false, deny-filter: [b]}, {name: b, require-attachment-acceptance: false}`,
		`{action: share, mode: attachment-route, segment: a, share-with: [b]}`, `
		{id: a1, type: vpc, edges: [us-east-1], tags: {domain: a}, announcements: [{prefix: 10.0.0.0/16}]},
		{id: b1, type: vpc, edges: [us-east-1], tags: {domain: b}, announcements: [{prefix: 10.1.0.0/16}]}`))
	if got := findings(net, analysis.CheckOneWay); !slices.Equal(got, []string{"b1 reaches a1, the answer ends: table a@us-east-1 has no route to 10.1.0.1"}) {
		t.Errorf("a filter of one direction: %q", got)
	}
	static := compute(t, network(twoSegments, `{action: share, mode: attachment-route, segment: a, share-with: [b]},
		{action: create-route, segment: a, destination-cidr-blocks: [10.2.0.0/16], destinations: [blackhole]}`, `
		{id: a1, type: vpc, edges: [us-east-1], tags: {domain: a}, announcements: [{prefix: 10.0.0.0/16}]},
		{id: b1, type: vpc, edges: [us-east-1], tags: {domain: b}, announcements: [{prefix: 10.1.0.0/16}, {prefix: 10.2.0.0/16}]}`))
	if got := findings(static, analysis.CheckOneWay); !slices.Equal(got, []string{"b1 reaches a1, the answer ends: 10.2.0.0/16 is a blackhole in table a@us-east-1"}) {
		t.Errorf("a blackhole for the second prefix: %q", got)
	}
}

func TestDoctor_limits(t *testing.T) {
	var announced []string
	for i := range 1001 {
		announced = append(announced, fmt.Sprintf("{prefix: 10.%d.%d.0/24}", i/256, i%256))
	}
	net := compute(t, network(twoSegments, "", `{id: v1, type: site-to-site-vpn, edges: [us-east-1], tags: {domain: a}, announcements: [`+strings.Join(announced, ",")+`]}`))
	if got := findings(net, analysis.CheckPrefixLimit); !slices.Equal(got, []string{"attachment v1 announces 1001 prefixes at us-east-1; AWS takes 1000"}) {
		t.Errorf("got %q", got)
	}
}

// A segment that has no table where a route is shared in sends there all the same.
func TestPath_shareFromAnEdgeWithoutTable(t *testing.T) {
	net := compute(t, network(`{name: a, require-attachment-acceptance: false, edge-locations: [us-east-1]}, {name: b, require-attachment-acceptance: false}`,
		`{action: share, mode: attachment-route, segment: a, share-with: [b]}`, `
		{id: a1, type: vpc, edges: [us-east-1], tags: {domain: a}, announcements: [{prefix: 10.0.0.0/16}]},
		{id: b1, type: vpc, edges: [eu-west-1], tags: {domain: b}, announcements: [{prefix: 10.1.0.0/16}]}`))
	p, err := net.Path("a1", "", address("10.1.0.1"), address("10.0.0.1"))
	if err != nil || p.Verdict != analysis.Delivered || p.Forward.At != "b1" || len(p.Forward.Hops) != 2 {
		t.Errorf("got %+v %v", p, err)
	}
	if got := net.Doctor(); len(got) != 0 {
		t.Errorf("a sound network: %+v", got)
	}
	for _, r := range net.SegmentMatrix() {
		if r.From != r.To && !r.Reaches() {
			t.Errorf("%s to %s: %+v", r.From, r.To, r)
		}
	}
}

const egress = `{action: send-to, segment: a, via: {network-function-groups: [fw]}}`

// What send-to hands to an appliance is the appliance's business: where its table leads may be reached, and an address
// beyond counts as reached by who says via.
func TestAssert_handedOver(t *testing.T) {
	net := compute(t, network(`{name: a, require-attachment-acceptance: false, isolate-attachments: true}, {name: b, require-attachment-acceptance: false}`,
		egress+`,{action: send-to, segment: b, via: {network-function-groups: [fw]}}`, `
		{id: a1, type: vpc, edges: [us-east-1], tags: {domain: a}, announcements: [{prefix: 10.0.0.0/16}]},
		{id: b1, type: vpc, edges: [us-east-1], tags: {domain: b}, announcements: [{prefix: 10.1.0.0/16}]},
		{id: f1, type: vpc, edges: [us-east-1], tags: {nfg: fw}}`))
	for text, want := range map[string]string{
		"a reaches 192.0.2.7 via fw":   "",
		"a reaches 0.0.0.0/0 via fw":   "",
		"a reaches b via fw":           "",
		"a cannot reach 192.0.2.7":     "",
		"a reaches 192.0.2.7":          "192.0.2.7 from a1 is handed to fw@us-east-1 (f1), and what that does with it is not known",
		"a reaches b not via fw":       "10.1.0.1 from a1 is handed to fw@us-east-1 (f1), and what that does with it is not known",
		"a cannot reach b":             "a1 reaches 10.1.0.1, by b1, if fw@us-east-1 (f1) passes it on",
		"a cannot reach 10.1.0.0/16":   "a1 reaches 10.1.0.1, by b1, if fw@us-east-1 (f1) passes it on",
		"a reaches 192.0.2.7 via nope": "192.0.2.7 from a1 is handed to fw@us-east-1 (f1), and what that does with it is not known",
	} {
		list, err := analysis.ParseAssertions(text)
		if err != nil {
			t.Fatal(err)
		}
		if o := net.Assert(list)[0]; o.Holds != (want == "") || o.Reason != want {
			t.Errorf("%s: %t %q, want %q", text, o.Holds, o.Reason, want)
		}
	}
	p, err := net.Path("a1", "", address("192.0.2.7"), address("10.0.0.1"))
	if err != nil || p.Verdict != analysis.HandedOver || p.Back == nil || p.Back.At != "a1" {
		t.Errorf("the way back from the appliance: %+v %v", p, err)
	}
}

func TestParseAssertions_errorsHavePlaces(t *testing.T) {
	for text, want := range map[string]string{
		"# fine\n\n a reches b":       `line 3, column 4: want reaches or cannot or is, not "reches"`,
		"a reaches":                   "line 1, column 10: the line ends where a segment, an attachment, a prefix or an address is wanted",
		"ä\treaches ::ffff:192.0.2.1": `line 1, column 11: "::ffff:192.0.2.1" is neither a prefix nor an address`,
		"a reaches b via fw too":      `line 1, column 20: "too" is one word too many`,
		"10.0/8 is in table a at e":   `line 1, column 1: "10.0/8" is not a prefix such as 10.0.0.0/8`,
		"10.0.0.0/8 is in tables a":   `line 1, column 18: want table, not "tables"`,
		"a cannot reach b via fw":     `line 1, column 18: "via" is one word too many`,
		"a reaches b not fw # or so":  `line 1, column 17: want via, not "fw"`,
	} {
		if _, err := analysis.ParseAssertions(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// Some of what two attachments send no longer passes the appliance, the rest does.
func TestCompare_partOfAPairIsNoMoreInspected(t *testing.T) {
	const via = `{action: send-via, segment: a, mode: single-hop, when-sent-to: {segments: [b]}, via: {network-function-groups: [fw]}}`
	attachments := `
		{id: a1, type: vpc, edges: [us-east-1], tags: {domain: a}, announcements: [{prefix: 10.0.0.0/16}]},
		{id: b1, type: vpc, edges: [us-east-1], tags: {domain: b}, announcements: [{prefix: 10.1.0.0/16}, {prefix: 10.2.0.0/16}]},
		{id: f1, type: vpc, edges: [us-east-1], tags: {nfg: fw}}`
	withID := strings.ReplaceAll(attachments, "b1", "attachment-0123456789abcdef0")
	before := compute(t, network(twoSegments, via, withID))
	after := compute(t, network(twoSegments, via+`,{action: create-route, segment: a, destination-cidr-blocks: [10.2.0.0/16], destinations: [attachment-0123456789abcdef0]}`, withID))
	c := analysis.Compare(before, after)
	if !slices.ContainsFunc(c.Attachments, func(p analysis.PairChange) bool {
		return p.From == "a1" && len(p.InspectionLost()) == 0 && p.Bypassed()
	}) {
		t.Errorf("got %+v", c.Attachments)
	}
}

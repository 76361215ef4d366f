package analysis_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"portolan/internal/analysis"
	"portolan/internal/page"
	"portolan/internal/snapshot"
	"portolan/routing"
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

func findings(t *testing.T, net *analysis.Subject, check string) (list []string) {
	for _, f := range found(t, net) {
		if f.Name == check {
			list = append(list, f.Message)
		}
	}
	return list
}

const twoSegments = `{name: a, require-attachment-acceptance: false}, {name: b, require-attachment-acceptance: false}`

// TestDoctor_tiesWithEveryOutcome: a best path that no documented criterion decides is found by computing the network
// for each outcome.
func TestDoctor_tiesWithEveryOutcome(t *testing.T) {
	vpc := func(id, edge, prefix string) string {
		return fmt.Sprintf(`{id: %s, type: vpc, edges: [%s], tags: {domain: a}, announcements: [{prefix: %s}]}`, id, edge, prefix)
	}
	tied := compute(t, network(twoSegments, "", vpc("a1", "us-east-1", "10.0.0.0/16")+","+vpc("a2", "eu-west-1", "10.0.0.0/16")))
	want := `10.0.0.0/16 in table a@eu-west-2: non-deterministic best path: edge:eu-west-1 and edge:us-east-1 tie on every documented criterion; ` +
		`traffic ends at a2, or ends at a1 (all 2 outcomes were tried)`
	if got := findings(t, tied, analysis.CheckTie); !slices.Equal(got, []string{want}) {
		t.Errorf("got %q", got)
	}
	// Deterministic: one place where it ends, a shorter path, tunnels that are used together.
	single := compute(t, strings.Replace(network(twoSegments, "", vpc("a1", "us-east-1", "10.0.0.0/16")+","+
		`{id: v1, type: site-to-site-vpn, edges: [eu-west-1], tags: {domain: a}, announcements: [{prefix: 10.0.0.0/16, asPath: [65001]}, {prefix: 10.9.0.0/16, asPath: [65001]}]},`+
		`{id: v2, type: site-to-site-vpn, edges: [eu-west-1], tags: {domain: a}, announcements: [{prefix: 10.9.0.0/16, asPath: [65001]}]}`),
		"asn-ranges:", "vpn-ecmp-support: false, asn-ranges:", 1))
	if got := findings(t, single, analysis.CheckTie); len(got) != 1 || !strings.Contains(got[0], "v1 and v2 tie") {
		t.Errorf("two VPN connections without ECMP: %q", got)
	}
	ecmp := compute(t, strings.Replace(network(twoSegments, "", `
		{id: v1, type: site-to-site-vpn, edges: [eu-west-1], tags: {domain: a}, announcements: [{prefix: 10.9.0.0/16, asPath: [65001]}]},`+
		`{id: v2, type: site-to-site-vpn, edges: [eu-west-1], tags: {domain: a}, announcements: [{prefix: 10.9.0.0/16, asPath: [65001]}]}`),
		"asn-ranges:", "vpn-ecmp-support: true, asn-ranges:", 1))
	if got := findings(t, ecmp, analysis.CheckTie); len(got) != 0 {
		t.Errorf("two VPN connections with ECMP: %q", got)
	}
}

// TestDoctor_everyPrefixBothWays: a second prefix whose answers are lost is a loss, whatever becomes of the first.
func TestDoctor_everyPrefixBothWays(t *testing.T) {
	net := compute(t, network(`{name: a, require-attachment-acceptance: false, deny-filter: [b]}, {name: b, require-attachment-acceptance: false}`,
		`{action: share, mode: attachment-route, segment: a, share-with: [b]}`, `
		{id: a1, type: vpc, edges: [us-east-1], tags: {domain: a}, announcements: [{prefix: 10.0.0.0/16}]},
		{id: b1, type: vpc, edges: [us-east-1], tags: {domain: b}, announcements: [{prefix: 10.1.0.0/16}]}`))
	if got := findings(t, net, analysis.CheckOneWay); !slices.Equal(got, []string{"b1 reaches a1; the return path fails: table a@us-east-1 has no route to 10.1.0.1"}) {
		t.Errorf("a filter of one direction: %q", got)
	}
	static := compute(t, network(twoSegments, `{action: share, mode: attachment-route, segment: a, share-with: [b]},
		{action: create-route, segment: a, destination-cidr-blocks: [10.2.0.0/16], destinations: [blackhole]}`, `
		{id: a1, type: vpc, edges: [us-east-1], tags: {domain: a}, announcements: [{prefix: 10.0.0.0/16}]},
		{id: b1, type: vpc, edges: [us-east-1], tags: {domain: b}, announcements: [{prefix: 10.1.0.0/16}, {prefix: 10.2.0.0/16}]}`))
	if got := findings(t, static, analysis.CheckOneWay); !slices.Equal(got, []string{"b1 reaches a1; the return path fails: 10.2.0.0/16 is a blackhole in table a@us-east-1"}) {
		t.Errorf("a blackhole for the second prefix: %q", got)
	}
}

func TestDoctor_limits(t *testing.T) {
	var announced []string
	for i := range 1001 {
		announced = append(announced, fmt.Sprintf("{prefix: 10.%d.%d.0/24}", i/256, i%256))
	}
	net := compute(t, network(twoSegments, "", `{id: v1, type: site-to-site-vpn, edges: [us-east-1], tags: {domain: a}, announcements: [`+strings.Join(announced, ",")+`]}`))
	if got := findings(t, net, analysis.CheckPrefixLimit); !slices.Equal(got, []string{"attachment v1 announces 1001 prefixes at us-east-1; the AWS quota is 1000"}) {
		t.Errorf("got %q", got)
	}
}

func TestDoctor_missingApplianceAndBlackholes(t *testing.T) {
	names := func(net *analysis.Subject) (list []string) {
		for _, f := range found(t, net) {
			if !slices.Contains(list, f.Name) {
				list = append(list, f.Name)
			}
		}
		return list
	}
	if got := names(compute(t, inspected)); len(got) != 0 {
		t.Errorf("a sound network: %v", got)
	}
	broken := compute(t, strings.Replace(inspected, "  - {id: a6, type: vpc, edges: [eu-west-1], tags: {nfg: fw}}\n", "", 1))
	got := names(broken)
	for _, want := range []string{analysis.CheckMissingAppliance, analysis.CheckBlackhole} {
		if !slices.Contains(got, want) {
			t.Errorf("without the appliance in Europe: %v, want %s", got, want)
		}
	}
	down := names(compute(t, strings.Replace(inspected, "{id: a4, type: vpc,", "{id: a4, type: vpc, state: FAILED,", 1)))
	if !slices.Contains(down, analysis.CheckDown) {
		t.Errorf("with a failed attachment: %v", down)
	}
	twice := names(compute(t, strings.Replace(inspected, "prefix: 10.11.0.0/16", "prefix: 10.10.0.0/16", 1)))
	if !slices.Contains(twice, analysis.CheckOverlap) {
		t.Errorf("with one prefix twice: %v", twice)
	}
}

// TestDoctor_dropsNameTheirRule: what a rule of a routing policy drops is a note for each rule, which names the rule and, beside
// each prefix, the attachment that announces it.
func TestDoctor_dropsNameTheirRule(t *testing.T) {
	vpn := func(id, edge, prefixes string) string {
		return fmt.Sprintf(`{id: %s, type: site-to-site-vpn, edges: [%s], tags: {domain: a}, routingPolicyLabel: branch, announcements: [%s]}`, id, edge, prefixes)
	}
	text := strings.Replace(network(twoSegments, "", vpn("v1", "us-east-1", "{prefix: 10.1.0.0/24, asPath: [65001]}, {prefix: 10.2.0.0/24, asPath: [65001]}")+","+
		vpn("v2", "eu-west-1", "{prefix: 10.1.1.0/24, asPath: [65002]}")+
		`,{id: v3, type: vpc, edges: [us-east-1], tags: {domani: a}, announcements: [{prefix: 10.9.0.0/16}]}`), `version: "2021.12"`, `version: "2025.11"
  attachment-routing-policy-rules: [{rule-number: 1, conditions: [{type: routing-policy-label, value: branch}], action: {associate-routing-policies: [f]}}]
  routing-policies: [{routing-policy-name: f, routing-policy-direction: inbound, routing-policy-number: 1, routing-policy-rules: [
    {rule-number: 10, rule-definition: {condition-logic: or, match-conditions: [{type: prefix-in-cidr, value: 10.1.0.0/16}], action: {type: drop}}},
    {rule-number: 20, rule-definition: {condition-logic: or, match-conditions: [{type: prefix-in-cidr, value: 10.3.0.0/16}], action: {type: drop}}}]}]`, 1)
	snap, err := snapshot.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	net, err := analysis.Examine(snap, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := net.Doctor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := pageText(t, d)
	want := `error attachment-not-associated: attachment v3 is AVAILABLE but not associated: no attachment-policy rule matches; likely cause: its tag "domani"
  nearest: rule 200 would associate it with segment a: it has tag "domani", which looks like a misspelling of tag "domain" ($.attachment-policies[1])
  fix: rename tag domani to domain, or change rule 200 of the attachment policies
  impact: it is in no segment and carries no traffic; no route leads to 10.9.0.0/16
warning routing-rule-matches-no-route: rule 20 of routing policy f matches no route: prefix-in-cidr 10.3.0.0/16; action drop, inbound ($.routing-policies[0].routing-policy-rules[1])
  used by label branch: v1, v2
  nearest: these attachments announce 10.2.0.0/24, 10.1.0.0/24, 10.1.1.0/24
note dropped-by-routing-policy: attachment v1 announces 10.1.0.0/24, but rule 10 of routing policy f (inbound) drops it: prefix-in-cidr 10.1.0.0/16 ($.routing-policies[0].routing-policy-rules[0])
  and 1 more: v2 10.1.1.0/24
3 findings: 1 error, 1 warning, 1 note
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}

	for _, c := range []struct{ report, want string }{
		{pageText(t, net.Attachments()), "10.1.0.0/24: rule 10 of routing policy f (inbound) drops it: prefix-in-cidr 10.1.0.0/16\n"},
		{pageText(t, why(t, net, "10.1.0.0/24")), "    dropped by routing policy f rule 10 (inbound) in a at us-east-1: prefix-in-cidr 10.1.0.0/16 ($.routing-policies[0].routing-policy-rules[0])\n"},
	} {
		if strings.Count(c.report, c.want) != 1 || strings.Contains(c.report, "attachment-policy in") {
			t.Errorf("%q is not there once:\n%s", c.want, c.report)
		}
	}
}

func why(t *testing.T, net *analysis.Subject, prefix string) *analysis.Why {
	t.Helper()
	y, err := net.Why(prefix, routing.TableID{Segment: "a", Edge: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	return y
}

// pageText is a report as text.
func pageText(t *testing.T, r analysis.Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Page().Text(&b, page.Style{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDoctor_orderOfAttachments: what is found about a conversation, and what is one finding, does not hang on the order of the
// attachments: here only d, which two edge locations have, begins the conversations that two appliances see.
func TestDoctor_orderOfAttachments(t *testing.T) {
	attachments := []string{
		`{id: a1, type: vpc, edges: [eu-west-1], tags: {domain: a}, announcements: [{prefix: 10.1.0.0/16}]}`,
		`{id: d, type: direct-connect-gateway, edges: [us-east-1, eu-west-1], tags: {domain: b}, announcements: [
			{prefix: 10.9.0.0/16, asPath: [65100, 65101], edge: us-east-1}, {prefix: 10.9.0.0/16, asPath: [65100, 65101], edge: eu-west-1}]}`,
		`{id: a2, type: vpc, edges: [eu-west-1], tags: {domain: a}, announcements: [{prefix: 10.2.0.0/16}]}`,
		`{id: f1, type: vpc, edges: [us-east-1], tags: {nfg: fw}}, {id: f2, type: vpc, edges: [eu-west-1], tags: {nfg: fw}}`,
	}
	for range attachments {
		for range 2 {
			slices.Reverse(attachments)
			net := compute(t, network(twoSegments,
				`{action: send-via, segment: a, mode: single-hop, when-sent-to: {segments: [b]}, via: {network-function-groups: [fw]}}`, strings.Join(attachments, ",")))
			var got []string
			for _, f := range found(t, net) {
				if f.Name == analysis.CheckAsymmetric {
					got = append(got, fmt.Sprint(f.Count, " times: ", f.Message))
				}
			}
			if len(got) != 1 || !strings.HasPrefix(got[0], "2 times: d to a") {
				t.Errorf("%s: got %q", strings.Join(attachments, ", "), got)
			}
		}
		attachments = append(attachments[1:], attachments[0])
	}
}

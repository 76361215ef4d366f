package analysis_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"portolan/internal/analysis"
	"portolan/internal/page"
)

// natNetwork is VPC1, VPC2 and VPC3 of prod, of which the first two have equal CIDRs and NAT as given: "SOURCE>NAT".
func natNetwork(nat1, nat2, nat3 string) string {
	vpc := func(id, edge, cidr, nat string) string {
		text := "{id: " + id + ", type: vpc, edges: [" + edge + "], tags: {domain: prod}, announcements: [{prefix: " + cidr + "}]"
		if source, to, ok := strings.Cut(nat, ">"); ok {
			text += ", nat: {enabled: true, rules: [{ruleNumber: 1, matchSourceCidr: " + source + ", natCidr: " + to + "}]}"
		}
		return text + "}"
	}
	return network("{name: prod, require-attachment-acceptance: false}", "", strings.Join([]string{
		vpc("vpc1", "us-east-1", "10.0.0.0/16", nat1), vpc("vpc2", "eu-west-1", "10.0.0.0/16", nat2), vpc("vpc3", "us-east-1", "10.3.0.0/16", nat3),
	}, ", "))
}

const (
	nat64 = "10.0.0.0/16>100.64.0.0/16"
	nat65 = "10.0.0.0/16>100.65.0.0/16"
)

// TestPath_NAT: translation at the entry and at delivery, both ways.
func TestPath_NAT(t *testing.T) {
	one, both, part := compute(t, natNetwork("", nat64, "")), compute(t, natNetwork(nat65, nat64, "")), compute(t, natNetwork("", "", "10.3.4.0/24>100.66.4.0/24"))
	for _, c := range []struct {
		name             string
		net              *analysis.Subject
		from, source, to string
		verdict          analysis.Verdict
		forward, back    string // source seen, destination behind the attachment
		reason           string
	}{
		{
			"equal networks, NAT on one side", one, "vpc1", "10.0.1.5", "100.64.2.9", analysis.OneWay, "10.0.1.5 10.0.2.9", "100.64.2.9 ",
			"the return path fails: 10.0.1.5 lies in 10.0.0.0/16 of the VPC of vpc2: its local route keeps the packet",
		},
		{"equal networks, NAT on both sides", both, "vpc1", "10.0.1.5", "100.64.2.9", analysis.Delivered, "100.65.1.5 10.0.2.9", "100.64.2.9 10.0.1.5", ""},
		{"from a network of its own", one, "vpc3", "10.3.0.7", "100.64.0.1", analysis.Delivered, "10.3.0.7 10.0.0.1", "100.64.0.1 10.3.0.7", ""},
		{"the other way round", one, "vpc2", "10.0.0.1", "10.3.0.7", analysis.Delivered, "100.64.0.1 10.3.0.7", "10.3.0.7 10.0.0.1", ""},
		{"an address of the own VPC", one, "vpc1", "10.0.1.5", "10.0.2.9", analysis.LocalRoute, "10.0.1.5 ", "", "10.0.2.9 lies in"},
		{"part of a VPC: what is translated", part, "vpc3", "10.3.4.9", "10.0.0.1", analysis.Delivered, "100.66.4.9 10.0.0.1", "10.0.0.1 10.3.4.9", ""},
		{"part of a VPC: what is not", part, "vpc3", "10.3.5.9", "10.0.0.1", analysis.Delivered, "10.3.5.9 10.0.0.1", "10.0.0.1 10.3.5.9", ""},
		{
			"to an untranslated address", part, "vpc1", "10.0.0.1", "10.3.4.9", analysis.OneWay, "10.0.0.1 10.3.4.9", "100.66.4.9 10.0.0.1",
			"NAT of vpc3 translates the source of the answer to 100.66.4.9, the packet was sent to 10.3.4.9",
		},
		{
			"from a NAT address", part, "vpc3", "100.66.4.9", "10.0.0.1", analysis.OneWay, "100.66.4.9 10.0.0.1", "10.0.0.1 10.3.4.9",
			"NAT of vpc3 translates the destination of the answer to 10.3.4.9, the packet was sent from 100.66.4.9",
		},
	} {
		p, err := c.net.RoundTrip(c.from, "", netip.MustParseAddr(c.to), netip.MustParseAddr(c.source))
		if err != nil {
			t.Fatal(err)
		}
		if p.Verdict != c.verdict || !strings.Contains(p.Reason, c.reason) {
			t.Errorf("%s: %s: %s", c.name, p.Verdict, p.Reason)
		}
		if got := ends(p.Forward); got != c.forward {
			t.Errorf("%s: forward %q, want %q", c.name, got, c.forward)
		}
		if got := ends(p.Back); got != c.back {
			t.Errorf("%s: back %q, want %q", c.name, got, c.back)
		}
	}
}

// ends is the source in the core network and the destination where it is delivered.
func ends(w *analysis.Way) string {
	if w == nil {
		return ""
	}
	text := w.Seen.String() + " "
	if w.Verdict == analysis.Delivered {
		text += w.Arrived.String()
	}
	return text
}

// TestPath_NATInspected: an appliance sees the addresses that NAT makes, on both sides.
func TestPath_NATInspected(t *testing.T) {
	net := compute(t, network(twoSegments, `{action: send-via, segment: a, mode: single-hop, when-sent-to: {segments: [b]}, via: {network-function-groups: [fw]}}`, `
		{id: a1, type: vpc, edges: [us-east-1], tags: {domain: a}, announcements: [{prefix: 10.0.0.0/16}], nat: {enabled: true, rules: [{ruleNumber: 1, matchSourceCidr: 10.0.0.0/16, natCidr: 100.65.0.0/16}]}},
		{id: b1, type: vpc, edges: [us-east-1], tags: {domain: b}, announcements: [{prefix: 10.0.0.0/16}], nat: {enabled: true, rules: [{ruleNumber: 1, matchSourceCidr: 10.0.0.0/16, natCidr: 100.64.0.0/16}]}},
		{id: f1, type: vpc, edges: [us-east-1], tags: {nfg: fw}}`))
	p, err := net.Path("a1", "", "100.64.2.9", "10.0.1.5")
	if err != nil {
		t.Fatal(err)
	}
	want := analysis.InspectionReport{NetworkFunctionGroup: "fw", Edge: "us-east-1", Attachment: "f1", Source: "100.65.1.5", Destination: "100.64.2.9"}
	if got := p.Forward.Inspections; p.Verdict != "delivered" || !slices.Equal(got, []analysis.InspectionReport{want}) {
		t.Errorf("%s: %+v", p.Verdict, got)
	}
	want.Source, want.Destination = want.Destination, want.Source
	if got := p.Return.Inspections; !slices.Equal(got, []analysis.InspectionReport{want}) {
		t.Errorf("return: %+v", got)
	}
	var text strings.Builder
	if err := net.Page(p).Text(&text, page.Style{}); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"  NAT at a1: source 10.0.1.5 → 100.65.1.5\n", "  a@us-east-1: 100.64.0.0/16 → nfg:f1 (100.65.1.5 to 100.64.2.9)\n",
		"  NAT at b1: destination 100.64.2.9 → 10.0.2.9\n", "return: from b1 at us-east-1 to 100.65.1.5\n  NAT at b1: source 10.0.2.9 → 100.64.2.9\n",
	} {
		if !strings.Contains(text.String(), line) {
			t.Errorf("no %q in\n%s", line, &text)
		}
	}
}

// TestMatrix_NAT: NAT CIDRs are what an attachment is reached by, and a VPC never sends to its own CIDR.
func TestMatrix_NAT(t *testing.T) {
	reach := func(net *analysis.Subject) string {
		pairs, err := net.AttachmentMatrix(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, r := range pairs {
			b.WriteString(r.From + " " + r.To + " " + string(r.Verdict) + "\n")
		}
		return b.String()
	}
	got := reach(compute(t, natNetwork("", nat64, "")))
	want := "vpc1 vpc2 delivered\nvpc1 vpc3 delivered\nvpc2 vpc1 local\nvpc2 vpc3 delivered\nvpc3 vpc1 delivered\nvpc3 vpc2 delivered\n"
	if got != want {
		t.Errorf("NAT on one side:\n%s", got)
	}
	if got := reach(compute(t, natNetwork(nat65, nat64, ""))); strings.Count(got, "delivered") != 6 {
		t.Errorf("NAT on both sides:\n%s", got)
	}
	if got := reach(compute(t, natNetwork("", "", ""))); !strings.Contains(got, "vpc1 vpc2 local") || !strings.Contains(got, "vpc2 vpc1 local") {
		t.Errorf("equal networks without NAT:\n%s", got)
	}
	segments := matrix(t, compute(t, natNetwork("", nat64, "")))
	if r := segments[0]; r.Delivered != 4 || r.Samples != 5 || r.Verdict != analysis.LocalRoute || !slices.Equal(r.Failures, []string{"10.0.0.1 lies in 10.0.0.0/16 of the VPC of vpc2: its local route keeps the packet"}) {
		t.Errorf("prod to prod: %+v", r)
	}
}

// TestMatrix_NATOfConnect: what a Connect peer announces untranslated is delivered, and answered from the NAT CIDR.
func TestMatrix_NATOfConnect(t *testing.T) {
	connect := func(announced string) *analysis.Subject {
		return compute(t, network(twoSegments, "", `{id: a1, type: vpc, edges: [us-east-1], tags: {domain: a}, announcements: [{prefix: 10.0.0.0/16}]},
			{id: c1, type: connect, edges: [us-east-1], tags: {domain: a}, peers: [{id: p1, asn: 65010, announcements: [`+announced+`]}],
			 nat: {enabled: true, rules: [{ruleNumber: 1, matchSourceCidr: 192.168.0.0/24, natCidr: 100.68.0.0/24}]}}`))
	}
	silent := connect("{prefix: 192.168.0.0/24, asPath: [65010]}")
	pairs, err := silent.AttachmentMatrix(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r := pairs[0]; r.Verdict != analysis.OneWay || !slices.Equal(r.Failures, []string{"192.168.0.1 is delivered to c1, NAT translates the source of the answer to 100.68.0.1"}) {
		t.Errorf("got %+v", r)
	}
	if got := findings(t, silent, analysis.CheckNATNotRouted); !slices.Equal(got, []string{
		"attachment c1 translates 192.168.0.0/24 to 100.68.0.0/24, but no route leads 100.68.0.0/24 to it: its Connect peers must announce the NAT CIDR",
	}) {
		t.Errorf("got %q", got)
	}
	sound := connect("{prefix: 100.68.0.0/24, asPath: [65010]}")
	if got := append(findings(t, sound, analysis.CheckNATNotRouted), findings(t, sound, analysis.CheckNATUntranslated)...); len(got) != 0 {
		t.Errorf("announced: %q", got)
	}
	twice := connect("{prefix: 100.68.0.0/24, asPath: [65010]}, {prefix: 192.168.0.0/24, asPath: [65010]}")
	if got := findings(t, twice, analysis.CheckNATUntranslated); !slices.Equal(got, []string{
		"192.168.0.0/24 is still routed to attachment c1, but answers from it have source addresses of 100.68.0.0/24: send to the NAT CIDR instead",
	}) {
		t.Errorf("both announced: %q", got)
	}
}

// TestDoctor_NAT: overlaps that one side only translates, and what has no such problem.
func TestDoctor_NAT(t *testing.T) {
	checks := []string{analysis.CheckNATOverlap, analysis.CheckNATNotRouted, analysis.CheckNATUntranslated, analysis.CheckOneWay, analysis.CheckOverlap}
	of := func(net *analysis.Subject) (list []string) {
		for _, c := range checks {
			list = append(list, findings(t, net, c)...)
		}
		return list
	}
	if got := of(compute(t, natNetwork("", nat64, ""))); !slices.Equal(got, []string{
		"vpc1 reaches vpc2 by NAT; the return path fails: 10.0.0.1 lies in 10.0.0.0/16 of the VPC of vpc2: its local route keeps the packet; the overlap must be translated on both sides",
	}) {
		t.Errorf("NAT on one side: %q", got)
	}
	if got := of(compute(t, natNetwork(nat65, nat64, ""))); len(got) != 0 {
		t.Errorf("NAT on both sides: %q", got)
	}
	if got := findings(t, compute(t, natNetwork(nat64, nat64, "")), analysis.CheckOverlap); !slices.Equal(got, []string{"100.64.0.0/16 is announced by vpc1 and vpc2: the best path differs between route tables"}) {
		t.Errorf("one NAT CIDR twice: %q", got)
	}
	if got := of(compute(t, natNetwork("", nat65, "10.3.4.0/24>100.66.4.0/24"))); !slices.Contains(got, "10.3.4.0/24 is still routed to attachment vpc3, but answers from it have source addresses of 100.66.4.0/24: send to the NAT CIDR instead") {
		t.Errorf("part of a VPC: %q", got)
	}
}

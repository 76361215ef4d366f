package policy_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"portolan/policy"
)

// groupPolicy sends what has the tag fw to a group, asking where the tag ask is, and the rest to a segment.
const groupPolicy = `{"version":"2021.12","core-network-configuration":{"asn-ranges":["64512-64599"],"edge-locations":[{"location":"eu-west-1"},{"location":"us-east-1"}]},
	"segments":[{"name":"prod","require-attachment-acceptance":false}],"network-function-groups":[{"name":"fw","require-attachment-acceptance":false}],
	"attachment-policies":[
		{"rule-number":10,"conditions":[{"type":"tag-exists","key":"ask"}],"action":{"add-to-network-function-group":"fw","require-acceptance":true}},
		{"rule-number":20,"conditions":[{"type":"tag-exists","key":"fw"}],"action":{"add-to-network-function-group":"fw"}},
		{"rule-number":30,"conditions":[{"type":"any"}],"action":{"association-method":"constant","segment":"prod"}}]}`

func TestAssociateAll_groupTakesOnePerEdge(t *testing.T) {
	p := compiled(t, groupPolicy, nil)
	in := func(group, segment string) policy.Association {
		return policy.Association{NetworkFunctionGroup: group, Segment: segment}
	}
	attached := func(id, tag string, at policy.Association, edges ...string) policy.Attached {
		if edges == nil {
			edges = []string{"eu-west-1"}
		}
		return policy.Attached{Attachment: policy.Attachment{ID: id, Type: "vpc", Edges: edges, Tags: map[string]string{tag: ""}}, At: at}
	}
	with := func(a policy.Attached, change func(*policy.Attached)) policy.Attached {
		change(&a)
		return a
	}
	fixed, out, asks := func(a *policy.Attached) { a.Fixed = true }, func(a *policy.Attached) { a.Out = true }, func(a *policy.Attached) { a.Asks = true }
	nowhere := policy.Association{}
	for _, c := range []struct {
		name string
		list []policy.Attached
		want []string
	}{
		{"the oldest of new ones", []policy.Attached{attached("a", "fw", nowhere), attached("b", "fw", nowhere)}, []string{"fw", "- full by a"}},
		{"one per edge", []policy.Attached{attached("a", "fw", nowhere), attached("b", "fw", nowhere, "us-east-1")}, []string{"fw", "fw"}},
		{"all edges of one must be free", []policy.Attached{attached("a", "fw", nowhere), attached("b", "fw", nowhere, "us-east-1", "eu-west-1"), attached("c", "fw", nowhere, "us-east-1")}, []string{"fw", "- full by a", "fw"}},
		{"the incumbent before an older one", []policy.Attached{attached("a", "fw", in("", "prod")), attached("b", "fw", in("fw", ""))}, []string{"- full by b", "fw"}},
		{"an incumbent that leaves makes room", []policy.Attached{attached("a", "fw", in("", "prod")), attached("b", "net", in("fw", ""))}, []string{"fw", "prod"}},
		{"one that is deleted keeps it", []policy.Attached{attached("a", "fw", nowhere), with(attached("b", "net", in("fw", "")), fixed)}, []string{"- full by b", "fw"}},
		{"one that was rejected takes nothing", []policy.Attached{with(attached("a", "fw", in("fw", "")), out), attached("b", "fw", nowhere)}, []string{"fw", "fw"}},
		{"one that asks stays and takes nothing", []policy.Attached{with(attached("a", "ask", in("", "prod")), asks), attached("b", "fw", nowhere)}, []string{"prod asks fw", "fw"}},
		{"one that asks keeps the group it is in", []policy.Attached{attached("b", "fw", nowhere), with(attached("a", "ask", in("fw", "")), asks)}, []string{"- full by a", "fw"}},
		{"one that asks where its segment is no more", []policy.Attached{with(attached("a", "ask", in("", "gone")), asks)}, []string{"- asks fw"}},
	} {
		for i, a := range p.AssociateAll(c.list) {
			if got := shown(&a); got != c.want[i] {
				t.Errorf("%s: %s is %q, want %q", c.name, a.ID, got, c.want[i])
			}
		}
	}
}

func shown(a *policy.Associated) string {
	at := a.Next.Segment + a.Next.NetworkFunctionGroup
	if at == "" {
		at = "-"
	}
	if a.FullGroup != "" {
		at += " full by " + a.FullBy
	}
	if a.Proposal != nil {
		at += " asks " + a.Proposal.Segment + a.Proposal.NetworkFunctionGroup
	}
	return at
}

// TestAssociateAll_isStable: what a policy decided it decides again, and a group never has two attachments at an edge.
func TestAssociateAll_isStable(t *testing.T) {
	p := compiled(t, groupPolicy, nil)
	rapid.Check(t, func(rt *rapid.T) {
		list := make([]policy.Attached, rapid.IntRange(1, 8).Draw(rt, "attachments"))
		members := map[string]string{}
		for i := range list {
			list[i] = policy.Attached{
				Attachment: policy.Attachment{
					ID: fmt.Sprint(i), Type: "direct-connect-gateway",
					Edges: rapid.SampledFrom([][]string{{"eu-west-1"}, {"us-east-1"}, {"us-east-1", "eu-west-1"}}).Draw(rt, "edges"),
					Tags:  map[string]string{rapid.SampledFrom([]string{"fw", "ask", "net"}).Draw(rt, "tag"): ""},
				},
				At:   rapid.SampledFrom([]policy.Association{{}, {Segment: "prod"}, {Segment: "gone"}, {NetworkFunctionGroup: "fw"}}).Draw(rt, "at"),
				Asks: rapid.Bool().Draw(rt, "asks"), Fixed: rapid.Bool().Draw(rt, "fixed"), Out: rapid.Bool().Draw(rt, "out"),
			}
		}
		first := p.AssociateAll(list)
		for i := range first {
			a := &first[i]
			list[i].At, list[i].Asks = a.Next, a.Proposal != nil
			if a.Out || a.Next.NetworkFunctionGroup == "" {
				continue
			}
			for _, e := range a.Edges {
				if other, taken := members[e]; taken {
					rt.Fatalf("%s and %s are at %s", other, a.ID, e)
				}
				members[e] = a.ID
			}
		}
		for i, a := range p.AssociateAll(list) {
			if a.Next != first[i].Next {
				rt.Fatalf("%s is %q, then %q", a.ID, shown(&first[i]), shown(&a))
			}
		}
	})
}

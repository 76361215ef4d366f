package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"portolan/policy"
	"portolan/policy/internal/policytest"
)

// TestScripts runs testdata/scripts: `check` shows every error of a document, `compile` the edges, `associate` decisions,
// `labels` the routing policies of labels, `shared` the segments that share actions join.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		var compiled *policy.Policy
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "check":
				_, errs := check(d.Input)
				return policytest.Render(errs)
			case "compile":
				doc, errs := check(d.Input)
				if len(errs) > 0 {
					return policytest.Render(errs)
				}
				previous := policy.Previous{}
				if d.HasArg("after") {
					for _, e := range compiled.Edges {
						previous[e.Location] = e
					}
				}
				p, errs := policy.Compile(doc, previous)
				if len(errs) > 0 {
					return policytest.Render(errs)
				}
				compiled = p
				var b strings.Builder
				for _, e := range p.Edges {
					fmt.Fprintf(&b, "%s %d %v\n", e.Location, e.ASN, e.InsideCIDRs)
				}
				return b.String()
			case "associate":
				var b strings.Builder
				for line := range strings.Lines(d.Input) {
					b.WriteString(associate(t, compiled, strings.TrimSpace(line)) + "\n")
				}
				return b.String()
			case "labels": // LABEL [EDGE]
				var b strings.Builder
				for line := range strings.Lines(d.Input) {
					label, edge, _ := strings.Cut(strings.TrimSpace(line), " ")
					policies, at := compiled.RoutingPolicies(label, edge)
					fmt.Fprintf(&b, "%s line %d:", strings.TrimSpace(line), at.Line())
					for _, p := range policies {
						b.WriteString(" " + p.Name)
					}
					b.WriteByte('\n')
				}
				return b.String()
			case "shared":
				var b strings.Builder
				for _, s := range compiled.Segments {
					fmt.Fprintf(&b, "%s %v\n", s.Name, s.SharedSegments)
				}
				return b.String()
			case "destinations":
				doc, errs := check(d.Input)
				if len(errs) == 0 {
					errs = policy.CheckDestinations(doc, []policy.Target{
						{AttachmentID: "attachment-00000000000000001", Type: policy.TypeVPC, Edges: []string{"us-east-1"}},
						{AttachmentID: "attachment-00000000000000002", Type: policy.TypeSiteToSiteVPN, Edges: []string{"us-east-1"}},
						{AttachmentID: "attachment-00000000000000003", Type: policy.TypeConnect, Edges: []string{"eu-west-1"}},
						{AttachmentID: "attachment-00000000000000004", Type: policy.TypeDirectConnectGateway, Edges: []string{"us-east-1", "eu-west-1"}},
						{AttachmentID: "attachment-00000000000000005", Type: policy.TypeTransitGatewayRouteTable, Edges: []string{"us-east-1"}},
					})
				}
				return policytest.Render(errs)
			case "aliases":
				doc, errs := check(d.Input)
				if len(errs) == 0 {
					var known string
					d.ScanArgs(t, "known", &known)
					errs = policy.CheckPrefixLists(doc, strings.Split(known, ","))
				}
				return policytest.Render(errs)
			case "orphans":
				doc, errs := check(d.Input)
				if len(errs) == 0 {
					var id, edge string
					d.ScanArgs(t, "id", &id)
					d.ScanArgs(t, "edge", &edge)
					errs = policy.CheckOrphans(doc, []policy.Placement{{AttachmentID: id, Edges: []string{edge}}})
				}
				return policytest.Render(errs)
			default:
				t.Fatalf("unknown command %s", d.Cmd)
				return ""
			}
		})
	})
}

func check(text string) (*policy.Document, policy.Errors) {
	doc, errs := policy.Parse([]byte(text))
	if len(errs) == 0 {
		errs = policy.Check(doc)
	}
	return doc, errs
}

// associate shows where an attachment belongs and why.
func associate(t *testing.T, p *policy.Policy, line string) string {
	t.Helper()
	a := policytest.Attachment(line)
	d := p.Associate(a)
	where := "unassociated"
	switch {
	case d.Segment != "":
		where = "segment " + d.Segment
	case d.NetworkFunctionGroup != "":
		where = "NFG " + d.NetworkFunctionGroup
	}
	out := fmt.Sprintf("%s rule %d: %s", a.ID, d.RuleNumber, where)
	if d.RequireAcceptance {
		out += ", to be accepted"
	}
	if len(d.Trace) > 0 {
		if last := d.Trace[len(d.Trace)-1]; last.Outcome != "" && where == "unassociated" {
			out += " (" + last.Outcome + ")"
		}
	}
	return out
}

func TestParse_tooLarge(t *testing.T) {
	_, errs := policy.Parse([]byte(strings.Repeat(" ", policy.MaxSize+1)))
	if len(errs) != 1 || errs[0].Code != "DOCUMENT_TOO_LARGE" {
		t.Errorf("got %v", errs)
	}
}

// TestCheck_staticRoutes: a core network has 10,000 routes at most: a static one for each block and destination.
func TestCheck_staticRoutes(t *testing.T) {
	action := func(blocks int) string {
		return `{"action": "create-route", "segment": "s", "destinations": ["attachment-0123456789abcdef0", "attachment-0123456789abcdef1"], "destination-cidr-blocks": [` +
			policytest.List(blocks, `"10.%[3]d.%[4]d.0/24"`) + `]}`
	}
	const most = `"segments": [{"name": "s"}], "segment-actions": [%s,
%s,
%s]`
	if _, errs := check(policytest.Document(most, action(2500), action(2499), action(1))); len(errs) > 0 {
		t.Error(policytest.Render(errs))
	}
	_, errs := check(policytest.Document(most, action(2500), action(2501), action(1)))
	want := "2:153 MAXIMUM_ITEMS_EXCEEDED $.segment-actions[1].destination-cidr-blocks: " +
		"a core network has at most 10000 routes, and the static ones are 10002 up to here\n    hint: a wider block takes the place of many\n"
	if got := policytest.Render(errs); got != want {
		t.Errorf("got %s", got)
	}
}

func BenchmarkCheckCompile_1MB(b *testing.B) {
	text := []byte(policytest.Large())
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		doc, errs := policy.Parse(text)
		if len(errs) > 0 {
			b.Fatal(errs)
		}
		if errs := policy.Check(doc); len(errs) > 0 {
			b.Fatal(errs)
		}
		if _, errs := policy.Compile(doc, nil); len(errs) > 0 {
			b.Fatal(errs)
		}
	}
}

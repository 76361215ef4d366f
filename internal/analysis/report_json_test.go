package analysis_test

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"portolan/internal/analysis"
	"portolan/internal/page"
	"portolan/internal/snapshot"
	"portolan/routing"
)

func subject(t *testing.T) *analysis.Subject {
	t.Helper()
	s, err := snapshot.Parse([]byte(inspected))
	if err != nil {
		t.Fatal(err)
	}
	n, err := analysis.Examine(s, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// members are the paths of all members of a JSON value, lists looked into.
func members(at string, v any, into map[string]bool) {
	switch x := v.(type) {
	case map[string]any:
		for name, member := range x {
			into[at+name] = true
			members(at+name+".", member, into)
		}
	case []any:
		for _, item := range x {
			members(at, item, into)
		}
	}
}

// TestReports_membersArePromised keeps the names that scripts rely on.
func TestReports_membersArePromised(t *testing.T) {
	n := subject(t)
	at := routing.TableID{Segment: "dev", Edge: "eu-west-1"}
	must := func(r analysis.Report, err error) analysis.Report {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	path := func() analysis.Report {
		p, err := n.Path("a1", "", "10.11.0.1", "")
		return must(p, err)
	}
	assertions, err := analysis.ParseAssertions("dev cannot reach prod")
	if err != nil {
		t.Fatal(err)
	}
	why, err := n.Why("10.0.0.0/16", at)
	if err != nil {
		t.Fatal(err)
	}
	matrix, err := n.Matrix(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	way := "at edge from hops hops.destinations hops.prefix hops.state hops.table inspections reason to verdict"
	for name, c := range map[string]struct {
		report analysis.Report
		want   string
	}{
		"routes": {must(n.Routes(at, false)), "asPath destinations localPreference med origin prefix state type"},
		"rib":    {must(n.Routes(at, true)), "asPath best destinations localPreference med origin prefix"},
		"why": {why, "asked candidates candidates.detail candidates.localPreference candidates.med candidates.nextHop " +
			"candidates.origin candidates.outcome candidates.steps candidates.steps.detail candidates.steps.dropped candidates.steps.edge " +
			"candidates.steps.kind candidates.steps.line candidates.steps.path candidates.steps.segment prefix route route.destinations route.localPreference " +
			"route.med route.origin route.prefix route.state route.type table"},
		"why-advertised": {must(n.WhyAdvertised("a3", "", "10.10.0.0/16")), "attachment detail edge prefix route steps"},
		"path":           {path(), ""},
		"matrix":         {matrix, "delivered failures from inspectedBy reaches to tried verdict"},
		"test":           {n.Test("f", assertions), "failures failures.line failures.path failures.reason failures.text holding total"},
	} {
		var b bytes.Buffer
		if err := analysis.WriteJSON(&b, c.report); err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(b.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		members("", v, found)
		if name == "path" || name == "test" {
			for member := range strings.FieldsSeq(way) {
				for _, prefix := range map[string][]string{"path": {"forward.", "return."}, "test": {"failures.path."}}[name] {
					if !found[prefix+member] {
						t.Errorf("%s has no %s", name, prefix+member)
					}
				}
			}
			continue
		}
		if got := strings.Join(slices.Sorted(maps.Keys(found)), " "); got != c.want {
			t.Errorf("%s has %s\nwant %s", name, got, c.want)
		}
	}
}

func TestPlan_markdownKeepsNamesNames(t *testing.T) {
	p := &analysis.Plan{
		Changes: []string{"ADD x|y <img src=x> `*[a](b)`\n# head"},
		Routes: func(yield func(analysis.PlanRow) bool) {
			yield(analysis.PlanRow{Table: "a|b@c", Prefix: "10.0.0.0/8", Kind: "rerouted", Before: "<b>", After: "edge:|"})
		},
		RoutesRerouted: 1,
	}
	var b strings.Builder
	if err := p.Page().Markdown(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, bad := range []string{"<img", "<b>", " x|y", "a|b", "\n# head", "](b)\n# "} {
		if strings.Contains(text, bad) {
			t.Errorf("%q is in\n%s", bad, text)
		}
	}
	if !strings.Contains(text, `| a\|b@c | 10.0.0.0/8 | rerouted | &lt;b&gt; | edge:\| |`) {
		t.Errorf("got\n%s", text)
	}
}

func TestPlan_needsTheSnapshot(t *testing.T) {
	s := subject(t)
	known := analysis.Known(s.Tables, s.Snapshot.PrefixLists, s.Snapshot.Attachments)
	if _, err := known.Plan(t.Context(), s.Snapshot.Policy); err == nil {
		t.Error("a plan without a snapshot")
	}
	p, err := s.Plan(t.Context(), s.Snapshot.Policy)
	if err != nil || !p.Empty {
		t.Errorf("the same policy: %+v, %v", p, err)
	}
	want, err := s.Matrix(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	got, err := known.Matrix(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	var a, b strings.Builder
	if err := errors.Join(want.Page().Text(&a, page.Style{}), got.Page().Text(&b, page.Style{})); err != nil || a.String() != b.String() {
		t.Errorf("%v: got\n%s\nwant\n%s", err, &b, &a)
	}
}

func TestPolicyDocument_terraform(t *testing.T) {
	resource := func(address, document string) string {
		text, _ := json.Marshal(document, json.Deterministic(true))
		return `{"address":"` + address + `","mode":"managed","type":"aws_networkmanager_core_network_policy_attachment","name":"x","values":{"policy_document":` + string(text) + `}}`
	}
	plan := func(resources ...string) []byte {
		return []byte(`{"format_version":"1.2","terraform_version":"1.9.0","planned_values":{"root_module":{"resources":[` + strings.Join(resources, ",") + `]}}}`)
	}
	document := `{"version": "2021.12"}`
	if got, err := analysis.PolicyDocument(plan(resource("a.x", document))); err != nil || string(got) != document {
		t.Errorf("got %s, %v", got, err)
	}
	for want, text := range map[string][]byte{
		"no core network policy": plan(), "2 policies": plan(resource("a.x", document), resource("a.y", document)), "there is no policy": nil,
	} {
		if _, err := analysis.PolicyDocument(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

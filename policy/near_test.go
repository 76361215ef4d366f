package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"portolan/policy"
)

const spelled = `{
 "version": "2021.12",
 "core-network-configuration": {"asn-ranges": ["64512-64599"], "edge-locations": [{"location": "us-east-1"}]},
 "segments": [{"name": "prod"}, {"name": "dev"}, {"name": "quarantine"}],
 "network-function-groups": [{"name": "fw", "require-attachment-acceptance": false}],
 "attachment-policies": [
  {"rule-number": 100, "conditions": [{"type": "tag-value", "key": "inspect", "operator": "equals", "value": "true"}], "action": {"add-to-network-function-group": "fw"}},
  {"rule-number": 200, "conditions": [{"type": "tag-exists", "key": "segment"}], "action": {"association-method": "tag", "tag-value-of-key": "segment"}},
  {"rule-number": 300, "condition-logic": "and", "conditions": [{"type": "tag-value", "key": "env", "operator": "equals", "value": "dev1"}, {"type": "attachment-type", "operator": "equals", "value": "vpc"}], "action": {"association-method": "constant", "segment": "dev"}},
  {"rule-number": 310, "conditions": [{"type": "tag-value", "key": "env", "operator": "equals", "value": "dev2"}], "action": {"association-method": "constant", "segment": "dev"}}%s
 ]
}`

func TestNearMisses(t *testing.T) {
	const rest = `, {"rule-number": 900, "conditions": [{"type": "any"}], "action": {"association-method": "constant", "segment": "quarantine"}}`
	for _, c := range []struct {
		name, rest, tags string
		want             []string
	}{
		{"key in another case", "", "Segment=prod", []string{`200 tag "Segment" ~ tag "segment" true prod`}},
		{"key with a letter too few", "", "segmnt=prod", []string{`200 tag "segmnt" ~ tag "segment" false prod`}},
		{"key with two letters changed over", "", "segmetn=prod", []string{`200 tag "segmetn" ~ tag "segment" false prod`}},
		{"key with a space", "", "segment =prod", []string{`200 tag "segment " ~ tag "segment" false prod`}},
		{"value that names no segment", "", "segment=Prod", []string{`200 tag "segment" = "Prod" ~ tag "segment" = "prod" true prod`}},
		{"value of a condition", "", "inspect=True", []string{`100 tag "inspect" = "True" ~ tag "inspect" = "true" true fw`}},
		{"a rule for the rest takes it", rest, "Segment=dev", []string{`200 tag "Segment" ~ tag "segment" true dev`}},
		{"another value that a rule names is meant", rest, "env=dev2", nil},
		{"another word", rest, "owner=prod", nil},
		{"two mistakes", rest, "Segment=Prod", nil},
		{"right", rest, "segment=prod", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, errs := policy.Parse(fmt.Appendf(nil, spelled, c.rest))
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			p, errs := policy.Compile(doc, nil)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			key, value, _ := strings.Cut(c.tags, "=")
			a := policy.Attachment{ID: "a", Type: policy.TypeVPC, Edges: []string{"us-east-1"}, Tags: map[string]string{key: value}}
			var got []string
			for _, n := range p.Speller().NearMisses(&a) {
				got = append(got, fmt.Sprint(n.RuleNumber, " ", n.Has, " ~ ", n.Wants, " ", n.CaseOnly, " ", n.To.Segment+n.To.NetworkFunctionGroup))
				if n.Place.Line() != 6+n.RuleNumber/100 {
					t.Errorf("rule %d is on line %d", n.RuleNumber, n.Place.Line())
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

package policy_test

import (
	"fmt"

	"portolan/policy"
)

// exampleDocument sends every attachment to the segment that its tag names.
const exampleDocument = `{
  "version": "2021.12",
  "core-network-configuration": {"asn-ranges": ["64512-64599"], "edge-locations": [{"location": "us-east-1"}, {"location": "eu-west-1"}]},
  "segments": [{"name": "prod"}, {"name": "dev", "require-attachment-acceptance": false}],
  "attachment-policies": [{
    "rule-number": 100,
    "condition-logic": "or", "conditions": [{"type": "tag-exists", "key": "stage"}],
    "action": {"association-method": "tag", "tag-value-of-key": "stage"}
  }]
}`

// exampleCompiled is a document that is known to be correct.
func exampleCompiled(text string) *policy.Policy {
	doc, errs := policy.Parse([]byte(text))
	if len(errs) > 0 {
		panic(errs)
	}
	p, errs := policy.Compile(doc, nil)
	if len(errs) > 0 {
		panic(errs)
	}
	return p
}

func ExampleCheck() {
	doc, errs := policy.Parse([]byte(`{
  "version": "2021.12",
  "core-network-configuration": {"asn-ranges": ["64512-64599"], "edge-locations": [{"location": "us-east-1"}]},
  "segments": [{"name": "prod"}],
  "segment-actions": [{"action": "share", "mode": "attachment-route", "segment": "prod", "share-with": []}]
}`))
	if len(errs) == 0 {
		errs = policy.Check(doc)
	}
	for _, e := range errs {
		fmt.Println(e.Code, e.Line, e.Path)
	}
	// Output:
	// MINIMUM_ITEMS 5 $.segment-actions[0].share-with
}

func ExamplePolicy_Associate() {
	d := exampleCompiled(exampleDocument).Associate(policy.Attachment{
		ID: "attachment-1", Type: policy.TypeVPC, Edges: []string{"us-east-1"}, Tags: map[string]string{"stage": "prod"},
	})
	fmt.Println(d.Segment, d.RuleNumber, d.RequireAcceptance)
	for _, rule := range d.Trace {
		for _, c := range rule.Conditions {
			fmt.Println(c.Test, "-", c.Held)
		}
	}
	// Output:
	// prod 100 true
	// tag-exists stage - true
}

func ExampleDiff() {
	before := exampleCompiled(exampleDocument)
	after := exampleCompiled(exampleDocument[:len(exampleDocument)-1] + `, "segment-actions": [
		{"action": "create-route", "segment": "dev", "destination-cidr-blocks": ["10.0.0.0/8"], "destinations": ["blackhole"]}]}`)
	for _, c := range policy.Diff(before, after) {
		if c.Type == policy.ChangeAttachmentRouteStatic {
			fmt.Println(c.Action, c.IdentifierPath, c.Edges)
		}
	}
	// Output:
	// ADD ATTACHMENT_ROUTE_STATIC/dev/10.0.0.0/8 [eu-west-1 us-east-1]
}

package lint_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"portolan/policy"
	"portolan/policy/internal/policytest"
	"portolan/policy/lint"
)

type object = map[string]any

// world is every attachment that can be told apart by the conditions that are drawn.
func world() []policy.Attachment {
	var list []policy.Attachment
	edges := [][]string{{"us-east-1"}, {"eu-west-1"}}
	for _, kind := range []string{"vpc", "connect", "site-to-site-vpn", "transit-gateway-route-table", "direct-connect-gateway"} {
		at := edges
		if kind == "direct-connect-gateway" {
			at = append(slices.Clone(edges), []string{"us-east-1", "eu-west-1"})
		}
		for _, e := range at {
			for _, account := range []string{"111122223333", "222233334444"} {
				for _, tag := range []string{"-", "", "prod", "prods", "dev", "x"} {
					a := policy.Attachment{Type: kind, Edges: e, Account: account, ResourceID: "vpc-1", Tags: map[string]string{}}
					if tag != "-" {
						a.Tags["k"] = tag
					}
					list = append(list, a)
				}
			}
		}
	}
	return list
}

func drawCondition(t *rapid.T) object {
	operator := rapid.SampledFrom([]string{"equals", "not-equals", "contains", "begins-with"}).Draw(t, "operator")
	kind := rapid.SampledFrom([]string{"any", "tag-exists", "tag-name", "tag-value", "tag-value", "region", "attachment-type", "account-id", "resource-id"}).Draw(t, "type")
	values := map[string][]string{
		"tag-value":       {"", "p", "prod", "prods", "dev", "rod", "x"},
		"region":          {"", "us-east-1", "eu-west-1", "eu-", "west", "ap-south-1"},
		"attachment-type": {"", "vpc", "vpn", "site-to-site-vpn", "direct-connect-gateway", "t", "c"},
		"account-id":      {"", "111122223333", "222233334444", "1", "11", "x"},
		"resource-id":     {"", "vpc-1", "vpc-", "vpn-1", "VPC"},
	}
	switch kind {
	case "any":
		return object{"type": kind}
	case "tag-exists", "tag-name":
		return object{"type": kind, "key": "k"}
	}
	c := object{"type": kind, "operator": operator, "value": rapid.SampledFrom(values[kind]).Draw(t, "value")}
	if kind == "tag-value" {
		c["key"] = "k"
	}
	return c
}

func drawPolicy(t *rapid.T) []byte {
	rules := []object{}
	for i := range rapid.IntRange(1, 5).Draw(t, "rules") {
		conditions := []object{}
		for range rapid.IntRange(0, 3).Draw(t, "conditions") {
			conditions = append(conditions, drawCondition(t))
		}
		action := rapid.SampledFrom([]object{
			{"association-method": "tag", "tag-value-of-key": "k"},
			{"association-method": "constant", "segment": "prod"},
			{"association-method": "constant", "segment": "dev"},
			{"add-to-network-function-group": "x"},
		}).Draw(t, "action")
		rules = append(rules, object{
			"rule-number": i + 1, "condition-logic": rapid.SampledFrom([]string{"and", "or"}).Draw(t, "logic"), "conditions": conditions, "action": action,
		})
	}
	text, _ := json.Marshal(object{
		"version": "2021.12",
		"core-network-configuration": object{
			"asn-ranges": []string{"64512-64599"}, "edge-locations": []object{{"location": "us-east-1"}, {"location": "eu-west-1"}},
		},
		"segments":                []object{{"name": "prod", "edge-locations": []string{"us-east-1"}}, {"name": "dev", "require-attachment-acceptance": false}},
		"network-function-groups": []object{{"name": "x"}},
		"segment-actions":         []object{{"action": "send-to", "segment": "dev", "via": object{"network-function-groups": []string{"x"}}}},
		"attachment-policies":     rules,
	}, json.Deterministic(true))
	return text
}

// TestRun_attachmentPoliciesModel: what lint says about attachment policies is true of every attachment.
func TestRun_attachmentPoliciesModel(t *testing.T) {
	attachments := world()
	rapid.Check(t, func(t *rapid.T) {
		text := drawPolicy(t)
		doc, errs := policy.Parse(text)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		findings, err := lint.Run(doc, nil, lint.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, _ := policy.Compile(doc, nil)
		said := map[string]bool{} // rule of advice and attachment policy
		for _, f := range findings {
			var rule, condition int
			fmt.Sscanf(f.Path, "$.attachment-policies[%d].conditions[%d]", &rule, &condition)
			said[fmt.Sprint(f.Rule, rule)] = true
			for i := range attachments {
				if why := refute(p, f, rule, condition, &attachments[i]); why != "" {
					t.Fatalf("%s\n%+v: %s: %+v", text, f, why, attachments[i])
				}
			}
		}
		for i := range attachments {
			a := &attachments[i]
			d := p.Associate(*a)
			if len(d.Trace) == 0 || !d.Trace[len(d.Trace)-1].Matched {
				continue
			}
			last := d.Trace[len(d.Trace)-1]
			rule := last.RuleNumber - 1
			switch {
			case strings.Contains(last.Outcome, "to name its segment") && !said[fmt.Sprint("tag-not-required", rule)]:
				t.Fatalf("%s\nrule %d takes %+v without its tag, and nothing is said", text, rule+1, *a)
			case strings.Contains(last.Outcome, "has no table at") && p.AttachmentPolicies[rule].Action.Segment.Known() &&
				!said[fmt.Sprint("rule-segment-at-none-of-its-edges", rule)] && !said[fmt.Sprint("rule-segment-not-at-all-its-edges", rule)]:
				t.Fatalf("%s\nrule %d takes %+v to where there is no table, and nothing is said", text, rule+1, *a)
			}
		}
	})
}

// refute finds an attachment that shows a finding to be wrong.
func refute(p *policy.Policy, f lint.Finding, rule, condition int, a *policy.Attachment) string {
	d := p.Associate(*a)
	var decided *policy.RuleTrace // by the last rule that was tried, if it matched
	if n := len(d.Trace); n > 0 && d.Trace[n-1].Matched {
		decided = &d.Trace[n-1]
	}
	mine := decided != nil && decided.RuleNumber == rule+1
	switch f.Rule {
	case "rule-shadowed", "rule-without-conditions":
		if mine {
			return "it decides"
		}
	case "rule-contradicts-itself":
		if mine {
			return "it matches"
		}
	case "attachment-type-unknown", "region-without-edge", "account-not-an-id", "resource-not-an-id":
		for _, t := range d.Trace {
			if t.RuleNumber == rule+1 && t.Conditions[condition].Held {
				return "the condition holds"
			}
		}
	case "condition-redundant":
		for _, t := range d.Trace {
			switch {
			case t.RuleNumber != rule+1:
			case strings.Contains(f.Message, "every attachment"):
				if !t.Conditions[condition].Held {
					return "the condition does not hold"
				}
			case withoutCondition(p, t, rule, condition) != t.Matched:
				return "the condition decides"
			}
		}
	case "rule-admits-anyone":
		for _, t := range d.Trace {
			if t.RuleNumber == rule+1 && !t.Matched {
				return "it is not met"
			}
		}
	case "rule-segment-at-none-of-its-edges":
		if mine && d.Segment != "" && len(a.Edges) == 1 {
			return "it associates"
		}
	case "segment-without-way-in":
		if d.Segment != "" && strings.Contains(f.Message, "segment "+d.Segment) {
			return "it gets in"
		}
	case "group-without-way-in":
		if d.NetworkFunctionGroup != "" {
			return "it gets in"
		}
	}
	return ""
}

func withoutCondition(p *policy.Policy, t policy.RuleTrace, rule, condition int) bool {
	or := p.AttachmentPolicies[rule].Or
	for i, c := range t.Conditions {
		if i != condition && c.Held == or {
			return or
		}
	}
	return !or
}

// route is what the rules of a routing policy look at.
type route struct {
	prefix    netip.Prefix
	med       int
	community bool // has 1:1
}

// TestRun_routingRulesModel: what lint says about routing rules is true of every route: rules without effect have none.
func TestRun_routingRulesModel(t *testing.T) {
	var routes []route
	blocks := []string{"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "10.0.0.1/32", "::/0", "2001:db8::/32"}
	for _, b := range blocks {
		for _, med := range []int{1, 2} {
			routes = append(routes, route{netip.MustParsePrefix(b), med, false}, route{netip.MustParsePrefix(b), med, true})
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		rules := []object{}
		for i := range rapid.IntRange(1, 5).Draw(t, "rules") {
			matches := []object{}
			for range rapid.IntRange(1, 3).Draw(t, "conditions") {
				matches = append(matches, rapid.SampledFrom([]func() object{
					func() object {
						return object{"type": "prefix-equals", "value": rapid.SampledFrom(blocks).Draw(t, "block")}
					},
					func() object {
						return object{"type": "prefix-in-cidr", "value": rapid.SampledFrom(blocks).Draw(t, "block")}
					},
					func() object { return object{"type": "med-equals", "value": rapid.IntRange(1, 2).Draw(t, "med")} },
					func() object { return object{"type": "community-in-list", "value": "1:1"} },
				}).Draw(t, "match")())
			}
			action := rapid.SampledFrom([]object{
				{"type": "drop"},
				{"type": "allow"},
				{"type": "set-med", "value": 1},
				{"type": "set-med", "value": 2},
				{"type": "add-community", "value": "1:1"},
				{"type": "remove-community", "value": "1:1"},
			}).Draw(t, "action")
			rules = append(rules, object{"rule-number": i + 1, "rule-definition": object{
				"condition-logic": rapid.SampledFrom([]string{"and", "or"}).Draw(t, "logic"), "match-conditions": matches, "action": action,
			}})
		}
		part, _ := json.Marshal(object{"routing-policies": []object{
			{"routing-policy-name": "p", "routing-policy-direction": "outbound", "routing-policy-number": 1, "routing-policy-rules": rules},
		}}, json.Deterministic(true))
		text := policytest.Complete(quiet{}, string(part))
		doc, errs := policy.Parse([]byte(text))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		findings, err := lint.Run(doc, nil, lint.Options{})
		if err != nil {
			t.Fatal(err)
		}
		useless := map[int]string{}
		for _, f := range findings {
			if f.Rule == "routing-rule-shadowed" || f.Rule == "routing-rule-never-matches" && strings.Contains(f.Message, "matches nothing") {
				var rule int
				fmt.Sscanf(f.Path, "$.routing-policies[0].routing-policy-rules[%d]", &rule)
				useless[rule] = f.Rule
			}
		}
		for _, r := range routes {
			if i := firstUseless(doc.RoutingPolicies[0].Rules, r, useless); i >= 0 {
				t.Fatalf("%s\nrule %d is %s but matches %+v", text, i+1, useless[i], r)
			}
		}
	})
}

// firstUseless runs the rules on a route and finds one that matches although it should not.
func firstUseless(rules []policy.RoutingRule, r route, useless map[int]string) int {
	for i := range rules {
		met := !rules[i].Or
		for _, m := range rules[i].Matches {
			if m := meets(m, r); m == rules[i].Or {
				met = m
				break
			}
		}
		if !met {
			continue
		}
		if useless[i] != "" {
			return i
		}
		switch a := rules[i].Action; a.Type {
		case policy.RouteSetMED:
			r.med = int(a.Number)
		case policy.RouteAddCommunity:
			r.community = true
		case policy.RouteRemoveCommunity:
			r.community = false
		default:
			return -1
		}
	}
	return -1
}

func meets(m policy.RouteMatch, r route) bool {
	switch m.Type {
	case policy.MatchPrefixEquals:
		return m.Prefix == r.prefix
	case policy.MatchPrefixInCIDR:
		return m.Prefix.Bits() < r.prefix.Bits() && m.Prefix.Contains(r.prefix.Addr())
	case policy.MatchMEDEquals:
		return int(m.Number) == r.med
	default:
		return r.community
	}
}

// quiet is a test that nothing is reported to: what is marshalled is never wrong.
type quiet struct{ testing.TB }

func (quiet) Helper() {}

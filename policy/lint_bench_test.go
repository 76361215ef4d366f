package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"portolan/policy"
)

// hostile is documents of about a megabyte that give some rule as much to do as they can.
var hostile = map[string]func() string{
	"exact conditions": large,
	"conditions that are nearly wider than the others": func() string {
		return attachmentPolicies(`{"type": "tag-value", "operator": "contains", "key": "k", "value": "%d"}`, 1)
	},
	"two conditions on one tag": func() string {
		return attachmentPolicies(`{"type": "tag-value", "operator": "begins-with", "key": "k", "value": "%d"}, {"type": "tag-value", "operator": "not-equals", "key": "k", "value": "%[1]d"}`, 1)
	},
	"one rule of many conditions": func() string {
		return attachmentPolicies(`{"type": "tag-value", "operator": "contains", "key": "k", "value": "%d"}`, 12000)
	},
	"rules of a hundred conditions": func() string {
		return attachmentPolicies(`{"type": "tag-value", "operator": "not-equals", "key": "k", "value": "%d"}`, 100)
	},
	"long values": func() string {
		return attachmentPolicies(`{"type": "tag-value", "operator": "contains", "key": "k", "value": "`+strings.Repeat("a", 20000)+`%d"}`, 1)
	},
	"the same rule again and again": func() string {
		return attachmentPolicies(`{"type": "account-id", "operator": "not-equals", "value": "111122223333"}`, 1)
	},
	"rules for any attachment": func() string { return attachmentPolicies(`{"type": "any"}`, 1) },
	"shares": func() string {
		return actions(`{"action": "share", "mode": "attachment-route", "segment": "s%[2]d", "share-with": "*"}`)
	},
	"send-via": func() string {
		return actions(`{"action": "send-via", "mode": "single-hop", "segment": "s%[2]d", "when-sent-to": "*", "via": {"network-function-groups": ["g"], "with-edge-overrides": [{"edge-sets": [["us-east-1"], ["us-east-1", "eu-west-1"]], "use-edge-location": "us-east-1"}]}}`)
	},
	"static routes": func() string {
		return actions(`{"action": "create-route", "segment": "s%[2]d", "destination-cidr-blocks": ["10.%[2]d.0.0/16"], "destinations": ["blackhole"]}`)
	},
	"one static route": func() string {
		return document(`"segments": [{"name": "s"}], "segment-actions": [{"action": "create-route", "segment": "s", "description": "%[3]s", "destinations": [%[2]s], "destination-cidr-blocks": [%[1]s]}]`,
			list(5000, `"2001:db8:aaaa:bbbb:cccc:dddd:%[3]x:%[4]x/128"`), list(2, `"attachment-%017[1]x"`), strings.Repeat("a", 500_000))
	},
	"routing policies": func() string {
		return document(`"segments": [{"name": "s"}], "routing-policies": [%s]`, list(3400,
			`{"routing-policy-name": "p%[1]d", "routing-policy-number": %[5]d, "routing-policy-direction": "outbound", "routing-policy-rules": [{"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "0.0.0.0/0"}], "action": {"type": "drop"}}}]}`))
	},
	"labels": func() string {
		return document(`"segments": [{"name": "s"}], "attachment-routing-policy-rules": [{"rule-number": 1, "conditions": [%s], "action": {"associate-routing-policies": ["p"]}}],
			"routing-policies": [{"routing-policy-name": "p", "routing-policy-number": 1, "routing-policy-direction": "inbound", "routing-policy-rules": [{"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "med-equals", "value": 1}], "action": {"type": "drop"}}}]}]`,
			list(18000, `{"type": "routing-policy-label", "value": "%d"}`))
	},
	"edges": func() string {
		return `{"version": "2021.12", "core-network-configuration": {"asn-ranges": ["4200000000-4294967295"], "inside-cidr-blocks": ["10.0.0.0/8", "fd00::/32"], "edge-locations": [` +
			list(64, `{"location": "aa-`+strings.Repeat("b", 12000)+`-%d"}`) + `]}, "segments": [` + list(40, `{"name": "s%d"}`) + `]}`
	},
	"shares with routing policies": func() string {
		return document(`"segments": [%s], "routing-policies": [%s], "segment-actions": [%s]`, list(39, `{"name": "s%d"}`), list(400,
			`{"routing-policy-name": "p%[1]d", "routing-policy-number": %[5]d, "routing-policy-direction": "inbound", "routing-policy-rules": [{"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "0.0.0.0/0"}], "action": {"type": "drop"}}}]}`),
			list(6500, `{"action": "share", "mode": "attachment-route", "segment": "s%[2]d", "share-with": "*", "routing-policy-names": ["p%[2]d", "p2%[2]d", "p3%[2]d"]}`))
	},
	"one send-via with many overrides": func() string {
		return document(`"network-function-groups": [{"name": "g"}], "segments": [%s], "segment-actions": [{"action": "send-via", "mode": "single-hop", "segment": "s0", "when-sent-to": "*",
			"via": {"network-function-groups": ["g"], "with-edge-overrides": [{"edge-sets": [%s], "use-edge-location": "us-east-1"}]}}]`,
			list(39, `{"name": "s%d", "isolate-attachments": true}`), list(35_000, `["us-east-1", "eu-west-1"]`))
	},
}

// list is a list of n elements. Verbs: 1 the number, 2 the number below 20, 3 and 4 its bytes, 5 the number from 1, 6 an ASN.
func list(n int, element string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		text := fmt.Sprintf(element, i, i%20, i>>8&255, i&255, i+1, 4200000000+i)
		text, _, _ = strings.Cut(text, "%!(EXTRA")
		b.WriteString(text)
	}
	return b.String()
}

func document(rest string, args ...any) string {
	return fmt.Sprintf(`{"version": "2025.11", "core-network-configuration": {"asn-ranges": ["64512-64599"], "edge-locations": [{"location": "us-east-1"}, {"location": "eu-west-1"}]}, `+rest+"}", args...)
}

// attachmentPolicies fills a megabyte with rules of so many conditions.
func attachmentPolicies(condition string, conditions int) string {
	var b strings.Builder
	n := 0
	for rule := 1; b.Len() < policy.MaxSize-100_000 && rule < 65536; rule++ {
		if rule > 1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"rule-number":%d,"condition-logic":"and","conditions":[`, rule)
		for i := range conditions {
			if i > 0 {
				b.WriteByte(',')
			}
			text, _, _ := strings.Cut(fmt.Sprintf(condition, 100000+n), "%!(EXTRA")
			b.WriteString(text)
			n++
		}
		b.WriteString(`],"action":{"association-method":"tag","tag-value-of-key":"k"}}`)
		if conditions > 1000 {
			break
		}
	}
	return document(`"segments": [%s], "attachment-policies": [%s]`, list(40, `{"name": "s%d"}`), b.String())
}

// actions fills a megabyte with segment actions.
func actions(action string) string {
	one := len(fmt.Sprintf(action, 10000, 10)) + 1
	return document(`"network-function-groups": [{"name": "g"}], "segments": [%s], "segment-actions": [%s]`,
		list(39, `{"name": "s%d", "isolate-attachments": true}`), list((policy.MaxSize-5000)/one, action))
}

// TestLint_bounded: no document of the largest size keeps the rules busy for long or makes the answer long.
func TestLint_bounded(t *testing.T) {
	for name, text := range hostile {
		t.Run(name, func(t *testing.T) {
			text := text()
			if len(text) > policy.MaxSize || len(text) < policy.MaxSize/2 {
				t.Fatalf("the document has %d bytes", len(text))
			}
			doc, errs := policy.Parse([]byte(text))
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			var findings []policy.Finding
			var err error
			bytes := allocated(func() { findings, err = policy.Lint(doc, nil, policy.LintOptions{}) })
			t.Logf("%d bytes, %d findings, %d bytes allocated, %v", len(text), len(findings), bytes, err)
			if err != nil || len(findings) > 1000 {
				t.Errorf("%d findings, %v", len(findings), err)
			}
			if bytes > lintBound {
				t.Errorf("%d bytes allocated", bytes)
			}
		})
	}
}

func BenchmarkLint_1MB(b *testing.B) {
	for _, name := range []string{"exact conditions", "conditions that are nearly wider than the others", "shares"} {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			text := hostile[name]()
			doc, errs := policy.Parse([]byte(text))
			if len(errs) > 0 {
				b.Fatal(errs)
			}
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := policy.Lint(doc, nil, policy.LintOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

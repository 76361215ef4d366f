package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"portolan/policy"
	"portolan/policy/internal/policytest"
)

// manyRules is a policy of 200 rules that most attachments have to go through to the end.
func manyRules() string {
	var b strings.Builder
	b.WriteString(`{"version":"2021.12","core-network-configuration":{"asn-ranges":["64512-65534"],"edge-locations":[{"location":"eu-west-1"},{"location":"us-east-1"}]},
		"segments":[{"name":"prod"},{"name":"dev"}],"segment-actions":[{"action":"share","mode":"attachment-route","segment":"prod","share-with":["dev"]}],"attachment-policies":[`)
	for i := range 200 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"rule-number":%d,"condition-logic":"and","conditions":[{"type":"tag-value","operator":"equals","key":"env","value":"v%d"},{"type":"region","operator":"equals","value":"eu-west-1"}],"action":{"association-method":"constant","segment":"prod"}}`, i+1, i)
	}
	b.WriteString(`]}`)
	return b.String()
}

func manyAttachments() []policy.Attachment {
	list := make([]policy.Attachment, 5000)
	for i := range list {
		list[i] = policy.Attachment{
			ID: fmt.Sprintf("attachment-%017x", i), Type: policy.TypeVPC, Edges: []string{"eu-west-1"}, Account: "111122223333",
			Tags: map[string]string{"env": fmt.Sprintf("v%d", i%400)},
		}
	}
	return list
}

func BenchmarkDecide_5000Attachments200Rules(b *testing.B) {
	p := compiled(b, manyRules(), nil)
	attached := manyAttachments()
	for b.Loop() {
		for i := range attached {
			p.Decide(&attached[i])
		}
	}
}

func BenchmarkDiffAttached_5000Attachments(b *testing.B) {
	old := compiled(b, manyRules(), nil)
	next := compiled(b, strings.ReplaceAll(manyRules(), `"segment":"prod"}`, `"segment":"dev"}`), old.Previous())
	attached := manyAttachments()
	list := placed(old, next, attached, nil)
	var n int
	for b.Loop() {
		n = len(policy.DiffAttached(old, next, list))
	}
	b.ReportMetric(float64(n), "changes")
}

func BenchmarkDiff_1MB(b *testing.B) {
	old := compiled(b, policytest.Large(), nil)
	next := compiled(b, strings.Replace(policytest.Large(), `"value":"v7"`, `"value":"w7"`, 1), old.Previous())
	for b.Loop() {
		if len(policy.Diff(old, next)) != 1 {
			b.Fatal("not one change")
		}
	}
}

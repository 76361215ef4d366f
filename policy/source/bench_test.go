package source_test

import (
	"fmt"
	"strings"
	"testing"

	"portolan/policy"
	"portolan/policy/internal/policytest"
	"portolan/policy/source"
)

// yamlTemplate is a CloudFormation template of about a megabyte, written as people do.
func yamlTemplate() string {
	var b strings.Builder
	b.WriteString("Resources:\n  Core:\n    Type: AWS::NetworkManager::CoreNetwork\n    Properties:\n      PolicyDocument:\n        version: '2021.12'\n" +
		"        core-network-configuration:\n          asn-ranges: [64512-65534]\n          edge-locations: [{location: eu-west-1}]\n        segments: [{name: a}]\n        attachment-policies:\n")
	for i := range 3300 {
		fmt.Fprintf(&b, `          - rule-number: %d
            condition-logic: and
            conditions:
              - {type: tag-value, operator: equals, key: env, value: v%d}
              - type: region
                operator: equals
                value: eu-west-1
            action:
              association-method: constant
              segment: a
`, i+1, i)
	}
	return b.String()
}

// BenchmarkCheck_1MB reads a template and checks its policy.
func BenchmarkCheck_1MB(b *testing.B) {
	for name, text := range map[string]string{"JSON-template": templateOf(policytest.Large()), "YAML-template": yamlTemplate(), "document": policytest.Large()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				p, err := source.ReadOne("", []byte(text))
				if err != nil {
					b.Fatal(err)
				}
				doc, errs := p.Parse()
				if len(errs) == 0 {
					errs = policy.Check(doc)
				}
				if len(errs) > 0 {
					b.Fatal(errs)
				}
			}
		})
	}
}

// Package policytest has documents for the tests of package policy and of those around it.
package policytest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/policy"
)

// Complete adds what a part of a document leaves out, at its end, so that lines and columns stay as written.
func Complete(t testing.TB, part string) string {
	t.Helper()
	var members map[string]jsontext.Value
	if err := json.Unmarshal([]byte(part), &members); err != nil {
		t.Fatalf("%v\n%s", err, part)
	}
	text := strings.TrimSuffix(strings.TrimSpace(part), "}")
	for _, m := range [][2]string{
		{"version", `"2025.11"`},
		{"core-network-configuration", `{"asn-ranges": ["64512-64599"], "edge-locations": [{"location": "us-east-1"}, {"location": "eu-west-1"}]}`},
		{"segments", `[{"name": "prod"}]`},
	} {
		if _, given := members[m[0]]; !given {
			if strings.TrimSpace(text) != "{" {
				text += ","
			}
			text += fmt.Sprintf("%q: %s", m[0], m[1])
		}
	}
	return text + "}"
}

// Render shows errors, one a line with what belongs to it.
func Render(errs policy.Errors) string {
	if len(errs) == 0 {
		return "ok\n"
	}
	var b strings.Builder
	for _, e := range errs {
		fmt.Fprintf(&b, "%d:%d %s %s\n", e.Line, e.Column, e.Code, e.Message)
		if e.Hint != "" {
			fmt.Fprintf(&b, "    hint: %s\n", e.Hint)
		}
		if e.Async {
			b.WriteString("    while generating\n")
		}
	}
	return b.String()
}

// Attachment reads "A1 vpc us-east-1 [account=…] [resource=…] [tag=value…]".
func Attachment(line string) policy.Attachment {
	f := strings.Fields(line)
	a := policy.Attachment{ID: f[0], Type: f[1], Edges: strings.Split(f[2], ","), Account: "111122223333", Tags: map[string]string{}}
	for _, pair := range f[3:] {
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "account":
			a.Account = value
		case "resource":
			a.ResourceID = value
		default:
			a.Tags[key] = value
		}
	}
	return a
}

// Large is a document of about a megabyte.
func Large() string {
	var b strings.Builder
	b.WriteString(`{"version":"2021.12","core-network-configuration":{"asn-ranges":["64512-65534"],"edge-locations":[{"location":"eu-west-1"}]},"segments":[{"name":"a"}],"attachment-policies":[`)
	for i := range 4200 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"rule-number":%d,"condition-logic":"and","conditions":[{"type":"tag-value","operator":"equals","key":"env","value":"v%d"},{"type":"region","operator":"equals","value":"eu-west-1"}],"action":{"association-method":"constant","segment":"a"}}`, i+1, i)
	}
	b.WriteString("]}")
	return b.String()
}

// Hostile is documents of about a megabyte that give some rule as much to do as they can.
var Hostile = map[string]func() string{
	"exact conditions": Large,
	"conditions that are nearly wider than the others": func() string {
		return AttachmentPolicies(`{"type": "tag-value", "operator": "contains", "key": "k", "value": "%d"}`, 1)
	},
	"two conditions on one tag": func() string {
		return AttachmentPolicies(`{"type": "tag-value", "operator": "begins-with", "key": "k", "value": "%d"}, {"type": "tag-value", "operator": "not-equals", "key": "k", "value": "%[1]d"}`, 1)
	},
	"one rule of many conditions": func() string {
		return AttachmentPolicies(`{"type": "tag-value", "operator": "contains", "key": "k", "value": "%d"}`, 12000)
	},
	"rules of a hundred conditions": func() string {
		return AttachmentPolicies(`{"type": "tag-value", "operator": "not-equals", "key": "k", "value": "%d"}`, 100)
	},
	"long values": func() string {
		return AttachmentPolicies(`{"type": "tag-value", "operator": "contains", "key": "k", "value": "`+strings.Repeat("a", 20000)+`%d"}`, 1)
	},
	"the same rule again and again": func() string {
		return AttachmentPolicies(`{"type": "account-id", "operator": "not-equals", "value": "111122223333"}`, 1)
	},
	"rules for any attachment": func() string { return AttachmentPolicies(`{"type": "any"}`, 1) },
	"shares": func() string {
		return Actions(`{"action": "share", "mode": "attachment-route", "segment": "s%[2]d", "share-with": "*"}`)
	},
	"send-via": func() string {
		return Actions(`{"action": "send-via", "mode": "single-hop", "segment": "s%[2]d", "when-sent-to": "*", "via": {"network-function-groups": ["g"], "with-edge-overrides": [{"edge-sets": [["us-east-1"], ["us-east-1", "eu-west-1"]], "use-edge-location": "us-east-1"}]}}`)
	},
	"static routes": func() string {
		return Actions(`{"action": "create-route", "segment": "s%[2]d", "destination-cidr-blocks": ["10.%[2]d.0.0/16"], "destinations": ["blackhole"]}`)
	},
	"one static route": func() string {
		return Document(`"segments": [{"name": "s"}], "segment-actions": [{"action": "create-route", "segment": "s", "description": "%[3]s", "destinations": [%[2]s], "destination-cidr-blocks": [%[1]s]}]`,
			List(5000, `"2001:db8:aaaa:bbbb:cccc:dddd:%[3]x:%[4]x/128"`), List(2, `"attachment-%017[1]x"`), strings.Repeat("a", 500_000))
	},
	"routing policies": func() string {
		return Document(`"segments": [{"name": "s"}], "routing-policies": [%s]`, List(3400,
			`{"routing-policy-name": "p%[1]d", "routing-policy-number": %[5]d, "routing-policy-direction": "outbound", "routing-policy-rules": [{"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "0.0.0.0/0"}], "action": {"type": "drop"}}}]}`))
	},
	"labels": func() string {
		return Document(`"segments": [{"name": "s"}], "attachment-routing-policy-rules": [{"rule-number": 1, "conditions": [%s], "action": {"associate-routing-policies": ["p"]}}],
			"routing-policies": [{"routing-policy-name": "p", "routing-policy-number": 1, "routing-policy-direction": "inbound", "routing-policy-rules": [{"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "med-equals", "value": 1}], "action": {"type": "drop"}}}]}]`,
			List(18000, `{"type": "routing-policy-label", "value": "%d"}`))
	},
	"edges": func() string {
		return `{"version": "2021.12", "core-network-configuration": {"asn-ranges": ["4200000000-4294967295"], "inside-cidr-blocks": ["10.0.0.0/8", "fd00::/32"], "edge-locations": [` +
			List(64, `{"location": "aa-`+strings.Repeat("b", 12000)+`-%d"}`) + `]}, "segments": [` + List(40, `{"name": "s%d"}`) + `]}`
	},
	"shares with routing policies": func() string {
		return Document(`"segments": [%s], "routing-policies": [%s], "segment-actions": [%s]`, List(39, `{"name": "s%d"}`), List(400,
			`{"routing-policy-name": "p%[1]d", "routing-policy-number": %[5]d, "routing-policy-direction": "inbound", "routing-policy-rules": [{"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "0.0.0.0/0"}], "action": {"type": "drop"}}}]}`),
			List(6500, `{"action": "share", "mode": "attachment-route", "segment": "s%[2]d", "share-with": "*", "routing-policy-names": ["p%[2]d", "p2%[2]d", "p3%[2]d"]}`))
	},
	"one send-via with many overrides": func() string {
		return Document(`"network-function-groups": [{"name": "g"}], "segments": [%s], "segment-actions": [{"action": "send-via", "mode": "single-hop", "segment": "s0", "when-sent-to": "*",
			"via": {"network-function-groups": ["g"], "with-edge-overrides": [{"edge-sets": [%s], "use-edge-location": "us-east-1"}]}}]`,
			List(39, `{"name": "s%d", "isolate-attachments": true}`), List(35_000, `["us-east-1", "eu-west-1"]`))
	},
}

// List is a list of n elements. Verbs: 1 the number, 2 the number below 20, 3 and 4 its bytes, 5 the number from 1, 6 an ASN.
func List(n int, element string) string {
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

// Document is a document with the members that every one has, and the rest.
func Document(rest string, args ...any) string {
	return fmt.Sprintf(`{"version": "2025.11", "core-network-configuration": {"asn-ranges": ["64512-64599"], "edge-locations": [{"location": "us-east-1"}, {"location": "eu-west-1"}]}, `+rest+"}", args...)
}

// AttachmentPolicies fills a megabyte with rules of so many conditions.
func AttachmentPolicies(condition string, conditions int) string {
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
	return Document(`"segments": [%s], "attachment-policies": [%s]`, List(40, `{"name": "s%d"}`), b.String())
}

// Actions fills a megabyte with segment actions.
func Actions(action string) string {
	one := len(fmt.Sprintf(action, 10000, 10)) + 1
	return Document(`"network-function-groups": [{"name": "g"}], "segments": [%s], "segment-actions": [%s]`,
		List(39, `{"name": "s%d", "isolate-attachments": true}`), List((policy.MaxSize-5000)/one, action))
}

// Seeds gives a fuzzer every document of the scripts; root is the folder of package policy.
func Seeds(f *testing.F, root string, add func(text string)) {
	f.Helper()
	document := regexp.MustCompile(`(?s)\n(\{.*?)\n(?:attachments:\n.*?)?----\n`)
	for _, dir := range []string{"testdata/scripts", "lint/testdata/rules"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range document.FindAllStringSubmatch(string(text), -1) {
				part := m[1]
				if dir == "lint/testdata/rules" {
					part = Complete(f, part)
				}
				add(part)
			}
			return err
		})
		if err != nil {
			f.Fatal(err)
		}
	}
	seed, err := os.ReadFile(filepath.Join(root, "../test/testdata/seed.json"))
	if err != nil {
		f.Fatal(err)
	}
	add(string(seed))
}

// MaxAllocated bounds what may be allocated over a document of the largest size, in bytes.
const MaxAllocated = 256 << 20

// Allocated is how many bytes a function allocates, in all.
func Allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

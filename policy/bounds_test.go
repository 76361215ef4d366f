package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"portolan/policy"
	"portolan/policy/internal/policytest"
)

// greedy is texts of about a megabyte that ask for as much as they can: the reader, the checks, the compiler.
var greedy = map[string]func() string{
	"nothing but brackets": func() string { return strings.Repeat("[", policy.MaxSize) },
	"nothing but members":  func() string { return strings.Repeat(`{"a":`, policy.MaxSize/5) },
	"one long number":      func() string { return `{"version":` + strings.Repeat("9", policy.MaxSize-100) + `}` },
	"one long name": func() string {
		return policytest.Document(`"segments": [{"name": "%s"}]`, strings.Repeat("a", 900_000))
	},
	"one long unknown name": func() string {
		return policytest.Document(`"segments": [{"name": "a"}], "%s": 1`, strings.Repeat("é", 400_000))
	},
	"one long range": func() string {
		return `{"version": "2021.12", "core-network-configuration": {"asn-ranges": ["` + strings.Repeat("0", 900_000) + `1-2"], "edge-locations": []}, "segments": []}`
	},
	"unknown members": func() string {
		return policytest.Document(`"segments": [{"name": "a", %s}]`, policytest.List(35_000, `"isolate-attachment%d": 1`))
	},
	"members given twice": func() string { return `{` + policytest.List(149_000, `"a": 1`) + `}` },
	"members in thousands": func() string {
		return `{` + policytest.List(80_000, `"a%d": 1`) + `}`
	},
	"wrong values": func() string { return policytest.Document(`"segments": [%s]`, policytest.List(300_000, `{}`)) },
	"undefined names": func() string {
		return policytest.Document(`"segments": [%s], "segment-actions": [{"action": "share", "mode": "attachment-route", "segment": "s1", "share-with": [%s]}]`,
			policytest.List(39, `{"name": "s%d"}`), policytest.List(80_000, `"s1%d"`))
	},
	"segments": func() string {
		return policytest.Document(`"segments": [%s], "segment-actions": [%s]`, policytest.List(20_000, `{"name": "s%d"}`),
			policytest.List(3_000, `{"action": "send-via", "mode": "single-hop", "segment": "s%d", "when-sent-to": "*", "via": {"network-function-groups": ["g"]}}`))
	},
	"ranges of ASNs": func() string {
		return `{"version": "2021.12", "core-network-configuration": {"asn-ranges": [` + policytest.List(25_000, `"4200000000-4294967295"`) +
			`], "edge-locations": [` + policytest.List(10_000, `{"location": "aa-b-%d"}`) + `]}, "segments": [{"name": "a"}]}`
	},
	"a range of four billion": func() string {
		return `{"version": "2021.12", "core-network-configuration": {"asn-ranges": ["0-4294967295", "1-4294967296", "64512-99999999999999999999"], "edge-locations": [` +
			policytest.List(33_000, `{"location": "aa-b-%d"}`) + `]}, "segments": [{"name": "a"}]}`
	},
	"edges with ASNs": func() string {
		return `{"version": "2021.12", "core-network-configuration": {"asn-ranges": ["4200000000-4294967295"], "edge-locations": [` +
			policytest.List(20_000, `{"location": "aa-b-%[1]d", "asn": %[6]d}`) + `]}, "segments": [{"name": "a"}]}`
	},
	"blocks": func() string {
		return `{"version": "2021.12", "core-network-configuration": {"asn-ranges": ["4200000000-4294967295"], "inside-cidr-blocks": [` + policytest.List(25_000, `"10.%[3]d.%[4]d.0/24"`) +
			`], "edge-locations": [` + policytest.List(17_000, `{"location": "aa-b-%d"}`) + `]}, "segments": [{"name": "a"}]}`
	},
	"blocks that overlap": func() string {
		return `{"version": "2021.12", "core-network-configuration": {"asn-ranges": ["4200000000-4294967295"], "inside-cidr-blocks": [` + policytest.List(60_000, `"10.0.0.0/8"`) +
			`], "edge-locations": [{"location": "aa-b-1"}]}, "segments": [{"name": "a"}]}`
	},
	"a block of all addresses": func() string {
		return `{"version": "2021.12", "core-network-configuration": {"asn-ranges": ["4200000000-4294967295"], "inside-cidr-blocks": ["0.0.0.0/0", "::/0"], "edge-locations": [` +
			policytest.List(33_000, `{"location": "aa-b-%d"}`) + `]}, "segments": [{"name": "a"}]}`
	},
	"edges of segments": func() string {
		return `{"version": "2021.12", "core-network-configuration": {"asn-ranges": ["4200000000-4294967295"], "edge-locations": [` + policytest.List(12_000, `{"location": "aa-b-%d"}`) +
			`]}, "segments": [{"name": "a", "edge-locations": [` + policytest.List(12_000, `"aa-b-%d"`) + `]}, {"name": "b", "edge-locations": [` + policytest.List(12_000, `"aa-b-%d"`) + `]}]}`
	},
	"static routes": func() string {
		return policytest.Document(`"segments": [{"name": "s"}], "segment-actions": [{"action": "create-route", "segment": "s", "destinations": [%[2]s], "destination-cidr-blocks": [%[1]s]}]`,
			policytest.List(22_000, `"10.%[3]d.%[4]d.0/24"`), policytest.List(14_000, `"attachment-%017[1]x"`))
	},
	"overrides": func() string {
		return policytest.Document(`"segments": [{"name": "a"}], "network-function-groups": [{"name": "g"}], "segment-actions": [{"action": "send-to", "segment": "a", "via": {"network-function-groups": ["g"], "with-edge-overrides": [%s]}}]`,
			policytest.List(9_000, `{"edge-sets": [["us-east-1", "eu-west-1"], ["us-east-1"]], "use-edge-location": "us-east-1"}`))
	},
}

// TestParse_bounded: no text makes it take much memory or the answer long. What rules of advice can be made to do is
// tested with them.
func TestParse_bounded(t *testing.T) {
	for name, text := range greedy {
		t.Run(name, func(t *testing.T) {
			text := text()
			if len(text) > policy.MaxSize || len(text) < policy.MaxSize/2 {
				t.Fatalf("the text has %d bytes", len(text))
			}
			var errs policy.Errors
			took := policytest.Allocated(func() {
				var doc *policy.Document
				if doc, errs = check(text); len(errs) == 0 {
					_, errs = policy.Compile(doc, nil)
				}
			})
			size := 0
			for _, e := range errs {
				size += len(e.Message) + len(e.Path) + len(e.Hint)
			}
			t.Logf("%d bytes, %d errors of %d bytes, %d MB", len(text), len(errs), size, took>>20)
			if took > policytest.MaxAllocated {
				t.Errorf("allocated %d MB", took>>20)
			}
			if len(errs) > 1000 || size > policy.MaxSize {
				t.Errorf("%d errors of %d bytes", len(errs), size)
			}
		})
	}
}

// TestDiff_bounded: nor does a correct document that is compared with nothing, with itself, and over many attachments.
func TestDiff_bounded(t *testing.T) {
	for name, text := range policytest.Hostile {
		t.Run(name, func(t *testing.T) {
			p := compiled(t, text(), nil)
			attached := make([]policy.Associated, 1000)
			for i := range attached {
				attached[i] = policy.Associated{
					Attached: &policy.Attached{
						Attachment: policy.Attachment{ID: fmt.Sprintf("attachment-%017x", i), Type: policy.TypeVPC, Edges: []string{p.Edges[0].Location}},
						Label:      fmt.Sprint(i), At: policy.Association{Segment: p.Segments[0].Name},
					},
					Next: policy.Association{Segment: p.Segments[len(p.Segments)-1].Name},
				}
			}
			var added, same int
			took := policytest.Allocated(func() {
				added, same = len(policy.DiffAttached(nil, p, attached)), len(policy.Diff(p, p))
			})
			t.Logf("%d changes, %d MB", added, took>>20)
			if same > 0 || added > 1_000_000 {
				t.Errorf("%d changes from nothing, %d from itself", added, same)
			}
			if took > policytest.MaxAllocated {
				t.Errorf("allocated %d MB", took>>20)
			}
		})
	}
}

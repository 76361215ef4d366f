package analysis_test

import (
	"strings"
	"testing"

	"portolan/internal/analysis"
)

func TestAssert_file(t *testing.T) {
	net := compute(t, inspected)
	list, err := analysis.ParseAssertions(`
# what must hold
prod reaches dev via fw
a1 reaches 10.11.0.0/16 via fw
dev reaches a3 not via fw
dev cannot reach lonely
10.0.0.0/16 is in table dev at eu-west-1
172.16.0.0/12 is not in table prod at us-east-1
# what does not
dev reaches lonely
dev reaches dev via fw
dev cannot reach prod
10.0.0.0/16 is not in table fw at us-east-1
nowhere reaches dev
`)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range net.Assert(list) {
		if want := i < 6; o.Holds != want || !o.Holds && o.Reason == "" {
			t.Errorf("line %d, %s: holds %v, %s", o.Line, o.Text, o.Holds, o.Reason)
		}
	}
	_, err = analysis.ParseAssertions("a b c\nprod reaches\nten is in table x at y\nok reaches ok")
	for _, want := range []string{"line 1", "line 2", "line 3", "not a prefix"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func FuzzParseAssertions(f *testing.F) {
	f.Add("prod reaches dev via fw\n# x\n10.0.0.0/8 is in table a at b")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := analysis.ParseAssertions(text)
		if err != nil {
			return
		}
		for _, a := range list {
			again, err := analysis.ParseAssertions(a.Text)
			if err != nil || len(again) != 1 || again[0].Text != a.Text {
				t.Errorf("%q: %v %v", a.Text, again, err)
			}
		}
	})
}

const egress = `{action: send-to, segment: a, via: {network-function-groups: [fw]}}`

// TestAssert_handedOver: what send-to hands to an appliance is the appliance's business: where its table leads may be
// reached, and an address beyond counts as reached by who says via.
func TestAssert_handedOver(t *testing.T) {
	net := compute(t, network(`{name: a, require-attachment-acceptance: false, isolate-attachments: true}, {name: b, require-attachment-acceptance: false}`,
		egress+`,{action: send-to, segment: b, via: {network-function-groups: [fw]}}`, `
		{id: a1, type: vpc, edges: [us-east-1], tags: {domain: a}, announcements: [{prefix: 10.0.0.0/16}]},
		{id: b1, type: vpc, edges: [us-east-1], tags: {domain: b}, announcements: [{prefix: 10.1.0.0/16}]},
		{id: f1, type: vpc, edges: [us-east-1], tags: {nfg: fw}}`))
	for text, want := range map[string]string{
		"a reaches 192.0.2.7 via fw":   "",
		"a reaches 0.0.0.0/0 via fw":   "",
		"a reaches b via fw":           "",
		"a cannot reach 192.0.2.7":     "",
		"a reaches 192.0.2.7":          "192.0.2.7 from a1 is handed to fw@us-east-1 (f1); what the network function does with it is not known",
		"a reaches b not via fw":       "10.1.0.1 from a1 is handed to fw@us-east-1 (f1); what the network function does with it is not known",
		"a cannot reach b":             "a1 reaches 10.1.0.1, at b1, if fw@us-east-1 (f1) forwards it",
		"a cannot reach 10.1.0.0/16":   "a1 reaches 10.1.0.1, at b1, if fw@us-east-1 (f1) forwards it",
		"a reaches 192.0.2.7 via nope": "192.0.2.7 from a1 is handed to fw@us-east-1 (f1); what the network function does with it is not known",
	} {
		list, err := analysis.ParseAssertions(text)
		if err != nil {
			t.Fatal(err)
		}
		if o := net.Assert(list)[0]; o.Holds != (want == "") || o.Reason != want {
			t.Errorf("%s: %t %q, want %q", text, o.Holds, o.Reason, want)
		}
	}
	p, err := net.RoundTrip("a1", "", address("192.0.2.7"), address("10.0.0.1"))
	if err != nil || p.Verdict != analysis.HandedOver || p.Back == nil || p.Back.At != "a1" {
		t.Errorf("the way back from the appliance: %+v %v", p, err)
	}
}

func TestParseAssertions_errorsHavePlaces(t *testing.T) {
	for text, want := range map[string]string{
		"# fine\n\n a reches b":       `line 3, column 4: expected "reaches", "cannot" or "is"; got "reches"`,
		"a reaches":                   "line 1, column 10: the line ends; expected a segment, an attachment, a prefix or an address",
		"ä\treaches ::ffff:192.0.2.1": `line 1, column 11: "::ffff:192.0.2.1" is neither a prefix nor an address`,
		"a reaches b via fw too":      `line 1, column 20: unexpected "too" after the end of the assertion`,
		"10.0/8 is in table a at e":   `line 1, column 1: "10.0/8" is not a prefix such as 10.0.0.0/8`,
		"10.0.0.0/8 is in tables a":   `line 1, column 18: expected "table"; got "tables"`,
		"a cannot reach b via fw":     `line 1, column 18: unexpected "via" after the end of the assertion`,
		"a reaches b not fw # or so":  `line 1, column 17: expected "via"; got "fw"`,
	} {
		if _, err := analysis.ParseAssertions(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestAssert_staticRouteToAnAppliance: what a network function does with packets of a static route is as little known as with
// those of send-to.
func TestAssert_staticRouteToAnAppliance(t *testing.T) {
	net := compute(t, network(`{name: a, require-attachment-acceptance: false, isolate-attachments: true}, {name: b, require-attachment-acceptance: false}`,
		`{action: create-route, segment: a, destination-cidr-blocks: [0.0.0.0/0], destinations: [attachment-00000000000000001]},
		{action: send-via, segment: a, mode: single-hop, when-sent-to: {segments: [a]}, via: {network-function-groups: [fw]}},
		{action: send-to, segment: b, via: {network-function-groups: [fw]}}`, `
		{id: attachment-00000000000000001, type: vpc, edges: [us-east-1], tags: {nfg: fw}},
		{id: a1, type: vpc, edges: [us-east-1], tags: {domain: a}, announcements: [{prefix: 10.0.0.0/16}]},
		{id: b1, type: vpc, edges: [us-east-1], tags: {domain: b}, announcements: [{prefix: 10.1.0.0/16}]}`))
	p, err := net.Path("a1", "", "8.8.8.8", "")
	if err != nil || p.Verdict != string(analysis.HandedOver) {
		t.Errorf("a packet to the Internet: %+v, %v", p, err)
	}
	list, err := analysis.ParseAssertions("a cannot reach b\na reaches 8.8.8.8 via fw\na reaches 8.8.8.8")
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range net.Assert(list) {
		if want := i == 1; o.Holds != want {
			t.Errorf("%s: holds %v, %s", o.Text, o.Holds, o.Reason)
		}
	}
	if rows := matrix(t, net); rows[1].To != "b" || rows[1].Verdict != analysis.HandedOver {
		t.Errorf("the matrix has %+v", rows[1])
	}
}

package analysis_test

import (
	"strings"
	"testing"

	"portolan/internal/analysis"
	"portolan/internal/snapshot"
	"portolan/routing"
)

// TestIdle_whereItWouldBe: an attachment that is not AVAILABLE is in no segment where a server has it. Every answer names the place
// that the rules have for it, or the tag that keeps it from one.
func TestIdle_whereItWouldBe(t *testing.T) {
	const a4 = "{id: a4, type: vpc, edges: [eu-west-1], tags: {domain: dev}"
	for _, c := range []struct{ name, state, tags, want string }{
		{"failed", "FAILED", "{domain: dev}", "is FAILED: its prefixes are withdrawn; once AVAILABLE, rule 200 associates it with segment dev"},
		{"rejected", "REJECTED", "{domain: dev}", "is REJECTED: it carries no traffic; once AVAILABLE, rule 200 associates it with segment dev"},
		{"in the making", "CREATING", "{nfg: fw}", "is CREATING: it carries no traffic; once AVAILABLE, rule 100 associates it with network function group fw"},
		{"failed and misspelt", "FAILED", "{domian: dev}", "is FAILED: its prefixes are withdrawn; once AVAILABLE, no attachment-policy rule associates it"},
		{"waits", "PENDING_ATTACHMENT_ACCEPTANCE", "{domain: dev}", "waits for acceptance (PENDING_ATTACHMENT_ACCEPTANCE); once accepted, rule 200 associates it with segment dev"},
		{"waits and misspelt", "PENDING_ATTACHMENT_ACCEPTANCE", "{domian: dev}", "waits for acceptance (PENDING_ATTACHMENT_ACCEPTANCE); once accepted, no attachment-policy rule associates it"},
		{"rejected and misspelt", "REJECTED", "{domian: dev}", "is REJECTED: it carries no traffic; once AVAILABLE, no attachment-policy rule associates it"},
		{"its tags wait, misspelt", "PENDING_TAG_ACCEPTANCE", "{domian: dev}", "is PENDING_TAG_ACCEPTANCE but not associated: no attachment-policy rule matches"},
		{"on its way out", "DELETING", "{domain: dev}", "is DELETING: it carries no traffic"},
	} {
		for _, association := range []string{"", ", association: {}"} { // of a file, and as a server has it
			t.Run(c.name+association, func(t *testing.T) {
				made := strings.Replace(a4, "{domain: dev}", c.tags+association, 1) + ", state: " + c.state
				s, err := snapshot.Parse([]byte(strings.Replace(inspected, a4, made, 1)))
				if err != nil {
					t.Fatal(err)
				}
				n, err := analysis.Examine(s, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				saysOfIdle(t, n, c.want)
			})
		}
	}
}

// saysOfIdle holds that doctor, why, path and the table of attachments say of a4 what is wanted, and doctor which tag is to blame.
func saysOfIdle(t *testing.T, n *analysis.Subject, want string) {
	t.Helper()
	doctor, err := n.Doctor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text := pageText(t, doctor)
	if !strings.Contains(text, "attachment a4 "+want) {
		t.Errorf("doctor: %s", text)
	}
	if strings.Contains(want, "no attachment-policy rule") && !strings.Contains(text, `"domian"`) {
		t.Errorf("doctor names no tag: %s", text)
	}
	y, err := n.Why("10.11.0.0/16", routing.TableID{Segment: "dev", Edge: "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	if text := pageText(t, y); !strings.Contains(text, "a4 announces 10.11.0.0/16; it "+want) {
		t.Errorf("why: %s", text)
	}
	from, err := n.Path("a4", "", "10.10.0.1", "")
	if err != nil && !strings.Contains(err.Error(), want) || err == nil && !strings.Contains(pageText(t, from), want) {
		t.Errorf("path from it: %v %v", from, err)
	}
	to, err := n.Path("a3", "", "10.11.0.1", "")
	if err != nil {
		t.Fatal(err)
	}
	if text := pageText(t, to); !strings.Contains(text, want) {
		t.Errorf("path to it: %s", text)
	}
	if text := pageText(t, n.Attachments()); !strings.Contains(text, "  "+strings.TrimPrefix(want, "is ")) {
		t.Errorf("attachments: %s", text)
	}
}

// TestIdle_misspeltAlthoughPlaced: one that carries no traffic yet has a place by a later rule, as a tag is misspelt.
func TestIdle_misspeltAlthoughPlaced(t *testing.T) {
	const a4 = "tags: {domain: dev}, announcements: [{prefix: 10.11.0.0/16}]"
	for _, state := range []string{"PENDING_ATTACHMENT_ACCEPTANCE", "REJECTED", "FAILED", "CREATING"} {
		snap, err := snapshot.Parse([]byte(strings.Replace(inspected, a4, strings.Replace(a4, "{", "{ngf: fw, ", 1)+", association: {}, state: "+state, 1)))
		if err != nil {
			t.Fatal(err)
		}
		n, err := analysis.Examine(snap, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		doctor, err := n.Doctor(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if text := pageText(t, doctor); !strings.Contains(text, `rule 200 associates it with segment dev, but its tag "ngf" looks misspelt`) || !strings.Contains(text, "nearest: rule 100 would") {
			t.Errorf("%s: %s", state, text)
		}
	}
}

// TestIdle_namedWhereverItsPrefixIsAskedFor: an attachment without a segment is named with its own prefix by every answer that its
// prefix, its segment or itself is asked for in, also where a shorter route takes the packets elsewhere.
func TestIdle_namedWhereverItsPrefixIsAskedFor(t *testing.T) {
	snap, err := snapshot.Parse([]byte(network(twoSegments, `{action: send-to, segment: a, via: {network-function-groups: [fw]}}`, `
		{id: a1, type: vpc, edges: [us-east-1], tags: {domain: a}, announcements: [{prefix: 10.1.0.0/16}]},
		{id: b1, type: vpc, edges: [us-east-1], tags: {Domain: b}, announcements: [{prefix: 10.2.0.0/16}]},
		{id: f1, type: vpc, edges: [us-east-1], tags: {nfg: fw}}`)))
	if err != nil {
		t.Fatal(err)
	}
	n, err := analysis.Examine(snap, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	const says = `AVAILABLE but not associated: no attachment-policy rule matches; rule 200 would associate it with segment b`
	y, err := n.Why("10.2.0.9", routing.TableID{Segment: "a", Edge: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	if text := pageText(t, y); !strings.Contains(text, "attachment b1 announces 10.2.0.0/16; it is "+says) {
		t.Errorf("why: %s", text)
	}
	p, err := n.Path("a1", "", "10.2.0.9", "")
	if err != nil {
		t.Fatal(err)
	}
	if text := pageText(t, p); !strings.Contains(text, "attachment b1 announces 10.2.0.0/16; it is "+says) {
		t.Errorf("path: %s", text)
	}
	for to, want := range map[string]string{"b1": "attachment, not an address; it is " + says, "a1": "such as 10.1.0.1", "f1": "announces no prefix", "c1": "is not an address"} {
		if _, err := n.Path("a1", "", to, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("path to %s: %v", to, err)
		}
	}
	for _, line := range []string{"b reaches a", "a reaches b", "a reaches 10.2.0.9", "10.2.0.0/16 is in table a at us-east-1", "b1 reaches a", "a cannot reach b1"} {
		list, err := analysis.ParseAssertions(line)
		if err != nil {
			t.Fatal(err)
		}
		if got := n.Assert(list)[0]; got.Holds || !strings.Contains(got.Reason, says) {
			t.Errorf("%s: %v %s", line, got.Holds, got.Reason)
		}
	}
}

package snapshot_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"portolan/internal/snapshot"
	"portolan/routing"
)

func example(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParse_roundTrip(t *testing.T) {
	s, err := snapshot.Parse(example(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func() ([]byte, error){"JSON": s.JSON, "YAML": s.YAML} {
		text, err := write()
		if err != nil {
			t.Fatal(name, err)
		}
		again, err := snapshot.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		first, _ := s.JSON()
		second, err := again.JSON()
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s changes the snapshot: %v %s", name, err, cmp.Diff(string(first), string(second)))
		}
	}
}

func TestParse_refuses(t *testing.T) {
	const head = "version: 1\npolicy: {version: '2021.12'}\n"
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "the snapshot is empty"},
		{"another version", "version: 2\npolicy: {}", "this program reads version 1"},
		{"no policy", "version: 1", "policy is missing"},
		{"unknown member", head + "attachements: []", "attachements"},
		{"twice the same key", "version: 1\nversion: 1", "version"},
		{"type", head + "attachments: [{id: a, type: VPC, edges: [x]}]", `type "VPC" is not one of`},
		{"two edges", head + "attachments: [{id: a, type: vpc, edges: [x, z]}]", "only a Direct Connect gateway has several"},
		{"id twice", head + "attachments: [{id: a, type: vpc, edges: [x]}, {id: a, type: vpc, edges: [x]}]", "no other attachment has"},
		{"state", head + "attachments: [{id: a, type: vpc, edges: [x], state: GOOD}]", `state "GOOD"`},
		{"prefix", head + "attachments: [{id: a, type: vpc, edges: [x], announcements: [{prefix: ten}]}]", "ten"},
		{"IPv4 as IPv6", head + "attachments: [{id: a, type: vpc, edges: [x], announcements: [{prefix: '::ffff:10.0.0.0/104'}]}]", "want a prefix"},
		{"announced elsewhere", head + "attachments: [{id: a, type: vpc, edges: [x], announcements: [{prefix: 10.0.0.0/8, edge: z}]}]", `not at edge "z"`},
		{"AS 0", head + "attachments: [{id: a, type: connect, edges: [x], announcements: [{prefix: 10.0.0.0/8, asPath: [65001, 0]}]}]", "AS 0 is reserved"},
		{"community", head + "attachments: [{id: a, type: connect, edges: [x], announcements: [{prefix: 10.0.0.0/8, communities: ['1']}]}]", "community such as"},
		{"two places", head + "attachments: [{id: a, type: vpc, edges: [x], association: {segment: s, networkFunctionGroup: g}}]", "to a segment or to"},
		{"edge without ASN", head + "edges: [{location: x}]", "its ASN"},
		{"JSON that ends early", `{"version": 1`, "cannot be read: line 1, column 14: "},
		{"a text that is a boolean", head + "attachments:\n  - id: a\n    type: vpc\n    edges: [x]\n    state: true", `line 7, column 5: attachments[0].state must be text: write "true"`},
		{"a tag that is a list", head + "attachments:\n  - id: a\n    type: vpc\n    edges: [x]\n    tags:\n      shared: [a]", `line 8, column 7: attachments[0].tags.shared must be text, not ["a"]`},
		{"a tag of JSON that is a boolean", `{"version": 1, "policy": {}, "attachments": [{"id": "a", "tags": {"fw": true}}]}`, `line 1, column 67: attachments[0].tags.fw must be text: write "true"`},
		{"a text that is an old boolean", head + "attachments: [{id: a, type: vpc, edges: [x], tags: {fw: y, on: off}, association: {segment: s, networkFunctionGroup: g}}]", "to a segment or to"}, // the tags are taken
		{"host bits", head + "attachments: [{id: a, type: vpc, edges: [x], announcements: [{prefix: 10.2.0.1/16}]}]", "10.2.0.1/16 has host bits: write 10.2.0.0/16"},
		{"host bits of NAT", head + "attachments: [{id: a, type: vpc, edges: [x], nat: {rules: [{ruleNumber: 1, matchSourceCidr: 10.2.0.0/16, natCidr: 100.64.0.1/16}]}}]", "100.64.0.0/16"},
		{"a text that is a number", `{"version": 1, "policy": {}, "account": 111122223333}`, `line 1, column 30: account must be text: write "111122223333"`},
		{"a list that is a text", head + "attachments: [{id: a, type: vpc,\n  edges: x}]", "line 4, column 3: attachments[0].edges must be a list, such as [x] for a single element, not x"},
		{"an object that is a text", `{"version": 1, "policy": {},` + "\n" + `"attachments": [{"id": "a", "announcements": ["10.0.0.0/8"]}]}`, `line 2, column 47: attachments[0].announcements[0] must be an object with members such as prefix, `},
		{"unknown member of an attachment", head + "attachments:\n  - {id: a, segment: s}", "line 4, column 13: attachments[0].segment is not a member of a snapshot; there are id, type, "},
		{"a policy", "version: '2021.12'\ncore-network-configuration: {asn-ranges: []}\nsegments: []", "this is a core network policy, not a snapshot"},
	} {
		if _, err := snapshot.Parse([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// TestParse_textsWithoutQuotes: what YAML reads as a number or a boolean is the text that is written where a snapshot has a text.
func TestParse_textsWithoutQuotes(t *testing.T) {
	s, err := snapshot.Parse([]byte(`version: 1
policy: {version: '2021.12'}
account: 012345670123
attachments:
- {id: 0017, type: vpc, edges: [x], account: 111122223333, routingPolicyLabel: 7, tags: &tags {shared: true, fw: y, n: 0123, f: 1.10, h: 0x1F, d: 2026-01-01, e: 1e3, none: }, association: {segment: s}}
- {id: b, type: vpc, edges: [x], tags: *tags, association: {segment: s}}
`))
	if err != nil {
		t.Fatal(err)
	}
	a := s.Attachments[0]
	if s.Account != "012345670123" || a.ID != "0017" || a.Account != "111122223333" || a.RoutingPolicyLabel != "7" {
		t.Errorf("got %q, %q, %q, %q", s.Account, a.ID, a.Account, a.RoutingPolicyLabel)
	}
	want := map[string]string{"shared": "true", "fw": "y", "n": "0123", "f": "1.10", "h": "0x1F", "d": "2026-01-01", "e": "1e3", "none": ""}
	for _, a := range s.Attachments {
		if !maps.Equal(a.Tags, want) {
			t.Errorf("tags of %s are %v", a.ID, a.Tags)
		}
	}
}

func TestNetwork_associations(t *testing.T) {
	s, err := snapshot.Parse(example(t))
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.Network(nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, a := range n.Attachments {
		got[a.ID] = a.Segment + a.NetworkFunctionGroup
		if a.Down {
			got[a.ID] += " down"
		}
	}
	want := map[string]string{
		"attachment-prod":     "prod",      // by its tag
		"attachment-recorded": "shared",    // as recorded, whatever the tag says
		"attachment-firewall": "inspect",   // the first at its edge
		"attachment-creating": "prod down", // has its place, carries nothing
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	anew, err := s.Under(s.Policy, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range anew.Attachments {
		if a.ID == "attachment-recorded" && a.Segment != "prod" {
			t.Errorf("an execution puts it into %q, want prod", a.Segment)
		}
	}
}

func TestCompile_wrongPolicyHasLines(t *testing.T) {
	s, err := snapshot.Parse(example(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Under([]byte("{\n \"version\": \"1\"\n}"), nil)
	if err == nil || !strings.Contains(err.Error(), "line 1: $.core-network-configuration") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example(f))
	f.Add([]byte(`{"version":1,"policy":{},"attachments":[{"id":"a","type":"vpc","edges":["x"]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := snapshot.Parse(data)
		if err != nil {
			return
		}
		text, err := s.JSON()
		if err != nil {
			t.Fatal(err)
		}
		again, err := snapshot.Parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if second, _ := again.JSON(); !bytes.Equal(text, second) {
			t.Errorf("%s\nbecomes\n%s", text, second)
		}
		_, _ = s.Network(nil)
	})
}

// TestNetwork_staticRouteToNowhere: a destination that belongs to no segment makes the route a blackhole at its edge; one
// that no static route names plays no part.
func TestNetwork_staticRouteToNowhere(t *testing.T) {
	s, err := snapshot.Parse([]byte(`version: 1
policy:
  version: "2021.12"
  core-network-configuration: {asn-ranges: ["64512-64599"], edge-locations: [{location: us-east-1}, {location: eu-west-1}]}
  segments: [{name: net}]
  attachment-policies: []
  segment-actions:
    - {action: create-route, segment: net, destination-cidr-blocks: [10.9.0.0/16], destinations: [attachment-00000000000000001]}
attachments:
  - {id: attachment-00000000000000001, type: vpc, edges: [eu-west-1], announcements: [{prefix: 10.1.0.0/16}]}
  - {id: attachment-00000000000000002, type: vpc, edges: [eu-west-1], announcements: [{prefix: 10.2.0.0/16}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.Network(nil)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := routing.Compute(*n)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, id := range tables.TableIDs() {
		table, _ := tables.Table(id)
		for r := range table.Routes() {
			got += fmt.Sprintln(id, r.Prefix, r.Type, r.State, r.Destinations)
		}
	}
	if want := "net@eu-west-1 10.9.0.0/16 STATIC BLACKHOLE []\n"; got != want || len(n.Attachments) != 1 {
		t.Errorf("%d attachments, got %swant %s", len(n.Attachments), got, want)
	}
}

// TestUnder_edgesOfTheOwnPolicyStay: edges that a file leaves to its policy are there before another policy comes:
// their ASNs stay.
func TestUnder_edgesOfTheOwnPolicyStay(t *testing.T) {
	text := func(ranges string) string {
		return `{"version": "2021.12", "core-network-configuration": {"asn-ranges": ["` + ranges + `"], "edge-locations": [{"location": "us-east-1"}]},
			"segments": [{"name": "prod"}]}`
	}
	s, err := snapshot.Parse([]byte(`{"version": 1, "policy": ` + text("64512-64599") + `}`))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Under([]byte(text("64512-64699")), nil); err != nil || n.Policy.Edges[0].ASN != 64512 {
		t.Errorf("a wider range moves the edge: %v", err)
	}
	if n, err := s.Under([]byte(text("64600-64699")), nil); err != nil || n.Policy.Edges[0].ASN != 64512 {
		t.Errorf("ranges without the ASN that was assigned: %v", err)
	}
	written := strings.Replace(text("64512-64599"), `"us-east-1"`, `"us-east-1", "asn": 64512`, 1)
	for _, edges := range []string{"", `, "edges": [{"location": "us-east-1", "asn": 64512}]`} {
		s, err := snapshot.Parse([]byte(`{"version": 1, "policy": ` + written + edges + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Under([]byte(text("64600-64699")), nil); err == nil {
			t.Errorf("edges %q: an ASN that was written was taken from its edge", edges)
		}
	}
}

// TestJSON_policyKeepsItsLines: a policy is written as it was put: what explains a route names the line that its author
// knows.
func TestJSON_policyKeepsItsLines(t *testing.T) {
	document := "{\n\n  \"version\": \"2021.12\"}"
	s, err := snapshot.Parse([]byte(`{"version": 1, "policy": ` + document + `}`))
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.JSON()
	if err != nil {
		t.Fatal(err)
	}
	again, err := snapshot.Parse(text)
	if err != nil || string(again.Policy) != document {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestNetwork_peersAndNAT: Connect peers and active NAT become what routing takes.
func TestNetwork_peersAndNAT(t *testing.T) {
	s, err := snapshot.Parse([]byte(peersAndNAT))
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.Network(nil)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := routing.Compute(*n)
	if err != nil {
		t.Fatal(err)
	}
	table, _ := tables.Table(routing.TableID{Segment: "net", Edge: "us-east-1"})
	var rows []string
	for p := range table.RIB() {
		rows = append(rows, fmt.Sprint(p.Prefix, " ", p.NextHop, " ", p.ASPath))
	}
	want := []string{
		"10.9.0.0/16 off []", "100.64.0.0/16 vpc []", "192.168.0.0/16 office/peer-1 [65001]", "192.168.0.0/16 office/peer-2 [65002 65001]",
		"192.168.9.0/24 office [65009]",
	}
	if !slices.Equal(rows, want) {
		t.Errorf("got  %q\nwant %q", rows, want)
	}
	if list := tables.Advertised("peer-1", "us-east-1"); len(list) != 2 {
		t.Errorf("advertised to peer-1: %v", list)
	}
}

const peersAndNAT = `
version: 1
policy:
  version: "2021.12"
  core-network-configuration: {asn-ranges: ["64512-64599"], edge-locations: [{location: us-east-1}]}
  segments: [{name: net, require-attachment-acceptance: false}]
  attachment-policies: [{rule-number: 1, conditions: [{type: any}], action: {association-method: constant, segment: net}}]
attachments:
  - {id: vpc, type: vpc, edges: [us-east-1], announcements: [{prefix: 10.0.0.0/16}],
     nat: {enabled: true, rules: [{ruleNumber: 1, matchSourceCidr: 10.0.0.0/16, natCidr: 100.64.0.0/16}]}}
  - {id: "off", type: vpc, edges: [us-east-1], announcements: [{prefix: 10.9.0.0/16}],
     nat: {enabled: false, rules: [{ruleNumber: 1, matchSourceCidr: 10.9.0.0/16, natCidr: 100.65.0.0/16}]}}
  - id: office
    type: connect
    edges: [us-east-1]
    announcements: [{prefix: 192.168.9.0/24, asPath: [65009]}]
    peers:
      - {id: peer-1, asn: 65001, announcements: [{prefix: 192.168.0.0/16, asPath: [65001]}]}
      - {id: peer-2, asn: 65002, announcements: [{prefix: 192.168.0.0/16, asPath: [65002, 65001]}]}
`

func TestParse_badPeersAndNAT(t *testing.T) {
	for _, c := range []struct{ old, bad, want string }{
		{"id: peer-2", "id: peer-1", "peers[1]: want an id that no other peer or attachment has"},
		{"id: peer-2", "id: vpc", "peers[1]: want an id that no other peer or attachment has"},
		{"asn: 65002", "asn: 0", "peers[1]: want the ASN of the peer"},
		{"type: connect", "type: site-to-site-vpn", "only a Connect attachment has peers"},
		{"asPath: [65002, 65001]", "asPath: [0]", "peers[1]: announcements[0]: AS 0 is reserved"},
		{"natCidr: 100.64.0.0/16", "natCidr: 100.64.0.0/17", "nat.rules[0]: want two IPv4 blocks of one size"},
		{"natCidr: 100.64.0.0/16", "natCidr: fd00::/16", "nat.rules[0]: want two IPv4 blocks of one size"},
		{"id: vpc, type: vpc", "id: vpc, type: transit-gateway-route-table", "a transit gateway route table has no NAT"},
	} {
		text := strings.Replace(peersAndNAT, c.old, c.bad, 1)
		if _, err := snapshot.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.bad, err, c.want)
		}
	}
}

// TestPlaces_inJSONAndYAML: members of the policy and of attachments are found where the file has them.
func TestPlaces_inJSONAndYAML(t *testing.T) {
	pointers := []jsontext.Pointer{"/policy/segments/1", "/attachments/0/tags/env", "/attachments/9", ""}
	for _, c := range []struct{ name, text string }{
		{"JSON", "{\n \"policy\": {\n  \"segments\": [\n   {},\n   {}\n  ]},\n \"attachments\": [{\"tags\": {\n  \"Name\": \"x\",\n  \"env\": \"prdo\"}}]}"},
		{"YAML", "policy:\n  # segments\n  segments:\n   - {}\n   - {}\nattachments:\n - tags:\n    Name: x\n    env: prdo\n"},
	} {
		got := snapshot.Places([]byte(c.text), pointers)
		if len(got) != 2 || got[pointers[0]].Line != 5 || got[pointers[1]].Line != 9 || got[pointers[1]].Column < 3 || got[pointers[1]].Column > 5 {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if got := snapshot.Places([]byte("{"), pointers); len(got) != 0 {
		t.Errorf("a file that ends: %v", got)
	}
}

// TestParse_noObject: a text that is no object has no members whose names could be asked about.
func TestParse_noObject(t *testing.T) {
	for _, text := range []string{"hello", "5", "true", "- a\n- 5\n", "- - true\n", "\"a\"", "&a 5"} {
		if s, err := snapshot.Parse([]byte(text)); err == nil {
			t.Errorf("%q is %+v", text, s)
		}
	}
}

package policy_test

import (
	"slices"
	"strings"
	"testing"

	"portolan/policy"
)

// kind is a document of two segments and a group with one part that varies, and the codes that the service answers.
type kind struct {
	name, action string
	want         []string // code and path, in document order
}

func (k kind) run(t *testing.T) {
	t.Helper()
	_, errs := check(strings.Replace(`{"version":"2025.11","core-network-configuration":{"asn-ranges":["64600-64699"],"edge-locations":[{"location":"us-east-1"},{"location":"eu-west-1"},{"location":"ap-south-1"}]},
"segments":[{"name":"red"},{"name":"blue"}],"network-function-groups":[{"name":"fw"}],"segment-actions":[ACTION]}`, "ACTION", k.action, 1))
	compareErrors(t, errs, k.want)
}

func compareErrors(t *testing.T, errs policy.Errors, want []string) {
	t.Helper()
	var got []string
	for _, e := range errs {
		got = append(got, e.Code+" "+e.Path)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCheck_whenSentToInSendTo(t *testing.T) {
	sendTo := func(when string) string {
		return `{"action":"send-to","segment":"red","when-sent-to":` + when + `,"via":{"network-function-groups":["fw"]}}`
	}
	for _, k := range []kind{
		{"its own segment", sendTo(`{"segments":"red"}`), nil},
		{"its own segment in a list", sendTo(`{"segments":["red"]}`), nil},
		{"another segment", sendTo(`{"segments":["blue"]}`), nil},
		{"all segments", sendTo(`{"segments":"*"}`), nil},
		{"a segment that does not exist", sendTo(`{"segments":["green"]}`), []string{"UNDEFINED_REFERENCE $.segment-actions[0].when-sent-to.segments[0]"}},
		{"a number", sendTo(`7`), []string{"TYPE_MISMATCH $.segment-actions[0].when-sent-to"}},
		{"a mode is still not known there", strings.Replace(sendTo(`{"segments":"red"}`), `"segment"`, `"mode":"single-hop","segment"`, 1), []string{"ADDITIONAL_PROPERTIES $.segment-actions[0].mode"}},
	} {
		t.Run(k.name, k.run)
	}
}

func TestCheck_whenSentToBracketedWildcard(t *testing.T) {
	sendVia := func(when string) string {
		return `{"action":"send-via","mode":"dual-hop","segment":"red","when-sent-to":` + when + `,"via":{"network-function-groups":["fw"]}}`
	}
	const element = "$.segment-actions[0].when-sent-to.segments"
	for _, k := range []kind{
		{"in brackets", sendVia(`{"segments":["*"]}`), []string{"CONSTANT_VIOLATION " + element + "[0]"}},
		{"beside a name", sendVia(`{"segments":["blue","*"]}`), []string{"CONSTANT_VIOLATION " + element + "[1]"}},
		{"in brackets in a send-to", strings.Replace(strings.Replace(sendVia(`{"segments":["*"]}`), "send-via", "send-to", 1), `"mode":"dual-hop",`, "", 1), []string{"CONSTANT_VIOLATION " + element + "[0]"}},
		{"without brackets", sendVia(`{"segments":"*"}`), nil},
		{"in brackets in a share", `{"action":"share","mode":"attachment-route","segment":"red","share-with":["*"]}`, nil},
	} {
		t.Run(k.name, k.run)
	}
}

func TestCheck_edgeSets(t *testing.T) {
	override := func(sets string) string {
		return `{"action":"send-via","mode":"single-hop","segment":"red","when-sent-to":{"segments":["blue"]},"via":{"network-function-groups":["fw"],"with-edge-overrides":[{"edge-sets":` + sets + `,"use-edge-location":"us-east-1"}]}}`
	}
	const sets = "$.segment-actions[0].via.with-edge-overrides[0].edge-sets"
	for _, k := range []kind{
		{"one edge twice", override(`[["eu-west-1","eu-west-1"]]`), nil},
		{"one edge", override(`[["eu-west-1"]]`), nil},
		{"three edges", override(`[["us-east-1","eu-west-1","ap-south-1"]]`), nil},
		{"three edges, one of them twice", override(`[["us-east-1","eu-west-1","us-east-1"]]`), nil},
		{"the same set twice", override(`[["us-east-1","eu-west-1"],["eu-west-1","us-east-1"]]`), nil},
		{"an edge that does not exist, twice", override(`[["eu-west-9","eu-west-9"]]`), []string{"UNDEFINED_EDGE_LOCATION " + sets + "[0][0]", "UNDEFINED_EDGE_LOCATION " + sets + "[0][1]"}},
		{"no edge", override(`[[]]`), []string{"MINIMUM_ITEMS " + sets + "[0]"}},
		{"no set", override(`[]`), []string{"MINIMUM_ITEMS " + sets}},
	} {
		t.Run(k.name, k.run)
	}
}

func TestCheck_unknownMembers(t *testing.T) {
	const document = `{"version":"2025.11","core-network-configuration":{"asn-ranges":["64600-64699"],"edge-locations":[{"location":"us-east-1"C}]B},"segments":[{"name":"red"D}],
"attachment-policies":[{"rule-number":1,"conditions":[{"type":"any"F}],"action":{"association-method":"constant","segment":"red"G}E}],
"routing-policies":[{"routing-policy-name":"keep","routing-policy-direction":"inbound","routing-policy-number":1,"routing-policy-rules":[{"rule-number":1,"rule-definition":{"condition-logic":"or","match-conditions":[{"type":"prefix-equals","value":"10.0.0.0/8"I}],"action":{"type":"allow"}}}]H}]A}`
	for place, path := range map[string]string{
		"A": "$.note", "B": "$.core-network-configuration.note", "C": "$.core-network-configuration.edge-locations[0].note", "D": "$.segments[0].note",
		"E": "$.attachment-policies[0].note", "F": "$.attachment-policies[0].conditions[0].note", "G": "$.attachment-policies[0].action.note",
		"H": "$.routing-policies[0].note", "I": "$.routing-policies[0].routing-policy-rules[0].rule-definition.match-conditions[0].note",
	} {
		text := document
		for c := 'A'; c <= 'I'; c++ {
			member := ""
			if string(c) == place {
				member = `,"note":"by the network team"`
			}
			for _, end := range []string{"}", "]"} {
				text = strings.ReplaceAll(text, string(c)+end, member+end)
			}
		}
		_, errs := check(text)
		compareErrors(t, errs, []string{"ADDITIONAL_PROPERTIES " + path})
	}
}

func TestCheck_routingPoliciesUnder2021(t *testing.T) {
	const code = "ADVANCED_ROUTING_UNSUPPORTED_VERSION_2021_12 "
	const routing = `"routing-policies":[{"routing-policy-name":"keep","routing-policy-direction":"inbound","routing-policy-number":1,"routing-policy-rules":[{"rule-number":1,"rule-definition":{"condition-logic":"or","match-conditions":[{"type":"prefix-equals","value":"10.0.0.0/8"}],"action":{"type":"allow"}}}]}]`
	for _, c := range []struct {
		name, part string
		want       []string
	}{
		{"routing policies", routing, []string{code + "$.routing-policies"}},
		{"rules for labels", routing + `,"attachment-routing-policy-rules":[{"rule-number":1,"conditions":[{"type":"routing-policy-label","value":"x"}],"action":{"associate-routing-policies":["keep"]}}]`, []string{code + "$.routing-policies", code + "$.attachment-routing-policy-rules"}},
		{"a share with routing policies", routing + `,"segment-actions":[{"action":"share","mode":"attachment-route","segment":"red","share-with":["blue"],"routing-policy-names":["keep"]}]`, []string{code + "$.routing-policies", code + "$.segment-actions[0].routing-policy-names"}},
		{"routing policies between edges", routing + `,"segment-actions":[{"action":"associate-routing-policy","segment":"red","edge-location-association":{"edge-location":"us-east-1","peer-edge-location":"eu-west-1","routing-policy-names":["keep"]}}]`, []string{code + "$.routing-policies", code + "$.segment-actions[0].action"}},
		{"none of it", `"segment-actions":[{"action":"share","mode":"attachment-route","segment":"red","share-with":["blue"]}]`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := `{"version":"2021.12","core-network-configuration":{"asn-ranges":["64600-64699"],"edge-locations":[{"location":"us-east-1"},{"location":"eu-west-1"}]},"segments":[{"name":"red"},{"name":"blue"}],` + c.part + `}`
			_, errs := check(text)
			compareErrors(t, errs, c.want)
			_, errs = check(strings.Replace(text, "2021.12", "2025.11", 1))
			compareErrors(t, errs, nil)
		})
	}
}

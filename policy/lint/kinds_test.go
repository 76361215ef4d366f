package lint_test

import (
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"portolan/policy"
	"portolan/policy/internal/policytest"
	"portolan/policy/lint"
)

// heard is the findings of all rules in a part of a document: severity, rule and path.
func heard(t *testing.T, part string) []string {
	t.Helper()
	doc, errs := policy.Parse([]byte(policytest.Complete(t, part)))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	findings, err := lint.Run(doc, nil, lint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, f := range findings {
		list = append(list, string(f.Severity)+" "+f.Rule+" "+f.Path)
	}
	return list
}

// document is a part of a document with segments of these names, rules that let attachments into them, and actions.
func document(segments []string, rules []object, actions ...object) string {
	var list []object
	for _, s := range segments {
		list = append(list, object{"name": s})
	}
	if rules == nil {
		rules = []object{
			{"rule-number": 10, "conditions": []object{{"type": "tag-exists", "key": "fw"}}, "action": object{"add-to-network-function-group": "fw"}},
			{"rule-number": 20, "conditions": []object{{"type": "tag-exists", "key": "net"}}, "action": object{"association-method": "tag", "tag-value-of-key": "net"}},
		}
	}
	part := object{"segments": list, "attachment-policies": rules, "segment-actions": append([]object{}, actions...)}
	if slices.ContainsFunc(actions, func(a object) bool { return a["via"] != nil }) {
		part["network-function-groups"] = []object{{"name": "fw"}}
	} else if len(rules) == 2 && rules[0]["action"].(object)["add-to-network-function-group"] != nil {
		part["attachment-policies"] = rules[1:]
	}
	text, err := json.Marshal(part, json.Deterministic(true))
	if err != nil {
		panic(err)
	}
	return string(text)
}

func share(segment string, with any) object {
	return object{"action": "share", "mode": "attachment-route", "segment": segment, "share-with": with}
}

func sendTo(segment string) object {
	return object{"action": "send-to", "segment": segment, "via": object{"network-function-groups": []string{"fw"}}}
}

func sendVia(segment string, to any) object {
	return object{"action": "send-via", "mode": "single-hop", "segment": segment, "when-sent-to": object{"segments": to}, "via": object{"network-function-groups": []string{"fw"}}}
}

func createRoute(segment, cidr, destination string) object {
	return object{"action": "create-route", "segment": segment, "destination-cidr-blocks": []string{cidr}, "destinations": []string{destination}}
}

func TestLint_connectWithoutInsideCIDR(t *testing.T) {
	rule := func(logic string, types ...string) []object {
		conditions := []object{}
		for _, kind := range types {
			conditions = append(conditions, object{"type": "attachment-type", "operator": "equals", "value": kind})
		}
		return []object{{"rule-number": 1, "condition-logic": logic, "conditions": conditions, "action": object{"association-method": "constant", "segment": "red"}}}
	}
	const at = " connect-without-inside-cidr $.attachment-policies[0]"
	for _, c := range []struct {
		name  string
		rules []object
		want  []string
	}{
		{"one of several types", rule("or", "site-to-site-vpn", "connect"), []string{"note" + at}},
		{"all hybrid types", rule("or", "site-to-site-vpn", "connect", "transit-gateway-route-table", "direct-connect-gateway"), []string{"note" + at}},
		{"the sole type", rule("or", "connect"), []string{"warning" + at}},
		{"another type", rule("or", "vpc"), []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := heard(t, document([]string{"red"}, c.rules)); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestLint_noAttachmentPolicies(t *testing.T) {
	want := []string{"warning segment-without-way-in $"}
	if got := heard(t, `{"segments":[{"name":"red"},{"name":"blue"},{"name":"green","isolate-attachments":true}]}`); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	want = []string{"warning segment-without-way-in $.attachment-policies"}
	if got := heard(t, `{"attachment-policies":[],"segments":[{"name":"red"},{"name":"blue"}]}`); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLint_shareWithNobody(t *testing.T) {
	for _, c := range []struct {
		name, want string
		with       any
	}{
		{"all", "note share-with-nobody $.segment-actions[0].share-with", "*"},
		{"all but none", "note share-with-nobody $.segment-actions[0].share-with", object{"except": []string{}}},
		{"a list of itself", "error share-with-nobody $.segment-actions[0].share-with", []string{"red"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := heard(t, document([]string{"red"}, nil, share("red", c.with))); !slices.Equal(got, []string{c.want}) {
				t.Errorf("got %q, want %s", got, c.want)
			}
		})
	}
}

// TestLint_defaultRouteStops: where others count on the default route of a segment, and only there.
func TestLint_defaultRouteStops(t *testing.T) {
	const attachment = "attachment-0123456789abcdef0"
	all := []string{"edge", "red", "blue"}
	two := []string{"edge", "red"}
	sendToFound := []string{"note send-to-default-not-shared $.segment-actions[0]"}
	staticFound := []string{"note static-default-not-shared $.segment-actions[0].destination-cidr-blocks[0]"}
	for _, c := range []struct {
		name     string
		segments []string
		actions  []object
		want     []string
	}{
		{"send-to, shared with a list", two, []object{sendTo("edge"), share("edge", []string{"red"})}, sendToFound},
		{"send-to, shared with all", all, []object{sendTo("edge"), share("edge", "*")}, sendToFound},
		{"send-to, others share themselves with it", all, []object{sendTo("edge"), share("red", []string{"edge"}), share("blue", []string{"edge"})}, sendToFound},
		{"send-to, a send-via in place of the share", two, []object{sendTo("edge"), sendVia("red", []string{"edge"})}, sendToFound},
		{"send-to, the other has one, too", two, []object{sendTo("edge"), sendTo("red"), share("edge", []string{"red"})}, []string{}},
		{"send-to, the other has a static default route", two, []object{sendTo("edge"), createRoute("red", "0.0.0.0/0", attachment), share("edge", []string{"red"})}, []string{}},
		{"send-to, the other is what it counts on", two, []object{sendTo("red"), share("edge", []string{"red"})}, []string{}},
		{"static, shared with a list", two, []object{createRoute("edge", "0.0.0.0/0", attachment), share("edge", []string{"red"})}, staticFound},
		{"static, leads to the segment that is shared", two, []object{createRoute("red", "0.0.0.0/0", attachment), share("edge", []string{"red"})}, []string{}},
		{"static, a blackhole", two, []object{createRoute("edge", "0.0.0.0/0", "blackhole"), share("edge", []string{"red"})}, []string{}},
		{"not a default route", two, []object{createRoute("edge", "10.0.0.0/8", attachment), share("edge", []string{"red"})}, []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := heard(t, document(c.segments, nil, c.actions...)); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestLint_oncePerCause: what one rule finds is not found again as what comes of it.
func TestLint_oncePerCause(t *testing.T) {
	condition := func(kind, operator, key, value string) object {
		c := object{"type": kind, "operator": operator, "value": value}
		if key != "" {
			c["key"] = key
		}
		return c
	}
	into := func(c ...object) []object {
		return []object{{"rule-number": 1, "condition-logic": "and", "conditions": c, "action": object{"association-method": "constant", "segment": "red"}}}
	}
	tag := object{"rule-number": 20, "conditions": []object{{"type": "tag-exists", "key": "net"}}, "action": object{"association-method": "tag", "tag-value-of-key": "net"}}
	for _, c := range []struct {
		name  string
		rules []object
		want  []string
	}{
		{"a type that does not exist", into(condition("attachment-type", "equals", "", "vpn")), []string{"error attachment-type-unknown $.attachment-policies[0].conditions[0]"}},
		{"a Region without edge", into(condition("region", "equals", "", "us-east-9")), []string{"error region-without-edge $.attachment-policies[0].conditions[0]"}},
		{"conditions that exclude each other", into(condition("tag-value", "equals", "k", "a"), condition("tag-value", "equals", "k", "b")), []string{"error rule-contradicts-itself $.attachment-policies[0].conditions[1]"}},
		{"a name in another case", []object{{"rule-number": 1, "conditions": []object{condition("tag-value", "equals", "net", "Red")}, "action": tag["action"]}}, []string{"error tag-value-names-no-segment $.attachment-policies[0].conditions[0]"}},
		{"a rule that never runs", append(append([]object{}, object{"rule-number": 1, "conditions": []object{{"type": "any"}}, "action": object{"association-method": "constant", "segment": "blue"}}), object{"rule-number": 2, "conditions": []object{condition("tag-value", "equals", "k", "a")}, "action": object{"association-method": "constant", "segment": "red"}}), []string{"error rule-shadowed $.attachment-policies[1]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			segments := []string{"red"}
			if c.name == "a rule that never runs" {
				segments = []string{"red", "blue"}
			}
			if got := heard(t, document(segments, c.rules)); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

package snapshot_test

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"sigs.k8s.io/yaml"

	"portolan/internal/snapshot"
	"portolan/routing"
)

var update = flag.Bool("update", false, "write docs/snapshot.schema.json anew")

const schemaFile = "../../docs/snapshot.schema.json"

func TestSchema_isTheFile(t *testing.T) {
	text, err := snapshot.Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != string(text) {
		t.Errorf("%s is not what the types say: go test ./internal/snapshot -run Schema -update", schemaFile)
	}
}

// TestSchema_namesTheFields compares the schema with the types without the code that writes it.
func TestSchema_namesTheFields(t *testing.T) {
	schema := readSchema(t)
	for name, typ := range map[string]reflect.Type{
		"": reflect.TypeFor[snapshot.Snapshot](), "Edge": reflect.TypeFor[snapshot.Edge](), "Attachment": reflect.TypeFor[snapshot.Attachment](),
		"Association": reflect.TypeFor[snapshot.Association](), "Announcement": reflect.TypeFor[routing.Announcement](),
		"Peer": reflect.TypeFor[snapshot.Peer](), "NAT": reflect.TypeFor[snapshot.NAT](), "NATRule": reflect.TypeFor[snapshot.NATRule](),
	} {
		object := schema
		if name != "" {
			object = schema["$defs"].(map[string]any)[name].(map[string]any)
		}
		var want, got []string
		for i := range typ.NumField() {
			member, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if member != "-" && typ.Field(i).IsExported() {
				want = append(want, member)
			}
		}
		for member := range object["properties"].(map[string]any) {
			got = append(got, member)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("%s has %v, the type %v", name, got, want)
		}
	}
}

func readSchema(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestSchema_examples(t *testing.T) {
	schema := readSchema(t)
	example, err := os.ReadFile("../../examples/network.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.Parse(example)
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := s.JSON()
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := s.YAML()
	if err != nil {
		t.Fatal(err)
	}
	full := `{version: 1, policy: {}, coreNetworkId: c, account: "1", policyVersionId: 3, edges: [{location: e, asn: 4294967295, insideCidrBlocks: [10.0.0.0/24]}],
prefixLists: {a: ["2001:db8::/32"]}, attachments: [{id: a, type: connect, state: FAILED, account: "2", edges: [e], resourceArn: r, resourceId: i, tags: {k: v},
routingPolicyLabel: l, peeringId: p, peerAsn: 1, tunnelLess: true, association: {segment: s, networkFunctionGroup: "", ruleNumber: 1},
announcements: [{prefix: 10.0.0.0/8, edge: e, asPath: [1, 2], med: 0, communities: ["1:2"]}]}]}`
	for name, text := range map[string][]byte{"example": example, "JSON": asJSON, "YAML": asYAML, "every member": []byte(full)} {
		if wrong := check(t, schema, text); len(wrong) > 0 {
			t.Errorf("%s: %v", name, wrong)
		}
	}
	// What the reader refuses for its form, the schema refuses too.
	for name, text := range map[string]string{
		"version":     `{version: 2, policy: {}}`,
		"no policy":   `{version: 1}`,
		"misspelt":    `{version: 1, policy: {}, atachments: []}`,
		"type":        `{version: 1, policy: {}, attachments: [{id: a, type: VPC, edges: [x]}]}`,
		"no edges":    `{version: 1, policy: {}, attachments: [{id: a, type: vpc}]}`,
		"state":       `{version: 1, policy: {}, attachments: [{id: a, type: vpc, edges: [x], state: GONE}]}`,
		"asn":         `{version: 1, policy: {}, edges: [{location: x, asn: 4294967296}]}`,
		"negative":    `{version: 1, policy: {}, edges: [{location: x, asn: -1}]}`,
		"prefix":      `{version: 1, policy: {}, prefixLists: {a: [ten]}}`,
		"tags":        `{version: 1, policy: {}, attachments: [{id: a, type: vpc, edges: [x], tags: [a]}]}`,
		"association": `{version: 1, policy: {}, attachments: [{id: a, type: vpc, edges: [x], association: {segmentName: a}}]}`,
	} {
		if wrong := check(t, schema, []byte(text)); len(wrong) == 0 {
			t.Errorf("%s: the schema takes %s", name, text)
		}
		if _, err := snapshot.Parse([]byte(text)); err == nil {
			t.Errorf("%s: the reader takes %s", name, text)
		}
	}
}

// check is what is wrong with a file by the part of JSON Schema that ours is made of.
func check(t *testing.T, schema map[string]any, text []byte) []string {
	t.Helper()
	converted, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(converted, &value); err != nil {
		t.Fatal(err)
	}
	var wrong []string
	add := func(at, format string, args ...any) { wrong = append(wrong, at+": "+fmt.Sprintf(format, args...)) }
	var walk func(at string, s map[string]any, v any)
	walk = func(at string, s map[string]any, v any) {
		if ref, ok := s["$ref"].(string); ok {
			walk(at, schema["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any), v)
			return
		}
		for word := range s {
			if !slices.Contains([]string{
				"$schema", "title", "$defs", "type", "description", "properties", "required", "additionalProperties", "items", "enum",
				"pattern", "const", "minimum", "maximum",
			}, word) {
				t.Fatalf("the checker does not know %s", word)
			}
		}
		if want, ok := s["const"]; ok && want != v {
			add(at, "%v is not %v", v, want)
		}
		if list, ok := s["enum"].([]any); ok && !slices.Contains(list, v) {
			add(at, "%v is not one of %v", v, list)
		}
		switch s["type"] {
		case "object":
			object, ok := v.(map[string]any)
			if !ok {
				add(at, "not an object")
				return
			}
			properties, _ := s["properties"].(map[string]any)
			for name, member := range object {
				if p, ok := properties[name].(map[string]any); ok {
					walk(at+"."+name, p, member)
				} else if more, ok := s["additionalProperties"].(map[string]any); ok {
					walk(at+"."+name, more, member)
				} else if s["additionalProperties"] == false {
					add(at, "has %s", name)
				}
			}
			required, _ := s["required"].([]any)
			for _, name := range required {
				if _, ok := object[name.(string)]; !ok {
					add(at, "has no %s", name)
				}
			}
		case "array":
			list, ok := v.([]any)
			if !ok {
				add(at, "not an array")
			}
			for i, x := range list {
				walk(fmt.Sprintf("%s[%d]", at, i), s["items"].(map[string]any), x)
			}
		case "string":
			text, ok := v.(string)
			if !ok {
				add(at, "not a string")
			}
			if pattern, ok := s["pattern"].(string); ok && !regexp.MustCompile(pattern).MatchString(text) {
				add(at, "%q is not like %s", text, pattern)
			}
		case "integer":
			n, ok := v.(float64)
			if !ok || n != float64(int64(n)) {
				add(at, "not an integer")
			}
			if low, ok := s["minimum"].(float64); ok && n < low {
				add(at, "below %v", low)
			}
			if high, ok := s["maximum"].(float64); ok && n > high {
				add(at, "above %v", high)
			}
		case "boolean":
			if _, ok := v.(bool); !ok {
				add(at, "not a boolean")
			}
		default:
			t.Fatalf("the checker does not know type %v", s["type"])
		}
	}
	walk("$", schema, value)
	return wrong
}

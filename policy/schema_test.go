package policy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"portolan/policy"
)

// fits says what of a value does not fit a schema as it is written in JSON Schema, "" when all does.
func fits(schema map[string]any, v any) string {
	if forms, ok := schema["anyOf"].([]any); ok {
		var last string
		for _, form := range forms {
			if last = fits(form.(map[string]any), v); last == "" {
				return ""
			}
		}
		return "no form fits: " + last
	}
	switch schema["type"] {
	case "object":
		o, ok := v.(map[string]any)
		if !ok {
			return fmt.Sprintf("%v is no object", v)
		}
		properties := schema["properties"].(map[string]any)
		for key, value := range o {
			member, known := properties[key].(map[string]any)
			if !known {
				return key + " is not known"
			}
			if why := fits(member, value); why != "" {
				return key + ": " + why
			}
		}
		required, _ := schema["required"].([]any)
		for _, key := range required {
			if _, given := o[key.(string)]; !given {
				return key.(string) + " is missing"
			}
		}
	case "array":
		a, ok := v.([]any)
		least, _ := schema["minItems"].(float64)
		most, bounded := schema["maxItems"].(float64)
		if !ok || float64(len(a)) < least || bounded && float64(len(a)) > most {
			return fmt.Sprintf("%v is no list of so many", v)
		}
		for _, e := range a {
			if why := fits(schema["items"].(map[string]any), e); why != "" {
				return why
			}
		}
	case "string":
		s, ok := v.(string)
		enum, listed := schema["enum"].([]any)
		pattern, _ := schema["pattern"].(string)
		if !ok || listed && !slices.Contains(enum, any(s)) || pattern != "" && !regexp.MustCompile(pattern).MatchString(s) {
			return fmt.Sprintf("%v is no such string", v)
		}
	case "integer":
		n, ok := v.(float64)
		if !ok || n < schema["minimum"].(float64) || n > schema["maximum"].(float64) {
			return fmt.Sprintf("%v is no such number", v)
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			return fmt.Sprintf("%v is no boolean", v)
		}
	default:
		return fmt.Sprintf("the schema has a type %v", schema["type"])
	}
	return ""
}

func readSchema(t *testing.T, version string) map[string]any {
	t.Helper()
	s, err := policy.DocumentSchema(version)
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestDocumentSchema_takesWhatCheckTakes: every policy of the corpus and of the examples fits the schema of its version and that
// of both, and none with routing policies that of the older one.
func TestDocumentSchema_takesWhatCheckTakes(t *testing.T) {
	files, _ := filepath.Glob("lint/testdata/corpus/*.json")
	examples, _ := filepath.Glob("../examples/policies/*.json")
	if len(files) < 40 || len(examples) < 5 {
		t.Fatalf("%d and %d policies", len(files), len(examples))
	}
	schemas := map[string]map[string]any{}
	for _, version := range []string{"", policy.Version2021, policy.Version2025} {
		schemas[version] = readSchema(t, version)
	}
	for _, file := range append(files, examples...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		if err := json.Unmarshal(text, &doc); err != nil || doc["segments"] == nil { // a Terraform plan
			continue
		}
		version := doc["version"].(string)
		for _, of := range []string{"", version} {
			if why := fits(schemas[of], doc); why != "" {
				t.Errorf("%s and the schema of %q: %s", file, of, why)
			}
		}
		doc["version"] = policy.Version2021
		if why := fits(schemas[policy.Version2021], doc); (why == "") == (doc["routing-policies"] != nil) {
			t.Errorf("%s as %s: %q", file, policy.Version2021, why)
		}
	}
}

func TestDocumentSchema_refusesWhatCheckRefuses(t *testing.T) {
	schema := readSchema(t, "")
	const document = `{"version":"2025.11","core-network-configuration":{"asn-ranges":["64600-64699"],"edge-locations":[{"location":"us-east-1"}]},"segments":[{"name":"red"}]PART}`
	for _, part := range []string{
		`,"note":1`, `,"segment-actions":[{"action":"shared","segment":"red"}]`, `,"segment-actions":[{"action":"share","mode":"attachment-route","segment":"red"}]`,
		`,"segment-actions":[{"action":"send-via","mode":"dual-hop","segment":"red","when-sent-to":{"segments":7},"via":{"network-function-groups":["fw"]}}]`,
		`,"segment-actions":[{"action":"send-to","segment":"red","via":{"network-function-groups":["fw","nat"]}}]`,
		`,"attachment-policies":[{"rule-number":0,"conditions":[],"action":{"association-method":"tag","tag-value-of-key":"k"}}]`,
		`,"attachment-policies":[{"rule-number":1,"conditions":[{"type":"tag-exists"}],"action":{"association-method":"tag","tag-value-of-key":"k"}}]`,
		`,"attachment-policies":[{"rule-number":1,"conditions":[],"action":{"association-method":"tag","segment":"red"}}]`,
		`,"routing-policies":[{"routing-policy-name":"a-b","routing-policy-direction":"inbound","routing-policy-number":1,"routing-policy-rules":[]}]`,
	} {
		text := strings.Replace(document, "PART", part, 1)
		var doc any
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		if _, errs := check(text); len(errs) == 0 || fits(schema, doc) == "" {
			t.Errorf("%s: check says %v, the schema %q", part, errs, fits(schema, doc))
		}
	}
	if _, err := policy.DocumentSchema("2030.01"); err == nil || !strings.Contains(err.Error(), "2021.12 and 2025.11") {
		t.Errorf("got %v", err)
	}
}

// TestDocumentSchema_describesEveryMember, and describes nothing that is not there.
func TestDocumentSchema_describesEveryMember(t *testing.T) {
	s, err := policy.DocumentSchema("")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	var walk func(path string, s *policy.Schema)
	walk = func(path string, s *policy.Schema) {
		for _, form := range s.AnyOf {
			walk(path, form)
		}
		if s.Items != nil {
			walk(path, s.Items)
		}
		for _, m := range s.Members {
			at := path + "/" + m.Name
			seen[at] = true
			if m.Description == "" {
				t.Errorf("%s is not described", at)
			}
			walk(at, m.Schema)
		}
	}
	walk("", s)
	for path := range policy.SchemaDescriptions {
		if !seen[path] {
			t.Errorf("%s is described and is not there", path)
		}
	}
}

// TestJSONSchema_isTheFile compares docs/policy.schema.json; with POLICY_UPDATE=1 it writes it.
func TestJSONSchema_isTheFile(t *testing.T) {
	const file = "../docs/policy.schema.json"
	s, err := policy.DocumentSchema("")
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("POLICY_UPDATE") != "" {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if kept, err := os.ReadFile(file); err != nil || string(kept) != string(text) {
		t.Errorf("%s is not what the tables say: POLICY_UPDATE=1 go test ./policy -run JSONSchema (%v)", file, err)
	}
}

package main

import (
	"bytes"
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func load(t *testing.T) *model {
	t.Helper()
	m, err := readModel("model/networkmanager-2019-07-05.json")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestGenerate_noDiff(t *testing.T) {
	first, err := generate(load(t))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 { // map order must not show
		again, err := generate(load(t))
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range first {
			if !bytes.Equal(again[name], text) {
				t.Fatalf("%s differs from one run to the next", name)
			}
		}
	}
	for name, text := range first {
		if formatted, err := format.Source(text); err != nil || !bytes.Equal(formatted, text) {
			t.Errorf("%s is not formatted: %v", name, err)
		}
		there, err := os.ReadFile(filepath.Join("../../api", name))
		if err != nil || !bytes.Equal(there, text) {
			t.Errorf("api/%s is not what the generator writes (%v); run go generate ./api", name, err)
		}
	}
	there, err := filepath.Glob("../../api/zz_*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range there {
		if first[filepath.Base(path)] == nil {
			t.Errorf("%s is left over: the generator no longer writes it", path)
		}
	}
}

func TestIAMFacts_matchTheModel(t *testing.T) {
	m := load(t)
	for name := range iamFacts {
		if m.Operations[name] == nil {
			t.Errorf("facts of %s, which is no operation", name)
		}
	}
	levels := map[string]int{}
	types := map[string]bool{}
	for _, name := range m.operationNames() {
		facts, ok := iamOf(name)
		if !ok {
			t.Errorf("no facts of %s", name)
		}
		levels[facts.access]++
		for _, r := range facts.resources {
			types[r.Type] = true
		}
	}
	if len(levels) != 5 || levels["Tagging"] != 2 || levels["Permissions management"] != 3 {
		t.Errorf("access levels %v", levels)
	}
	want := []string{"attachment", "connect-peer", "connection", "core-network", "device", "global-network", "link", "peering", "site"}
	if got := sortedKeys(types); !slices.Equal(got, want) {
		t.Errorf("resource types %q", got)
	}
	facts, _ := iamOf("AssociateCustomerGateway")
	if facts.access != "Write" || !slices.Equal(facts.keys, []string{"networkmanager:cgwArn"}) ||
		!slices.Equal(facts.resources, []iamResource{{"device", true}, {"global-network", true}, {"link", false}}) {
		t.Errorf("AssociateCustomerGateway: %+v", facts)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"GlobalNetworkId": "globalNetworkId", "AWSLocation": "awsLocation", "Tags": "tags", "BGP": "bgp", "SLRDeploymentStatus": "slrDeploymentStatus", "ASPath": "asPath", "X": "x", "": "",
	} {
		if got := lowerCamel(name); got != want {
			t.Errorf("lowerCamel(%q) = %q, want %q", name, got, want)
		}
	}
	for value, want := range map[string]string{
		"PENDING": "Pending", "PENDING_TAG_ACCEPTANCE": "PendingTagAcceptance", "site-to-site-vpn": "SiteToSiteVpn", "FieldValidationFailed": "FieldValidationFailed", "GRE": "Gre", "NO_ENCAP": "NoEncap",
	} {
		if got := constant(value); got != want {
			t.Errorf("constant(%q) = %q, want %q", value, got, want)
		}
	}
}

// TestModel_holdsNothingTheGeneratorDoesNotWrite: what the generator does not know how to write must not be in the
// model: it would be left out without a word.
func TestModel_holdsNothingTheGeneratorDoesNotWrite(t *testing.T) {
	m := load(t)
	for name, s := range m.Shapes {
		if s.inInput && (s.Type == "list" || s.Type == "map") && (s.Min != nil || s.Max != nil) {
			t.Errorf("%s has a number of elements, which Validate does not check", name)
		}
		if (s.Type == "integer" || s.Type == "long") && (s.Min == nil) != (s.Max == nil) {
			t.Errorf("%s has half a range", name)
		}
		if s.Type == "string" && s.Min != nil && s.Max == nil {
			t.Errorf("%s has half a length", name)
		}
		if s.Type == "map" && m.Shapes[s.Key.Shape].Type != "string" {
			t.Errorf("%s has keys of another type", name)
		}
		for _, member := range s.Members {
			target := m.Shapes[member.Shape]
			known := map[string]bool{"": true, "uri": true, "querystring": true, "header": s.Exception}
			if !known[member.Location] {
				t.Errorf("%s.%s is in the %s", name, member.Name, member.Location)
			}
			if member.Location == "" && member.LocationName != "" {
				t.Errorf("%s.%s has another name on the wire", name, member.Name)
			}
			if member.Location == "uri" && member.Shape != "Integer" && target.Type != "string" {
				t.Errorf("%s.%s is a label of type %s", name, member.Name, target.Type)
			}
			if member.Location == "querystring" && !slices.Contains([]string{"string", "integer", "list"}, target.Type) {
				t.Errorf("%s.%s is a parameter of type %s", name, member.Name, target.Type)
			}
		}
		switch s.Type {
		case "string", "integer", "long", "boolean", "timestamp", "list", "map", "structure":
		default:
			t.Errorf("%s is of type %s", name, s.Type)
		}
	}
}

// TestEmptyLists_unrecordedAreInTheDocs: a list that no recording shows empty is an inference, and inferences are
// written down where users look.
func TestEmptyLists_unrecordedAreInTheDocs(t *testing.T) {
	m := load(t)
	text, err := os.ReadFile("../../docs/differences.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Lists without elements\n")
	section, _, _ = strings.Cut(section, "\n## ")
	known := map[string]bool{}
	for _, s := range m.structures() {
		for _, member := range s.Members {
			name := s.name + "." + member.Name
			if _, ok := emptyLists[name]; ok {
				known[name] = true
			}
			if typ := m.Shapes[member.Shape].Type; !s.inOutput && !s.Exception || typ != "list" && typ != "map" {
				continue
			}
			row := strings.Contains(section, "\n| `"+s.goName()+"."+member.Name+"` |")
			if want := m.whenEmpty(s, member) == unrecorded; row != want {
				t.Errorf("%s has a row: %t, want %t", name, row, want)
			}
		}
	}
	for name := range emptyLists {
		if !known[name] {
			t.Errorf("%s is no member", name)
		}
	}
}

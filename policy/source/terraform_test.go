package source_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"portolan/policy/source"
)

const smallPolicy = `{"version":"2021.12","core-network-configuration":{"asn-ranges":["64512-64599"],"edge-locations":[{"location":"eu-west-1"}]},"segments":[{"name":"a"}]}`

// planned shows what was found, one a line, with short texts.
func planned(list []source.Policy) []string {
	var lines []string
	for _, p := range list {
		line := fmt.Sprintf("%s %s %.12s", p.Address, p.Attribute, p.Text)
		if p.Unknown != "" {
			line = p.Address + " " + p.Attribute + " unknown"
		}
		lines = append(lines, line)
	}
	return lines
}

func TestRead_terraform(t *testing.T) {
	quoted := strconv.Quote(smallPolicy)
	const attachment, network = "aws_networkmanager_core_network_policy_attachment", "awscc_networkmanager_core_network"
	for _, test := range []struct {
		name, plan string
		want       []string
	}{
		{"nothing", `{"format_version":"1.2"}`, nil},
		{
			"other resources", `{"planned_values":{"root_module":{"resources":[{"address":"aws_vpc.a","mode":"managed","type":"aws_vpc","values":{"policy_document":"x"}}]}}}`, nil,
		},
		{
			"modules inside modules", `{"planned_values":{"root_module":{
"resources":[{"address":"` + network + `.n","mode":"managed","type":"` + network + `","values":{"policy_document":` + quoted + `}}],
"child_modules":[{"address":"module.a","child_modules":[{"resources":[{"address":"module.a.module.b[\"x\"].` + attachment + `.p","mode":"managed","type":"` + attachment + `",
"values":{"core_network_id":"core-network-1","policy_document":"{\u0022version\u0022: 1}"}}]}]}]}}}`,
			[]string{network + `.n policy_document {"version":"`, "module.a.module.b[\"x\"]." + attachment + `.p policy_document {"version": `},
		},
		{
			"the second argument of a core network", `{"planned_values":{"root_module":{"resources":[{"address":"a.b","mode":"managed","type":"aws_networkmanager_core_network","values":
{"policy_document":null,"base_policy_document":"{}"}}]}}}`,
			[]string{"a.b base_policy_document {}"},
		},
		{
			"an object in place of a string", `{"planned_values":{"root_module":{"resources":[{"address":"a.b","type":"` + network + `","values":
{"policy_document":{"a": 1}}}]}}}`,
			[]string{`a.b policy_document {"a": 1}`},
		},
		{
			"not known yet", `{"planned_values":{"root_module":{"resources":[{"address":"x.p","mode":"managed","type":"` + attachment + `","values":{}}]}},
"resource_changes":[{"address":"x.p","mode":"managed","type":"` + attachment + `","change":{"actions":["create"],"before":null,"after":{},"after_unknown":{"id":true,"policy_document":true}}},
{"address":"data.d","mode":"data","type":"aws_networkmanager_core_network_policy_document","change":{"actions":["read"],"after":{},"after_unknown":{"json":true}}}]}`,
			[]string{"x.p policy_document unknown"},
		},
		{
			"changes without values", `{"resource_changes":[{"address":"x.p","type":"` + attachment + `","change":{"actions":["update"],"after":{"policy_document":"{}"},"after_unknown":{}}}]}`,
			[]string{"x.p policy_document {}"},
		},
		{
			"destroyed", `{"resource_changes":[{"address":"x.p","type":"` + attachment + `","change":{"actions":["delete"],"before":{"policy_document":"{}"},"after":null,"after_unknown":false}}]}`, nil,
		},
		{
			"a data source that a resource uses", `{"planned_values":{"root_module":{"resources":[{"address":"x.p","mode":"managed","type":"` + attachment + `","values":{"policy_document":"{}"}}]}},
"prior_state":{"values":{"root_module":{"resources":[{"address":"data.d","mode":"data","type":"aws_networkmanager_core_network_policy_document","values":{"json":"{}"}},
{"address":"x.p","mode":"managed","type":"` + attachment + `","values":{"policy_document":"{\"old\":1}"}}]}}}}`,
			[]string{"x.p policy_document {}"},
		},
		{
			"a data source that nothing uses", `{"prior_state":{"values":{"root_module":{"resources":[
{"address":"data.d","mode":"data","type":"aws_networkmanager_core_network_policy_document","values":{"json":"{}"}}]}}}}`,
			[]string{"data.d json {}"},
		},
		{
			"a state", `{"format_version":"1.0","values":{"root_module":{"resources":[{"address":"x.p","mode":"managed","type":"` + attachment + `","values":
{"policy_document":"{}"}}]}}}`,
			[]string{"x.p policy_document {}"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			list, err := source.Read("", []byte(test.plan))
			if test.want == nil && err != nil && strings.Contains(err.Error(), "has no core network policy") {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, planned(list)); d != "" {
				t.Error(d)
			}
			for _, p := range list {
				checkPlanned(t, test.plan, p)
			}
		})
	}
}

func plain(text []byte) (v any) {
	_ = json.Unmarshal(text, &v)
	return v
}

// checkPlanned looks where a document is said to begin in a plan.
func checkPlanned(t *testing.T, plan string, p source.Policy) {
	t.Helper()
	if p.Unknown != "" {
		return
	}
	lines := strings.SplitAfter(plan, "\n")
	if p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.Column > len(lines[p.Line-1]) {
		t.Fatalf("%s is said to be at %d:%d", p.Address, p.Line, p.Column)
	}
	dec := jsontext.NewDecoder(strings.NewReader(lines[p.Line-1][p.Column-1:] + strings.Join(lines[p.Line:], "")))
	var there any
	if err := json.UnmarshalDecode(dec, &there); err != nil {
		t.Fatal(err)
	}
	if s, ok := there.(string); ok && s != string(p.Text) || !ok && fmt.Sprint(there) != fmt.Sprint(plain(p.Text)) {
		t.Errorf("%s is said to be at %d:%d, where %v stands", p.Address, p.Line, p.Column, there)
	}
}

func TestRead_terraformRefusals(t *testing.T) {
	resource := func(values string) string {
		return `{"planned_values":{"root_module":{"resources":[{"address":"x.p","type":"awscc_networkmanager_core_network","values":` + values + `}]}}}`
	}
	many := `{"planned_values":{"root_module":{"resources":[` + strings.TrimSuffix(strings.Repeat(`{"address":"N","type":"awscc_networkmanager_core_network","values":{"policy_document":"{}"}},`, 1001), ",") + `]}}}`
	for i := range 1001 {
		many = strings.Replace(many, `"N"`, strconv.Quote(fmt.Sprint("x.", i)), 1)
	}
	for _, test := range []struct{ name, plan, want string }{
		{"another form", `{"planned_values":[]}`, "the Terraform plan does not have the form that it should: /planned_values"},
		{"a number for a document", resource(`{"policy_document":1}`), "x.p: policy_document is neither a string nor an object"},
		{"too many documents", many, "more than 1000 policy documents"},
		{"too deep", `{"planned_values":{"root_module":` + strings.Repeat(`{"child_modules":[`, 102) + strings.Repeat(`]}`, 102) + `}}`, "more than 100 modules inside each other"},
		{"too large", strings.Repeat(" ", source.MaxSize+1), "more than 67108864"},
	} {
		t.Run(test.name, func(t *testing.T) {
			list, err := source.Read("", []byte(test.plan))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, %v", planned(list), err)
			}
		})
	}
}

package source_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/go-json-experiment/json"

	"portolan/policy"
	"portolan/policy/source"
)

// found is what Read finds, one a line: the form, where it is, and whether the document passes the checks.
func found(list []source.Policy) []string {
	var lines []string
	for _, p := range list {
		line := strings.Join(strings.Fields(fmt.Sprintf("%s %s %s", p.Form, p.Address, p.Attribute)), " ")
		if p.Unknown != "" {
			lines = append(lines, line+": "+p.Unknown)
			continue
		}
		doc, errs := p.Parse()
		if len(errs) == 0 {
			errs = policy.Check(doc)
		}
		if len(errs) > 0 {
			line += fmt.Sprintf(", line %d: %s", errs[0].Line, errs[0].Message)
		}
		lines = append(lines, line)
	}
	return lines
}

func quoted(text string) string {
	b, err := json.Marshal(text, json.Deterministic(true))
	if err != nil {
		panic(err)
	}
	return string(b)
}

const yamlPolicy = `
version: "2021.12"
core-network-configuration: {asn-ranges: ["64600-64699"], edge-locations: [{location: us-east-1}]}
segments:
  - name: red
`

// templateOf is a CloudFormation template in JSON with a PolicyDocument.
func templateOf(document string) string {
	return `{"AWSTemplateFormatVersion":"2010-09-09","Resources":{"Bucket":{"Type":"AWS::S3::Bucket"},"Core":{"Type":"AWS::NetworkManager::CoreNetwork",
"Properties":{"GlobalNetworkId":{"Ref":"G"},"PolicyDocument":` + document + `}}}}`
}

func utf16Text(text string, big bool) string {
	out := []byte("\xff\xfe")
	if big {
		out = []byte("\xfe\xff")
	}
	for _, u := range utf16.Encode([]rune(text)) {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return string(out)
}

const unknownRef = "whose value is known only when the stack is created"

func TestRead_forms(t *testing.T) {
	wrong := strings.Replace(smallPolicy, `"a"`, `"a b"`, 1)
	indent := func(text string) string { return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n        ") }
	for _, c := range []struct {
		name, file, text string
		want             []string
	}{
		{"a document", "", smallPolicy, []string{"policy document"}},
		{"a document with errors", "", "\n\n" + wrong, []string{"policy document, line 3: $.segments[0].name: "}},
		{"a byte order mark", "", "\xef\xbb\xbf" + smallPolicy, []string{"policy document"}},
		{"UTF-16, as PowerShell writes it", "", utf16Text(smallPolicy, false), []string{"policy document"}},
		{"UTF-16, big-endian", "", utf16Text(smallPolicy, true), []string{"policy document"}},
		{"YAML", "", yamlPolicy, []string{"policy document"}},
		{"YAML after a comment and a marker", "", "# ours\n---" + yamlPolicy, []string{"policy document"}},
		{"YAML with an error", "", yamlPolicy + "    colour: x\n", []string{"policy document, line 6: $.segments[0].colour: is not a known property"}},
		{"a version that is a number in YAML", "", strings.Replace(yamlPolicy, `"2021.12"`, "2021.12", 1), []string{"policy document, line 2: $.version: number found, string expected"}},
		{
			"YAML with an anchor and a merge", "", strings.Replace(yamlPolicy, "  - name: red\n", "  - &one {name: red, isolate-attachments: true}\n  - {<<: *one, name: blue}\n", 1),
			[]string{"policy document"},
		},
		{"a JSON string", "", quoted(smallPolicy), []string{"JSON string"}},
		{"a JSON string in a JSON string", "", quoted(quoted(smallPolicy)), []string{"JSON string"}},
		{"a reply of get-core-network-policy", "", `{"CoreNetworkPolicy":{"CoreNetworkId":"c","PolicyVersionId":3,"Alias":"LIVE","PolicyDocument":` + quoted(smallPolicy) + `}}`, []string{"API message PolicyDocument"}},
		{"a reply as YAML, --output yaml", "", "CoreNetworkPolicy:\n  Alias: LIVE\n  PolicyDocument: '" + smallPolicy + "'\n", []string{"API message PolicyDocument"}},
		{"the inner part of the reply", "", `{"CoreNetworkId":"c","PolicyDocument":` + quoted(smallPolicy) + `}`, []string{"API message PolicyDocument"}},
		{"a put request with an object", "", `{"CoreNetworkId":"c",` + "\n" + `"PolicyDocument":` + wrong + `}`, []string{"API message PolicyDocument, line 2: $.segments[0].name: "}},
		{"a snapshot", "", `{"version":1,"attachments":[],"policy":` + smallPolicy + `}`, []string{"snapshot policy"}},
		{"a template with an object", "", templateOf(smallPolicy), []string{"CloudFormation template Core PolicyDocument"}},
		{"a template with an object with errors", "", templateOf(wrong), []string{"CloudFormation template Core PolicyDocument, line 2: $.segments[0].name: "}},
		{"a template with a string", "", templateOf(quoted(smallPolicy)), []string{"CloudFormation template Core PolicyDocument"}},
		{"a template that joins texts", "", templateOf(`{"Fn::Join":["",[` + quoted(smallPolicy[:20]) + `,` + quoted(smallPolicy[20:]) + `]]}`), []string{"CloudFormation template Core PolicyDocument"}},
		{"a template with a Ref inside", "", templateOf(strings.Replace(smallPolicy, `"eu-west-1"`, `{"Ref":"AWS::Region"}`, 1)), []string{"CloudFormation template Core PolicyDocument: Core: PolicyDocument holds Ref on line 2, " + unknownRef}},
		{"a template with a Sub", "", templateOf(`{"Fn::Sub":"{\"version\":\"${Version}\"}"}`), []string{"CloudFormation template Core PolicyDocument: Core: PolicyDocument holds Sub on line 2, " + unknownRef}},
		{"a template with a Sub of nothing", "", templateOf(`{"Fn::Sub":` + quoted(smallPolicy) + `}`), []string{"CloudFormation template Core PolicyDocument"}},
		{
			"a template in YAML", "", "Resources:\n  Core:\n    Type: AWS::NetworkManager::CoreNetwork\n    Properties:\n      GlobalNetworkId: !Ref G\n      PolicyDocument:\n        " + indent(yamlPolicy) + "\n",
			[]string{"CloudFormation template Core PolicyDocument"},
		},
		{
			"a template in YAML with an error", "", "Resources:\n  Core:\n    Type: AWS::NetworkManager::CoreNetwork\n    Properties:\n      PolicyDocument:\n        " + indent(strings.Replace(yamlPolicy, "name: red", "nam: red", 1)) + "\n",
			[]string{"CloudFormation template Core PolicyDocument, line 9: $.segments[0].name: is missing but it is required"},
		},
		{
			"a template in YAML with a GetAtt", "", "Resources:\n  Core:\n    Type: AWS::NetworkManager::CoreNetwork\n    Properties:\n      PolicyDocument:\n        version: !GetAtt Other.Version\n",
			[]string{"CloudFormation template Core PolicyDocument: Core: PolicyDocument holds GetAtt on line 6, " + unknownRef},
		},
		{
			"a template in YAML with a block of JSON", "", "Resources:\n  Core:\n    Type: AWS::NetworkManager::CoreNetwork\n    Properties:\n      PolicyDocument: |\n        " + smallPolicy + "\n  Other: {Type: AWS::NetworkManager::CoreNetwork}\n",
			[]string{"CloudFormation template Core PolicyDocument"},
		},
		{"a reply of get-template", "", "{\"TemplateBody\":\n" + templateOf(wrong) + "}", []string{"CloudFormation template Core PolicyDocument, line 3: $.segments[0].name: "}},
		{"a reply of get-template with a text", "", `{"TemplateBody":` + quoted("Resources:\n  Core:\n    Type: AWS::NetworkManager::CoreNetwork\n    Properties:\n      PolicyDocument:\n        "+indent(yamlPolicy)+"\n") + "}", []string{"CloudFormation template Core PolicyDocument"}},
		{
			"a state of Terraform", "terraform.tfstate", `{"version":4,"terraform_version":"1.9.0","serial":1,"lineage":"x","outputs":{},"resources":[
{"mode":"data","type":"aws_networkmanager_core_network_policy_document","name":"d","instances":[{"attributes":{"json":` + quoted(smallPolicy) + `}}]},
{"module":"module.wan[\"eu\"]","mode":"managed","type":"aws_networkmanager_core_network_policy_attachment","name":"p","instances":[{"index_key":0,"attributes":{"id":"x","policy_document":` + quoted(smallPolicy) + `}},{"index_key":"b","attributes":{"policy_document":` + quoted(wrong) + `}}]}]}`,
			[]string{
				`Terraform state module.wan["eu"].aws_networkmanager_core_network_policy_attachment.p[0] policy_document`,
				`Terraform state module.wan["eu"].aws_networkmanager_core_network_policy_attachment.p["b"] policy_document, line 1: $.segments[0].name: `,
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := source.Read(c.file, []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := found(list); !slices.EqualFunc(got, c.want, strings.HasPrefix) || len(got) != len(c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestRead_refuses(t *testing.T) {
	for _, c := range []struct{ name, file, text, want string }{
		{"a file of Terraform", "main.tf", "", "this is Terraform source: give what `terraform show -json` prints"},
		{"Terraform on the standard input", "-", "# ours\n\nresource \"aws_networkmanager_core_network\" \"x\" {\n}", "this is Terraform source"},
		{"a data source", "", "data \"aws_networkmanager_core_network_policy_document\" \"d\" {\n", "this is Terraform source"},
		{"settings of Terraform", "", "terraform {\n", "this is Terraform source"},
		{"a binary plan", "plan.out", "PK\x03\x04", "this is a plan in Terraform's own binary form: give what `terraform show -json plan.out` prints"},
		{"a plan as text", "", "\nTerraform will perform the following actions:\n", "this is a Terraform plan as text: give what `terraform show -json` prints"},
		{"a template without core network", "", `{"Resources":{"B":{"Type":"AWS::S3::Bucket"}}}`, "the template has no AWS::NetworkManager::CoreNetwork with a PolicyDocument"},
		{"a template whose core network has no policy", "", `{"Resources":{"B":{"Type":"AWS::NetworkManager::CoreNetwork","Properties":{}}}}`, "with a PolicyDocument"},
		{"a template with a number", "", templateOf("1"), "PolicyDocument is neither a string nor an object"},
		{"a plan without policy", "", `{"format_version":"1.2"}`, "the Terraform plan has no core network policy"},
		{"a state without policy", "", `{"version":4,"serial":1,"resources":[]}`, "the Terraform state has no core network policy"},
		{"neither", "", "hello: [", "the file is neither JSON nor YAML: line 1: "},
		{"words", "", "hello world", "the file is neither JSON nor a mapping in YAML"},
		{"two documents", "", yamlPolicy + "---\na: b\n", "a second document begins"},
		{"a tag that nothing knows, in a string", "", `{"PolicyDocument":"- !x y"}`, "neither JSON nor a mapping in YAML"},
		{"aliases that grow", "", "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + grow() + "version: 1\n", "aliases make more than"},
		{"an alias of itself", "", "a: &a [*a]\n", "line 1: "},
		{"too large", "", strings.Repeat(" ", source.MaxSize+1), "more than 67108864 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if list, err := source.Read(c.file, []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v; want %s", found(list), err, c.want)
			}
		})
	}
}

// grow is lists of ten times the one before.
func grow() string {
	var b strings.Builder
	for c := 'b'; c < 'k'; c++ {
		fmt.Fprintf(&b, "%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 10), ","))
	}
	return b.String()
}

func TestReadOne_wantsOneThatIsKnown(t *testing.T) {
	two := strings.Replace(templateOf(smallPolicy), `"Bucket":{"Type":"AWS::S3::Bucket"}`, `"Second":{"Type":"AWS::NetworkManager::CoreNetwork","Properties":{"PolicyDocument":"{}"}}`, 1)
	for text, want := range map[string]string{
		two:                       "the file has 2 policies: Second and others; give one",
		templateOf(`{"Ref":"P"}`): "Core: PolicyDocument holds Ref on line 2",
	} {
		if _, err := source.ReadOne("", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if p, err := source.ReadOne("", []byte("\n "+smallPolicy)); err != nil || p.Form != source.Document {
		t.Errorf("got %+v, %v", p, err)
	}
}

// FuzzRead reads anything: policies whose places are in the file, or an error of one line.
func FuzzRead(f *testing.F) {
	plan, err := os.ReadFile("testdata/plan.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plan)
	for _, text := range []string{smallPolicy, yamlPolicy, templateOf(smallPolicy), quoted(smallPolicy), `{"CoreNetworkPolicy":{"PolicyDocument":"{}"}}`, "a: &a [*a]", "Resources: !Sub {}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := source.Read("", text)
		if err != nil && (len(list) > 0 || strings.Contains(err.Error(), "\n")) {
			t.Fatalf("%d policies with %v", len(list), err)
		}
		lines := strings.Count(string(source.UTF8(text)), "\n") + 1
		for _, p := range list {
			if (p.Unknown != "") != (p.Text == nil) || p.InPlace && (p.Line < 1 || p.Line > lines || p.Column < 1) {
				t.Fatalf("%+v", p)
			}
			if p.Unknown == "" {
				p.Parse() // must not panic
			}
		}
	})
}

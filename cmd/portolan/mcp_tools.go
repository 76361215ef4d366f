package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// tool is a command that agents may run. What they give are values of flags, the command's argument, or its standard
// input: never flags of their own choice.
type tool struct {
	name        string
	description string
	command     []string
	network     bool // it is about the network that mcp was started with
	parameters  []parameter
}

// parameter is something that a tool takes.
type parameter struct {
	name        string
	description string
	flag        string // "": it is an argument
	stdin       bool   // its text is the standard input
	boolean     bool
	required    bool
}

// tools are all tools, in the order in which they are listed.
func tools() []tool {
	document := parameter{name: "policy", description: "core network policy document, or a Terraform plan with one, as JSON or YAML text", stdin: true, required: true}
	table := []parameter{
		{name: "segment", description: "segment name", flag: "segment"},
		{name: "network_function_group", description: "network function group name, instead of a segment", flag: "network-function-group"},
		{name: "edge", description: "edge location, such as us-east-1", flag: "edge", required: true},
	}
	return []tool{
		{"check", "Everything AWS would refuse in a core network policy, with line and column.", []string{"policy", "check", "-"}, false, []parameter{document}},
		{"lint", "Advice on a core network policy that AWS would take: what its author most likely did not mean.", []string{"policy", "lint", "-"}, false, []parameter{document}},
		{
			"plan", "What the network would become under another policy: routes, reachability and inspection gained and lost.",
			[]string{"plan", "--policy=-"},
			true,
			[]parameter{document},
		},
		{
			"why", "Why a prefix is in a route table, or is not: every candidate route with the steps on its way and the reason it was selected or rejected.",
			[]string{"why"},
			true,
			append([]parameter{{name: "prefix", description: "prefix or address", required: true}}, table...),
		},
		{"path", "The way of a packet from an attachment to an address, and of the answer.", []string{"path"}, true, []parameter{
			{name: "from", description: "attachment that the packet enters by", flag: "from", required: true},
			{name: "to", description: "destination address", flag: "to", required: true},
			{name: "edge", description: "edge location that it enters at, for an attachment with several", flag: "edge"},
			{name: "source", description: "source address", flag: "source"},
		}},
		{"matrix", "Which segments, or attachments, reach which.", []string{"matrix"}, true, []parameter{
			{name: "attachments", description: "every pair of attachments instead of segments", flag: "attachments", boolean: true},
		}},
		{"doctor", "Health checks of the network: blackholes, asymmetric paths, missing inspection, loops.", []string{"doctor"}, true, nil},
		{"test", "Whether assertions about the network hold.", []string{"test"}, true, []parameter{
			{name: "assertions", description: "assertions, one a line: prod cannot reach dev; prod reaches shared via fw", stdin: true, required: true},
		}},
		{"routes", "The rows of a route table.", []string{"routes"}, true, append(slices.Clone(table),
			parameter{name: "rib", description: "all candidate routes instead of the used ones", flag: "rib", boolean: true})},
		{"advertised", "What the core network advertises to an attachment over BGP, or why a prefix is advertised or not.", []string{"advertised"}, true, []parameter{
			{name: "attachment", description: "attachment or Connect peer", required: true},
			{name: "prefix", description: "prefix to explain"},
			{name: "edge", description: "edge location, for an attachment with several", flag: "edge"},
		}},
		{"verify", "Compares the computed route tables with those of the AWS account, table by table.", []string{"verify"}, false, nil},
	}
}

// schema is the JSON Schema of what a tool takes.
func (t *tool) schema() map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, p := range t.parameters {
		kind := "string"
		if p.boolean {
			kind = "boolean"
		}
		properties[p.name] = map[string]any{"type": kind, "description": p.description}
		if p.required {
			required = append(required, p.name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

// commandLine is the command of a call, with its standard input.
func (o *mcpOptions) commandLine(t *tool, arguments []byte) (args []string, stdin callArgument, err error) {
	stdin.Reader = strings.NewReader("")
	given := map[string]any{}
	if len(arguments) > 0 {
		if err := json.Unmarshal(arguments, &given); err != nil {
			return nil, stdin, fmt.Errorf("the arguments of %s are not an object", t.name)
		}
	}
	args = append(args, t.command...)
	args = append(args, "--output=json")
	switch {
	case t.network && o.network.file != "":
		args = append(args, "--snapshot="+o.network.file)
	case t.network:
		args = append(args, "--endpoint="+o.network.endpoint, "--core-network="+o.network.coreNetwork)
	case t.name == "verify" && o.profile != "":
		args = append(args, "--profile="+o.profile)
	}
	if t.network || t.name == "verify" {
		for _, option := range o.network.routing.given {
			args = append(args, "--routing="+option)
		}
	}
	var positional []string
	for _, p := range t.parameters {
		value, there := given[p.name]
		delete(given, p.name)
		text, isText := value.(string)
		on, isBool := value.(bool)
		switch {
		case !there && p.required:
			return nil, stdin, fmt.Errorf("%s is required: %s", p.name, p.description)
		case !there:
		case p.boolean && !isBool:
			return nil, stdin, fmt.Errorf("%s must be true or false", p.name)
		case p.boolean:
			args = append(args, fmt.Sprintf("--%s=%t", p.flag, on))
		case !isText:
			return nil, stdin, fmt.Errorf("%s must be a text", p.name)
		case p.stdin:
			stdin = callArgument{strings.NewReader(text), p.name}
			if t.name == "test" {
				positional = append(positional, "-")
			}
		case p.flag != "":
			args = append(args, "--"+p.flag+"="+text)
		default:
			positional = append(positional, text)
		}
	}
	for name := range given {
		return nil, stdin, fmt.Errorf("%s takes no %q; it takes: %s", t.name, name, strings.Join(t.takes(), " "))
	}
	if len(positional) > 0 {
		args = append(append(args, "--"), positional...)
	}
	return args, stdin, nil
}

func (t *tool) takes() []string {
	var list []string
	for _, p := range t.parameters {
		list = append(list, p.name)
	}
	return list
}

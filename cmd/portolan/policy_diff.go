package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"portolan/policy"
)

func policyDiffCommand() *cobra.Command {
	output := choice("text", "json")
	var exitCode bool
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "say what a change of policy does to the network",
		Long: `Diff compares what two policies mean: edges, segments, groups, shares, routes and rules that come, change or go. Another
order of members, other white space or the other of two spellings is no difference.

OLD and NEW are policy documents, or what "terraform show -json" prints of a plan with one; - is the standard input.
Ends with 0; with --exit-code 1 when they differ; 1 when AWS would refuse one of them; 2 when one cannot be read.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 || args[0] == "-" && args[1] == "-" {
				return usage(errors.New("diff takes two files, OLD and NEW; one of them may be -, the standard input"))
			}
			return nil
		},
	}
	cmd.Flags().VarP(output, "output", "o", output.list())
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "end with 1 when the policies differ")
	colour := colourFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var documents [2]*policy.Document
		var compiled [2]*policy.Policy
		wrong := &report{rules: codes()}
		var previous policy.Previous
		for i, name := range args {
			in, err := readOne(cmd.InOrStdin(), name)
			if err != nil {
				return usage(err)
			}
			doc, p, errs := compileAfter(in.text, previous)
			found := errorFindings(errs)
			place(in.text, found)
			wrong.documents = append(wrong.documents, examined{in, found})
			if len(errs) == 0 {
				documents[i], compiled[i], previous = doc, p, p.Previous()
			}
		}
		if wrong.count("note") > 0 {
			return wrong.finish(cmd, output.value, colour(), "note")
		}
		changes := policy.Diff(compiled[0], compiled[1])
		print := func(w io.Writer) error {
			return diffText(w, colour(), &differ{compiled[0], compiled[1], documents[0], documents[1]}, changes)
		}
		if output.value == "json" {
			print = func(w io.Writer) error { return diffJSON(w, changes) }
		}
		if err := print(cmd.OutOrStdout()); err != nil {
			return usage(err)
		}
		if exitCode && len(changes) > 0 {
			return &exitError{code: exitFindings}
		}
		return nil
	}
	return cmd
}

// compileAfter compiles a document over the edges of the one before it, which keep their ASNs and blocks.
func compileAfter(text []byte, previous policy.Previous) (*policy.Document, *policy.Policy, policy.Errors) {
	doc, errs := policy.Parse(text)
	if len(errs) > 0 {
		return nil, nil, errs
	}
	if errs := policy.Check(doc); len(errs) > 0 {
		return nil, nil, errs
	}
	p, errs := policy.Compile(doc, previous)
	return doc, p, errs
}

var changeWords = map[policy.ChangeType]string{
	policy.ChangeCoreNetworkConfiguration:    "core network configuration",
	policy.ChangeCoreNetworkEdge:             "edge",
	policy.ChangeSegmentsConfiguration:       "segments as a whole",
	policy.ChangeCoreNetworkSegment:          "segment",
	policy.ChangeNetworkFunctionGroup:        "network function group",
	policy.ChangeRoutingPolicy:               "routing policy",
	policy.ChangeSegmentActionsConfiguration: "segment actions",
	policy.ChangeRoutingPolicySegment:        "routing policies of a share",
	policy.ChangeRoutingPolicyEdge:           "routing policies between edges",
	policy.ChangeAttachmentPolicies:          "attachment policies",
	policy.ChangeAttachmentMapping:           "attachment",
	policy.ChangeAttachmentRoutePropagation:  "propagation of an attachment's routes",
	policy.ChangeAttachmentRouteStatic:       "static route",
	policy.ChangeRoutingPolicyAttachment:     "routing policies of attachments",
}

// differ is the two policies and their documents, for what changes have no member for.
type differ struct {
	old, new         *policy.Policy
	written, rewrote *policy.Document
}

func diffText(w io.Writer, p painter, d *differ, changes []policy.Change) error {
	signs := map[policy.ChangeAction][2]string{policy.ChangeAdd: {"+", green}, policy.ChangeModify: {"~", yellow}, policy.ChangeRemove: {"-", red}}
	counts := map[policy.ChangeAction]int{}
	var out strings.Builder
	for _, c := range d.merged(changes) {
		counts[c.Action]++
		sign := signs[c.Action]
		fmt.Fprintln(&out, p.paint(sign[1], sign[0]+" "+printable(c.title)))
		for _, line := range c.lines {
			fmt.Fprintf(&out, "    %s\n", printable(line))
		}
		if len(c.Edges) > 0 {
			fmt.Fprintf(&out, "    %s\n", p.paint(faint, "takes effect at "+strings.Join(c.Edges, ", ")))
		}
	}
	if len(changes) == 0 {
		fmt.Fprintln(&out, "the policies mean the same")
	} else {
		fmt.Fprintf(&out, "\n%d added, %d changed, %d removed\n", counts[policy.ChangeAdd], counts[policy.ChangeModify], counts[policy.ChangeRemove])
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// shownChange is a change as a reader sees it.
type shownChange struct {
	policy.Change
	title string
	lines []string
}

// merged joins what happens to a segment or group in the same way at several edges.
func (d *differ) merged(changes []policy.Change) []*shownChange {
	var list []*shownChange
	seen := map[string]*shownChange{}
	for _, c := range changes {
		s := &shownChange{Change: c, title: changeWords[c.Type], lines: d.lines(&c)}
		if c.Type == policy.ChangeCoreNetworkSegment || c.Type == policy.ChangeNetworkFunctionGroup {
			s.title += " " + c.Identifier
			key := strings.Join(append([]string{s.title, string(c.Action)}, s.lines...), "\x00")
			if first := seen[key]; first != nil {
				first.Edges = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(first.Edges), c.Edges...))))
				continue
			}
			seen[key] = s
		} else if _, path, ok := strings.Cut(c.IdentifierPath, "/"); ok {
			s.title += " " + path
		}
		list = append(list, s)
	}
	return list
}

// lines is the values of a change: all those of what comes or goes, the different ones of what changes.
func (d *differ) lines(c *policy.Change) []string {
	switch c.Type {
	case policy.ChangeAttachmentPolicies:
		return ruleLines(d.old.AttachmentPolicies, d.new.AttachmentPolicies)
	case policy.ChangeSegmentsConfiguration:
		return d.segmentLines()
	}
	before, after := changeFields(c.Previous), changeFields(c.New)
	switch c.Type {
	case policy.ChangeCoreNetworkConfiguration:
		before, after = append(before, configurationFields(d.written)...), append(after, configurationFields(d.rewrote)...)
	case policy.ChangeCoreNetworkSegment:
		before, after = append(before, segmentFields(d.old, c.Identifier)...), append(after, segmentFields(d.new, c.Identifier)...)
	case policy.ChangeNetworkFunctionGroup:
		before, after = append(before, groupFields(d.old, c.Identifier)...), append(after, groupFields(d.new, c.Identifier)...)
	}
	if c.Action == policy.ChangeAdd {
		before = make([]changeField, len(after))
	} else if c.Action == policy.ChangeRemove {
		after = make([]changeField, len(before))
	}
	var lines []string
	for i := range before {
		old, next := before[i].text, after[i].text
		switch {
		case old == next:
		case c.Action == policy.ChangeAdd:
			lines = append(lines, after[i].name+": "+next)
		case c.Action == policy.ChangeRemove:
			lines = append(lines, before[i].name+": "+old)
		default:
			lines = append(lines, before[i].name+": "+orNone(old)+" → "+orNone(next))
		}
	}
	return lines
}

// configurationFields is what is written about the core network as a whole.
func configurationFields(doc *policy.Document) []changeField {
	c := &doc.Configuration
	var ranges, blocks, edges []string
	for _, r := range c.ASNRanges {
		ranges = append(ranges, fmt.Sprintf("%d-%d", r.Low, r.High))
	}
	for _, b := range c.InsideCIDRs {
		blocks = append(blocks, b.Prefix.String())
	}
	for _, e := range c.EdgeLocations {
		edges = append(edges, e.Location)
	}
	return []changeField{
		{name: "version", text: doc.Version},
		{name: "ASN ranges", text: strings.Join(ranges, ", ")},
		{name: "inside CIDR blocks", text: strings.Join(blocks, ", ")},
		{name: "edge locations", text: strings.Join(edges, ", ")},
	}
}

// segmentLines is what changes of segments that stay, and is no matter of their tables.
func (d *differ) segmentLines() []string {
	var lines []string
	for _, next := range d.rewrote.Segments {
		i := slices.IndexFunc(d.written.Segments, func(s policy.DocumentSegment) bool { return s.Name == next.Name })
		if i < 0 {
			continue
		}
		before, after := writtenFields(&d.written.Segments[i]), writtenFields(&next)
		for i := range before {
			if before[i] != after[i] {
				lines = append(lines, next.Name+": "+before[i].name+": "+before[i].text+" → "+after[i].text)
			}
		}
	}
	return lines
}

func writtenFields(s *policy.DocumentSegment) []changeField {
	edges := "every one"
	if s.EdgeLocations != nil {
		var names []string
		for _, e := range s.EdgeLocations {
			names = append(names, e.Name)
		}
		edges = strings.Join(slices.Sorted(slices.Values(names)), ", ")
	}
	return []changeField{
		{name: "acceptance required", text: onOff(true, s.RequireAcceptance)},
		{name: "edge locations", text: edges},
		{name: "description", text: orNone(s.Description)},
	}
}

// segmentFields is what changes say nothing about. A segment that is not there has the same fields without a value.
func segmentFields(p *policy.Policy, name string) []changeField {
	s := policy.Segment{}
	there := false
	for _, other := range p.Segments {
		if other.Name == name {
			s, there = other, true
		}
	}
	return []changeField{
		{name: "isolated attachments", text: onOff(there, s.Isolate)},
		{name: "acceptance required", text: onOff(there, s.RequireAcceptance)},
		{name: "denied segments", text: strings.Join(s.DenyFilter, ", ")},
		{name: "allowed segments", text: strings.Join(s.AllowFilter, ", ")},
		{name: "description", text: s.Description},
	}
}

func groupFields(p *policy.Policy, name string) []changeField {
	g := policy.NetworkFunctionGroup{}
	there := false
	for _, other := range p.NetworkFunctionGroups {
		if other.Name == name {
			g, there = other, true
		}
	}
	return []changeField{{name: "acceptance required", text: onOff(there, g.RequireAcceptance)}, {name: "description", text: g.Description}}
}

func onOff(there, on bool) string {
	switch {
	case !there:
		return ""
	case on:
		return "on"
	default:
		return "off"
	}
}

// ruleLines compares rules by number, each in one line.
func ruleLines(old, next []policy.AttachmentPolicy) []string {
	before, after := map[int]string{}, map[int]string{}
	numbers := map[int]bool{}
	for i := range old {
		before[old[i].RuleNumber], numbers[old[i].RuleNumber] = ruleText(&old[i]), true
	}
	for i := range next {
		after[next[i].RuleNumber], numbers[next[i].RuleNumber] = ruleText(&next[i]), true
	}
	var lines []string
	for _, n := range slices.Sorted(maps.Keys(numbers)) {
		was, is := before[n], after[n]
		if was == is {
			continue
		}
		if was != "" {
			lines = append(lines, fmt.Sprintf("- rule %d: %s", n, was))
		}
		if is != "" {
			lines = append(lines, fmt.Sprintf("+ rule %d: %s", n, is))
		}
	}
	return lines
}

// ruleText is an attachment policy in one line.
func ruleText(r *policy.AttachmentPolicy) string {
	var conditions []string
	for i := range r.Conditions {
		conditions = append(conditions, r.Conditions[i].String())
	}
	word := " and "
	if r.Or {
		word = " or "
	}
	var to string
	switch {
	case r.Action.Group.Known():
		to = "network function group " + r.Action.Group.Name
	case r.Action.TagKey.Known():
		to = "the segment that tag " + r.Action.TagKey.Name + " names"
	default:
		to = "segment " + r.Action.Segment.Name
	}
	if r.Action.RequireAcceptance {
		to += ", to be accepted"
	}
	if r.Description != "" {
		to += " (" + r.Description + ")"
	}
	return orNone(strings.Join(conditions, word)) + " → " + to
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

// changeField is one value of a change: for readers its name and text, "" for none; for programs its key and value.
type changeField struct {
	name, text string
	key        string
	value      any
}

// changeFields are the values of one side, always the same ones in the same order.
func changeFields(v *policy.ChangeValues) []changeField {
	if v == nil {
		v = &policy.ChangeValues{}
	}
	word := func(name, key, text string) changeField { return changeField{name, text, key, text} }
	list := func(name, key string, texts []string) changeField {
		return changeField{name, strings.Join(texts, ", "), key, texts}
	}
	flag := func(name, key string, b *bool) changeField {
		return changeField{name, onOff(b != nil, b != nil && *b), key, b}
	}
	asn := changeField{name: "ASN", key: "asn", value: v.ASN}
	if v.ASN != 0 {
		asn.text = fmt.Sprint(v.ASN)
	}
	cidr := ""
	if v.CIDR.IsValid() {
		cidr = v.CIDR.String()
	}
	var blocks, insertions, associations []string
	for _, b := range v.InsideCIDRBlocks {
		blocks = append(blocks, b.String())
	}
	for _, s := range v.ServiceInsertionActions {
		insertions = append(insertions, insertionWords(&s))
	}
	for _, a := range v.RoutingPolicyAssociations {
		text := strings.Join(a.RoutingPolicyNames, ", ")
		if len(a.SharedSegments) > 0 {
			text += " with " + strings.Join(a.SharedSegments, ", ")
		}
		associations = append(associations, text)
	}
	return []changeField{
		word("segment", "segmentName", v.SegmentName),
		word("network function group", "networkFunctionGroupName", v.NetworkFunctionGroupName),
		list("edge locations", "edgeLocations", v.EdgeLocations),
		list("peer edge locations", "peerEdgeLocations", v.PeerEdgeLocations),
		asn,
		list("inside CIDR blocks", "insideCidrBlocks", blocks),
		word("CIDR", "cidr", cidr),
		word("destination", "destinationIdentifier", v.DestinationIdentifier),
		list("shared with", "sharedSegments", v.SharedSegments),
		{"service insertion", strings.Join(insertions, "; "), "serviceInsertionActions", insertions},
		flag("VPN ECMP support", "vpnEcmpSupport", v.VPNECMPSupport),
		flag("DNS support", "dnsSupport", v.DNSSupport),
		flag("security group referencing support", "securityGroupReferencingSupport", v.SecurityGroupReferencingSupport),
		word("direction", "routingPolicyDirection", v.RoutingPolicyDirection),
		word("routing policy", "routingPolicy", v.RoutingPolicy),
		word("attachment", "attachmentId", v.AttachmentID),
		{"routing policies", strings.Join(associations, "; "), "routingPolicyAssociations", associations},
	}
}

func insertionWords(s *policy.ServiceInsertion) string {
	words := []string{s.Action}
	if s.Mode != "" {
		words = append(words, s.Mode)
	}
	words = append(words, "through", s.Group)
	if len(s.WhenSentTo) > 0 {
		words = append(words, "to", strings.Join(s.WhenSentTo, ", "))
	}
	for _, o := range s.Overrides {
		words = append(words, overrideWords(o))
	}
	return strings.Join(words, " ")
}

// diffJSON prints one object with the changes in the order of their types.
func diffJSON(w io.Writer, changes []policy.Change) error {
	type change struct {
		Type       policy.ChangeType   `json:"type"`
		Action     policy.ChangeAction `json:"action"`
		Identifier string              `json:"identifier"`
		Path       string              `json:"path"`
		Previous   map[string]any      `json:"previous,omitempty"`
		New        map[string]any      `json:"new,omitempty"`
		Edges      []string            `json:"edges"`
	}
	list := []change{}
	for _, c := range changes {
		list = append(list, change{c.Type, c.Action, c.Identifier, c.IdentifierPath, given(c.Previous), given(c.New), append([]string{}, slices.Clone(c.Edges)...)})
	}
	return writeJSON(w, struct {
		Same    bool     `json:"same"`
		Changes []change `json:"changes"`
	}{len(list) == 0, list})
}

// given is the values of one side that there are.
func given(v *policy.ChangeValues) map[string]any {
	if v == nil {
		return nil
	}
	m := map[string]any{}
	for _, f := range changeFields(v) {
		if f.text != "" {
			m[f.key] = f.value
		}
	}
	return m
}

func overrideWords(o policy.Override) string {
	var sets []string
	for _, s := range o.Sets {
		if s[0] == s[1] {
			sets = append(sets, s[0])
		} else {
			sets = append(sets, s[0]+" and "+s[1])
		}
	}
	return "(at " + o.Use + " for " + strings.Join(sets, ", ") + ")"
}

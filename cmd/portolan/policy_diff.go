package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"portolan/internal/page"
	"portolan/policy"
)

func policyDiffCommand() *cobra.Command {
	var exitCode bool
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "show what a policy change means, not which text moved",
		Example: `  portolan policy diff old.json new.json
  git show HEAD:wan.json | portolan policy diff --exit-code - wan.json`,
		Long: `Diff compares what two policies mean: edges, segments, groups, shares, routes and rules that are added, changed or removed.
The order of members, white space and equivalent spellings make no difference.

OLD and NEW are policy documents, or what "terraform show -json" prints of a plan with one; - is the standard input.
Exit codes: 0; 1 when they differ and --exit-code is given, or when AWS would refuse one of them; 2 when one cannot be read.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 || args[0] == "-" && args[1] == "-" {
				return usage(errors.New("diff takes two files, OLD and NEW; one of them may be -, the standard input"))
			}
			return nil
		},
	}
	output := answerFlag(cmd)
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit 1 when the policies differ")
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
			doc, p, errs := parseChecked(in, previous)
			found := errorFindings(errs)
			place(in.shown(), found)
			wrong.documents = append(wrong.documents, examined{in, found})
			if len(errs) == 0 {
				documents[i], compiled[i], previous = doc, p, p.Previous()
			}
		}
		if wrong.count("note") > 0 {
			return wrong.finish(cmd, output.value, colour(), "note")
		}
		changes := policy.Diff(compiled[0], compiled[1])
		answer := newDifference(&differ{compiled[0], compiled[1], documents[0], documents[1]}, changes)
		if err := show(cmd, output.value, colour(), answer, (*difference).Page); err != nil {
			return usage(err)
		}
		if exitCode && len(changes) > 0 {
			return &exitError{code: exitFindings}
		}
		return nil
	}
	return cmd
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

// difference is what two policies differ in, the changes in the order of their types.
type difference struct {
	Same    bool           `json:"same"`
	Changes []changeAnswer `json:"changes"`

	shown []*shownChange
}

type changeAnswer struct {
	Type       policy.ChangeType   `json:"type"`
	Action     policy.ChangeAction `json:"action"`
	Identifier string              `json:"identifier"`
	Path       string              `json:"path"`
	Previous   map[string]any      `json:"previous,omitempty"`
	New        map[string]any      `json:"new,omitempty"`
	Edges      []string            `json:"edges"`
}

func newDifference(d *differ, changes []policy.Change) *difference {
	answer := &difference{Same: len(changes) == 0, Changes: []changeAnswer{}, shown: d.merged(changes)}
	for _, c := range changes {
		answer.Changes = append(answer.Changes, changeAnswer{c.Type, c.Action, c.Identifier, c.IdentifierPath, given(c.Previous), given(c.New), append([]string{}, c.Edges...)})
	}
	return answer
}

// Page is each change with its values, then how many there are.
func (d *difference) Page() *page.Page {
	p := &page.Page{}
	if d.Same {
		p.Line(page.Plain, "the policies mean the same")
		return p
	}
	signs := map[policy.ChangeAction]string{policy.ChangeAdd: "+", policy.ChangeModify: "~", policy.ChangeRemove: "-"}
	marks := map[policy.ChangeAction]page.Mark{policy.ChangeAdd: page.Good, policy.ChangeModify: page.Warning, policy.ChangeRemove: page.Bad}
	counts := map[policy.ChangeAction]int{}
	for _, c := range d.shown {
		counts[c.Action]++
		p.Line(marks[c.Action], "%s %s", signs[c.Action], c.title)
		for _, line := range c.lines {
			p.Item(2, page.Plain, "%s", line)
		}
		if len(c.Edges) > 0 {
			p.Item(2, page.Faint, "takes effect at %s", strings.Join(c.Edges, ", "))
		}
	}
	p.Line(page.Plain, "")
	p.Line(page.Plain, "%d added, %d changed, %d removed", counts[policy.ChangeAdd], counts[policy.ChangeModify], counts[policy.ChangeRemove])
	return p
}

// shownChange is a change as a reader sees it.
type shownChange struct {
	policy.Change
	title string
	lines []string
}

// merged joins what happens to a segment or group in the same way at several edges, and leaves out sections whose changes
// are shown at what they change.
func (d *differ) merged(changes []policy.Change) []*shownChange {
	var list, bare []*shownChange
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
		if c.Action == policy.ChangeModify && len(s.lines) == 0 {
			bare = append(bare, s)
			continue
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return bare
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
	case policy.ChangeSegmentActionsConfiguration:
		return d.descriptionLines()
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

package analysis

import (
	"fmt"
	"slices"
	"strings"
)

// Mermaid draws the network in Mermaid's language: segments with their attachments, what they share, and the groups that
// inspect between them. The same network gives the same text.
func (s *Subject) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	p := s.Network.Policy
	ids := map[string]string{}
	node := func(kind, name string) string {
		key := kind + " " + name
		if ids[key] == "" {
			ids[key] = fmt.Sprintf("n%d", len(ids))
		}
		return ids[key]
	}
	for i := range p.Segments {
		name := p.Segments[i].Name
		fmt.Fprintf(&b, "  %s([%s])\n", node("segment", name), quoted(name))
	}
	for _, g := range p.NetworkFunctionGroups {
		fmt.Fprintf(&b, "  %s{{%s}}\n", node("group", g.Name), quoted(g.Name))
	}
	for _, a := range union(s, s) {
		fmt.Fprintf(&b, "  %s[%s]\n", node("attachment", a.ID), quoted(a.ID+"\n"+a.Type+" @ "+strings.Join(a.Edges, ", ")))
		switch {
		case a.Segment != "":
			fmt.Fprintf(&b, "  %s --- %s\n", node("attachment", a.ID), node("segment", a.Segment))
		case a.NetworkFunctionGroup != "":
			fmt.Fprintf(&b, "  %s --- %s\n", node("attachment", a.ID), node("group", a.NetworkFunctionGroup))
		}
	}
	var drawn []string
	edge := func(format string, args ...any) {
		if line := fmt.Sprintf(format, args...); !slices.Contains(drawn, line) {
			drawn = append(drawn, line)
			b.WriteString(line)
		}
	}
	for _, share := range p.Shares {
		a, c := node("segment", share.From), node("segment", share.To)
		if share.From > share.To {
			a, c = c, a
		}
		edge("  %s <-.->|share| %s\n", a, c)
	}
	for i := range p.Insertions {
		in := &p.Insertions[i]
		edge("  %s ==>|send-via| %s\n", node("segment", in.Segment), node("group", in.Group))
		edge("  %s ==>|send-via| %s\n", node("segment", in.With), node("group", in.Group))
	}
	for _, in := range p.SendTo {
		edge("  %s ==>|send-to| %s\n", node("segment", in.Segment), node("group", in.Group))
	}
	return b.String()
}

// quoted is text as a Mermaid label.
func quoted(text string) string {
	return `"` + strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "\n", "<br/>").Replace(text) + `"`
}

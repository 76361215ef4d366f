package routing_test

import (
	"fmt"
	"regexp"
	"strings"

	"portolan/routing"
)

// This file prints what tables hold as scripts and properties compare it: short, one row a line.

func fib(table routing.Table) string {
	var b strings.Builder
	b.WriteString(table.ID().String() + "\n")
	empty := true
	for r := range table.Routes() {
		b.WriteString("  " + row(r) + "\n")
		empty = false
	}
	if empty {
		b.WriteString("  (empty)\n")
	}
	return b.String()
}

func row(r routing.Route) string {
	var to []string
	for _, d := range r.Destinations {
		d.Attachment = shortIDOf(d.Attachment)
		to = append(to, d.String())
	}
	if r.State == routing.Blackhole {
		to = append(to, "blackhole")
	}
	out := fmt.Sprintf("%s → %s", r.Prefix, strings.Join(to, " + "))
	if r.Type == routing.Static {
		out += " static"
	}
	return out
}

func shortIDOf(id string) string {
	if id == "" {
		return ""
	}
	return shortID(id)
}

func path(p routing.Path) string {
	mark, hop := " ", "blackhole"
	if p.Best {
		mark = "*"
	}
	if p.NextHop != nil {
		d := *p.NextHop
		d.Attachment = shortIDOf(d.Attachment)
		hop = d.String()
	}
	out := fmt.Sprintf("%s%s %s", mark, p.Prefix, hop)
	if p.NoAttributes {
		return out
	}
	return out + attributes(p.Attributes)
}

// attributes prints a path, and the rest where it is not the default.
func attributes(a routing.Attributes) string {
	var b strings.Builder
	for i, asn := range a.ASPath {
		if i == 0 {
			b.WriteString(" path")
		}
		fmt.Fprintf(&b, " %d", asn)
	}
	if a.MED != routing.DefaultMED {
		fmt.Fprintf(&b, " med %d", a.MED)
	}
	if a.LocalPreference != 0 {
		fmt.Fprintf(&b, " preference %d", a.LocalPreference)
	}
	for i, c := range a.Communities {
		if i == 0 {
			b.WriteString(" tags")
		}
		b.WriteString(" " + c.String())
	}
	return b.String()
}

func why(x routing.Explanation) string {
	var b strings.Builder
	b.WriteString("no route\n")
	if x.Route != nil {
		b.Reset()
		b.WriteString(row(*x.Route) + "\n")
	}
	for _, c := range x.Candidates {
		fmt.Fprintf(&b, "%s", c.Verdict.Outcome)
		if c.Verdict.Outcome != routing.Filtered {
			fmt.Fprintf(&b, " by %s", c.Verdict.By)
		}
		if c.Verdict.Detail != "" {
			fmt.Fprintf(&b, ", %s", shorten(c.Verdict.Detail))
		}
		b.WriteString("\n")
		for i := range c.Steps {
			s := &c.Steps[i]
			fmt.Fprintf(&b, "  %s%s\n", shorten(s.String()), attributes(s.After))
		}
	}
	return b.String()
}

func whyAdvertised(x routing.AdvertisedExplanation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "not advertised: %s\n", shorten(x.Detail))
	if x.Advertisement != nil {
		b.Reset()
		fmt.Fprintf(&b, "advertised%s\n", attributes(x.Advertisement.Attributes))
	}
	for i := range x.Steps {
		s := &x.Steps[i]
		fmt.Fprintf(&b, "  %s%s\n", shorten(s.String()), attributes(s.After))
	}
	return b.String()
}

var longIDs = regexp.MustCompile("attachment-[0-9a-f]{17}")

func shorten(text string) string { return longIDs.ReplaceAllStringFunc(text, shortID) }

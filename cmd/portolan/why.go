package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"portolan/routing"
)

func whyCommand() *cobra.Command {
	var o networkOptions
	var t tableFlags
	cmd := &cobra.Command{
		Use:   "why PREFIX|ADDRESS --segment NAME --edge LOCATION",
		Short: "tell why a table has a route or not: the winner, who lost, who was dropped and by which line",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			prefix, isAddress, err := parsePrefix(args[0])
			if err != nil {
				return err
			}
			_, tables, _, err := o.compute(cmd)
			if err != nil {
				return err
			}
			table, err := t.table(tables)
			if err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			if isAddress {
				if r, ok := table.Lookup(prefix); ok {
					fmt.Fprintf(w, "%s is covered by %s\n", args[0], r.Prefix)
					prefix = r.Prefix
				} else {
					fmt.Fprintf(w, "no route in %s covers %s\n", table.ID(), args[0])
				}
			}
			e := table.Explain(prefix)
			explainRoute(w, &e)
			if e.Route == nil {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	t.flags(cmd)
	return o.flags(cmd)
}

func explainRoute(w io.Writer, e *routing.Explanation) {
	if e.Route == nil {
		fmt.Fprintf(w, "%s has no route %s\n", e.Table, e.Prefix)
	} else {
		destinations := numbers(e.Route.Destinations)
		if destinations == "" {
			destinations = "nowhere"
		}
		fmt.Fprintf(w, "%s has %s %s %s to %s\n", e.Table, e.Prefix, e.Route.Type, e.Route.State, destinations)
	}
	if len(e.Candidates) == 0 {
		fmt.Fprintln(w, "  nothing announces it")
	}
	for i := range e.Candidates {
		c := &e.Candidates[i]
		fmt.Fprintf(w, "\n  %s: %s", c.Verdict.Outcome, originText(&c.Origin))
		if c.NextHop != nil {
			fmt.Fprintf(w, ", next hop %s", c.NextHop)
		}
		if path := asPath(c.ASPath); path != "" {
			fmt.Fprintf(w, ", AS path %s", path)
		}
		fmt.Fprintln(w)
		if c.Verdict.Outcome != routing.Dropped && c.Verdict.By != routing.ByNothing {
			fmt.Fprintf(w, "    decided by: %s\n", c.Verdict.By)
		}
		if c.Verdict.Detail != "" {
			fmt.Fprintf(w, "    %s\n", c.Verdict.Detail)
		}
		for j := range c.Steps {
			fmt.Fprintf(w, "    %s\n", stepText(&c.Steps[j]))
		}
	}
}

func stepText(s *routing.Step) string {
	parts := []string{s.Kind.String()}
	if s.Segment != "" {
		parts = append(parts, "in "+s.Segment)
	}
	if s.Edge != "" {
		parts = append(parts, "at "+s.Edge)
	}
	if s.Peer != "" {
		parts = append(parts, "with "+s.Peer)
	}
	if s.Policy != "" {
		parts = append(parts, fmt.Sprintf("by %s rule %d %s", s.Policy, s.RuleNumber, s.Action))
	}
	text := strings.Join(parts, " ")
	if s.Detail != "" {
		text += ": " + s.Detail
	}
	text += placeText(s.Place)
	if s.Dropped {
		text += " – dropped"
	}
	return text
}

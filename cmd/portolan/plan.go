package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"portolan/internal/analysis"
	"portolan/internal/snapshot"
	"portolan/policy"
	"portolan/routing"
)

func planCommand() *cobra.Command {
	var o networkOptions
	var policyFile string
	var exitCode bool
	format := choice("text", "markdown", "json")
	cmd := &cobra.Command{
		Use:   "plan --policy NEW",
		Short: "tell which routes and which reachability a change of policy adds, loses and moves, before it is executed",
		Long: `Plan computes the network twice, under its own policy and under the new one, and compares: the change set, routes
added, lost and moved in each table, reachability gained and lost between segments and between attachments, pairs that
stop being inspected, edges and accounts touched. NEW is a policy document or a Terraform plan with one. It ends with 0;
with --exit-code 1 when something changes; 2 when it could not be worked out.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if policyFile == "" {
				return usage(fmt.Errorf("which policy? --policy FILE"))
			}
			document, err := readPolicy(cmd, policyFile)
			if err != nil {
				return err
			}
			s, err := o.load(cmd.Context(), cmd.InOrStdin())
			if err != nil {
				return err
			}
			p, err := newPlan(s, document)
			if err != nil {
				return usage(err)
			}
			w := cmd.OutOrStdout()
			switch format.value {
			case "json":
				enc := json.NewEncoder(w)
				enc.SetIndent("", "  ")
				err = enc.Encode(p)
			default:
				err = p.print(w, format.value == "markdown")
			}
			if err == nil && exitCode && !p.Empty {
				return &exitError{code: exitFindings}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&policyFile, "policy", "", "file of the new policy: a document, or a Terraform plan with one")
	f.VarP(format, "output", "o", "text, markdown or json")
	f.BoolVar(&exitCode, "exit-code", false, "end with 1 when something changes")
	return o.flags(cmd)
}

// plan is what a change of policy does, as it is printed.
type plan struct {
	Empty            bool         `json:"empty"`
	Changes          []string     `json:"changes"`
	Routes           []plannedRow `json:"routes"`
	Segments         []string     `json:"segments"`
	Attachments      []string     `json:"attachments"`
	InspectionLost   []string     `json:"inspectionLost"`
	Edges            []string     `json:"edges"`
	Accounts         []string     `json:"accounts"`
	PairsUntried     bool         `json:"pairsUntried"` // there were too many pairs of attachments to try all
	RoutesAddedCount int          `json:"routesAdded"`
	RoutesLostCount  int          `json:"routesLost"`
	RoutesMovedCount int          `json:"routesMoved"`
}

type plannedRow struct {
	Table  string `json:"table"`
	Prefix string `json:"prefix"`
	Kind   string `json:"kind"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

func newPlan(s *snapshot.Snapshot, document []byte) (*plan, error) {
	before, err := s.Network(nil)
	if err != nil {
		return nil, err
	}
	after, err := s.Under(document, nil)
	if err != nil {
		return nil, err
	}
	old, _, err := analysis.Compute(before)
	if err != nil {
		return nil, fmt.Errorf("as it is: %w", err)
	}
	next, _, err := analysis.Compute(after)
	if err != nil {
		return nil, fmt.Errorf("as it would be: %w", err)
	}
	c := analysis.Compare(old, next)
	p := &plan{Changes: []string{}, Routes: []plannedRow{}, Segments: []string{}, Attachments: []string{}, InspectionLost: []string{}, Edges: c.Edges, Accounts: []string{}, PairsUntried: c.Truncated}
	for _, change := range policy.Diff(before.Policy, after.Policy) {
		line := fmt.Sprintf("%s %s %s", change.Action, change.Type, change.Identifier)
		if !slices.Contains(p.Changes, line) { // the same at several edges, or of several members
			p.Changes = append(p.Changes, line)
		}
	}
	p.Empty = len(p.Changes) == 0 && c.IsEmpty()
	for i := range c.Routes {
		r := &c.Routes[i]
		row := plannedRow{Table: r.Table.String(), Prefix: r.Prefix.String(), Kind: r.Kind()}
		if r.Before != nil {
			row.Before = leadsTo(r.Before)
		}
		if r.After != nil {
			row.After = leadsTo(r.After)
		}
		switch row.Kind {
		case "added":
			p.RoutesAddedCount++
		case "lost":
			p.RoutesLostCount++
		default:
			p.RoutesMovedCount++
		}
		p.Routes = append(p.Routes, row)
	}
	p.pairs(c.Segments, &p.Segments)
	p.pairs(c.Attachments, &p.Attachments)
	for _, a := range s.Attachments {
		if a.Account != "" && slices.Contains(c.Touched, a.ID) && !slices.Contains(p.Accounts, a.Account) {
			p.Accounts = append(p.Accounts, a.Account)
		}
	}
	slices.Sort(p.Accounts)
	return p, nil
}

func (p *plan) pairs(list []analysis.PairChange, into *[]string) {
	for i := range list {
		c := &list[i]
		before, after := reaches(c.Before), reaches(c.After)
		if before != after {
			*into = append(*into, fmt.Sprintf("%s → %s: %s, was %s", c.From, c.To, after, before))
		}
		if lost := c.InspectionLost(); len(lost) > 0 {
			p.InspectionLost = append(p.InspectionLost, fmt.Sprintf("%s → %s: no more by %s", c.From, c.To, strings.Join(lost, ", ")))
		}
	}
}

func leadsTo(r *routing.Route) string {
	if r.State == routing.Blackhole {
		return "blackhole"
	}
	return numbers(r.Destinations)
}

func (p *plan) print(w io.Writer, markdown bool) error {
	heading, item := func(text string) { fmt.Fprintf(w, "%s\n", text) }, "  "
	if markdown {
		heading, item = func(text string) { fmt.Fprintf(w, "\n### %s\n\n", text) }, "- "
	}
	if p.Empty {
		_, err := fmt.Fprintln(w, "Nothing changes.")
		return err
	}
	section := func(name string, list []string) {
		if len(list) == 0 {
			return
		}
		heading(name)
		for _, line := range list {
			fmt.Fprintf(w, "%s%s\n", item, line)
		}
	}
	section("Change set", p.Changes)
	heading(fmt.Sprintf("Routes: %d added, %d lost, %d moved", p.RoutesAddedCount, p.RoutesLostCount, p.RoutesMovedCount))
	if markdown && len(p.Routes) > 0 {
		fmt.Fprintln(w, "| table | prefix | | before | after |\n| --- | --- | --- | --- | --- |")
	}
	for _, r := range p.Routes {
		if markdown {
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", r.Table, r.Prefix, r.Kind, r.Before, r.After)
			continue
		}
		sign := map[string]string{"added": "+", "lost": "-", "moved": "~"}[r.Kind]
		change := r.After
		if r.Kind == "lost" {
			change = r.Before
		} else if r.Kind == "moved" {
			change = r.Before + " ⇒ " + r.After
		}
		fmt.Fprintf(w, "  %s %s %s → %s\n", sign, r.Table, r.Prefix, change)
	}
	section("Between segments", p.Segments)
	section("Between attachments", p.Attachments)
	section("No longer inspected", p.InspectionLost)
	section("Edges touched", p.Edges)
	section("Accounts touched", p.Accounts)
	if p.PairsUntried {
		fmt.Fprintln(w, "There are more pairs of attachments than were tried.")
	}
	return nil
}

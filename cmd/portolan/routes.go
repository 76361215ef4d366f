package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"portolan/policy"
	"portolan/routing"
)

func routesCommand() *cobra.Command {
	var o networkOptions
	var t tableFlags
	rib := false
	format := choice("text", "json")
	cmd := &cobra.Command{
		Use:   "routes --segment NAME --edge LOCATION",
		Short: "print a route table: what is used, or with --rib all that is offered",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, tables, _, err := o.compute(cmd)
			if err != nil {
				return err
			}
			table, err := t.table(tables)
			if err != nil {
				return err
			}
			if rib {
				return printRIB(cmd.OutOrStdout(), table, format.value)
			}
			return printFIB(cmd.OutOrStdout(), table, format.value)
		},
	}
	t.flags(cmd)
	cmd.Flags().BoolVar(&rib, "rib", false, "all routes that are offered, before the edge's own policies")
	cmd.Flags().VarP(format, "output", "o", "text or json")
	return o.flags(cmd)
}

// routeRow is a route for scripts.
type routeRow struct {
	Prefix          string   `json:"prefix"`
	Type            string   `json:"type,omitempty"`
	State           string   `json:"state,omitempty"`
	Destinations    []string `json:"destinations"`
	Origin          string   `json:"origin"`
	ASPath          []uint32 `json:"asPath,omitempty"`
	MED             uint32   `json:"med"`
	LocalPreference uint32   `json:"localPreference"`
	Communities     []string `json:"communities,omitempty"`
	Best            *bool    `json:"best,omitempty"`
}

func row(prefix string, a *routing.Attributes, origin *routing.Origin) routeRow {
	r := routeRow{
		Prefix: prefix, Destinations: []string{}, Origin: originText(origin), ASPath: a.ASPath, MED: a.MED, LocalPreference: a.LocalPreference,
	}
	for _, c := range a.Communities {
		r.Communities = append(r.Communities, c.String())
	}
	return r
}

func originText(o *routing.Origin) string {
	text := o.Kind.String()
	if o.Attachment != "" {
		text = o.Attachment
	}
	return text + placeText(o.Place)
}

// placeText is where the policy says something: the path, and the line where the policy is a text of lines.
func placeText(p policy.Place) string {
	switch line := p.Line(); {
	case !p.Known():
		return ""
	case line > 1:
		return fmt.Sprintf(" (line %d, %s)", line, p.Path())
	default:
		return " (" + p.Path() + ")"
	}
}

func printFIB(w io.Writer, table routing.Table, format string) error {
	rows := []routeRow{}
	for r := range table.Routes() {
		one := row(r.Prefix.String(), &r.Attributes, &r.Origin)
		one.Type, one.State = string(r.Type), string(r.State)
		for _, d := range r.Destinations {
			one.Destinations = append(one.Destinations, d.String())
		}
		rows = append(rows, one)
	}
	return printRows(w, rows, format, "PREFIX\tTYPE\tSTATE\tDESTINATION\tAS PATH\tFROM", func(r *routeRow) string {
		return strings.Join([]string{r.Prefix, r.Type, r.State, strings.Join(r.Destinations, ", "), asPath(r.ASPath), r.Origin}, "\t")
	})
}

func printRIB(w io.Writer, table routing.Table, format string) error {
	rows := []routeRow{}
	for p := range table.RIB() {
		one := row(p.Prefix.String(), &p.Attributes, &p.Origin)
		one.Best = &p.Best
		if p.NextHop != nil {
			one.Destinations = append(one.Destinations, p.NextHop.String())
		}
		rows = append(rows, one)
	}
	return printRows(w, rows, format, "PREFIX\tNEXT HOP\tLOCAL PREF\tMED\tAS PATH\tCOMMUNITIES\tBEST\tFROM", func(r *routeRow) string {
		best := ""
		if *r.Best {
			best = "*"
		}
		return fmt.Sprintf("%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s", r.Prefix, strings.Join(r.Destinations, ", "), r.LocalPreference, r.MED,
			asPath(r.ASPath), strings.Join(r.Communities, " "), best, r.Origin)
	})
}

func printRows(w io.Writer, rows []routeRow, format, head string, line func(*routeRow) string) error {
	if format == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(rows)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, head)
	for i := range rows {
		fmt.Fprintln(table, line(&rows[i]))
	}
	return table.Flush()
}

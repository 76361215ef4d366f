package analysis

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"portolan/routing"
)

// RouteRow is a row of a table.
type RouteRow struct {
	Prefix          string   `json:"prefix"`
	Type            string   `json:"type,omitempty"`
	State           string   `json:"state,omitempty"`
	Destinations    []string `json:"destinations"`
	Origin          string   `json:"origin"`
	ASPath          []uint32 `json:"asPath,omitempty"`
	MED             uint32   `json:"med"`
	LocalPreference uint32   `json:"localPreference"`
	Communities     []string `json:"communities,omitempty"`
	Best            *bool    `json:"best,omitempty"` // of what is offered: the table uses it
}

func rowOf(prefix string, a *routing.Attributes, origin *routing.Origin) RouteRow {
	return RouteRow{
		Prefix: prefix, Destinations: []string{}, Origin: originText(origin), ASPath: a.ASPath, MED: a.MED, LocalPreference: a.LocalPreference,
		Communities: texts(a.Communities),
	}
}

func rowOfRoute(r *routing.Route) RouteRow {
	row := rowOf(r.Prefix.String(), &r.Attributes, &r.Origin)
	row.Type, row.State, row.Destinations = string(r.Type), string(r.State), texts(r.Destinations)
	return row
}

// FIB is the routes that a table uses.
type FIB []RouteRow

// RIB is the routes that a table is offered, before the edge's own policies.
type RIB []RouteRow

// Routes is a table: what it uses, or all it is offered.
func (s *Subject) Routes(id routing.TableID, offered bool) (Report, error) {
	table, err := s.table(id)
	if err != nil {
		return nil, err
	}
	if !offered {
		rows := FIB{}
		for r := range table.Routes() {
			rows = append(rows, rowOfRoute(&r))
		}
		return rows, nil
	}
	rows := RIB{}
	for p := range table.RIB() {
		row := rowOf(p.Prefix.String(), &p.Attributes, &p.Origin)
		row.Best = &p.Best
		if p.NextHop != nil {
			row.Destinations = append(row.Destinations, p.NextHop.String())
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// WriteText writes a line for each route.
func (f FIB) WriteText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PREFIX\tTYPE\tSTATE\tDESTINATION\tAS PATH\tFROM")
	for i := range f {
		r := &f[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Prefix, r.Type, r.State, strings.Join(r.Destinations, ", "), asPath(r.ASPath), r.Origin)
	}
	return table.Flush()
}

// WriteText writes a line for each route.
func (f RIB) WriteText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PREFIX\tNEXT HOP\tLOCAL PREF\tMED\tAS PATH\tCOMMUNITIES\tBEST\tFROM")
	for i := range f {
		r, best := &f[i], ""
		if *r.Best {
			best = "*"
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\n", r.Prefix, strings.Join(r.Destinations, ", "), r.LocalPreference, r.MED,
			asPath(r.ASPath), strings.Join(r.Communities, " "), best, r.Origin)
	}
	return table.Flush()
}

package analysis

import (
	"fmt"
	"strings"

	"portolan/internal/page"
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

	Names map[string]string `json:"names,omitempty"` // Name tags of the attachments and peers, by id
}

func rowOf(s *Subject, prefix string, a *routing.Attributes, origin *routing.Origin) RouteRow {
	return RouteRow{
		Prefix: prefix, Destinations: []string{}, Origin: originText(origin), ASPath: a.ASPath, MED: a.MED, LocalPreference: a.LocalPreference,
		Communities: texts(a.Communities), Names: s.namesOf(origin.Attachment, origin.Peer),
	}
}

// name adds the names of attachments and peers to a row.
func (r *RouteRow) name(s *Subject, ids ...string) {
	for id, name := range s.namesOf(ids...) {
		if r.Names == nil {
			r.Names = map[string]string{}
		}
		r.Names[id] = name
	}
}

func rowOfRoute(s *Subject, r *routing.Route) RouteRow {
	row := rowOf(s, r.Prefix.String(), &r.Attributes, &r.Origin)
	row.Type, row.State, row.Destinations = string(r.Type), string(r.State), texts(r.Destinations)
	for i := range r.Destinations {
		row.name(s, r.Destinations[i].Attachment, r.Destinations[i].Peer)
	}
	return row
}

// FIB is the routes that a table uses.
type FIB []RouteRow

// RIB is the routes that a table is offered, before the edge's own policies.
type RIB []RouteRow

// Routes is a table: what it uses, or all it is offered.
func (s *Subject) Routes(id routing.TableID, offered bool) (Report, error) {
	return s.routes(id, offered)
}

// tableReport is a report of one table.
type tableReport interface {
	Report
	head() []string
	cells() [][]page.Cell
}

func (s *Subject) routes(id routing.TableID, offered bool) (tableReport, error) {
	table, err := s.table(id)
	if err != nil {
		return nil, err
	}
	if !offered {
		rows := FIB{}
		for r := range table.Routes() {
			rows = append(rows, rowOfRoute(s, &r))
		}
		return rows, nil
	}
	rows := RIB{}
	for p := range table.RIB() {
		row := rowOf(s, p.Prefix.String(), &p.Attributes, &p.Origin)
		row.Best = &p.Best
		if p.NextHop != nil {
			row.Destinations = append(row.Destinations, p.NextHop.String())
			row.name(s, p.NextHop.Attachment, p.NextHop.Peer)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Page is a row for each route.
func (f FIB) Page() *page.Page {
	p := &page.Page{}
	p.Rows(f.head(), f.cells())
	return p
}

func (FIB) head() []string {
	return []string{"PREFIX", "TYPE", "STATE", "DESTINATION", "AS PATH", "FROM"}
}

func (f FIB) cells() [][]page.Cell {
	rows := make([][]page.Cell, len(f))
	for i := range f {
		r := &f[i]
		mark := page.Plain
		if r.State == string(routing.Blackhole) {
			mark = page.Bad
		}
		rows[i] = []page.Cell{
			{Text: r.Prefix, Mark: page.Strong},
			{Text: r.Type},
			{Text: r.State, Mark: mark},
			{Text: strings.Join(r.Destinations, ", ")},
			{Text: asPath(r.ASPath)},
			{Text: r.Origin, Mark: page.Faint},
		}
	}
	return rows
}

// Page is a row for each route.
func (f RIB) Page() *page.Page {
	p := &page.Page{}
	p.Rows(f.head(), f.cells())
	return p
}

func (RIB) head() []string {
	return []string{"PREFIX", "NEXT HOP", "LOCAL PREF", "MED", "AS PATH", "COMMUNITIES", "BEST", "FROM"}
}

func (f RIB) cells() [][]page.Cell {
	rows := make([][]page.Cell, len(f))
	for i := range f {
		r, best := &f[i], ""
		if *r.Best {
			best = "*"
		}
		rows[i] = page.Cells(r.Prefix, strings.Join(r.Destinations, ", "), fmt.Sprint(r.LocalPreference), fmt.Sprint(r.MED),
			asPath(r.ASPath), strings.Join(r.Communities, " "), best, r.Origin)
		rows[i][6].Mark = page.Good
	}
	return rows
}

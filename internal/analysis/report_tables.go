package analysis

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/page"
	"portolan/routing"
)

// RouteTables are several tables. Each is read when it is written: all of them at once may be large.
type RouteTables struct {
	subject *Subject
	ids     []routing.TableID
	offered bool
}

// RouteTables are the tables that a question names: those of all segments and groups when it names none, and at all edges when it
// names none.
func (s *Subject) RouteTables(asked routing.TableID, offered bool) (Report, error) {
	if asked.Segment != "" && asked.NetworkFunctionGroup != "" {
		_, err := s.table(asked)
		return nil, err
	}
	r := &RouteTables{subject: s, offered: offered}
	for _, id := range s.Tables.TableIDs() {
		if (asked.Edge == "" || asked.Edge == id.Edge) && (asked.Name() == "" || asked.Segment == id.Segment && asked.NetworkFunctionGroup == id.NetworkFunctionGroup) {
			r.ids = append(r.ids, id)
		}
	}
	if len(r.ids) > 0 {
		return r, nil
	}
	if asked.Name() == "" {
		return nil, mistake("edge", "there is no route table at %q; edge locations: %s", asked.Edge, strings.Join(edgesOf(s), ", "))
	}
	return nil, mistake("segment", "%s has no route table; there are: %s", asked.Name(), tableNames(s))
}

// edgesOf are the edge locations that have route tables.
func edgesOf(s *Subject) []string {
	var edges []string
	for _, id := range s.Tables.TableIDs() {
		edges = append(edges, id.Edge)
	}
	slices.Sort(edges)
	return slices.Compact(edges)
}

// tableRows is one of several tables.
type tableRows struct {
	Segment              string `json:"segment,omitempty"`
	NetworkFunctionGroup string `json:"networkFunctionGroup,omitempty"`
	Edge                 string `json:"edge"`
	Routes               Report `json:"routes"`
}

// MarshalJSONTo writes the tables one by one.
func (r *RouteTables) MarshalJSONTo(enc *jsontext.Encoder) error {
	if err := enc.WriteToken(jsontext.BeginArray); err != nil {
		return err
	}
	for _, id := range r.ids {
		rows, err := r.subject.routes(id, r.offered)
		if err != nil {
			return err
		}
		if err := json.MarshalEncode(enc, &tableRows{id.Segment, id.NetworkFunctionGroup, id.Edge, rows}); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndArray)
}

// Page is a heading and the rows for each table.
func (r *RouteTables) Page() *page.Page {
	p := &page.Page{}
	for _, id := range r.ids {
		p.Heading(id.String())
		head := FIB{}.head()
		if r.offered {
			head = RIB{}.head()
		}
		p.Table(head, func(yield func([]page.Cell) bool) {
			rows, err := r.subject.routes(id, r.offered)
			if err != nil {
				return // not of a table that there is
			}
			for _, row := range rows.cells() {
				if !yield(row) {
					return
				}
			}
		})
	}
	return p
}

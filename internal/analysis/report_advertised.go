package analysis

import (
	"fmt"
	"slices"
	"strings"

	"portolan/internal/page"
)

// Advertised is the routes that are advertised to an attachment.
type Advertised []RouteRow

// noneAdvertised is why nothing is advertised to an attachment, whatever the tables hold. For programs it is an empty list.
type noneAdvertised string

// MarshalJSON is the empty list.
func (noneAdvertised) MarshalJSON() ([]byte, error) { return []byte("[]"), nil }

// Page is the reason.
func (why noneAdvertised) Page() *page.Page {
	p := &page.Page{}
	p.Line(page.Plain, "%s", string(why))
	return p
}

// WhyAdvertised is why a prefix is advertised to an attachment, or is not.
type WhyAdvertised struct {
	Attachment string    `json:"attachment"`
	Edge       string    `json:"edge"`
	Prefix     string    `json:"prefix"`
	Route      *RouteRow `json:"route"` // as it is advertised; null: it is not
	Detail     string    `json:"detail,omitempty"`
	Steps      []WhyStep `json:"steps"`
}

// Advertised is what is advertised to an attachment at an edge; "" is its only one.
func (s *Subject) Advertised(attachment, edge string) (Report, error) {
	attachment, edge, err := s.peering(attachment, edge)
	if err != nil {
		return nil, err
	}
	if why := s.Tables.NotAdvertised(attachment, edge); why != "" {
		return noneAdvertised(why), nil
	}
	rows := Advertised{}
	for _, ad := range s.Tables.Advertised(attachment, edge) {
		rows = append(rows, rowOf(s, ad.Prefix.String(), &ad.Attributes, &ad.Origin))
	}
	return rows, nil
}

// WhyAdvertised explains a prefix.
func (s *Subject) WhyAdvertised(attachment, edge, asked string) (*WhyAdvertised, error) {
	attachment, edge, err := s.peering(attachment, edge)
	if err != nil {
		return nil, err
	}
	prefix, isAddress, err := parsePrefix(asked)
	if err != nil {
		return nil, err
	}
	if isAddress {
		return nil, mistake("prefix", "%s is an address: give a prefix, such as %s/32", asked, asked)
	}
	x := s.Tables.ExplainAdvertised(attachment, edge, prefix)
	y := &WhyAdvertised{Attachment: attachment, Edge: edge, Prefix: x.Prefix.String(), Detail: x.Detail, Steps: whySteps(s, x.Steps)}
	if ad := x.Advertisement; ad != nil {
		y.Route = new(rowOf(s, y.Prefix, &ad.Attributes, &ad.Origin))
	}
	return y, nil
}

// peering is an attachment or a Connect peer, by id or Name tag, and the edge where it is asked about.
func (s *Subject) peering(asked, at string) (id, edge string, err error) {
	if asked == "" {
		return "", "", mistake("attachment", "name an attachment")
	}
	if id, err = s.Identify("attachment", asked); err != nil {
		return "", "", err
	}
	a, ok := s.attachment[id]
	if !ok {
		if of, isPeer := s.Tables.PeerOf(id); isPeer {
			a, ok = s.attachment[of.ID]
		}
	}
	switch {
	case !ok && s.inventory.byID[id] != nil:
		_, err = s.working("attachment", id)
		return "", "", err
	case !ok:
		return "", "", mistake("attachment", "attachment or Connect peer %q does not exist", asked)
	case at == "" && len(a.Edges) == 1:
		return id, a.Edges[0], nil
	case at == "":
		return "", "", mistake("edge", "attachment %s has several edge locations: %s; name one", asked, strings.Join(a.Edges, ", "))
	case !slices.Contains(a.Edges, at):
		return "", "", mistake("edge", "attachment %s has no edge location %q", asked, at)
	}
	return id, at, nil
}

// Page is a row for each route.
func (f Advertised) Page() *page.Page {
	p := &page.Page{}
	rows := make([][]page.Cell, len(f))
	for i := range f {
		r := &f[i]
		rows[i] = page.Cells(r.Prefix, fmt.Sprint(r.MED), asPath(r.ASPath), strings.Join(r.Communities, " "), r.Origin)
	}
	p.Rows([]string{"PREFIX", "MED", "AS PATH", "COMMUNITIES", "ORIGIN"}, rows)
	return p
}

// Page is the verdict, then the steps.
func (y *WhyAdvertised) Page() *page.Page {
	p := &page.Page{}
	if y.Route == nil {
		p.Line(page.Bad, "%s is not advertised to %s at %s: %s", y.Prefix, y.Attachment, y.Edge, y.Detail)
	} else {
		p.Line(page.Good, "%s is advertised to %s at %s, AS path %s", y.Prefix, y.Attachment, y.Edge, asPath(y.Route.ASPath))
	}
	for i := range y.Steps {
		p.Item(1, page.Plain, "%s", y.Steps[i].text)
	}
	return p
}

package analysis

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Advertised is the routes that are advertised to an attachment.
type Advertised []RouteRow

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
	edge, err := s.peeringEdge(attachment, edge)
	if err != nil {
		return nil, err
	}
	rows := Advertised{}
	for _, ad := range s.Tables.Advertised(attachment, edge) {
		rows = append(rows, rowOf(ad.Prefix.String(), &ad.Attributes, &ad.Origin))
	}
	return rows, nil
}

// WhyAdvertised explains a prefix.
func (s *Subject) WhyAdvertised(attachment, edge, asked string) (*WhyAdvertised, error) {
	edge, err := s.peeringEdge(attachment, edge)
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
	y := &WhyAdvertised{Attachment: attachment, Edge: edge, Prefix: x.Prefix.String(), Detail: x.Detail, Steps: whySteps(x.Steps)}
	if ad := x.Advertisement; ad != nil {
		y.Route = new(rowOf(y.Prefix, &ad.Attributes, &ad.Origin))
	}
	return y, nil
}

// peeringEdge is the edge where an attachment or a Connect peer is asked about.
func (s *Subject) peeringEdge(attachment, edge string) (string, error) {
	a, ok := s.attachment[attachment]
	if !ok {
		if of, isPeer := s.Tables.PeerOf(attachment); isPeer {
			a, ok = s.attachment[of.ID]
		}
	}
	switch {
	case attachment == "":
		return "", mistake("attachment", "name an attachment")
	case !ok:
		return "", mistake("attachment", "attachment or Connect peer %q does not exist", attachment)
	case edge == "" && len(a.Edges) == 1:
		return a.Edges[0], nil
	case edge == "":
		return "", mistake("edge", "attachment %s has several edge locations: %s; name one", attachment, strings.Join(a.Edges, ", "))
	case !slices.Contains(a.Edges, edge):
		return "", mistake("edge", "attachment %s has no edge location %q", attachment, edge)
	}
	return edge, nil
}

// WriteText writes a line for each route.
func (f Advertised) WriteText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PREFIX\tMED\tAS PATH\tCOMMUNITIES\tORIGIN")
	for i := range f {
		r := &f[i]
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\n", r.Prefix, r.MED, asPath(r.ASPath), strings.Join(r.Communities, " "), r.Origin)
	}
	return table.Flush()
}

// WriteText writes the verdict, then the steps.
func (y *WhyAdvertised) WriteText(w io.Writer) error {
	var b strings.Builder
	if y.Route == nil {
		fmt.Fprintf(&b, "%s is not advertised to %s at %s: %s\n", y.Prefix, y.Attachment, y.Edge, y.Detail)
	} else {
		fmt.Fprintf(&b, "%s is advertised to %s at %s, AS path %s\n", y.Prefix, y.Attachment, y.Edge, asPath(y.Route.ASPath))
	}
	for i := range y.Steps {
		fmt.Fprintf(&b, "  %s\n", y.Steps[i].text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

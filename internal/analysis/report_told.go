package analysis

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Told is the routes that an attachment is told.
type Told []RouteRow

// WhyTold is why an attachment is told of a prefix, or is not.
type WhyTold struct {
	Attachment string    `json:"attachment"`
	Edge       string    `json:"edge"`
	Prefix     string    `json:"prefix"`
	Route      *RouteRow `json:"route"` // as it is told; null: it is not
	Detail     string    `json:"detail,omitempty"`
	Steps      []WhyStep `json:"steps"`
}

// Told is what an attachment is told at an edge; "" is its only one.
func (s *Subject) Told(attachment, edge string) (Report, error) {
	edge, err := s.listening(attachment, edge)
	if err != nil {
		return nil, err
	}
	rows := Told{}
	for _, ad := range s.Tables.Advertised(attachment, edge) {
		rows = append(rows, rowOf(ad.Prefix.String(), &ad.Attributes, &ad.Origin))
	}
	return rows, nil
}

// WhyTold explains a prefix.
func (s *Subject) WhyTold(attachment, edge, asked string) (*WhyTold, error) {
	edge, err := s.listening(attachment, edge)
	if err != nil {
		return nil, err
	}
	prefix, isAddress, err := parsePrefix(asked)
	if err != nil {
		return nil, err
	}
	if isAddress {
		return nil, mistake("prefix", "%s is an address: which prefix?", asked)
	}
	x := s.Tables.ExplainAdvertised(attachment, edge, prefix)
	y := &WhyTold{Attachment: attachment, Edge: edge, Prefix: x.Prefix.String(), Detail: x.Detail, Steps: whySteps(x.Steps)}
	if ad := x.Advertisement; ad != nil {
		y.Route = new(rowOf(y.Prefix, &ad.Attributes, &ad.Origin))
	}
	return y, nil
}

// listening is the edge where an attachment is asked about.
func (s *Subject) listening(attachment, edge string) (string, error) {
	a, ok := s.attachment[attachment]
	switch {
	case attachment == "":
		return "", mistake("attachment", "name the attachment that is told")
	case !ok:
		return "", mistake("attachment", "attachment %q is not part of the network", attachment)
	case edge == "" && len(a.Edges) == 1:
		return a.Edges[0], nil
	case edge == "":
		return "", mistake("edge", "attachment %s is at several edges: %s", attachment, strings.Join(a.Edges, ", "))
	case !slices.Contains(a.Edges, edge):
		return "", mistake("edge", "attachment %s is not at edge %q", attachment, edge)
	}
	return edge, nil
}

// WriteText writes a line for each route.
func (f Told) WriteText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PREFIX\tMED\tAS PATH\tCOMMUNITIES\tFROM")
	for i := range f {
		r := &f[i]
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\n", r.Prefix, r.MED, asPath(r.ASPath), strings.Join(r.Communities, " "), r.Origin)
	}
	return table.Flush()
}

// WriteText writes the verdict, then the steps.
func (y *WhyTold) WriteText(w io.Writer) error {
	var b strings.Builder
	if y.Route == nil {
		fmt.Fprintf(&b, "%s is not told of %s at %s: %s\n", y.Attachment, y.Prefix, y.Edge, y.Detail)
	} else {
		fmt.Fprintf(&b, "%s is told of %s at %s, AS path %s\n", y.Attachment, y.Prefix, y.Edge, asPath(y.Route.ASPath))
	}
	for i := range y.Steps {
		fmt.Fprintf(&b, "  %s\n", y.Steps[i].text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

package analysis

import (
	"portolan/internal/page"
	"portolan/routing"
)

// Graph is the network as programs draw it: what the policy makes of its document, and what is attached where.
type Graph struct {
	Edges       []GraphEdge       `json:"edges"` // in the policy's order
	Segments    []GraphSegment    `json:"segments"`
	Groups      []GraphSegment    `json:"networkFunctionGroups"`
	Shares      []GraphShare      `json:"shares"` // each pair once
	Inspections []GraphInspection `json:"inspections"`
	Attachments []GraphAttachment `json:"attachments,omitempty"`    // by id
	Total       int               `json:"attachmentCount,omitzero"` // where attachments are counted: those without a place, too
}

// GraphEdge is a core network edge.
type GraphEdge struct {
	Location string `json:"location"`
	ASN      uint32 `json:"asn"`
}

// GraphSegment is a segment or a network function group.
type GraphSegment struct {
	Name     string   `json:"name"`
	Edges    []string `json:"edges"` // where it has a table
	Isolated bool     `json:"isolated,omitempty"`
	Deny     []string `json:"denyFilter,omitempty"`  // segments whose shared routes it refuses
	Allow    []string `json:"allowFilter,omitempty"` // the only ones whose shared routes it takes
	Path     string   `json:"path,omitempty"`        // in the policy document

	Attached map[string]int `json:"attached,omitempty"` // where attachments are counted: how many, by edge
	Down     map[string]int `json:"down,omitempty"`     // of them, those that carry no traffic
}

// GraphShare is two segments that are joined by a share.
type GraphShare struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// GraphInspection is a network function group between two segments, or behind one.
type GraphInspection struct {
	Segment string `json:"segment"`
	With    string `json:"with,omitempty"` // absent for send-to
	Group   string `json:"networkFunctionGroup"`
	Action  string `json:"action"`         // send-via, send-to
	Mode    string `json:"mode,omitempty"` // dual-hop, single-hop: of send-via
	Path    string `json:"path,omitempty"`
}

// GraphAttachment is an attachment where it is.
type GraphAttachment struct {
	ID      string   `json:"id"`
	Type    string   `json:"type"`
	Edges   []string `json:"edges"`
	Segment string   `json:"segment,omitempty"`
	Group   string   `json:"networkFunctionGroup,omitempty"`
	Label   string   `json:"routingPolicyLabel,omitempty"`
	Down    bool     `json:"down,omitempty"`
}

// Graph is the network to be drawn, with its attachments or without.
func (s *Subject) Graph(attachments bool) *Graph {
	p := s.Network.Policy
	g := &Graph{Edges: []GraphEdge{}, Segments: []GraphSegment{}, Groups: []GraphSegment{}, Shares: []GraphShare{}, Inspections: []GraphInspection{}}
	for _, e := range p.Edges {
		g.Edges = append(g.Edges, GraphEdge{e.Location, e.ASN})
	}
	for i := range p.Segments {
		seg := &p.Segments[i]
		g.Segments = append(g.Segments, GraphSegment{seg.Name, append([]string{}, seg.Edges...), seg.Isolate, seg.DenyFilter, seg.AllowFilter, seg.Path(), nil, nil})
	}
	for i := range p.NetworkFunctionGroups {
		group := &p.NetworkFunctionGroups[i]
		g.Groups = append(g.Groups, GraphSegment{group.Name, append([]string{}, group.Edges...), false, nil, nil, group.Path(), nil, nil})
	}
	for _, share := range p.Shares {
		if share.From < share.To {
			g.Shares = append(g.Shares, GraphShare{share.From, share.To})
		}
	}
	for i := range p.Insertions {
		in := &p.Insertions[i]
		mode := "single-hop"
		if in.DualHop {
			mode = "dual-hop"
		}
		g.Inspections = append(g.Inspections, GraphInspection{in.Segment, in.With, in.Group, "send-via", mode, in.Path()})
	}
	for i := range p.SendTo {
		to := &p.SendTo[i]
		g.Inspections = append(g.Inspections, GraphInspection{to.Segment, "", to.Group, "send-to", "", to.Path()})
	}
	if attachments {
		for _, a := range union(s, s) {
			g.Attachments = append(g.Attachments, GraphAttachment{a.ID, a.Type, append([]string{}, a.Edges...), a.Segment, a.NetworkFunctionGroup, a.RoutingPolicyLabel, a.Down})
		}
	}
	return g
}

// GraphCounted is the network to be drawn with the numbers of its attachments.
func (s *Subject) GraphCounted() *Graph {
	g := s.Graph(false)
	g.Total = len(s.inventory.list)
	count := func(places []GraphSegment, placeOf func(*routing.Attachment) string) {
		at := map[string]*GraphSegment{}
		for i := range places {
			places[i].Attached, places[i].Down = map[string]int{}, map[string]int{}
			at[places[i].Name] = &places[i]
		}
		for _, a := range s.attachment {
			place := at[placeOf(a)]
			if place == nil {
				continue
			}
			for _, e := range a.Edges {
				place.Attached[e]++
				if a.Down {
					place.Down[e]++
				}
			}
		}
	}
	count(g.Segments, func(a *routing.Attachment) string { return a.Segment })
	count(g.Groups, func(a *routing.Attachment) string { return a.NetworkFunctionGroup })
	return g
}

// Page is what is shared and inspected, a line each.
func (g *Graph) Page() *page.Page {
	p := &page.Page{}
	for _, s := range g.Shares {
		p.Line(page.Plain, "share: %s – %s", s.From, s.To)
	}
	for _, in := range g.Inspections {
		p.Line(page.Plain, "%s: %s – %s via %s", in.Action, in.Segment, in.With, in.Group)
	}
	return p
}

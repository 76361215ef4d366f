package analysis

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"portolan/routing"
)

// PathReport is a packet's way and that of its answer.
type PathReport struct {
	Verdict string     `json:"verdict"`
	Reason  string     `json:"reason"`
	Forward *WayReport `json:"forward"`
	Return  *WayReport `json:"return"` // null: it was not traced
}

// WayReport is one way.
type WayReport struct {
	From        string             `json:"from"`
	Edge        string             `json:"edge"`
	To          string             `json:"to"`
	Hops        []HopReport        `json:"hops"`
	Inspections []InspectionReport `json:"inspections"`
	Verdict     string             `json:"verdict"`
	At          string             `json:"at,omitempty"` // the attachment it ends at
	Reason      string             `json:"reason"`
}

// HopReport is one look-up.
type HopReport struct {
	Table        string   `json:"table"`
	Prefix       string   `json:"prefix,omitempty"` // absent: no route
	State        string   `json:"state,omitempty"`
	Destinations []string `json:"destinations,omitempty"` // the first is followed
}

// InspectionReport is a visit to an appliance.
type InspectionReport struct {
	NetworkFunctionGroup string `json:"networkFunctionGroup"`
	Edge                 string `json:"edge"`
	Attachment           string `json:"attachment"`
}

// Path follows a packet and its answer. edge and source may be empty: see [Subject.RoundTrip].
func (s *Subject) Path(from, edge, to, source string) (*PathReport, error) {
	if from == "" {
		return nil, mistake("from", "name the attachment that the packet enters by")
	}
	a, ok := s.attachment[from]
	if !ok {
		return nil, mistake("from", "attachment %q does not exist", from)
	}
	if edge != "" && !slices.Contains(a.Edges, edge) {
		return nil, mistake("edge", "attachment %s has no edge location %q", from, edge)
	}
	target, err := parseAddr("to", to)
	if err != nil {
		return nil, err
	}
	var back netip.Addr
	if source != "" {
		if back, err = parseAddr("source", source); err != nil {
			return nil, err
		}
		if back.Is4() != target.Is4() {
			return nil, mistake("source", "%s and %s are not of one address family", source, to)
		}
	}
	p, err := s.RoundTrip(from, edge, target, back)
	if err != nil {
		return nil, &QuestionError{"from", err}
	}
	return &PathReport{string(p.Verdict), p.Reason, wayReport(p.Forward), wayReport(p.Back)}, nil
}

func wayReport(w *Way) *WayReport {
	if w == nil {
		return nil
	}
	r := &WayReport{
		From: w.From, Edge: w.Edge, To: w.To.String(), Hops: []HopReport{}, Inspections: []InspectionReport{}, Verdict: string(w.Verdict),
		At: w.At, Reason: w.Reason,
	}
	for _, h := range w.Hops {
		hop := HopReport{Table: h.Table.String()}
		if h.Route != nil {
			hop.Prefix, hop.State, hop.Destinations = h.Route.Prefix.String(), string(h.Route.State), texts(h.Route.Destinations)
		}
		r.Hops = append(r.Hops, hop)
	}
	for _, i := range w.Inspections {
		r.Inspections = append(r.Inspections, InspectionReport(i))
	}
	return r
}

// Sound tells whether the packet and its answer go as the policy means: they arrive, or send-to hands the packet to a
// network function that can answer.
func (p *PathReport) Sound() bool {
	return p.Verdict == string(Delivered) || p.Verdict == string(HandedOver)
}

// WriteText writes a line for each hop, then the verdict.
func (p *PathReport) WriteText(w io.Writer) error {
	var b strings.Builder
	p.Forward.write(&b, "forward")
	if p.Return != nil {
		p.Return.write(&b, "return")
	}
	fmt.Fprintf(&b, "verdict: %s: %s\n", p.Verdict, p.Reason)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *WayReport) write(b *strings.Builder, name string) {
	fmt.Fprintf(b, "%s: from %s at %s to %s\n", name, r.From, r.Edge, r.To)
	for i := range r.Hops {
		h := &r.Hops[i]
		if h.Prefix == "" {
			fmt.Fprintf(b, "  %s: no route\n", h.Table)
			continue
		}
		destinations := strings.Join(h.Destinations, " ")
		if destinations == "" {
			destinations = "blackhole"
		}
		fmt.Fprintf(b, "  %s: %s → %s\n", h.Table, h.Prefix, destinations)
	}
	fmt.Fprintf(b, "  %s\n", r.Verdict)
}

func leadsTo(r *routing.Forward) string {
	if r.State == routing.Blackhole {
		return "blackhole"
	}
	return joined(r.Destinations)
}

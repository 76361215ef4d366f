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
	Source      string             `json:"source,omitempty"` // as it is sent; absent: not known
	To          string             `json:"to"`
	Hops        []HopReport        `json:"hops"`
	Inspections []InspectionReport `json:"inspections"`
	Verdict     string             `json:"verdict"`
	At          string             `json:"at,omitempty"`        // the attachment it ends at
	Arrived     string             `json:"arrivesAt,omitempty"` // the destination address behind that attachment
	Reason      string             `json:"reason"`

	seen string // the source in the core network
}

// HopReport is one look-up.
type HopReport struct {
	Table        string   `json:"table"`
	Source       string   `json:"source,omitempty"` // addresses of the packet there, as NAT made them
	Destination  string   `json:"destination"`
	Prefix       string   `json:"prefix,omitempty"` // absent: no route
	State        string   `json:"state,omitempty"`
	Destinations []string `json:"destinations,omitempty"` // the first is followed
}

// InspectionReport is a visit to an appliance.
type InspectionReport struct {
	NetworkFunctionGroup string `json:"networkFunctionGroup"`
	Edge                 string `json:"edge"`
	Attachment           string `json:"attachment"`
	Source               string `json:"source,omitempty"` // addresses of the packet that it sees
	Destination          string `json:"destination"`
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
		At: w.At, Reason: w.Reason, Source: addrText(w.Source), seen: addrText(w.Seen),
	}
	if w.Verdict == Delivered {
		r.Arrived = addrText(w.Arrived)
	}
	for _, h := range w.Hops {
		hop := HopReport{Table: h.Table.String(), Source: r.seen, Destination: r.To}
		if h.Route != nil {
			hop.Prefix, hop.State, hop.Destinations = h.Route.Prefix.String(), string(h.Route.State), texts(h.Route.Destinations)
		}
		r.Hops = append(r.Hops, hop)
	}
	for _, i := range w.Inspections {
		r.Inspections = append(r.Inspections, InspectionReport{i.NetworkFunctionGroup, i.Edge, i.Attachment, r.seen, r.To})
	}
	return r
}

// addrText is an address, "" when it is not valid.
func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// translated tells whether NAT changes an address on the way.
func (r *WayReport) translated() bool {
	return r.seen != r.Source || r.Arrived != "" && r.Arrived != r.To
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
	addresses := ""
	if r.translated() {
		addresses = fmt.Sprintf(" (%s to %s)", r.seen, r.To)
	}
	if r.seen != r.Source {
		fmt.Fprintf(b, "  NAT at %s: source %s → %s\n", r.From, r.Source, r.seen)
	}
	for i := range r.Hops {
		h := &r.Hops[i]
		if h.Prefix == "" {
			fmt.Fprintf(b, "  %s: no route%s\n", h.Table, addresses)
			continue
		}
		destinations := strings.Join(h.Destinations, " ")
		if destinations == "" {
			destinations = "blackhole"
		}
		fmt.Fprintf(b, "  %s: %s → %s%s\n", h.Table, h.Prefix, destinations, addresses)
	}
	if r.Arrived != "" && r.Arrived != r.To {
		fmt.Fprintf(b, "  NAT at %s: destination %s → %s\n", r.At, r.To, r.Arrived)
	}
	fmt.Fprintf(b, "  %s\n", r.Verdict)
}

func leadsTo(r *routing.Forward) string {
	if r.State == routing.Blackhole {
		return "blackhole"
	}
	return joined(r.Destinations)
}

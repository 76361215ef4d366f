package analysis

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"portolan/internal/page"
	"portolan/routing"
)

// PathReport is a packet's way and that of its answer.
type PathReport struct {
	Verdict string     `json:"verdict"`
	Reason  string     `json:"reason"`
	Forward *WayReport `json:"forward"`
	Return  *WayReport `json:"return"`          // null: it was not traced
	Notes   []string   `json:"notes,omitempty"` // appliances that see one direction only, attachments that carry no traffic

	Names map[string]string `json:"names,omitempty"` // Name tags of the attachments, by id
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
	from, err := s.working("from", from)
	if err != nil {
		return nil, err
	}
	a := s.attachment[from]
	if edge != "" && !slices.Contains(a.Edges, edge) {
		return nil, mistake("edge", "attachment %s has no edge location %q", from, edge)
	}
	target, err := destination(s, to)
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
	r := &PathReport{Verdict: string(p.Verdict), Reason: p.Reason, Forward: wayReport(p.Forward), Return: wayReport(p.Back), Notes: zonesOn(s, p.Forward, p.Back)}
	if p.Forward.Verdict != Delivered {
		r.Notes = append(r.Notes, idleAnnouncers(s, to)...)
	}
	ids := []string{from, p.Forward.At}
	for _, i := range p.Forward.Inspections {
		ids = append(ids, i.Attachment)
	}
	r.Names = s.namesOf(ids...)
	return r, nil
}

// destination reads the address that a packet is sent to. Of an attachment in its place the error says which addresses it has.
func destination(s *Subject, to string) (netip.Addr, error) {
	addr, err := parseAddr("to", to)
	if err == nil {
		return addr, nil
	}
	id, ambiguous := s.Identify("to", to)
	if ambiguous != nil {
		return addr, ambiguous
	}
	a := s.inventory.byID[id]
	if a == nil {
		return addr, err
	}
	what := "it announces no prefix"
	if prefixes := prefixesOf(s, a); len(prefixes) > 0 {
		what = "give an address in " + strings.Join(prefixes[:min(len(prefixes), maxNamed)], ", ")
		if p, err := netip.ParsePrefix(prefixes[0]); err == nil {
			what += ", such as " + host(p).String()
		}
	}
	if idle := s.Idle(a); idle != nil {
		what = "it " + s.Label(idle.Sentence())
	}
	return addr, mistake("to", "%q is an attachment, not an address; %s", to, what)
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

// verdictMark is the colour of a verdict.
func verdictMark(v string) page.Mark {
	switch Verdict(v) {
	case Delivered:
		return page.Good
	case HandedOver:
		return page.Warning
	}
	return page.Bad
}

// Page is a line for each hop, then the verdict.
func (p *PathReport) Page() *page.Page {
	out := &page.Page{}
	p.Forward.show(out, 0, "forward")
	if p.Return != nil {
		p.Return.show(out, 0, "return")
	}
	out.Line(verdictMark(p.Verdict), "verdict: %s: %s", p.Verdict, p.Reason)
	for _, note := range p.Notes {
		out.Line(page.Warning, "note: %s", note)
	}
	return out
}

// show adds the hops of a way, as deep as its heading.
func (r *WayReport) show(p *page.Page, depth int, name string) {
	title := fmt.Sprintf("%s: from %s at %s to %s", name, r.From, r.Edge, r.To)
	if depth == 0 {
		p.Line(page.Plain, "%s", title)
	} else {
		p.Item(depth, page.Plain, "%s", title)
	}
	addresses := ""
	if r.translated() {
		addresses = fmt.Sprintf(" (%s to %s)", r.seen, r.To)
	}
	if r.seen != r.Source {
		p.Item(1, page.Plain, "NAT at %s: source %s → %s", r.From, r.Source, r.seen)
	}
	for i := range r.Hops {
		h := &r.Hops[i]
		if h.Prefix == "" {
			p.Item(1, page.Bad, "%s: no route%s", h.Table, addresses)
			continue
		}
		destinations := strings.Join(h.Destinations, " ")
		if destinations == "" {
			destinations = "blackhole"
		}
		p.Item(1, page.Plain, "%s: %s → %s%s", h.Table, h.Prefix, destinations, addresses)
	}
	if r.Arrived != "" && r.Arrived != r.To {
		p.Item(1, page.Plain, "NAT at %s: destination %s → %s", r.At, r.To, r.Arrived)
	}
	p.Item(1, verdictMark(r.Verdict), "%s", r.Verdict)
}

func leadsTo(r *routing.Forward) string {
	if r.State == routing.Blackhole {
		return "blackhole"
	}
	return joined(r.Destinations)
}

package analysis

import (
	"fmt"
	"net/netip"
	"slices"

	"portolan/routing"
)

// Verdict is how a packet ends, or how the two ways of a conversation go together.
type Verdict string

// Verdicts of one way.
const (
	Delivered   Verdict = "delivered"                    // to an attachment
	NoRoute     Verdict = "no route"                     // nothing in a table covers the address
	Blackholed  Verdict = "blackholed"                   // a blackhole covers it
	DownAtEnd   Verdict = "down"                         // the attachment it leads to is not available
	Looping     Verdict = "loop"                         // it would go round for ever
	HandedOver  Verdict = "handed over"                  // to a network function by send-to or a static route; what that does is not known here
	LocalRoute  Verdict = "local"                        // it does not leave the VPC it comes from, whose CIDRs hold the address
	WrongTarget Verdict = "routed to another attachment" // delivered, but not where it was expected
)

// Verdicts of a conversation, besides those of its way there.
const (
	OneWay       Verdict = "one way"       // delivered there, lost on the way back, or answered with other addresses
	Asymmetric   Verdict = "asymmetric"    // the two ways pass different appliances: a stateful one drops the return
	NotInspected Verdict = "not inspected" // the policy sends this pair through a network function group, the packets do not go
)

// Arrived tells whether a packet with the verdict leaves the core network at an attachment.
func (v Verdict) Arrived() bool { return v == Delivered || v == Asymmetric || v == NotInspected }

// Hop is one look-up on the way.
type Hop struct {
	Table routing.TableID
	Route *routing.Route // nil: there was none
	Of    int            // how many destinations the route has; the first is followed
}

// Inspection is a visit to an appliance.
type Inspection struct {
	NetworkFunctionGroup string
	Edge                 string
	Attachment           string
}

func (i Inspection) String() string {
	return i.NetworkFunctionGroup + "@" + i.Edge + " (" + i.Attachment + ")"
}

// Way is where a packet goes.
type Way struct {
	From        string     // the attachment it enters by
	Edge        string     // where
	Source      netip.Addr // as it was sent; not valid: not known
	To          netip.Addr // as it was sent, and in the core network
	Seen        netip.Addr // the source in the core network, after NAT at From
	Arrived     netip.Addr // the destination after NAT at At
	Hops        []Hop
	Inspections []Inspection
	Verdict     Verdict
	At          string // the attachment it ends at, "" when it was dropped
	Reason      string // in words
}

// maxHops is more than any sound network needs: a packet changes the edge once or twice and visits two appliances.
const maxHops = 32

// Way follows a packet for an address from an attachment. edge is where it enters, "" for the attachment's first; source may
// be not valid.
func (s *Subject) Way(from, edge string, to, source netip.Addr) (*Way, error) {
	a, ok := s.attachment[from]
	if !ok {
		return nil, fmt.Errorf("attachment %q does not exist", from)
	}
	if edge == "" {
		edge = a.Edges[0]
	} else if !slices.Contains(a.Edges, edge) {
		return nil, fmt.Errorf("attachment %s has no edge location %q", from, edge)
	}
	w := &Way{From: from, Edge: edge, To: to, Source: source}
	s.enter(w, a)
	arrive(s, w)
	return w, nil
}

// exit is the edge where the way ends.
func (w *Way) exit() string {
	if w.Verdict == HandedOver {
		return w.Inspections[len(w.Inspections)-1].Edge
	}
	return w.Hops[len(w.Hops)-1].Table.Edge
}

func (s *Subject) follow(w *Way, table routing.TableID) {
	end := func(v Verdict, reason string) { w.Verdict, w.Reason = v, reason }
	seen := map[routing.TableID]bool{}
	var told *routing.Route // the edge before this one uses it
	for len(w.Hops) < maxHops {
		route, ok := s.lookup(table, w.To)
		if !ok && told != nil {
			route, ok = s.shadow(table, told)
		}
		if !ok {
			w.Hops = append(w.Hops, Hop{Table: table})
			end(NoRoute, fmt.Sprintf("table %s has no route to %s", table, w.To))
			return
		}
		w.Hops = append(w.Hops, Hop{Table: table, Route: route, Of: len(route.Destinations)})
		if route.State == routing.Blackhole || len(route.Destinations) == 0 {
			end(Blackholed, fmt.Sprintf("%s is a blackhole in table %s", route.Prefix, table))
			return
		}
		d, handed := route.Destinations[0], route.Kind == routing.KindSendTo
		if group := s.appliance(&d); group != "" {
			d.NetworkFunctionGroup, handed = group, true
		}
		switch {
		case d.Attachment == "":
			table.Edge = d.Edge
			if seen[table] {
				end(Looping, fmt.Sprintf("table %s was visited before", table))
				return
			}
			seen[table], told = true, route
		case d.NetworkFunctionGroup == "":
			w.At = d.Attachment
			if a := s.attachment[d.Attachment]; a == nil || a.Down {
				end(DownAtEnd, notAvailable(s, d.Attachment))
				return
			}
			reason := "attachment " + d.Attachment
			if a := s.attachment[d.Attachment]; route.Origin.Kind == routing.FromStatic && !s.offersAddr(a, w.To) {
				reason += ", by a static route: it announces no prefix that holds " + w.To.String()
			}
			end(Delivered, reason)
			return
		default:
			visit := Inspection{d.NetworkFunctionGroup, d.Edge, d.Attachment}
			if visit.Edge == "" {
				visit.Edge = table.Edge
			}
			if slices.Contains(w.Inspections, visit) {
				end(Looping, visit.String()+" was visited before")
				return
			}
			w.Inspections = append(w.Inspections, visit)
			if handed {
				w.At = d.Attachment
				end(HandedOver, "network function "+visit.String())
				return
			}
			table, told = routing.TableID{NetworkFunctionGroup: d.NetworkFunctionGroup, Edge: visit.Edge}, nil
		}
	}
	end(Looping, fmt.Sprintf("more than %d hops", maxHops))
}

// appliance is the network function group of an attachment that a static route leads to, "" for any other destination. What
// the network function does with the packet is not known, as with send-to.
func (s *Subject) appliance(d *routing.Destination) string {
	if a := s.attachment[d.Attachment]; a != nil && d.NetworkFunctionGroup == "" && !a.Down {
		return a.NetworkFunctionGroup
	}
	return ""
}

// offersAddr tells whether traffic to an address is sent to an attachment for what it announces.
func (s *Subject) offersAddr(a *routing.Attachment, addr netip.Addr) bool {
	for p := range s.offers(a) {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// shadow is the row that stands for a table which an edge does not have. A share reaches a segment also from an edge where
// the segment has no table, and nothing is known there but what is shared in: traffic goes to the attachment that the
// route came from.
func (s *Subject) shadow(id routing.TableID, told *routing.Route) (*routing.Route, bool) {
	a := s.attachment[told.Origin.Attachment]
	_, exists := s.Tables.Table(id)
	if id.Segment == "" || a == nil || told.Origin.Kind != routing.FromAttachment || told.Origin.Edge != id.Edge || exists {
		return nil, false
	}
	return &routing.Route{Forward: routing.Forward{
		Prefix: told.Prefix, Type: told.Type, State: routing.Active, Kind: routing.KindAttachment,
		Destinations: []routing.Destination{{Attachment: a.ID}},
	}, Origin: told.Origin}, true
}

// Path is a conversation: the way there and the way back.
type Path struct {
	Forward *Way
	Back    *Way // nil when there is nobody to answer, or no address to answer to
	Verdict Verdict
	Reason  string
}

// RoundTrip follows a packet and its answer. source is the address the packet is sent from; when it is not valid the first
// that the attachment announces is taken. NAT translates both at the attachments: the answer goes to the source as it was seen.
func (s *Subject) RoundTrip(from, edge string, to, source netip.Addr) (*Path, error) {
	if a := s.attachment[from]; a != nil && !source.IsValid() {
		source = s.ownAddress(a, to.Is4())
	}
	there, err := s.Way(from, edge, to, source)
	if err != nil {
		return nil, err
	}
	p := &Path{Forward: there, Verdict: there.Verdict, Reason: there.Reason}
	if there.Verdict != Delivered && there.Verdict != HandedOver {
		return p, nil
	}
	if !source.IsValid() {
		p.Reason += "; the return path was not traced: " + from + " announces no prefix"
		return p, nil
	}
	// An attachment with several edges is answered from where the packet left.
	if p.Back, err = s.Way(there.At, there.exit(), there.Seen, there.Arrived); err != nil {
		return nil, err
	}
	a, target := s.attachment[from], s.attachment[there.At]
	switch {
	case p.Back.Verdict == HandedOver && there.Verdict == Delivered && !sameAppliances(there.Inspections, p.Back.Inspections):
		p.Verdict, p.Reason = Asymmetric, "the forward path is inspected by "+listed(there.Inspections)+", the return path is handed to "+listed(p.Back.Inspections)
	case p.Back.Verdict != Delivered:
		p.Verdict, p.Reason = OneWay, "the return path fails: "+p.Back.Reason
	case p.Back.At != from:
		p.Verdict, p.Reason = OneWay, "the return path ends at "+p.Back.At
	case there.Verdict == Delivered && p.mistranslated() != "":
		p.Verdict, p.Reason = OneWay, p.mistranslated()
	case there.Verdict == HandedOver:
	case !sameAppliances(there.Inspections, p.Back.Inspections):
		p.Verdict, p.Reason = Asymmetric, "the forward path is inspected by "+listed(there.Inspections)+", the return path by "+listed(p.Back.Inspections)
	case len(there.Inspections) == 0 && s.mustInspect(a.Segment, target.Segment):
		in := s.inspected[[2]string{a.Segment, target.Segment}]
		p.Verdict, p.Reason = NotInspected, fmt.Sprintf("no hop through network function group %[3]s, although the policy sends %[1]s and %[2]s via it", a.Segment, target.Segment, in.Group)
	}
	return p, nil
}

// ownAddress is an address behind an attachment, of a family: the first that it announces, before NAT.
func (s *Subject) ownAddress(a *routing.Attachment, is4 bool) netip.Addr {
	for i := range a.Announcements {
		class, ok := s.classes().at[a.Announcements[i].Prefix.Masked()]
		if ok && s.classes().addrs[class].Is4() == is4 {
			own, _ := a.NAT.TranslateDestination(s.classes().addrs[class])
			return own
		}
	}
	return netip.Addr{}
}

// mustInspect tells whether the policy leads traffic between two segments through a network function group.
func (s *Subject) mustInspect(a, b string) bool { return s.inspected[[2]string{a, b}] != nil }

// sameAppliances compares the appliances of the two ways: the answer meets them in the opposite order.
func sameAppliances(there, back []Inspection) bool {
	if len(there) != len(back) {
		return false
	}
	for i := range there {
		if there[i] != back[len(back)-1-i] {
			return false
		}
	}
	return true
}

func listed(list []Inspection) string {
	if len(list) == 0 {
		return "no network function group"
	}
	text := ""
	for i, in := range list {
		if i > 0 {
			text += ", "
		}
		text += in.String()
	}
	return text
}

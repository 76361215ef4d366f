package analysis

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"portolan/policy"
	"portolan/routing"
)

// offers are the prefixes that traffic to an attachment is sent to: what it announces, and with NAT what the core network
// routes in its place. They may repeat.
func (s *Subject) offers(a *routing.Attachment) iter.Seq[netip.Prefix] {
	if a.NAT != nil {
		return slices.Values(s.Tables.Offered(a))
	}
	return func(yield func(netip.Prefix) bool) {
		for i := range a.Announcements {
			if !yield(a.Announcements[i].Prefix.Masked()) {
				return
			}
		}
	}
}

// localRoute is the CIDR of a VPC attachment's own VPC that holds an address: the local route of the VPC keeps such a packet,
// and no route of the core network can override it. A default route is no CIDR of a VPC.
func localRoute(a *routing.Attachment, to netip.Addr) (netip.Prefix, bool) {
	if a.Type != policy.TypeVPC {
		return netip.Prefix{}, false
	}
	for i := range a.Announcements {
		if p := a.Announcements[i].Prefix.Masked(); p.Bits() > 0 && p.Contains(to) {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// classRanges are ranges of classes: first, and one after the last.
type classRanges [][2]int

func (r classRanges) hold(class int) bool {
	return slices.ContainsFunc(r, func(c [2]int) bool { return c[0] <= class && class < c[1] })
}

// localTo are the classes that the VPC of each of these attachments keeps: see localRoute.
func (f *forwarding) localTo(sources ...*routing.Attachment) classRanges {
	var common classRanges
	for i, a := range sources {
		var own classRanges
		for j := range a.Announcements {
			if p := a.Announcements[j].Prefix.Masked(); a.Type == policy.TypeVPC && p.Bits() > 0 {
				from, to := f.known.inside(p)
				own = append(own, [2]int{from, to})
			}
		}
		if i > 0 {
			own = own.and(common)
		}
		if common = own; len(common) == 0 {
			break
		}
	}
	return common
}

// and are the classes in both.
func (r classRanges) and(other classRanges) (both classRanges) {
	for _, a := range r {
		for _, b := range other {
			if from, to := max(a[0], b[0]), min(a[1], b[1]); from < to {
				both = append(both, [2]int{from, to})
			}
		}
	}
	return both
}

// keptLocal counts a packet that does not leave the VPC it comes from.
func (f *forwarding) keptLocal(r *Reach, from *routing.Attachment, class int) {
	r.add(LocalRoute, 1)
	if f.wantsReason(r) {
		r.asked++
		w := &Way{From: from.ID, To: f.known.addrs[class]}
		if f.enter(w, from); !slices.Contains(r.Failures, w.Reason) {
			r.Failures = append(r.Failures, w.Reason)
		}
	}
}

// answeredAs is the source address of answers from behind an attachment to packets that were sent to an address. It is
// another than the one asked where a NAT rule translates on one way alone.
func answeredAs(a *routing.Attachment, to netip.Addr) netip.Addr {
	inside, _ := a.NAT.TranslateDestination(to)
	seen, _ := a.NAT.TranslateSource(inside)
	return seen
}

// enter begins a way: NAT of the attachment where the packet enters translates the source.
func (s *Subject) enter(w *Way, a *routing.Attachment) {
	if w.Source.IsValid() {
		w.Seen, _ = a.NAT.TranslateSource(w.Source)
	}
	switch p, local := localRoute(a, w.To); {
	case a.Down:
		w.Verdict, w.Reason = DownAtEnd, notAvailable(s, a.ID)
	case local:
		w.Verdict, w.Reason = LocalRoute, fmt.Sprintf("%s lies in %s of the VPC of %s: its local route keeps the packet", w.To, p, a.ID)
	default:
		s.follow(w, tableOf(a, w.Edge))
	}
}

// arrive ends a way at an attachment: its NAT translates the destination.
func arrive(s *Subject, w *Way) {
	w.Arrived = w.To
	if w.Verdict == Delivered {
		w.Arrived, _ = s.attachment[w.At].NAT.TranslateDestination(w.To)
	}
}

// mistranslated says why the sender of a packet takes a delivered answer for none, "" if it does not: its addresses are not
// those of the packet the other way round.
func (p *Path) mistranslated() string {
	there, back := p.Forward, p.Back
	switch {
	case back.Seen.IsValid() && back.Seen != there.To:
		return fmt.Sprintf("NAT of %s translates the source of the answer to %s, the packet was sent to %s", there.At, back.Seen, there.To)
	case there.Source.IsValid() && back.Arrived != there.Source:
		return fmt.Sprintf("NAT of %s translates the destination of the answer to %s, the packet was sent from %s", there.From, back.Arrived, there.Source)
	}
	return ""
}

// nat finds NAT rules that cannot work: a NAT CIDR that nothing leads to, and an untranslated address that is still routed
// while its answers have another source.
func (d *doctor) nat(f *forwarding) {
	for i := range d.Network.Attachments {
		a := &d.Network.Attachments[i]
		if a.NAT == nil || a.Down || a.Segment == "" {
			continue
		}
		offered := slices.Collect(d.offers(a)) // what is offered and nowhere imported is another finding
		for _, r := range a.NAT.Rules {
			source, nat := r.Source.Masked(), r.NAT.Masked()
			switch {
			case !slices.Contains(offered, nat) && !f.leads(nat, i):
				d.add(CheckNATNotRouted, "", Instance{Prefix: nat, Subjects: []string{a.ID}, Message: fmt.Sprintf(
					"attachment %s translates %s to %s, but no route leads %[3]s to it: %s", a.ID, source, nat, notRouted(a))})
			case source != nat && f.leads(source, i):
				d.add(CheckNATUntranslated, "", Instance{Prefix: source, Subjects: []string{a.ID}, Message: fmt.Sprintf(
					"%s is still routed to attachment %s, but answers from it have source addresses of %s: send to the NAT CIDR instead", source, a.ID, nat)})
			}
		}
	}
}

// notRouted is why the core network has no route for a NAT CIDR.
func notRouted(a *routing.Attachment) string {
	switch {
	case a.Type == policy.TypeConnect:
		return "its Connect peers must announce the NAT CIDR"
	case a.Type != policy.TypeVPC && !a.NAT.SystemRoutes:
		return "without system routes its BGP peer must announce the NAT CIDR"
	}
	return "the routing options withhold it"
}

// leads tells whether some table leads what belongs to a prefix alone to an attachment, which has this index.
func (f *forwarding) leads(p netip.Prefix, attachment int) bool {
	class, ok := f.known.at[p]
	for table := 0; ok && table < f.exist; table++ {
		if f.at(int32(table), class) == hopDeliver|hop(attachment) {
			return true
		}
	}
	return false
}

package analysis

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"portolan/policy"
	"portolan/routing"
)

// Finding is a problem that no error message reports.
type Finding struct {
	Name     string // of the check
	Table    routing.TableID
	Prefix   netip.Prefix
	Subjects []string // attachments, segments, groups
	Message  string
	Place    policy.Place // of the statement of the policy that is to blame, if one is
}

// Checks of Findings, by name.
const (
	CheckBlackhole        = "blackhole"
	CheckOneWay           = "one-way"
	CheckAsymmetric       = "asymmetric-inspection"
	CheckMissingAppliance = "missing-inspection-attachment"
	CheckNotInspected     = "not-inspected"
	CheckLoop             = "forwarding-loop"
	CheckNotImported      = "not-imported"
	CheckOverlap          = "duplicate-prefix"
	CheckPrefixLimit      = "route-limit"
	CheckDown             = "attachment-failed"
	CheckTie              = "non-deterministic-best-path"
	CheckOscillation      = "bgp-oscillation"
	CheckNATNotRouted     = "nat-cidr-not-routed"
	CheckNATUntranslated  = "nat-untranslated-address"
	CheckNATOverlap       = "nat-on-one-side"
)

// Findings looks for silent losses. They are in a stable order; of each kind at most maxFindings are given. Where
// prefixes oscillate that is what is found, and what needs no routes. The error is that of the context.
func (s *Subject) Findings(ctx context.Context) ([]Finding, error) {
	d := &doctor{Subject: s, count: map[string]int{}}
	d.appliances()
	if s.unsettled != nil {
		d.neverSettle(s.unsettled)
		d.limits()
		return d.findings, nil
	}
	d.blackholes()
	d.announcements()
	d.limits()
	if err := d.ties(ctx); err != nil {
		return nil, err
	}
	if err := d.conversations(ctx); err != nil {
		return nil, err
	}
	return d.findings, nil
}

const maxFindings = 200

type doctor struct {
	*Subject
	findings []Finding
	count    map[string]int
}

func (d *doctor) add(f Finding) {
	if d.count[f.Name]++; d.count[f.Name] <= maxFindings {
		d.findings = append(d.findings, f)
	}
}

// appliances finds groups that the policy sends traffic to and that have nothing, or nothing at an edge that needs it.
func (d *doctor) appliances() {
	has := map[string][]string{}
	for _, a := range d.Network.Attachments {
		if a.NetworkFunctionGroup != "" && !a.Down {
			has[a.NetworkFunctionGroup] = append(has[a.NetworkFunctionGroup], a.Edges...)
		}
	}
	for _, g := range d.Network.Policy.NetworkFunctionGroups {
		if len(g.SendVia)+len(g.SendTo) > 0 && len(has[g.Name]) == 0 {
			d.add(Finding{
				Name: CheckMissingAppliance, Subjects: []string{g.Name}, Place: g.Place,
				Message: "network function group " + g.Name + " has no attachment: traffic that the policy sends there is dropped",
			})
		}
	}
	for i := range d.Network.Policy.Insertions {
		in := &d.Network.Policy.Insertions[i]
		if !in.DualHop || len(has[in.Group]) == 0 {
			continue
		}
		for _, e := range d.Network.Policy.Edges {
			if d.populated(e.Location, in.Segment, in.With) && !slices.Contains(has[in.Group], e.Location) {
				d.add(Finding{
					Name: CheckMissingAppliance, Subjects: []string{in.Group, e.Location}, Place: in.Place,
					Message: fmt.Sprintf("dual-hop between %s and %s needs an attachment of %s at %s", in.Segment, in.With, in.Group, e.Location),
				})
			}
		}
	}
}

// populated tells whether one of the segments has an attachment at the edge.
func (d *doctor) populated(edge string, segments ...string) bool {
	return slices.ContainsFunc(d.Network.Attachments, func(a routing.Attachment) bool {
		return !a.Down && slices.Contains(segments, a.Segment) && slices.Contains(a.Edges, edge)
	})
}

// blackholes finds routes that drop although nobody wrote a blackhole.
func (d *doctor) blackholes() {
	for _, id := range d.Tables.TableIDs() {
		for f := range d.forwards(id) {
			if f.State != routing.Blackhole || d.wanted(id, f.Prefix) {
				continue
			}
			r, _ := d.route(id, f.Prefix)
			d.add(Finding{
				Name: CheckBlackhole, Table: id, Prefix: r.Prefix, Place: r.Origin.Place,
				Message: fmt.Sprintf("%s in table %s drops what it matches (%s)", r.Prefix, id, r.Kind),
			})
		}
	}
}

// wanted tells whether the policy says blackhole for the route.
func (d *doctor) wanted(id routing.TableID, prefix netip.Prefix) bool {
	for i := range d.Network.Policy.StaticRoutes {
		if s := &d.Network.Policy.StaticRoutes[i]; s.Blackhole && s.Segment == id.Segment && s.Prefix.Masked() == prefix {
			return true
		}
	}
	return false
}

// announcements finds prefixes that no table has, that several attachments announce, or that are too many, and
// attachments that do not work.
func (d *doctor) announcements() {
	by := map[netip.Prefix][]string{}
	present := map[netip.Prefix]bool{}
	for _, id := range d.Tables.TableIDs() {
		for f := range d.forwards(id) {
			present[f.Prefix] = true
		}
	}
	for i := range d.Network.Attachments {
		a := &d.Network.Attachments[i]
		if a.Down {
			d.add(Finding{Name: CheckDown, Subjects: []string{a.ID}, Message: "attachment " + a.ID + " is not available: its prefixes are withdrawn"})
			continue
		}
		if a.Segment == "" {
			continue
		}
		for p := range d.offers(a) {
			if !slices.Contains(by[p], a.ID) {
				by[p] = append(by[p], a.ID)
			}
			if !present[p] {
				d.add(Finding{
					Name: CheckNotImported, Prefix: p, Subjects: []string{a.ID},
					Message: fmt.Sprintf("attachment %s announces %s, but no route table imports it", a.ID, p),
				})
			}
		}
	}
	prefixes := make([]netip.Prefix, 0, len(by))
	for p := range by {
		if len(by[p]) > 1 {
			prefixes = append(prefixes, p)
		}
	}
	slices.SortFunc(prefixes, netip.Prefix.Compare)
	for _, p := range prefixes {
		d.add(Finding{
			Name: CheckOverlap, Prefix: p, Subjects: by[p],
			Message: fmt.Sprintf("%s is announced by %s: the best path differs between route tables", p, and(by[p])),
		})
	}
}

// neverSettle tells of prefixes whose routes change for ever.
func (d *doctor) neverSettle(unsettled *routing.OscillationError) {
	for i := range unsettled.First {
		o := &unsettled.First[i]
		d.add(Finding{
			Name: CheckOscillation, Prefix: o.Prefix, Subjects: []string{o.Segment},
			Message: fmt.Sprintf("%s in %s: BGP oscillation, routes never converge: %s, and so on", o.Prefix, o.Segment, o.States()),
		})
	}
	if more := unsettled.Count - len(unsettled.First); more > 0 {
		d.add(Finding{Name: CheckOscillation, Message: fmt.Sprintf("%d more prefixes oscillate", more)})
	}
}

// limits finds more routes than AWS takes. What it then leaves out is not documented, so the tables hold all of them.
func (d *doctor) limits() {
	for _, l := range d.Tables.Exceeded() {
		f := Finding{Name: CheckPrefixLimit, Message: fmt.Sprintf("the core network has %d routes; the AWS quota is %d", l.Routes, l.Max)}
		switch {
		case l.Attachment != "" && l.Outbound:
			f.Message = fmt.Sprintf("%[2]d routes are advertised to attachment %[1]s at %[3]s; the AWS quota is %[4]d", l.Attachment, l.Routes, l.Edge, l.Max)
		case l.Attachment != "":
			f.Message = fmt.Sprintf("attachment %s announces %d prefixes at %s; the AWS quota is %d", l.Attachment, l.Routes, l.Edge, l.Max)
		}
		if l.Attachment != "" {
			f.Subjects = []string{l.Attachment}
		}
		d.add(f)
	}
}

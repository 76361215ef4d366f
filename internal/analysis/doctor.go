package analysis

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"portolan/policy"
	"portolan/routing"
)

// Finding is a problem that no error message reports. Problems of one cause are one finding.
type Finding struct {
	Instance
	Name      string     // of the check
	Count     int        // how often it occurs, in total
	Instances []Instance // the first of them, at most maxInstances, this one too

	group string // of findings of one check, what they have in common; empty: nothing
}

// Instance is one occurrence of a problem.
type Instance struct {
	Table    routing.TableID
	Prefix   netip.Prefix
	Subjects []string // attachments, segments, groups
	Message  string
	Detail   []string     // lines that explain the message
	Place    policy.Place // of the statement of the policy that is to blame, if one is
	Tag      string       // of the first subject, where that is at fault
	Trace    []string     // what each rule found, of a problem whose Detail names the nearest
}

// maxInstances bounds what is kept of a finding. How many more there are is counted.
const maxInstances = 1000

// Findings looks for silent losses. They are in a stable order. Where prefixes oscillate that is what is found, and what needs
// no routes. The error is that of the context.
func (s *Subject) Findings(ctx context.Context) ([]Finding, error) {
	d := &doctor{Subject: s, groups: map[[2]string]*Finding{}}
	if s.Beside != nil {
		beside, err := s.Beside(ctx)
		if err != nil {
			return nil, err
		}
		for i := range beside {
			d.add(beside[i].Name, "", beside[i].Instance)
		}
	}
	d.idle()
	d.spelling()
	d.appliances()
	d.options()
	d.sessions()
	if s.unsettled != nil {
		d.neverSettle(s.unsettled)
		d.limits()
		return d.findings(), nil
	}
	d.blackholes()
	d.announcements()
	d.limits()
	if err := d.rules(); err != nil {
		return nil, err
	}
	if err := d.ties(ctx); err != nil {
		return nil, err
	}
	if err := d.conversations(ctx); err != nil {
		return nil, err
	}
	return d.findings(), nil
}

type doctor struct {
	*Subject
	found  []*Finding
	groups map[[2]string]*Finding
}

// add reports a problem. Those of one check with one cause are told together; an empty cause is each by itself.
func (d *doctor) add(check, cause string, x Instance) {
	f := d.groups[[2]string{check, cause}]
	if f == nil || cause == "" {
		f = &Finding{Instance: x, Name: check, group: cause}
		d.found = append(d.found, f)
		d.groups[[2]string{check, cause}] = f
	}
	if f.Count++; len(f.Instances) < maxInstances {
		f.Instances = append(f.Instances, x)
	}
}

func (d *doctor) findings() []Finding {
	list := make([]Finding, len(d.found))
	for i, f := range d.found {
		list[i] = *f
	}
	return list
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
			d.add(CheckMissingAppliance, "", Instance{
				Subjects: []string{g.Name}, Place: g.Place,
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
				d.add(CheckMissingAppliance, "", Instance{
					Subjects: []string{in.Group, e.Location}, Place: in.Place,
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
	dropping := d.dropping()
	prefixes, patterns := d.Tables.Prefixes(), d.Tables.Patterns()
	for at, id := range d.Tables.TableIDs() {
		if dropping[at] == nil {
			continue
		}
		for i, p := range prefixes {
			if !dropping[at][patterns.Of[i]] || d.wanted(id, p) {
				continue
			}
			r, _ := d.route(id, p)
			d.add(CheckBlackhole, id.Name()+" "+r.Kind.String(), Instance{
				Table: id, Prefix: r.Prefix, Place: r.Origin.Place,
				Message: fmt.Sprintf("%s in table %s drops what it matches (%s)", r.Prefix, id, r.Kind),
			})
		}
	}
}

// dropping are the patterns of prefixes that each table has a blackhole for, nil for a table that has none.
func (d *doctor) dropping() []map[int32]bool {
	of := make([]map[int32]bool, len(d.Tables.TableIDs()))
	for pattern, first := range d.Tables.Patterns().First {
		for at, row := range d.Tables.Column(first) {
			if row.State != routing.Blackhole {
				continue
			}
			if of[at] == nil {
				of[at] = map[int32]bool{}
			}
			of[at][int32(pattern)] = true
		}
	}
	return of
}

// routed are the prefixes that some table has a row for.
func (d *doctor) routed() map[netip.Prefix]bool {
	patterns := d.Tables.Patterns()
	some := make([]bool, len(patterns.First))
	for pattern, first := range patterns.First {
		for range d.Tables.Column(first) {
			some[pattern] = true
			break
		}
	}
	routed := map[netip.Prefix]bool{}
	for i, p := range d.Tables.Prefixes() {
		if some[patterns.Of[i]] {
			routed[p] = true
		}
	}
	return routed
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
	present := d.routed()
	for i := range d.Network.Attachments {
		a := &d.Network.Attachments[i]
		if a.Down {
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
				d.notImported(a, p)
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
		d.add(CheckOverlap, and(by[p]), Instance{
			Prefix: p, Subjects: by[p],
			Message: fmt.Sprintf("%s is announced by %s: the best path differs between route tables", p, and(by[p])),
		})
	}
}

// neverSettle tells of prefixes whose routes change for ever.
func (d *doctor) neverSettle(unsettled *routing.OscillationError) {
	for i := range unsettled.First {
		o := &unsettled.First[i]
		d.add(CheckOscillation, "", Instance{
			Prefix: o.Prefix, Subjects: []string{o.Segment},
			Message: fmt.Sprintf("%s in %s: BGP oscillation, routes never converge: %s, and so on", o.Prefix, o.Segment, o.States()),
		})
	}
	if more := unsettled.Count - len(unsettled.First); more > 0 {
		d.add(CheckOscillation, "", Instance{Message: fmt.Sprintf("%d more prefixes oscillate", more)})
	}
}

// limits finds more routes than AWS takes. What it then leaves out is not documented, so the tables hold all of them.
func (d *doctor) limits() {
	for _, l := range d.Tables.Exceeded() {
		f := Instance{Message: fmt.Sprintf("the core network has %d routes; the AWS quota is %d", l.Routes, l.Max)}
		switch {
		case l.Attachment != "" && l.Outbound:
			f.Message = fmt.Sprintf("%[2]d routes are advertised to attachment %[1]s at %[3]s; the AWS quota is %[4]d", l.Attachment, l.Routes, l.Edge, l.Max)
		case l.Attachment != "":
			f.Message = fmt.Sprintf("attachment %s announces %d prefixes at %s; the AWS quota is %d", l.Attachment, l.Routes, l.Edge, l.Max)
		}
		if l.Attachment != "" {
			f.Subjects = []string{l.Attachment}
		}
		d.add(CheckPrefixLimit, "", f)
	}
}

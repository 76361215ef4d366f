package analysis

import (
	"fmt"
	"net/netip"
	"slices"

	"portolan/routing"
)

// Finding is something that is lost without anybody being told.
type Finding struct {
	Name     string // of the check
	Table    routing.TableID
	Prefix   netip.Prefix
	Subjects []string // attachments, segments, groups
	Message  string
	Line     int // of the policy, 0 when no statement of it is to blame
}

// Checks of Doctor, by name.
const (
	CheckBlackhole        = "blackhole"
	CheckOneWay           = "one-way"
	CheckAsymmetric       = "asymmetric-inspection"
	CheckMissingAppliance = "missing-appliance"
	CheckNotInspected     = "not-inspected"
	CheckLoop             = "loop"
	CheckNobodyImports    = "nobody-imports"
	CheckOverlap          = "same-prefix"
	CheckPrefixLimit      = "prefix-limit"
	CheckDown             = "attachment-down"
)

// Doctor looks for silent losses. Findings are in a stable order; of each kind at most maxFindings are given.
func (n *Net) Doctor() []Finding {
	d := &doctor{Net: n, count: map[string]int{}}
	d.appliances()
	d.blackholes()
	d.announcements()
	d.conversations()
	return d.findings
}

const maxFindings = 200

// maxConversations bounds the pairs of attachments that are tried both ways; beyond it one of each kind is.
const maxConversations = 20_000

type doctor struct {
	*Net
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
	for _, a := range d.network.Attachments {
		if a.NetworkFunctionGroup != "" && !a.Down {
			has[a.NetworkFunctionGroup] = append(has[a.NetworkFunctionGroup], a.Edges...)
		}
	}
	for _, g := range d.network.Policy.NetworkFunctionGroups {
		if len(g.SendVia)+len(g.SendTo) > 0 && len(has[g.Name]) == 0 {
			d.add(Finding{
				Name: CheckMissingAppliance, Subjects: []string{g.Name}, Line: g.Line(),
				Message: "network function group " + g.Name + " has no attachment: what the policy sends there is dropped",
			})
		}
	}
	for i := range d.network.Policy.Insertions {
		in := &d.network.Policy.Insertions[i]
		if !in.DualHop || len(has[in.Group]) == 0 {
			continue
		}
		for _, e := range d.network.Policy.Edges {
			if d.speaks(e.Location, in.Segment, in.With) && !slices.Contains(has[in.Group], e.Location) {
				d.add(Finding{
					Name: CheckMissingAppliance, Subjects: []string{in.Group, e.Location}, Line: in.Line(),
					Message: fmt.Sprintf("dual-hop between %s and %s needs an attachment of %s at %s", in.Segment, in.With, in.Group, e.Location),
				})
			}
		}
	}
}

// speaks tells whether one of the segments has an attachment at the edge.
func (d *doctor) speaks(edge string, segments ...string) bool {
	return slices.ContainsFunc(d.network.Attachments, func(a routing.Attachment) bool {
		return !a.Down && slices.Contains(segments, a.Segment) && slices.Contains(a.Edges, edge)
	})
}

// blackholes finds routes that drop although nobody wrote a blackhole.
func (d *doctor) blackholes() {
	for _, id := range d.tables.IDs() {
		for f := range d.tables.Forwards(id) {
			if f.State != routing.Blackhole || d.wanted(id, f.Prefix) {
				continue
			}
			r, _ := d.tables.Route(id, f.Prefix)
			d.add(Finding{
				Name: CheckBlackhole, Table: id, Prefix: r.Prefix, Line: r.Origin.Place.Line(),
				Message: fmt.Sprintf("%s in table %s drops what it matches (%s)", r.Prefix, id, r.Kind),
			})
		}
	}
}

// wanted tells whether the policy says blackhole for the route.
func (d *doctor) wanted(id routing.TableID, prefix netip.Prefix) bool {
	for i := range d.network.Policy.StaticRoutes {
		if s := &d.network.Policy.StaticRoutes[i]; s.Blackhole && s.Segment == id.Segment && s.Prefix.Masked() == prefix {
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
	for _, id := range d.tables.IDs() {
		for f := range d.tables.Forwards(id) {
			present[f.Prefix] = true
		}
	}
	for i := range d.network.Attachments {
		a := &d.network.Attachments[i]
		if a.Down {
			d.add(Finding{Name: CheckDown, Subjects: []string{a.ID}, Message: "attachment " + a.ID + " does not work: nothing it announces is routed"})
			continue
		}
		if a.Segment == "" {
			continue
		}
		if limit := prefixLimit(a); limit > 0 && len(a.Announcements) > limit {
			d.add(Finding{
				Name: CheckPrefixLimit, Subjects: []string{a.ID},
				Message: fmt.Sprintf("attachment %s announces %d prefixes; AWS takes %d of a %s", a.ID, len(a.Announcements), limit, a.Type),
			})
		}
		for _, announced := range a.Announcements {
			p := announced.Prefix.Masked()
			if !slices.Contains(by[p], a.ID) {
				by[p] = append(by[p], a.ID)
			}
			if !present[p] {
				d.add(Finding{
					Name: CheckNobodyImports, Prefix: p, Subjects: []string{a.ID},
					Message: fmt.Sprintf("attachment %s announces %s and no table has it", a.ID, p),
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
			Message: fmt.Sprintf("%s is announced by %d attachments: which of them gets the traffic depends on the table", p, len(by[p])),
		})
	}
}

// prefixLimit is how many prefixes AWS takes from an attachment, 0 when it documents no limit.
func prefixLimit(a *routing.Attachment) int {
	switch a.Type {
	case "site-to-site-vpn", "connect":
		return 1000
	}
	return 0
}

// conversations finds pairs of attachments where one way works and the other does not.
func (d *doctor) conversations() {
	list := d.speakers()
	if len(list)*len(list) > maxConversations {
		list = d.oneOfEach(list)
	}
	for i, a := range list {
		for _, b := range list[i+1:] {
			there, back := d.converse(a, b), d.converse(b, a)
			switch {
			case there == nil || back == nil:
			case there.Verdict == Looping || back.Verdict == Looping:
				d.add(Finding{Name: CheckLoop, Subjects: []string{a.ID, b.ID}, Message: fmt.Sprintf("packets between %s and %s go round: %s%s", a.ID, b.ID, there.Reason, back.Reason)})
			case (there.Verdict == Delivered) != (back.Verdict == Delivered):
				works, fails := there, back
				if back.Verdict == Delivered {
					works, fails = back, there
				}
				d.add(Finding{
					Name: CheckOneWay, Subjects: []string{a.ID, b.ID},
					Message: fmt.Sprintf("%s reaches %s, the answer ends: %s", works.From, works.At, fails.Reason),
				})
			case there.Verdict != Delivered:
			case !sameAppliances(there.Inspections, back.Inspections):
				d.add(Finding{
					Name: CheckAsymmetric, Subjects: []string{a.ID, b.ID},
					Message: fmt.Sprintf("%s to %s passes %s, the answer %s: a stateful appliance drops it", a.ID, b.ID, listed(there.Inspections), listed(back.Inspections)),
				})
			case len(there.Inspections) == 0 && d.mustInspect(a.Segment, b.Segment):
				in := d.inspected[[2]string{a.Segment, b.Segment}]
				d.add(Finding{
					Name: CheckNotInspected, Subjects: []string{a.ID, b.ID}, Line: in.Line(),
					Message: fmt.Sprintf("%s and %s talk directly although the policy sends their segments via %s", a.ID, b.ID, in.Group),
				})
			}
		}
	}
}

// converse follows a packet from one attachment to another; nil when there is no address to try.
func (d *doctor) converse(a, b *routing.Attachment) *Way {
	targets := d.hosts(b, 1)
	if len(targets) == 0 {
		return nil
	}
	w := &Way{From: a.ID, Edge: a.Edges[0], To: targets[0]}
	d.follow(w, tableOf(a, a.Edges[0]))
	if w.Verdict == Delivered && w.At != b.ID {
		return nil // somebody else has the address: same-prefix says so
	}
	return w
}

// oneOfEach keeps one attachment for each segment, edge and type: what holds for it holds for its like.
func (d *doctor) oneOfEach(list []*routing.Attachment) []*routing.Attachment {
	seen := map[[3]string]bool{}
	return slices.DeleteFunc(slices.Clone(list), func(a *routing.Attachment) bool {
		key := [3]string{a.Segment, a.Edges[0], a.Type}
		again := seen[key]
		seen[key] = true
		return again
	})
}

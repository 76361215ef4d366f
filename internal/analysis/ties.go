package analysis

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"portolan/internal/order"
	"portolan/routing"
)

// maxTrials bounds how often the network is computed to see what ties may lead to.
const maxTrials = 64

// ties finds prefixes that end elsewhere, or pass other appliances, when a tie goes the other way. Where two paths are
// equal in all that AWS documents it picks one and keeps to it, but which one is not known before: the network is computed
// for each outcome. Prefixes do not depend on each other's ties, so all of them take their next outcome in one trial.
func (d *doctor) ties(ctx context.Context) error {
	network, ok := d.multihomed()
	if !ok {
		return nil
	}
	trials := &trials{network: network, groups: map[tied]*tieGroup{}}
	ends, named := map[tied]*endings{}, map[tied][]routing.TableID{} // the latter for no prefix
	for _, id := range d.Tables.TableIDs() {
		name := tied{segment: id.Segment != "", name: id.Name()}
		named[name] = append(named[name], id)
	}
	for i := 0; i < maxTrials && (i == 0 || trials.left(i)); i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		tables, err := trials.run(i)
		if tables == nil {
			return err
		}
		outcome := *d.Subject
		outcome.Tables = tables
		for _, key := range trials.order {
			if i >= trials.groups[key].outcomes() {
				continue
			}
			if ends[key] == nil {
				ends[key] = &endings{of: map[routing.TableID][]string{}}
			}
			outcome.endings(ends[key], d.classes(), key.prefix, tables, named[tied{segment: key.segment, name: key.name}])
		}
	}
	for _, key := range trials.order {
		group, end := trials.groups[key], ends[key]
		if end == nil {
			continue // it was seen in the last trial there is time for
		}
		for _, table := range group.tables {
			outcomes := end.of[table]
			if len(outcomes) < 2 || end.together[table] {
				continue
			}
			tried := fmt.Sprintf("all %d outcomes were", group.outcomes())
			if group.outcomes() > maxTrials {
				tried = fmt.Sprintf("%d of %d outcomes were", maxTrials, group.outcomes())
			}
			cause := fmt.Sprintf("non-deterministic best path: %s tie on every documented criterion; traffic %s (%s tried)",
				and(group.paths[table]), strings.Join(outcomes, ", or "), tried)
			d.add(CheckTie, cause, Instance{
				Table: table, Prefix: key.prefix, Subjects: group.paths[table], Message: fmt.Sprintf("%s in table %s: %s", key.prefix, table, cause),
			})
		}
	}
	return nil
}

// multihomed is the network with no other prefixes than those that come from several places, and what covers them: a tie
// about any other is only about the way to the one place where it ends. The result is false when there are none.
func (d *doctor) multihomed() (routing.Network, bool) {
	places := map[netip.Prefix]int{}
	for i := range d.Network.Attachments {
		a := &d.Network.Attachments[i]
		if a.NAT != nil {
			for p := range d.offers(a) {
				places[p] += len(a.Edges)
			}
			continue
		}
		for _, announced := range a.Announcements {
			if p := announced.Prefix.Masked(); announced.Edge != "" {
				places[p]++
			} else {
				places[p] += len(a.Edges)
			}
		}
	}
	for i := range d.Network.Policy.StaticRoutes {
		s := &d.Network.Policy.StaticRoutes[i]
		places[s.Prefix.Masked()] += len(s.Destinations)
	}
	keep, summarized := map[netip.Prefix]bool{}, aggregates(d.Network.Policy)
	several := false
	for p, n := range places {
		aggregated := slices.ContainsFunc(summarized, func(a netip.Prefix) bool { return a.Bits() <= p.Bits() && a.Contains(p.Addr()) })
		if n < 2 && !aggregated {
			continue
		}
		several = true
		for bits := p.Bits(); bits >= 0; bits-- {
			if cover, err := p.Addr().Prefix(bits); err == nil {
				keep[cover] = true
			}
		}
	}
	network := *d.Network
	network.Attachments = slices.Clone(network.Attachments)
	for i := range network.Attachments {
		a := &network.Attachments[i]
		a.Announcements = slices.DeleteFunc(slices.Clone(a.Announcements), func(x routing.Announcement) bool { return !keep[x.Prefix.Masked()] })
	}
	return network, several
}

// endings are what becomes of traffic to a prefix from each table, each kind once, in the order it was seen.
type endings struct {
	of       map[routing.TableID][]string
	together map[routing.TableID]bool // several paths are used at once: the choice does not matter
}

// endings adds how traffic to a tied prefix ends, from the tables with the ids.
func (s *Subject) endings(e *endings, known *classes, prefix netip.Prefix, tables *routing.Tables, ids []routing.TableID) {
	at, ok := known.at[prefix]
	if !ok {
		return // longer prefixes take all of its traffic
	}
	for _, id := range ids {
		table, _ := tables.Table(id)
		route, _ := table.Exact(prefix)
		if len(route.Destinations) > 1 {
			if e.together == nil {
				e.together = map[routing.TableID]bool{}
			}
			e.together[id] = true
		}
		text := "oscillates"
		if !table.Unsettled(prefix) {
			w := &Way{To: known.addrs[at]}
			s.follow(w, id)
			text = w.ending()
		}
		if !slices.Contains(e.of[id], text) {
			e.of[id] = append(e.of[id], text)
		}
	}
}

// ending is where a packet's way leads, in words.
func (w *Way) ending() string {
	text := "is dropped: " + w.Reason
	switch {
	case w.Verdict == Delivered:
		text = "ends at " + w.At
	case w.Verdict == HandedOver:
		return "is handed to " + listed(w.Inspections)
	}
	if len(w.Inspections) > 0 {
		text += " by " + listed(w.Inspections)
	}
	return text
}

// tied is a prefix of a segment or a group that some tables have ties about.
type tied struct {
	segment bool
	name    string
	prefix  netip.Prefix
}

// tieGroup are the tables with a tie about one prefix. Each combination of what they pick is an outcome.
type tieGroup struct {
	tables []routing.TableID
	paths  map[routing.TableID][]string // the most that were equal at once
}

func (g *tieGroup) outcomes() int {
	product := 1
	for _, id := range g.tables {
		if product *= len(g.paths[id]); product > maxTrials*maxTrials {
			return product
		}
	}
	return product
}

// trials compute a network again and again, each time with another outcome of its ties.
type trials struct {
	network routing.Network
	order   []tied
	groups  map[tied]*tieGroup
}

// left tells whether some prefix has more outcomes than were tried.
func (t *trials) left(tried int) bool {
	return slices.ContainsFunc(t.order, func(key tied) bool { return t.groups[key].outcomes() > tried })
}

// run computes the network with an outcome of each group: the number, in a notation whose digits are what the tables
// pick. A tie that appears only now is one more digit, which was 0 so far.
func (t *trials) run(number int) (*routing.Tables, error) {
	pick := map[routing.TableID]map[netip.Prefix]int{}
	for _, key := range t.order {
		group, rest := t.groups[key], number
		for _, id := range group.tables {
			if pick[id] == nil {
				pick[id] = map[netip.Prefix]int{}
			}
			pick[id][key.prefix] = rest % len(group.paths[id])
			rest /= len(group.paths[id])
		}
	}
	var mu sync.Mutex // tables are computed at the same time
	var seen []routing.Tie
	options := routing.DefaultOptions()
	if t.network.Options != nil {
		copied := *t.network.Options
		options = &copied
	}
	options.TieBreak = func(tie routing.Tie) int {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, tie)
		return pick[tie.Table][tie.Prefix]
	}
	network := t.network
	network.Options = options
	tables, err := routing.Compute(network)
	t.learn(seen)
	return tables, err
}

// learn takes the ties of a trial into account, in an order that does not depend on who computed what first.
func (t *trials) learn(seen []routing.Tie) {
	order.Sort(seen, func(a, b routing.Tie) int {
		return cmp.Or(compareTables(a.Table, b.Table), a.Prefix.Compare(b.Prefix), cmp.Compare(len(b.Paths), len(a.Paths)),
			cmp.Compare(pathsOf(a), pathsOf(b)))
	})
	for _, tie := range seen {
		key := tied{tie.Table.Segment != "", tie.Table.Name(), tie.Prefix}
		group := t.groups[key]
		if group == nil {
			group = &tieGroup{paths: map[routing.TableID][]string{}}
			t.groups[key] = group
			t.order = append(t.order, key)
		}
		if group.paths[tie.Table] != nil {
			continue
		}
		group.tables = append(group.tables, tie.Table)
		for _, p := range tie.Paths {
			group.paths[tie.Table] = append(group.paths[tie.Table], pathName(p))
		}
	}
}

func pathName(p routing.TiedPath) string {
	return (routing.Destination{Attachment: p.Attachment, Peer: p.Peer, Edge: p.Edge}).String()
}

func pathsOf(t routing.Tie) string {
	var b strings.Builder
	for _, p := range t.Paths {
		b.WriteString(pathName(p) + " ")
	}
	return b.String()
}

// and lists names in words, of many the first few.
func and(names []string) string {
	const most = 5
	if more := len(names) - most; more > 1 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", more)
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

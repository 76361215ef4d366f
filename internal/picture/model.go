// Package picture draws networks: segments, network function groups, edge locations and attachments, what is shared and what
// is inspected on the way, before and after a change.
//
// It reads what package analysis knows of a network. The same network gives the same bytes, and the size of a picture grows
// with its rows and edge locations, not with attachments.
package picture

import (
	"fmt"
	"slices"
	"strings"

	"portolan/internal/analysis"
	"portolan/policy"
	"portolan/routing"
)

// Picture is a network, or a change of one, ready to be drawn.
type Picture struct {
	edges       []edge
	rows        []row
	cells       map[cellKey][]node
	links       []link
	attachments int
	changes     bool
}

// change is what a change does with a part of a picture.
type change uint8

const (
	kept change = iota
	added
	removed
)

// class is a change as a class of SVG.
func (c change) class() string { return [...]string{kept: "", added: " new", removed: " gone"}[c] }

type edge struct {
	location string
	asn      uint32
}

type rowKind uint8

const (
	segmentRow rowKind = iota
	groupRow
	apartRow // attachments that are associated with nothing
)

// row is a segment, a network function group, or what is associated with nothing.
type row struct {
	kind   rowKind
	name   string
	notes  []string // isolated; static routes; what a group inspects
	edges  []string // where it has a table
	change change
}

type cellKey struct {
	row  int
	edge string
}

// node is an attachment at an edge.
type node struct {
	id, name string // the name is the id when it has no tag Name
	kind     string
	note     string // ends and prefixes
	problem  string
	change   change
}

type linkKind uint8

const (
	shareLink linkKind = iota
	viaLink
	toLink
)

func (k linkKind) String() string { return [...]string{"share", "send-via", "send-to"}[k] }

// link is a share between two segments, a pair that a group inspects, or what a segment sends to a group.
type link struct {
	kind     linkKind
	from, to int // rows; of send-to the other segment is to
	via      int // row of the group; -1 of a share
	label    string
	change   change
}

// Of is the picture of a network.
func Of(s *analysis.Subject) *Picture {
	p := newPicture()
	p.add(s, kept)
	return p
}

// Between is the picture of a change: what goes and what comes is marked.
func Between(before, after *analysis.Subject) *Picture {
	was, is := Of(before), Of(after)
	p := newPicture()
	p.changes = true
	p.attachments = is.attachments
	p.edges = is.edges
	for _, e := range was.edges {
		if !slices.ContainsFunc(is.edges, func(x edge) bool { return x.location == e.location }) {
			p.edges = append(p.edges, e)
		}
	}
	for _, r := range is.rows {
		if was.row(r.kind, r.name) < 0 {
			r.change = added
		}
		p.rows = append(p.rows, r)
	}
	for _, r := range was.rows {
		if is.row(r.kind, r.name) < 0 {
			r.change = removed
			p.rows = append(p.rows, r)
		}
	}
	p.merge(was, is, removed)
	p.merge(is, was, added)
	return p
}

// merge adds the cells and links of one side; what the other side does not have is marked.
func (p *Picture) merge(from, other *Picture, alone change) {
	for i, r := range from.rows {
		at, there := p.row(r.kind, r.name), other.row(r.kind, r.name)
		for _, e := range p.edges {
			for _, n := range from.cells[cellKey{i, e.location}] {
				if slices.ContainsFunc(other.cells[cellKey{there, e.location}], func(x node) bool { return x.id == n.id && x.problem == n.problem }) {
					if alone == removed {
						continue // the other side adds it
					}
				} else {
					n.change = alone
				}
				key := cellKey{at, e.location}
				p.cells[key] = append(p.cells[key], n)
			}
		}
	}
	name := func(q *Picture, row int) string {
		if row < 0 {
			return ""
		}
		return fmt.Sprint(q.rows[row].kind, q.rows[row].name)
	}
	same := func(q *Picture, l link) string {
		return fmt.Sprint(l.kind, name(q, l.from), name(q, l.to), name(q, l.via), l.label)
	}
	at := func(row int) int {
		if row < 0 {
			return -1
		}
		return p.row(from.rows[row].kind, from.rows[row].name)
	}
	there := map[string]bool{}
	for _, l := range other.links {
		there[same(other, l)] = true
	}
	for _, l := range from.links {
		switch {
		case !there[same(from, l)]:
			l.change = alone
		case alone == removed:
			continue
		}
		l.from, l.to, l.via = at(l.from), at(l.to), at(l.via)
		p.links = append(p.links, l)
	}
}

func newPicture() *Picture { return &Picture{cells: map[cellKey][]node{}} }

func (p *Picture) row(kind rowKind, name string) int {
	return slices.IndexFunc(p.rows, func(r row) bool { return r.kind == kind && r.name == name })
}

func (p *Picture) add(s *analysis.Subject, c change) {
	policyOf := s.Network.Policy
	var all []string
	for _, e := range policyOf.Edges {
		p.edges = append(p.edges, edge{e.Location, e.ASN})
		all = append(all, e.Location)
	}
	segment, group := map[string]int{}, map[string]int{}
	for i := range policyOf.Segments {
		seg := &policyOf.Segments[i]
		r := row{kind: segmentRow, name: seg.Name, edges: seg.Edges, change: c}
		if seg.Isolate {
			r.notes = append(r.notes, "isolated")
		}
		segment[seg.Name] = len(p.rows)
		p.rows = append(p.rows, r)
	}
	for i := range policyOf.NetworkFunctionGroups {
		g := &policyOf.NetworkFunctionGroups[i]
		group[g.Name] = len(p.rows)
		p.rows = append(p.rows, row{kind: groupRow, name: g.Name, edges: g.Edges, change: c})
	}
	p.statics(s, segment)
	p.addLinks(policyOf, segment, group)
	p.nodes(s, segment, group, all)
}

// statics notes static routes and blackholes at their segments.
func (p *Picture) statics(s *analysis.Subject, segment map[string]int) {
	for i := range s.Network.Policy.StaticRoutes {
		static := &s.Network.Policy.StaticRoutes[i]
		to := "blackhole"
		if !static.Blackhole {
			var names []string
			for _, id := range static.Destinations {
				names = append(names, s.Name(id))
			}
			to = strings.Join(names, ", ")
		}
		if at, ok := segment[static.Segment]; ok {
			p.rows[at].notes = append(p.rows[at].notes, static.Prefix.String()+" → "+to)
		}
	}
}

func (p *Picture) addLinks(policyOf *policy.Policy, segment, group map[string]int) {
	known := map[string]bool{}
	add := func(l link) {
		key := fmt.Sprint(l.kind, min(l.from, l.to), max(l.from, l.to), l.via, l.label)
		if l.kind == shareLink && l.from == l.to || known[key] {
			return
		}
		known[key] = true
		p.links = append(p.links, l)
	}
	for i := range policyOf.Insertions {
		in := &policyOf.Insertions[i]
		hops := "single-hop"
		if in.DualHop {
			hops = "dual-hop"
		}
		label := in.Segment + " ↔ " + in.With + ", " + hops
		if in.Segment == in.With {
			label = "within " + in.Segment + ", " + hops
		}
		for j := range in.Overrides {
			for _, set := range in.Overrides[j].Sets {
				label += fmt.Sprintf("; %s ↔ %s at %s", set[0], set[1], in.Overrides[j].Use)
			}
		}
		add(link{viaLink, segment[in.Segment], segment[in.With], group[in.Group], label, kept})
		p.rows[group[in.Group]].notes = append(p.rows[group[in.Group]].notes, label)
	}
	for _, in := range policyOf.SendTo {
		label := "from " + in.Segment + ", send-to"
		add(link{toLink, segment[in.Segment], segment[in.Segment], group[in.Group], label, kept})
		p.rows[group[in.Group]].notes = append(p.rows[group[in.Group]].notes, label)
	}
	for _, sh := range policyOf.Shares {
		from, to := segment[sh.From], segment[sh.To]
		a, b := sh.From, sh.To
		if b < a {
			a, b = b, a
		}
		add(link{shareLink, min(from, to), max(from, to), -1, a + " – " + b, kept})
	}
}

// shortTypes are types where there is little room.
var shortTypes = map[string]string{
	policy.TypeSiteToSiteVPN: "vpn", policy.TypeDirectConnectGateway: "dx", policy.TypeTransitGatewayRouteTable: "tgw",
}

func (p *Picture) nodes(s *analysis.Subject, segment, group map[string]int, all []string) {
	byID := map[string]*routing.Attachment{}
	for i := range s.Network.Attachments {
		byID[s.Network.Attachments[i].ID] = &s.Network.Attachments[i]
	}
	apart := -1
	for _, a := range s.Attachments() {
		p.attachments++
		at, ok := segment[a.Segment]
		if a.NetworkFunctionGroup != "" {
			at, ok = group[a.NetworkFunctionGroup]
		}
		if !ok {
			if apart < 0 {
				apart = len(p.rows)
				p.rows = append(p.rows, row{kind: apartRow, name: "not associated", edges: all})
			}
			at = apart
		}
		n := node{id: a.ID, name: s.Name(a.ID), kind: a.Type}
		if short := shortTypes[a.Type]; short != "" {
			n.kind = short
		}
		if a.Problem != "" {
			n.problem = a.State
			if at == apart {
				n.problem = a.Problem
			}
		}
		n.note = strings.Join(append(ends(byID[a.ID]), fewer(a.Prefixes)...), ", ")
		for _, e := range a.Edges {
			p.cells[cellKey{at, e}] = append(p.cells[cellKey{at, e}], n)
		}
	}
}

// maxPrefixes bounds the prefixes of an attachment in a picture; how many more there are is said.
const maxPrefixes = 2

func fewer(prefixes []string) []string {
	if len(prefixes) <= maxPrefixes {
		return prefixes
	}
	return append(slices.Clone(prefixes[:maxPrefixes]), fmt.Sprintf("and %d more", len(prefixes)-maxPrefixes))
}

// ends are the routers behind an attachment.
func ends(a *routing.Attachment) []string {
	var list []string
	if a == nil {
		return nil
	}
	for _, peer := range a.Peers {
		list = append(list, fmt.Sprintf("%s AS %d", peer.ID, peer.ASN))
	}
	if len(a.Peers) == 0 && a.PeerASN != 0 {
		list = append(list, fmt.Sprintf("AS %d", a.PeerASN))
	}
	return list
}

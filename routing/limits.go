package routing

import "net/netip"

// Limit is a bound of AWS on routes that a network goes beyond. Nothing is left out of the tables because of it: what AWS
// then leaves out is not known.
type Limit struct {
	Attachment string // empty: the whole core network
	Peer       string // of a Connect attachment
	Edge       string
	Outbound   bool // what is advertised to the attachment; otherwise what it announces
	Routes     int
	Max        int
}

// MaxRoutes is how many routes the segments of a core network may have installed together. Candidates that are not
// installed do not count.
const MaxRoutes = 10_000

// routeLimits are how many routes an attachment may announce and receive; 0 is no limit.
func routeLimits(a *Attachment) (in, out int) {
	kind := pathKindOf(a.Type)
	switch {
	case kind == pathVPN:
		return 1000, 5000
	case kind == pathConnect && a.TunnelLess:
		return 1000, 10_000
	case kind == pathConnect:
		return 1000, 5000
	case kind == pathDirectConnect:
		return 0, 5000
	}
	return 0, 0
}

// Exceeded are the limits that the network goes beyond: the core network's first, then by attachment, peer and edge.
func (t *Tables) Exceeded() []Limit {
	var list []Limit
	if total := t.installed(); total > MaxRoutes {
		list = append(list, Limit{Routes: total, Max: MaxRoutes})
	}
	sizes := map[Table]int{} // of tables, which bound what can be advertised
	for _, a := range t.attachments {
		in, out := routeLimits(&a.Attachment)
		if a.down || in == 0 && out == 0 {
			continue
		}
		for peer := range a.next {
			for _, e := range a.edges {
				list = append(list, t.exceededBy(a, peerID(peer), e, in, out, sizes)...)
			}
		}
	}
	return list
}

// installed is how many routes the segments have, static, shared and learned ones; one that several edges have counts once.
func (t *Tables) installed() int {
	total := 0
	bySegment := map[string][]bool{} // prefixes, by their number
	for _, id := range t.TableIDs() {
		if id.Segment == "" {
			continue
		}
		has := bySegment[id.Segment]
		if has == nil {
			has = make([]bool, len(t.Prefixes()))
			bySegment[id.Segment] = has
		}
		table, _ := t.Table(id)
		for i := range table.Indexed() {
			if !has[i] {
				has[i] = true
				total++
			}
		}
	}
	return total
}

// exceededBy are the limits that one peer of an attachment goes beyond, or the attachment itself.
func (t *Tables) exceededBy(a *attachment, peer peerID, e edgeID, in, out int, sizes map[Table]int) (list []Limit) {
	edge, name := t.core.location(e), a.peerName(peer)
	announced := map[netip.Prefix]bool{}
	for _, n := range t.given(a).Announcements {
		if n.Peer == name && (n.Edge == "" || n.Edge == edge) {
			announced[n.Prefix.Masked()] = true
		}
	}
	if in > 0 && len(announced) > in {
		list = append(list, Limit{Attachment: a.ID, Peer: name, Edge: edge, Routes: len(announced), Max: in})
	}
	if len(a.Peers) > 0 && peer == 0 { // each peer has a session, the attachment has none
		return list
	}
	table := Table{t: t, vrf: t.core.vrfs[a.vrf], edge: e}
	if _, counted := sizes[table]; !counted {
		for range table.Forwards() {
			sizes[table]++
		}
	}
	if out == 0 || sizes[table] <= out {
		return list
	}
	id := a.ID
	if peer > 0 {
		id = name
	}
	if n := len(t.Advertised(id, edge)); n > out {
		list = append(list, Limit{Attachment: a.ID, Peer: name, Edge: edge, Outbound: true, Routes: n, Max: out})
	}
	return list
}

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
	installed, sizes := t.count() // of tables, which bound what can be advertised
	if installed > MaxRoutes {
		list = append(list, Limit{Routes: installed, Max: MaxRoutes})
	}
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

// count counts the routes that the segments have installed, static, shared and learned ones; one that several edges have counts once.
// sizes are how many rows each table has.
func (t *Tables) count() (installed int, sizes map[Table]int) {
	patterns := t.patterns()
	prefixes := make([]int, len(patterns.First))
	for _, p := range patterns.Of {
		prefixes[p]++
	}
	var tables []Table
	for _, id := range t.TableIDs() {
		table, _ := t.Table(id)
		tables = append(tables, table)
	}
	sizes = map[Table]int{}
	for i, n := range prefixes {
		last := (*vrf)(nil)
		for at := range t.Column(patterns.First[i]) {
			sizes[tables[at]] += n
			if v := tables[at].vrf; v != last && v.segment != nil {
				last, installed = v, installed+n
			}
		}
	}
	return installed, sizes
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

package atquota

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"portolan/policy"
	"portolan/routing"
)

// Internet is a full table as one peer announces it: prefixes of the lengths, and AS paths of the lengths and in the number, that
// the Internet has: six prefixes in ten are /24 (/48), and five or six prefixes have one path. The same numbers give the same
// table.
func Internet(v4, v6 int) []routing.Announcement {
	r := rand.New(rand.NewPCG(1, 2))
	origins := make([][]uint32, max(1, (v4+v6)/6))
	for i := range origins {
		path := []uint32{65001, []uint32{174, 1299, 2914, 3257, 3356, 6762, 6939}[r.IntN(7)]}
		for range r.IntN(4) {
			path = append(path, uint32(1000+r.IntN(60_000)))
		}
		origin := uint32(70_000 + i)
		for range 1 + r.IntN(3)/2 { // some prepend themselves
			path = append(path, origin)
		}
		origins[i] = path
	}
	list := make([]routing.Announcement, 0, v4+v6)
	seen := make(map[netip.Prefix]bool, v4+v6)
	add := func(p netip.Prefix) {
		if p = p.Masked(); !seen[p] {
			seen[p] = true
			list = append(list, routing.Announcement{Prefix: p, ASPath: origins[r.IntN(len(origins))]})
		}
	}
	for len(list) < v4 {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], r.Uint32())
		if a[0] = 1 + a[0]%222; a[0] == 127 {
			continue // no router takes it
		}
		add(netip.PrefixFrom(netip.AddrFrom4(a), shape(r, []int{24, 22, 23, 21, 20, 19, 18, 16}, []int{60, 12, 10, 5, 5, 4, 2, 2})))
	}
	for len(list) < v4+v6 {
		var a [16]byte
		binary.BigEndian.PutUint64(a[:], r.Uint64())
		a[0] = 0x20 + a[0]%16
		add(netip.PrefixFrom(netip.AddrFrom16(a), shape(r, []int{48, 32, 44, 40, 36, 29}, []int{55, 15, 12, 10, 5, 3})))
	}
	return list
}

// shape draws a length by its weight of a hundred.
func shape(r *rand.Rand, lengths, weights []int) int {
	at := r.IntN(100)
	for i, w := range weights {
		if at -= w; at < 0 {
			return lengths[i]
		}
	}
	return lengths[0]
}

// InternetNetwork is a core network of three edges where a VPN in the first of twenty segments announces a full table, which is
// shared with the others.
func InternetNetwork(announcements []routing.Announcement) routing.Network {
	n := Size{Segments: 20, Edges: 3}.NetworkWith(Size{Segments: 2}.Actions())
	n.Attachments = []routing.Attachment{{
		ID: "internet", Type: policy.TypeSiteToSiteVPN, Segment: Shared, Edges: []string{Edge(0)}, PeerASN: 65001, Announcements: announcements,
	}}
	return n
}

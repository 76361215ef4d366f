// Package atquota makes networks as large as AWS lets them grow, for benchmarks: of the engine, of questions, of the server.
package atquota

import (
	"fmt"
	"net/netip"
	"strings"

	"portolan/internal/snapshot"
	"portolan/policy"
	"portolan/routing"
)

// Size is how large a network is. Segments does not count the one network function group. Of the attachments, NAT have 1:1
// network address translation: of one prefix each, to an address block of its own.
type Size struct{ Attachments, Segments, Edges, Routes, NAT int }

// Full is AWS's quota: 40 segments and groups, 30 edges, 5,000 attachments, 10,000 announced routes.
var Full = Size{Attachments: 5000, Segments: 39, Edges: 30, Routes: 10_000}

// Shared is the segment that shares with all others.
const Shared = "s0"

// Edge is the code of an edge location. It looks like one of AWS's.
func Edge(i int) string {
	return fmt.Sprintf("%s-%s-%d", []string{"us", "eu", "ap", "sa", "ca"}[i%5], []string{"east", "west", "north"}[i/5%3], i/15+1)
}

// Actions are the segment actions of Policy: every segment shares with the first, two are inspected, and what one edge learns
// from another in the first segment passes a routing policy.
func (s Size) Actions() []string {
	list := []string{`{"action":"share","mode":"attachment-route","segment":"s0","share-with":"*"}`}
	if s.Segments > 2 {
		list = append(list, `{"action":"send-via","segment":"s1","mode":"single-hop","when-sent-to":{"segments":["s2"]},"via":{"network-function-groups":["fw"]}}`)
	}
	if s.Edges > 1 {
		list = append(list, fmt.Sprintf(`{"action":"associate-routing-policy","segment":"s0","edge-location-association":{"edge-location":%q,"peer-edge-location":%q,"routing-policy-names":["longer"]}}`, Edge(0), Edge(1)))
	}
	return list
}

// Everything are the actions with which all segments share with all: the most that a policy can ask for.
func (s Size) Everything() []string {
	var list []string
	for i := range s.Segments {
		list = append(list, fmt.Sprintf(`{"action":"share","mode":"attachment-route","segment":"s%d","share-with":"*"}`, i))
	}
	return list
}

// Policy is a policy document with the given segment actions.
func (s Size) Policy(actions []string) string {
	var edges, segments []string
	for i := range s.Edges {
		edges = append(edges, fmt.Sprintf(`{"location":%q}`, Edge(i)))
	}
	for i := range s.Segments {
		segments = append(segments, fmt.Sprintf(`{"name":"s%d","require-attachment-acceptance":false,"isolate-attachments":%t}`, i, i == 1))
	}
	return `{"version":"2025.11","core-network-configuration":{"vpn-ecmp-support":true,"asn-ranges":["64512-64999"],"edge-locations":[` + strings.Join(edges, ",") + `]},
"segments":[` + strings.Join(segments, ",") + `],
"network-function-groups":[{"name":"fw","require-attachment-acceptance":false}],
"segment-actions":[` + strings.Join(actions, ",\n") + `],
"attachment-policies":[
{"rule-number":10,"conditions":[{"type":"tag-exists","key":"group"}],"action":{"add-to-network-function-group":"fw"}},
{"rule-number":20,"conditions":[{"type":"tag-exists","key":"segment"}],"action":{"association-method":"tag","tag-value-of-key":"segment"}}],
"routing-policies":[{"routing-policy-name":"longer","routing-policy-direction":"inbound","routing-policy-number":10,"routing-policy-rules":[
{"rule-number":1,"rule-definition":{"match-conditions":[{"type":"prefix-in-cidr","value":"10.0.0.0/9"}],"condition-logic":"or","action":{"type":"prepend-asn-list","value":[65500]}}}]}]}`
}

// Block is the i-th prefix that is announced.
func Block(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(10 + i>>16), byte(i >> 8), byte(i), 0}), 24)
}

// Snapshot is a network of the size: VPCs, every tenth attachment a VPN connection and every tenth a transit gateway route
// table, with AS paths of their own; some prefixes are announced by two VPN connections; appliances at every other edge.
func (s Size) Snapshot() *snapshot.Snapshot {
	n := &snapshot.Snapshot{Version: snapshot.FormatVersion, Account: "111122223333", Policy: []byte(s.Policy(s.Actions()))}
	each, translated := s.Routes/max(1, s.Attachments), 0
	for i := range s.Attachments {
		a := snapshot.Attachment{
			ID: fmt.Sprintf("attachment-%017x", i+1), Type: policy.TypeVPC, Edges: []string{Edge(i % s.Edges)},
			Tags: map[string]string{"segment": fmt.Sprintf("s%d", i/s.Edges%s.Segments)},
		}
		var path []uint32
		switch {
		case i < s.Edges && i%2 == 0:
			a.Tags = map[string]string{"group": "fw"}
		case i%10 == 3:
			a.Type, path = policy.TypeSiteToSiteVPN, []uint32{uint32(65000 + i%500), uint32(4_200_000_000 + i)}
		case i%10 == 7:
			a.Type, path = policy.TypeTransitGatewayRouteTable, []uint32{uint32(65000 + i%500)}
		}
		for j := range each {
			k := i*each + j
			if i%10 == 3 && j == 0 && i > 500 {
				k = (i - 300) * each // another VPN connection announces it too
			}
			a.Announcements = append(a.Announcements, routing.Announcement{Prefix: Block(k), ASPath: path})
		}
		if a.Type == policy.TypeVPC && a.Tags["group"] == "" && translated < s.NAT {
			a.NAT = &snapshot.NAT{Enabled: true, Rules: []snapshot.NATRule{{Number: 1, MatchSource: a.Announcements[0].Prefix, NAT: netip.PrefixFrom(netip.AddrFrom4([4]byte{100, byte(64 + translated>>8), byte(translated), 0}), 24)}}}
			translated++
		}
		n.Attachments = append(n.Attachments, a)
	}
	return n
}

// Network is the snapshot as routes are computed from it.
func (s Size) Network() routing.Network { return s.NetworkWith(s.Actions()) }

// NetworkWith is the same under a policy with other segment actions. It panics when the policy is not valid.
func (s Size) NetworkWith(actions []string) routing.Network {
	snap := s.Snapshot()
	snap.Policy = []byte(s.Policy(actions))
	n, err := snap.Network(nil)
	if err != nil {
		panic(err)
	}
	return *n
}

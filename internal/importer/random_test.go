package importer_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"portolan/internal/snapshot"
	"portolan/policy"
	"portolan/routing"
)

// TestVerify_randomNetworksAgree reads networks made from a seed: shares between some segments, attachments of all types that
// announce from a few prefixes, so that they meet, and a routing policy on some of them.
func TestVerify_randomNetworksAgree(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { wantEqual(t, randomNetwork(rand.New(rand.NewPCG(seed, 7))), nil) })
	}
}

func randomNetwork(r *rand.Rand) *snapshot.Snapshot {
	edges := []string{"us-east-1", "eu-west-1", "ap-south-1", "sa-east-1"}[:1+r.IntN(4)]
	segments := []string{"prod", "dev", "shared", "lab"}[:2+r.IntN(3)]
	s := &snapshot.Snapshot{Version: snapshot.FormatVersion, Account: "111122223333", Policy: []byte(randomPolicy(r, edges, segments))}
	for i := range 3 + r.IntN(12) {
		a := snapshot.Attachment{
			ID: fmt.Sprintf("attachment-%017x", i+1), Edges: []string{edges[r.IntN(len(edges))]}, Tags: map[string]string{"segment": segments[r.IntN(len(segments))]},
			Type: []string{policy.TypeVPC, policy.TypeSiteToSiteVPN, policy.TypeTransitGatewayRouteTable}[r.IntN(3)],
		}
		if r.IntN(3) == 0 && a.Type != policy.TypeVPC {
			a.RoutingPolicyLabel = "partner"
		}
		for _, block := range r.Perm(6)[:1+r.IntN(3)] {
			n := routing.Announcement{Prefix: netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/%d", block, 14+2*r.IntN(3))).Masked()}
			if a.Type == policy.TypeVPC { // no two VPCs and no other attachment announce the same
				n.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(100 + i), byte(block), 0}), 24)
			} else {
				for range 1 + r.IntN(3) {
					n.ASPath = append(n.ASPath, uint32(65001+r.IntN(40)))
				}
			}
			a.Announcements = append(a.Announcements, n)
		}
		s.Attachments = append(s.Attachments, a)
	}
	return s
}

func randomPolicy(r *rand.Rand, edges, segments []string) string {
	var locations, list, actions []string
	for _, e := range edges {
		locations = append(locations, fmt.Sprintf(`{"location":%q}`, e))
	}
	for i, s := range segments {
		list = append(list, fmt.Sprintf(`{"name":%q,"require-attachment-acceptance":false}`, s))
		if with := segments[r.IntN(len(segments))]; with != s && i%2 == 0 {
			actions = append(actions, fmt.Sprintf(`{"action":"share","mode":"attachment-route","segment":%q,"share-with":[%q]}`, s, with))
		}
	}
	actions = append(actions, fmt.Sprintf(`{"action":"create-route","segment":%q,"destination-cidr-blocks":["172.16.0.0/12"],"destinations":["blackhole"]}`, segments[0]))
	return `{"version":"2025.11","core-network-configuration":{"asn-ranges":["64512-64999"],"edge-locations":[` + strings.Join(locations, ",") + `]},
"segments":[` + strings.Join(list, ",") + `],"segment-actions":[` + strings.Join(actions, ",") + `],
"routing-policies":[{"routing-policy-name":"partner","routing-policy-direction":"inbound","routing-policy-number":10,"routing-policy-rules":[
{"rule-number":1,"rule-definition":{"match-conditions":[{"type":"prefix-in-cidr","value":"10.2.0.0/15"}],"condition-logic":"or","action":{"type":"drop"}}},
{"rule-number":2,"rule-definition":{"match-conditions":[{"type":"prefix-in-cidr","value":"10.0.0.0/8"}],"condition-logic":"or","action":{"type":"prepend-asn-list","value":[65500,65500]}}}]}],
"attachment-routing-policy-rules":[{"rule-number":1,"conditions":[{"type":"routing-policy-label","value":"partner"}],"action":{"associate-routing-policies":["partner"]}}],
"attachment-policies":[{"rule-number":1,"condition-logic":"or","conditions":[{"type":"tag-exists","key":"segment"}],"action":{"association-method":"tag","tag-value-of-key":"segment"}}]}`
}

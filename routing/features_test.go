package routing_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portolan/policy"
	"portolan/routing"
)

// TestDrawNetwork_hasEverything: a property that holds for networks without a feature says nothing about the feature.
func TestDrawNetwork_hasEverything(t *testing.T) {
	const networks = 1000
	type network struct {
		routing.Network
		text string
	}
	draw := rapid.Custom(func(t *rapid.T) network {
		n, text := drawNetwork(t)
		return network{n, text}
	})
	met := map[string]int{}
	for seed := range networks {
		n := draw.Example(seed)
		for f := range featuresOf(n.Network, n.text) {
			met[f]++
		}
	}
	want := []string{
		"version 2021.12", "never settles", "IPv6", "ECMP", "aggregate", "remote static", "local preference", "MED", "communities",
		"advertised, Direct Connect", "advertised, iBGP", "advertised, peering of two", "advertised, appliance", "advertised, isolated gateway", "deny-filter", "allow-filter",
		"attachment ACTIVE", "edge ACTIVE", "static ACTIVE", "static BLACKHOLE", "send-via ACTIVE", "send-via BLACKHOLE", "send-to ACTIVE", "send-to BLACKHOLE",
		"step announced", "step created", "step loop", "step import", "step isolated", "step share", "step not-shared", "step filter", "step learn",
		"step no-table", "step advertised", "step not-advertised", "step insertion",
		"by static route", "by service insertion", "by local VPC", "by local preference", "by AS path length", "by MED", "by attachment type", "by tie break",
		"defaultRegionPriority", "sendToRouteType", "ECMP of Connect peers", "ECMP of VPN", "NAT CIDR", "advertised, Connect peer", "two peers",
	}
	for _, s := range routing.Switches(routing.DefaultOptions()) {
		want = append(want, s.Name)
	}
	for _, stage := range []routing.StepKind{routing.StepAttachmentPolicy, routing.StepSharePolicy, routing.StepInboundPolicy, routing.StepOutboundPolicy} {
		for _, action := range []string{
			policy.RouteDrop, policy.RouteAllow, policy.RoutePrependASNList, policy.RouteRemoveASNList, policy.RouteReplaceASNList,
			policy.RouteAddCommunity, policy.RouteRemoveCommunity, policy.RouteSetMED, policy.RouteSetLocalPreference, policy.RouteSummarize,
		} {
			replaces := action == policy.RouteReplaceASNList && stage != routing.StepAttachmentPolicy && stage != routing.StepSharePolicy
			if !replaces && (action != policy.RouteSummarize || stage == routing.StepOutboundPolicy) {
				want = append(want, stage.String()+" "+action)
			}
		}
	}
	want = append(want,
		policy.MatchPrefixEquals, policy.MatchPrefixInCIDR, policy.MatchPrefixInPrefixList, policy.MatchASNInASPath,
		policy.MatchCommunityInList, policy.MatchMEDEquals)
	for _, f := range want {
		if met[f] < networks/200 {
			t.Errorf("%s: in %d of %d networks", f, met[f], networks)
		}
	}
}

// featuresOf names what happens in a network.
func featuresOf(n routing.Network, text string) map[string]bool {
	f := map[string]bool{"version " + n.Policy.Version: true}
	for _, word := range []string{
		"deny-filter", "allow-filter", policy.MatchPrefixEquals, policy.MatchPrefixInCIDR, policy.MatchPrefixInPrefixList,
		policy.MatchASNInASPath, policy.MatchCommunityInList, policy.MatchMEDEquals,
	} {
		f[word] = strings.Contains(text, `"`+word+`"`)
	}
	if n.Options != nil {
		f["defaultRegionPriority"] = len(n.Options.DefaultRegionPriority) > 0
		f["sendToRouteType"] = !n.Options.SendToStatic
		ordinary := routing.Switches(routing.DefaultOptions())
		for i, s := range routing.Switches(n.Options) {
			f[s.Name] = *s.On != *ordinary[i].On
		}
	}
	tables, err := routing.Compute(n)
	var oscillation *routing.OscillationError
	f["never settles"] = errors.As(err, &oscillation)
	for _, id := range tables.TableIDs() {
		table, _ := tables.Table(id)
		for r := range table.Routes() {
			featuresOfRow(f, &r)
		}
		for _, block := range []string{blocks[0], blocks[6]} {
			x := table.Explain(netip.MustParsePrefix(block))
			for i := range x.Candidates {
				featuresOfCandidate(f, &x.Candidates[i])
			}
		}
	}
	for i := range n.Attachments {
		featuresOfPeer(f, n, tables, &n.Attachments[i])
	}
	for name, is := range f {
		if !is {
			delete(f, name)
		}
	}
	return f
}

func featuresOfRow(f map[string]bool, r *routing.Route) {
	f[fmt.Sprintf("%s %s", r.Kind, r.State)] = true
	for name, is := range map[string]bool{
		"IPv6": !r.Prefix.Addr().Is4(), "ECMP": len(r.Destinations) > 1, "ECMP of VPN": len(r.Destinations) > 1 && r.Origin.Type == policy.TypeSiteToSiteVPN,
		"ECMP of Connect peers": len(r.Destinations) > 1 && r.Destinations[1].Peer != "", "NAT CIDR": strings.HasPrefix(r.Prefix.String(), "100."),
		"aggregate":        r.Origin.Kind == routing.FromSummarize,
		"remote static":    r.Kind == routing.KindEdge && r.Origin.Kind == routing.FromStatic,
		"local preference": r.LocalPreference > 0, "MED": r.MED != routing.DefaultMED, "communities": len(r.Communities) > 0,
	} {
		f[name] = f[name] || is
	}
}

func featuresOfCandidate(f map[string]bool, c *routing.Candidate) {
	f["by "+c.Verdict.By.String()] = true
	for i := range c.Steps {
		f["step "+c.Steps[i].Kind.String()] = true
		f[c.Steps[i].Kind.String()+" "+c.Steps[i].Action] = true
	}
}

func featuresOfPeer(f map[string]bool, n routing.Network, tables *routing.Tables, a *routing.Attachment) {
	edge := a.Edges[0]
	if len(tables.Advertised(a.ID, edge)) == 0 {
		return
	}
	seg := n.Policy.Segment(a.Segment)
	gateway := a.Type == policy.TypeTransitGatewayRouteTable
	together := slices.ContainsFunc(n.Attachments, func(o routing.Attachment) bool {
		return o.ID != a.ID && o.PeeringID == a.PeeringID && o.Segment == a.Segment && o.RoutingPolicyLabel != a.RoutingPolicyLabel
	})
	for name, is := range map[string]bool{
		"advertised, Direct Connect": a.Type == policy.TypeDirectConnectGateway,
		"advertised, iBGP":           a.PeerASN != 0 && a.PeerASN == n.Policy.Edges[slices.IndexFunc(n.Policy.Edges, func(e policy.Edge) bool { return e.Location == edge })].ASN,
		"advertised, peering of two": gateway && a.PeeringID != "" && together, "advertised, appliance": a.NetworkFunctionGroup != "",
		"advertised, isolated gateway": gateway && seg != nil && seg.Isolate,
		"advertised, Connect peer":     len(a.Peers) > 0 && len(tables.Advertised(a.Peers[0].ID, edge)) > 0, "two peers": len(a.Peers) > 1,
	} {
		f[name] = f[name] || is
	}
}

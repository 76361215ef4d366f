package routing_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"portolan/policy"
	"portolan/routing"
)

// Networks are drawn so that what they hold meets: few prefixes, edges and segments, much of everything else. That each
// feature really occurs is tested: TestDrawNetwork_hasEverything.

type object = map[string]any

var (
	regions  = []string{"us-east-1", "eu-west-1", "ap-south-1", "ca-central-1"}
	blocks   = []string{"10.0.0.0/16", "10.1.0.0/16", "10.1.2.0/24", "10.0.0.0/15", "192.168.0.0/16", "0.0.0.0/0", "2001:db8::/48", "::/0"}
	asns     = []int{65000, 65001, 65002}
	types    = []string{policy.TypeVPC, policy.TypeSiteToSiteVPN, policy.TypeConnect, policy.TypeDirectConnectGateway, policy.TypeTransitGatewayRouteTable}
	tagWords = []string{"65000:1", "65000:2", "64512:7"} // the last holds an ASN of the core network
)

// uniform draws each number below n equally often. rapid's own ranges prefer small numbers: with them what is rare hardly
// ever meets.
func uniform(t *rapid.T, what string, n int) int {
	return rapid.Custom(func(t *rapid.T) int {
		v := 0
		for range 10 {
			v *= 2
			if rapid.Bool().Draw(t, "bit") {
				v++
			}
		}
		return v % n
	}).Draw(t, what)
}

func pick[T any](t *rapid.T, what string, list []T) T { return list[uniform(t, what, len(list))] }

func chance(t *rapid.T, what string, oneIn int) bool { return uniform(t, what, oneIn) == oneIn-1 }

func some[T any](t *rapid.T, what string, list []T) []T {
	var out []T
	for _, v := range list {
		if rapid.Bool().Draw(t, what) {
			out = append(out, v)
		}
	}
	return out
}

// block draws a prefix, most often one of two.
func block(t *rapid.T, what string) string {
	if rapid.Bool().Draw(t, what+" of many") {
		return pick(t, what, blocks)
	}
	return pick(t, what, []string{blocks[0], blocks[6]})
}

func without(list []string, s string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(o string) bool { return o == s })
}

// drawPolicy draws a document. Not every one passes the checks.
func drawPolicy(t *rapid.T) (*policy.Policy, string) {
	edges := regions[:1+uniform(t, "edges", len(regions))]
	var locations []object
	for i, e := range edges {
		locations = append(locations, object{"location": e, "asn": 64512 + i})
	}
	segments := []string{"a", "b", "c"}[:1+uniform(t, "segments", 3)]
	isolated := map[string]bool{}
	var rows []object
	for _, s := range segments {
		isolated[s] = chance(t, "isolate", 3)
		row := object{"name": s, "isolate-attachments": isolated[s]}
		if others := without(segments, s); len(others) > 0 && chance(t, "filter", 4) {
			row[pick(t, "filter kind", []string{"deny-filter", "allow-filter"})] = []string{pick(t, "filtered", others)}
		}
		if at := some(t, "at", edges); len(at) > 0 && chance(t, "somewhere", 3) {
			row["edge-locations"] = at
		}
		rows = append(rows, row)
	}
	d := &drawing{T: t, segments: segments, edges: edges, isolated: isolated}
	doc := object{
		"core-network-configuration": object{"asn-ranges": []string{"64512-64600"}, "vpn-ecmp-support": rapid.Bool().Draw(t, "ecmp"), "edge-locations": locations},
		"segments":                   rows,
		"network-function-groups":    []object{{"name": "fw"}, {"name": "web"}, {"name": "ids"}},
		"attachment-policies":        []object{},
	}
	d.routingPolicies()
	doc["segment-actions"] = d.actions()
	doc["version"] = pick(t, "version", []string{"2025.11", "2021.12"})
	if len(d.policies) > 0 {
		doc["version"], doc["routing-policies"] = "2025.11", d.policies
		if rules := d.labelRules(); len(rules) > 0 {
			doc["attachment-routing-policy-rules"] = rules
		}
	}
	text, err := json.Marshal(doc, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	p, errs := compile(string(text))
	if len(errs) > 0 {
		t.Skip(errs)
	}
	return p, string(text)
}

// drawing is what the parts of a document need to know of each other.
type drawing struct {
	*rapid.T
	segments, edges []string
	isolated        map[string]bool
	policies        []object
	names           []string // of routing policies
	meshNames       []string // of those that may be between edges
}

func (d *drawing) routingPolicies() {
	for i := range uniform(d.T, "routing policies", 5) {
		name, mesh := fmt.Sprintf("p%d", i), true
		direction := pick(d.T, "direction", []string{"inbound", "outbound"})
		var rules []object
		for j := range 1 + uniform(d.T, "rules", 3) {
			var matches []object
			for range 1 + uniform(d.T, "matches", 2) {
				matches = append(matches, d.match())
			}
			act := d.action(direction)
			mesh = mesh && act["type"] != "replace-asn-list"
			rules = append(rules, object{"rule-number": j + 1, "rule-definition": object{"match-conditions": matches, "condition-logic": pick(d.T, "logic", []string{"or", "and"}), "action": act}})
		}
		d.policies = append(d.policies, object{"routing-policy-name": name, "routing-policy-direction": direction, "routing-policy-number": 9 - i, "routing-policy-rules": rules})
		d.names = append(d.names, name)
		if mesh {
			d.meshNames = append(d.meshNames, name)
		}
	}
}

// wheel lets each edge prefer what the next one tells it, which is how routes never settle.
func (d *drawing) wheel() (list []object) {
	d.policies = append(d.policies, object{"routing-policy-name": "liked", "routing-policy-direction": "inbound", "routing-policy-number": 100, "routing-policy-rules": []object{
		{"rule-number": 1, "rule-definition": object{"match-conditions": []object{{"type": "med-equals", "value": 100}}, "condition-logic": "or", "action": object{"type": "set-local-preference", "value": 400}}},
	}})
	in := pick(d.T, "wheel in", d.segments)
	for i, e := range d.edges {
		next := d.edges[(i+1)%len(d.edges)]
		list = append(list, object{"action": "associate-routing-policy", "segment": in, "edge-location-association": object{"edge-location": e, "peer-edge-location": next, "routing-policy-names": []string{"liked"}}})
	}
	return list
}

func (d *drawing) match() object {
	switch uniform(d.T, "match", 6) {
	case 0:
		return object{"type": "prefix-equals", "value": block(d.T, "block")}
	case 1:
		return object{"type": "prefix-in-cidr", "value": pick(d.T, "block", []string{"0.0.0.0/0", "::/0", "10.0.0.0/15", "10.0.0.0/8", "10.1.0.0/16"})}
	case 2:
		return object{"type": "prefix-in-prefix-list", "value": "list"}
	case 3:
		return object{"type": "asn-in-as-path", "value": pick(d.T, "asn", append([]int{64512, 64513}, asns...))}
	case 4:
		return object{"type": "community-in-list", "value": pick(d.T, "tag", tagWords)}
	}
	return object{"type": "med-equals", "value": pick(d.T, "med", []int{100, 50})}
}

func (d *drawing) action(direction string) object {
	actions := []object{
		{"type": "drop"},
		{"type": "allow"},
		{"type": "prepend-asn-list", "value": []int{65010, 65000}},
		{"type": "remove-asn-list", "value": []int{pick(d.T, "removed", asns)}},
		{"type": "replace-asn-list", "value": []int{pick(d.T, "replacement", asns), 65011}},
		{"type": "add-community", "value": pick(d.T, "added", tagWords)},
		{"type": "remove-community", "value": pick(d.T, "removed tag", tagWords)},
		{"type": "set-med", "value": pick(d.T, "new med", []int{50, 200})},
		{"type": "set-local-preference", "value": pick(d.T, "preference", []int{200, 0, 300})},
	}
	if direction == "outbound" {
		aggregate := object{"type": "summarize", "value": pick(d.T, "aggregate", blocks[:4])}
		actions = append(actions, aggregate, aggregate, aggregate)
	} else {
		actions = append(actions, actions[8], actions[2])
	}
	return pick(d.T, "action", actions)
}

func (d *drawing) labelRules() []object {
	var rules []object
	for i, labels := range [][]object{{{"type": "routing-policy-label", "value": "x"}}, {{"type": "routing-policy-label", "value": "y"}, {"type": "routing-policy-label", "value": "x"}}} {
		names := some(d.T, "labelled", d.names)
		if len(names) == 0 {
			continue
		}
		rule := object{"rule-number": i + 1, "conditions": labels, "action": object{"associate-routing-policies": names}}
		if at := some(d.T, "rule at", d.edges); len(at) > 0 && chance(d.T, "rule somewhere", 3) {
			rule["edge-locations"] = at
		}
		rules = append(rules, rule)
	}
	return rules
}

func (d *drawing) actions() []object {
	list := []object{}
	for range uniform(d.T, "shares", 3) {
		own := pick(d.T, "sharing", d.segments)
		a := object{"action": "share", "mode": "attachment-route", "segment": own, "share-with": "*"}
		if others := without(d.segments, own); len(others) > 0 && chance(d.T, "share with some", 3) {
			if a["share-with"] = []string{others[0]}; rapid.Bool().Draw(d.T, "all but") {
				a["share-with"] = object{"except": []string{others[0]}}
			}
		}
		if used := some(d.T, "share policy", d.names); len(used) > 0 {
			a["routing-policy-names"] = used
		}
		list = append(list, a)
	}
	for range uniform(d.T, "static routes", 4) {
		to := []string{"blackhole"}
		if !chance(d.T, "blackhole", 3) {
			to = nil
			for range 1 + uniform(d.T, "destinations", 2) {
				to = append(to, longID(fmt.Sprintf("A%d", 1+uniform(d.T, "destination", 8))))
			}
			to = slices.Compact(to)
		}
		list = append(list, object{"action": "create-route", "segment": pick(d.T, "static in", d.segments), "destination-cidr-blocks": []string{block(d.T, "static block")}, "destinations": to})
	}
	if len(d.edges) > 1 && len(d.meshNames) > 0 {
		for range uniform(d.T, "between edges", 7) {
			e := pick(d.T, "edge", d.edges)
			names := slices.Compact([]string{pick(d.T, "used", d.meshNames), pick(d.T, "used", d.meshNames)})
			list = append(list, object{"action": "associate-routing-policy", "segment": pick(d.T, "meshed", d.segments), "edge-location-association": object{"edge-location": e, "peer-edge-location": pick(d.T, "peer", without(d.edges, e)), "routing-policy-names": names}})
		}
	}
	if len(d.edges) > 2 && chance(d.T, "wheel", 6) {
		list = append(list, d.wheel()...)
	}
	return append(list, d.insertions()...)
}

// insertions draws service insertion. All of one document has one mode, as the checks demand of a segment.
func (d *drawing) insertions() []object {
	var list []object
	mode := pick(d.T, "mode", []string{"single-hop", "dual-hop"})
	for _, group := range [][]string{nil, {"fw"}, {"fw"}, {"fw", "ids"}}[uniform(d.T, "send-via", 4)] {
		own := pick(d.T, "sent", d.segments)
		a := object{"action": "send-via", "segment": own, "mode": mode, "via": d.via(group, mode == "single-hop")}
		others := without(d.segments, own)
		if d.isolated[own] {
			others = append(others, own)
		}
		switch {
		case len(others) == 0:
			continue
		case rapid.Bool().Draw(d.T, "to one"):
			a["when-sent-to"] = object{"segments": []string{pick(d.T, "sent to", others)}}
		default:
			a["when-sent-to"] = object{"segments": "*"}
		}
		list = append(list, a)
	}
	if chance(d.T, "send-to", 3) {
		list = append(list, object{"action": "send-to", "segment": pick(d.T, "sends", d.segments), "via": d.via("web", true)})
	}
	return list
}

func (d *drawing) via(group string, overrides bool) object {
	v := object{"network-function-groups": []string{group}}
	var list []object
	if overrides {
		for range uniform(d.T, "overrides", 4) {
			set := slices.Compact([]string{pick(d.T, "one", d.edges), pick(d.T, "other", d.edges)})
			list = append(list, object{"edge-sets": [][]string{set}, "use-edge-location": pick(d.T, "use", d.edges)})
		}
	}
	if len(list) > 0 {
		v["with-edge-overrides"] = list
	}
	return v
}

func drawAttachment(t *rapid.T, p *policy.Policy, number int) routing.Attachment {
	a := routing.Attachment{ID: longID(fmt.Sprintf("A%d", number)), Type: pick(t, "type", types), Down: chance(t, "down", 12)}
	edge := pick(t, "edge", p.Edges)
	a.Edges = []string{edge.Location}
	if chance(t, "appliance", 3) {
		a.Type = pick(t, "appliance type", []string{policy.TypeVPC, policy.TypeConnect, policy.TypeSiteToSiteVPN})
		a.NetworkFunctionGroup = pick(t, "group", []string{"fw", "fw", "web", "ids"})
	} else {
		a.Segment = pick(t, "segment", p.Segments).Name
	}
	switch a.Type {
	case policy.TypeDirectConnectGateway:
		if rapid.Bool().Draw(t, "several") {
			a.Edges = nil
			for _, e := range p.Edges {
				a.Edges = append(a.Edges, e.Location)
			}
		}
	case policy.TypeConnect:
		a.PeerASN = pick(t, "peer ASN", []uint32{65020, edge.ASN})
		for i := range uniform(t, "peers", 3) {
			a.Peers = append(a.Peers, routing.Peer{ID: fmt.Sprintf("peer-%d-%d", number, 2-i), ASN: pick(t, "peer ASN", []uint32{65020, edge.ASN})})
		}
	case policy.TypeTransitGatewayRouteTable:
		a.PeeringID = pick(t, "peering", []string{"", "peering-1"})
	}
	a.RoutingPolicyLabel = pick(t, "label", []string{"", "x", "x", "y"})
	for range uniform(t, "announcements", 4) {
		a.Announcements = append(a.Announcements, drawAnnouncement(t, &a))
	}
	if len(a.Peers) > 1 && len(a.Announcements) > 0 && rapid.Bool().Draw(t, "alike") { // both peers announce the same
		n := a.Announcements[0]
		for _, p := range a.Peers {
			n.Peer = p.ID
			a.Announcements = append(a.Announcements, n)
		}
	}
	if chance(t, "NAT", 5) {
		a.NAT = drawNAT(t)
	}
	return a
}

// drawNAT draws translations, often of what is announced, and of what others announce.
func drawNAT(t *rapid.T) *routing.NAT {
	nat := &routing.NAT{SystemRoutes: rapid.Bool().Draw(t, "system routes")}
	seen := map[string]bool{}
	for range 1 + uniform(t, "NAT rules", 2) {
		source := pick(t, "source", []string{blocks[0], blocks[0], blocks[1], "10.9.0.0/16"})
		into := pick(t, "NAT CIDR", []string{"100.64.0.0/16", "100.65.0.0/16", blocks[1], blocks[0]})
		if !seen["from "+source] && !seen["to "+into] {
			seen["from "+source], seen["to "+into] = true, true
			nat.Rules = append(nat.Rules, routing.NATRule{Source: netip.MustParsePrefix(source), NAT: netip.MustParsePrefix(into)})
		}
	}
	return nat
}

func drawAnnouncement(t *rapid.T, a *routing.Attachment) routing.Announcement {
	n := routing.Announcement{Prefix: netip.MustParsePrefix(block(t, "prefix"))}
	if a.Type == policy.TypeVPC {
		return n
	}
	for range uniform(t, "path", 3) {
		n.ASPath = append(n.ASPath, uint32(pick(t, "asn", asns)))
	}
	if chance(t, "looped", 8) {
		n.ASPath = append(n.ASPath, 64513)
	}
	if chance(t, "with med", 4) {
		med := uint32(50)
		n.MED = &med
	}
	for _, tag := range some(t, "tags", tagWords) {
		var high, low uint32
		fmt.Sscanf(tag, "%d:%d", &high, &low)
		n.Communities = append(n.Communities, policy.Community(high<<16|low))
	}
	if len(a.Peers) > 0 && !chance(t, "of no peer", 4) {
		n.Peer = pick(t, "its peer", a.Peers).ID
	}
	if len(a.Edges) > 1 && chance(t, "at one edge", 3) {
		n.Edge = pick(t, "its edge", a.Edges)
	}
	return n
}

// drawOptions turns some switches; nil is most common.
func drawOptions(t *rapid.T, p *policy.Policy) *routing.Options {
	if !chance(t, "options", 3) {
		return nil
	}
	o := routing.DefaultOptions()
	for _, s := range routing.Switches(o) {
		if chance(t, "turned", 6) {
			*s.On = !*s.On
		}
	}
	o.SendToStatic = !chance(t, "propagated send-to", 6)
	if chance(t, "priority", 4) {
		for _, e := range p.Edges[uniform(t, "first", len(p.Edges)):] {
			o.DefaultRegionPriority = append([]string{e.Location}, o.DefaultRegionPriority...)
		}
	}
	return o
}

func drawNetwork(t *rapid.T) (routing.Network, string) {
	p, text := drawPolicy(t)
	n := routing.Network{Policy: p, Options: drawOptions(t, p), PrefixLists: map[string][]netip.Prefix{}}
	for _, b := range some(t, "in list", blocks) {
		n.PrefixLists["list"] = append(n.PrefixLists["list"], netip.MustParsePrefix(b))
	}
	for i := range uniform(t, "attachments", 13) {
		if i > 0 && chance(t, "twin", 4) { // that everything ties with
			twin := n.Attachments[uniform(t, "of", i)]
			twin.ID, twin.Peers, twin.Announcements = longID(fmt.Sprintf("A%d", i+1)), nil, slices.Clone(twin.Announcements)
			for j := range twin.Announcements {
				twin.Announcements[j].Peer = ""
			}
			n.Attachments = append(n.Attachments, twin)
			continue
		}
		n.Attachments = append(n.Attachments, drawAttachment(t, p, i+1))
	}
	if p.RoutingPolicy("liked") != nil && rapid.Bool().Draw(t, "turning") { // a wheel turns when each edge has a route of its own
		a := routing.Attachment{ID: longID("A13"), Type: policy.TypeDirectConnectGateway, Segment: p.EdgeAssociations[len(p.EdgeAssociations)-1].Segment}
		for _, e := range p.Edges {
			a.Edges = append(a.Edges, e.Location)
		}
		a.Announcements = []routing.Announcement{{Prefix: netip.MustParsePrefix(blocks[4]), ASPath: []uint32{65001}}}
		n.Attachments = append(n.Attachments, a)
	}
	return n, text
}

// describe prints a network, for people who read a counterexample.
func describe(n routing.Network, text string) string {
	var b strings.Builder
	b.WriteString(text + "\n")
	for _, a := range n.Attachments {
		line, _ := json.Marshal(a, json.Deterministic(true))
		fmt.Fprintf(&b, "%s\n", line)
	}
	fmt.Fprintf(&b, "%+v\n%v\n", n.Options, n.PrefixLists)
	return b.String()
}

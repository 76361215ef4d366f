package routing_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portolan/policy"
	"portolan/routing"
)

type object = map[string]any

var (
	regions  = []string{"us-east-1", "eu-west-1", "ap-south-1", "ca-central-1"}
	blocks   = []string{"10.0.0.0/16", "10.1.0.0/16", "10.1.2.0/24", "10.0.0.0/15", "192.168.0.0/16", "0.0.0.0/0", "2001:db8::/48", "::/0"}
	asns     = []int{65000, 65001, 65002}
	types    = []string{policy.TypeVPC, policy.TypeSiteToSiteVPN, policy.TypeConnect, policy.TypeDirectConnectGateway, policy.TypeTransitGatewayRouteTable}
	tagWords = []string{"65000:1", "65000:2"}
)

func pick[T any](t *rapid.T, what string, list []T) T { return rapid.SampledFrom(list).Draw(t, what) }

func chance(t *rapid.T, what string, oneIn int) bool {
	return rapid.IntRange(1, oneIn).Draw(t, what) == oneIn
}

func some[T any](t *rapid.T, what string, list []T) []T {
	var out []T
	for _, v := range list {
		if rapid.Bool().Draw(t, what) {
			out = append(out, v)
		}
	}
	return out
}

// drawPolicy draws a document. Not every one passes the checks.
func drawPolicy(t *rapid.T) (*policy.Policy, string) {
	edges := regions[:rapid.IntRange(1, len(regions)).Draw(t, "edges")]
	var locations []object
	for i, e := range edges {
		locations = append(locations, object{"location": e, "asn": 64512 + i})
	}
	segments := []string{"a", "b", "c"}[:rapid.IntRange(1, 3).Draw(t, "segments")]
	var rows []object
	for _, s := range segments {
		row := object{"name": s, "isolate-attachments": chance(t, "isolate", 3)}
		if others := without(segments, s); len(others) > 0 && chance(t, "filter", 4) {
			row[pick(t, "filter kind", []string{"deny-filter", "allow-filter"})] = []string{pick(t, "filtered", others)}
		}
		if at := some(t, "at", edges); len(at) > 0 && chance(t, "somewhere", 3) {
			row["edge-locations"] = at
		}
		rows = append(rows, row)
	}
	policies, inbound, outbound := drawRoutingPolicies(t)
	groups := []object{{"name": "fw"}, {"name": "web"}, {"name": "ids"}}
	doc := object{
		"version":                    "2025.11",
		"core-network-configuration": object{"asn-ranges": []string{"64512-64600"}, "vpn-ecmp-support": rapid.Bool().Draw(t, "ecmp"), "edge-locations": locations},
		"segments":                   rows, "network-function-groups": groups, "segment-actions": drawActions(t, segments, edges, inbound, outbound),
		"attachment-policies": []object{},
	}
	if names := slices.Concat(inbound, outbound); len(names) > 0 {
		doc["routing-policies"] = policies
		doc["attachment-routing-policy-rules"] = []object{{"rule-number": 1, "conditions": []object{{"type": "routing-policy-label", "value": "x"}}, "action": object{"associate-routing-policies": some(t, "labelled", names)}}}
		if len(doc["attachment-routing-policy-rules"].([]object)[0]["action"].(object)["associate-routing-policies"].([]string)) == 0 {
			delete(doc, "attachment-routing-policy-rules")
		}
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	p, errs := compile(string(text))
	if len(errs) > 0 {
		t.Skip(errs)
	}
	return p, string(text)
}

func without(list []string, s string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(o string) bool { return o == s })
}

func drawRoutingPolicies(t *rapid.T) (list []object, inbound, outbound []string) {
	for i := range rapid.IntRange(0, 4).Draw(t, "routing policies") {
		name := fmt.Sprintf("p%d", i)
		direction := pick(t, "direction", []string{"inbound", "outbound"})
		var rules []object
		for j := range rapid.IntRange(1, 3).Draw(t, "rules") {
			var matches []object
			for range rapid.IntRange(1, 2).Draw(t, "matches") {
				matches = append(matches, pick(t, "match", []object{
					{"type": "prefix-equals", "value": pick(t, "block", blocks)},
					{"type": "prefix-in-cidr", "value": pick(t, "block", blocks)},
					{"type": "asn-in-as-path", "value": pick(t, "asn", append(asns, 64512, 64513))},
					{"type": "community-in-list", "value": pick(t, "tag", tagWords)},
					{"type": "med-equals", "value": pick(t, "med", []int{50, 100})},
				}))
			}
			actions := []object{
				{"type": "drop"},
				{"type": "allow"},
				{"type": "prepend-asn-list", "value": []int{65010, 65000}},
				{"type": "remove-asn-list", "value": []int{pick(t, "removed", asns)}},
				{"type": "add-community", "value": pick(t, "added", tagWords)},
				{"type": "remove-community", "value": pick(t, "removed tag", tagWords)},
				{"type": "set-med", "value": pick(t, "new med", []int{50, 200})},
				{"type": "set-local-preference", "value": pick(t, "preference", []int{0, 200})},
			}
			if direction == "outbound" {
				actions = append(actions, object{"type": "summarize", "value": pick(t, "aggregate", blocks[:4])})
			}
			act := pick(t, "action", actions)
			if direction == "outbound" && rapid.Bool().Draw(t, "summarize") {
				act = actions[len(actions)-1]
			}
			rules = append(rules, object{"rule-number": j + 1, "rule-definition": object{"match-conditions": matches, "condition-logic": pick(t, "logic", []string{"and", "or"}), "action": act}})
		}
		list = append(list, object{"routing-policy-name": name, "routing-policy-direction": direction, "routing-policy-number": i + 1, "routing-policy-rules": rules})
		if direction == "inbound" {
			inbound = append(inbound, name)
		} else {
			outbound = append(outbound, name)
		}
	}
	return list, inbound, outbound
}

func drawActions(t *rapid.T, segments, edges, inbound, outbound []string) []object {
	list := []object{}
	names := slices.Concat(inbound, outbound)
	for range rapid.IntRange(0, 2).Draw(t, "shares") {
		a := object{"action": "share", "mode": "attachment-route", "segment": pick(t, "sharing", segments), "share-with": "*"}
		if used := some(t, "share policy", names); len(used) > 0 {
			a["routing-policy-names"] = used
		}
		list = append(list, a)
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "static routes") {
		to := []string{"blackhole"}
		if rapid.Bool().Draw(t, "led") {
			to = []string{longID(fmt.Sprintf("A%d", rapid.IntRange(1, 6).Draw(t, "destination")))}
		}
		list = append(list, object{"action": "create-route", "segment": pick(t, "static in", segments), "destination-cidr-blocks": []string{blocks[rapid.IntRange(0, 1).Draw(t, "static block")*5+i%2]}, "destinations": to})
	}
	for range rapid.IntRange(0, 5).Draw(t, "between edges") {
		if e, p := pick(t, "edge", edges), pick(t, "peer", edges); e != p && len(names) > 0 {
			list = append(list, object{"action": "associate-routing-policy", "segment": pick(t, "meshed", segments), "edge-location-association": object{"edge-location": e, "peer-edge-location": p, "routing-policy-names": []string{pick(t, "used", names)}}})
		}
	}
	via := func(group string, overrides bool) object {
		v := object{"network-function-groups": []string{group}}
		if overrides && chance(t, "overridden", 2) {
			v["with-edge-overrides"] = []object{{"edge-sets": [][]string{{pick(t, "set", edges)}}, "use-edge-location": pick(t, "use", edges)}}
			for range rapid.IntRange(0, 3).Draw(t, "more overrides") {
				set := []string{pick(t, "one", edges), pick(t, "other", edges)}
				if set[0] == set[1] {
					set = set[:1]
				}
				v["with-edge-overrides"] = append(v["with-edge-overrides"].([]object), object{"edge-sets": [][]string{set}, "use-edge-location": pick(t, "use", edges)})
			}
		}
		return v
	}
	for _, group := range some(t, "send-via", []string{"fw", "ids"}) {
		mode := pick(t, "mode", []string{"single-hop", "dual-hop"})
		a := object{"action": "send-via", "segment": pick(t, "sent", segments), "mode": mode, "via": via(group, mode == "single-hop")}
		a["when-sent-to"] = object{"segments": "*"}
		if rapid.Bool().Draw(t, "to one") {
			a["when-sent-to"] = object{"segments": []string{pick(t, "sent to", segments)}}
		}
		list = append(list, a)
	}
	if chance(t, "send-to", 3) {
		list = append(list, object{"action": "send-to", "segment": pick(t, "sends", segments), "via": via("web", true)})
	}
	return list
}

func drawAttachment(t *rapid.T, p *policy.Policy, number int) routing.Attachment {
	a := routing.Attachment{ID: longID(fmt.Sprintf("A%d", number)), Type: pick(t, "type", types), Down: chance(t, "down", 8)}
	edge := pick(t, "edge", p.Edges).Location
	a.Edges = []string{edge}
	if a.Type == policy.TypeDirectConnectGateway && rapid.Bool().Draw(t, "several") {
		a.Edges = nil
		for _, e := range p.Edges {
			a.Edges = append(a.Edges, e.Location)
		}
	}
	if chance(t, "appliance", 3) {
		a.Type, a.Edges, a.NetworkFunctionGroup = policy.TypeVPC, []string{edge}, pick(t, "group", []string{"fw", "fw", "web", "ids"})
	} else {
		a.Segment = pick(t, "segment", p.Segments).Name
	}
	if chance(t, "labelled", 2) {
		a.RoutingPolicyLabel = "x"
	}
	for range rapid.IntRange(0, 3).Draw(t, "announcements") {
		n := routing.Announcement{Prefix: netip.MustParsePrefix(pick(t, "prefix", blocks))}
		if a.Type != policy.TypeVPC {
			for range rapid.IntRange(0, 3).Draw(t, "path") {
				n.ASPath = append(n.ASPath, uint32(pick(t, "asn", append(asns, 64513))))
			}
			if chance(t, "with med", 3) {
				med := uint32(50)
				n.MED = &med
			}
			for _, tag := range some(t, "tags", tagWords) {
				var high, low uint32
				fmt.Sscanf(tag, "%d:%d", &high, &low)
				n.Communities = append(n.Communities, policy.Community(high<<16|low))
			}
		}
		a.Announcements = append(a.Announcements, n)
	}
	return a
}

func drawNetwork(t *rapid.T) (routing.Network, string) {
	p, text := drawPolicy(t)
	n := routing.Network{Policy: p}
	for i := range rapid.IntRange(0, 9).Draw(t, "attachments") {
		n.Attachments = append(n.Attachments, drawAttachment(t, p, i+1))
	}
	return n, text
}

// describe prints a network, for people who read a counterexample.
func describe(n routing.Network, text string) string {
	var b strings.Builder
	b.WriteString(text + "\n")
	for _, a := range n.Attachments {
		line, _ := json.Marshal(a)
		fmt.Fprintf(&b, "%s\n", line)
	}
	return b.String()
}

// settled computes, or skips a network that never settles: there two engines may stop in different states.
func settled(t *rapid.T, n routing.Network, text string) *routing.Tables {
	tables, err := routing.Compute(n)
	var oscillation *routing.OscillationError
	switch {
	case errors.As(err, &oscillation):
		t.Skip("never settles")
	case err != nil:
		t.Fatalf("%v\n%s", err, describe(n, text))
	}
	return tables
}

func detailed(table routing.Table) string {
	var b strings.Builder
	for r := range table.Routes() {
		b.WriteString(row(r))
		if r.Kind == routing.KindAttachment || r.Kind == routing.KindEdge || table.ID().Segment == "" {
			b.WriteString(attributes(r.Attributes))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func ribOf(table routing.Table) []string {
	var lines []string
	for p := range table.RIB() {
		if p.Kind != routing.KindSendTo {
			lines = append(lines, path(p)[1:])
		}
	}
	sort.Strings(lines)
	return lines
}

func TestCompute_agreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, text := drawNetwork(t)
		tables := settled(t, n, text)
		m := newModel(n)
		for _, id := range tables.TableIDs() {
			table, _ := tables.Table(id)
			if got, want := detailed(table), m.fib(id); got != want {
				t.Fatalf("%s\ngot:\n%swant:\n%s\n%s", id, got, want, describe(n, text))
			}
			if got, want := strings.Join(ribOf(table), "\n"), strings.Join(m.rib(id), "\n"); got != want {
				t.Fatalf("RIB of %s\ngot:\n%s\nwant:\n%s\n%s", id, got, want, describe(n, text))
			}
		}
	})
}

// everything prints all that tables can say.
func everything(tables *routing.Tables) string {
	var b strings.Builder
	for _, id := range tables.TableIDs() {
		table, _ := tables.Table(id)
		fmt.Fprintf(&b, "%s\n", id)
		for r := range table.Routes() {
			fmt.Fprintf(&b, "  %+v\n", r)
		}
		for p := range table.RIB() {
			fmt.Fprintf(&b, "  rib %s %v %+v\n", path(p), p.Kind, p.Origin)
		}
		for _, block := range blocks {
			b.WriteString(why(table.Explain(netip.MustParsePrefix(block))))
		}
	}
	for a := range tables.Attachments() {
		for _, e := range a.Edges {
			fmt.Fprintf(&b, "%s told %+v\n", a.ID, tables.Advertised(a.ID, e))
		}
	}
	fmt.Fprintf(&b, "%+v\n", tables.Exceeded())
	return b.String()
}

func TestUpdate_equalsCompute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, text := drawNetwork(t)
		tables, _ := routing.Compute(n) // a network that never settles has tables too
		for step := range rapid.IntRange(1, 4).Draw(t, "changes") {
			var put []routing.Attachment
			var remove []string
			next := slices.Clone(n.Attachments)
			touched := map[string]bool{}
			for range rapid.IntRange(1, 2).Draw(t, "changed") {
				number := rapid.IntRange(1, 8).Draw(t, "number")
				id := longID(fmt.Sprintf("A%d", number))
				if touched[id] {
					continue
				}
				touched[id] = true
				at := slices.IndexFunc(next, func(a routing.Attachment) bool { return a.ID == id })
				if at >= 0 && rapid.Bool().Draw(t, "remove") {
					remove, next = append(remove, id), slices.Delete(next, at, at+1)
					continue
				}
				a := drawAttachment(t, n.Policy, number)
				put = append(put, a)
				if at >= 0 {
					next[at] = a
				} else {
					next = append(next, a)
				}
			}
			before := everything(tables)
			updated, updateErr := tables.Update(put, remove)
			again, _ := tables.Update(put, remove)
			if everything(tables) != before || everything(again) != everything(updated) {
				t.Fatal("Update changed the old tables")
			}
			n.Attachments = next
			full, err := routing.Compute(n)
			if got, want := fmt.Sprint(updateErr), fmt.Sprint(err); got != want {
				t.Fatalf("step %d: got error %s\nwant %s", step, got, want)
			}
			if got, want := everything(updated), everything(full); got != want {
				t.Fatalf("step %d: put %+v, remove %v\ngot:\n%s\nwant:\n%s\n%s", step, put, remove, got, want, describe(n, text))
			}
			tables = updated
		}
	})
}

// TestExplain_agreesWithTables: of each prefix one candidate won exactly when there is a route, and it leads the same way.
func TestExplain_agreesWithTables(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, text := drawNetwork(t)
		tables := settled(t, n, text)
		for _, id := range tables.TableIDs() {
			table, _ := tables.Table(id)
			for _, block := range blocks {
				prefix := netip.MustParsePrefix(block)
				x := table.Explain(prefix)
				r, ok := table.Exact(prefix)
				var won []routing.Candidate
				inRIB := 0
				for _, c := range x.Candidates {
					if c.Verdict.Outcome == routing.Won {
						won = append(won, c)
					}
					if c.Verdict.Outcome == routing.Dropped && !c.Steps[c.Verdict.Step].Dropped {
						t.Fatalf("%s %s: the step of a verdict drops nothing\n%s\n%s", id, block, why(x), describe(n, text))
					}
					if last := len(c.Steps) - 1; c.Verdict.Outcome != routing.Dropped && c.Kind != routing.KindSendVia || c.Verdict.Outcome == routing.Dropped && c.Steps[last].Kind == routing.StepInboundPolicy {
						inRIB++
					}
				}
				if ok != (len(won) == 1) || ok && !leadsTo(&won[0], &r) {
					t.Fatalf("%s %s: route %t, won %d\n%s\n%s", id, block, ok, len(won), why(x), describe(n, text))
				}
				if rows := len(table.Paths(prefix)); rows > inRIB {
					t.Fatalf("%s %s: %d rows in the RIB, %d candidates\n%s\n%s", id, block, rows, inRIB, why(x), describe(n, text))
				}
			}
		}
	})
}

func leadsTo(c *routing.Candidate, r *routing.Route) bool {
	if c.NextHop == nil || r.State == routing.Blackhole {
		return r.State == routing.Blackhole
	}
	return slices.ContainsFunc(r.Destinations, func(d routing.Destination) bool {
		return d == *c.NextHop || d.NetworkFunctionGroup != "" && c.NextHop.Edge != ""
	})
}

package speaker_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"portolan/api"
	"portolan/internal/analysis"
	"portolan/internal/bgp"
	"portolan/internal/speaker"
	"portolan/policy"
	"portolan/routing"
)

// randomPolicy has what makes one route depend on others: an inbound and an outbound policy, a summary, and static routes.
const randomPolicy = `{
  "version": "2025.11",
  "core-network-configuration": {
    "asn-ranges": ["64512-64599"], "inside-cidr-blocks": ["10.255.0.0/16"],
    "edge-locations": [{"location": "eu-west-1", "asn": 64512}, {"location": "us-east-1", "asn": 64513}]
  },
  "segments": [{"name": "prod", "require-attachment-acceptance": false}],
  "attachment-policies": [{"rule-number": 100, "conditions": [{"type": "any"}], "action": {"association-method": "constant", "segment": "prod"}}],
  "routing-policies": [
    {"routing-policy-name": "in", "routing-policy-direction": "inbound", "routing-policy-number": 10, "routing-policy-rules": [
      {"rule-number": 10, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-equals", "value": "10.3.0.0/16"}], "action": {"type": "drop"}}},
      {"rule-number": 20, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-equals", "value": "10.2.0.0/16"}], "action": {"type": "set-med", "value": "7"}}}]},
    {"routing-policy-name": "out", "routing-policy-direction": "outbound", "routing-policy-number": 20, "routing-policy-rules": [
      {"rule-number": 10, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-equals", "value": "10.1.0.0/16"}], "action": {"type": "prepend-asn-list", "value": ["64999"]}}}]},
    {"routing-policy-name": "sum", "routing-policy-direction": "outbound", "routing-policy-number": 30, "routing-policy-rules": [
      {"rule-number": 10, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "10.4.0.0/14"}], "action": {"type": "summarize", "value": "10.4.0.0/14"}}}]}
  ],
  "attachment-routing-policy-rules": [
    {"rule-number": 10, "conditions": [{"type": "routing-policy-label", "value": "first"}], "action": {"associate-routing-policies": ["in", "out"]}},
    {"rule-number": 20, "conditions": [{"type": "routing-policy-label", "value": "second"}], "action": {"associate-routing-policies": ["sum"]}}
  ]
}`

// steps is a world to which things happen at random.
type steps struct {
	*world
	random   *rand.Rand
	connects []string
	ids      []string
	made     int
}

func newSteps(t *testing.T, seed uint64) *steps {
	s := &steps{world: newWorld(t), random: rand.New(rand.NewPCG(seed, 15))}
	s.network(randomPolicy)
	s.connects = []string{s.connect("eu-west-1", "first"), s.connect("us-east-1", "second")}
	for range 4 {
		s.add()
	}
	s.ids = append(s.ids, s.vpn(1, "eu-west-1", 65001), s.vpn(2, "us-east-1", 65003))
	return s
}

func (s *steps) add() {
	s.ids = append(s.ids, s.peer(s.connects[s.made%2], s.made, 65001+int64(s.random.IntN(3))))
	s.made++
}

func (s *steps) prefix() string {
	if s.random.IntN(5) == 0 {
		return fmt.Sprintf("2001:db8:%d::/48", s.random.IntN(3))
	}
	return fmt.Sprintf("10.%d.0.0/16", s.random.IntN(8))
}

func (s *steps) path() string {
	list := []string{"65001", "65001,65002", "65002,65077", "65003,64513", "65003"}
	return list[s.random.IntN(len(list))]
}

// step lets one thing happen, and says what.
func (s *steps) step() string {
	id := s.ids[s.random.IntN(len(s.ids))]
	switch n := s.random.IntN(24); {
	case n < 14:
		var routes []string
		for range 1 + s.random.IntN(3) {
			route := s.prefix()
			if s.random.IntN(3) > 0 {
				route += "=" + s.path()
			}
			routes = append(routes, route)
		}
		at := s.random.IntN(2)
		s.hear(id, at, routes...)
		return fmt.Sprint("heard ", id, " ", at, " ", routes)
	case n < 16:
		to := []bgp.State{bgp.Established, bgp.Idle}[s.random.IntN(2)]
		s.move(id, 0, to)
		return fmt.Sprint("session ", id, " ", to)
	case n < 18:
		var list []routing.Announcement
		if s.random.IntN(2) == 0 {
			list = []routing.Announcement{{Prefix: pfx(s.prefix()), ASPath: []uint32{65001}}}
		}
		if err := s.PutAnnouncements(s.ctx, id, list); err != nil {
			s.t.Fatal(err)
		}
		return fmt.Sprint("put ", id, " ", list)
	case n == 18 && len(s.ids) > 2 && strings.HasPrefix(id, "connect-peer"):
		must(s.world, s.DeleteConnectPeer, api.DeleteConnectPeerInput{ConnectPeerId: id})
		s.ids = slices.DeleteFunc(s.ids, func(other string) bool { return other == id })
		s.rest()
		return "deleted " + id
	case n == 19 && len(s.ids) < 6: // an attachment has at most four peers
		s.add()
		return "added " + s.ids[len(s.ids)-1]
	case n == 20:
		s.BGP().Save(s.ctx)
		s.start(speaker.Loopback) // what was not saved is lost
		s.rest()
		return "restarted"
	case n == 21:
		s.table("eu-west-1") // computed between the moment that something is heard and that it is stored
		return "read"
	}
	s.BGP().Flush(s.ctx)
	return "flushed"
}

// sent is what tables advertise to a peer.
func sent(tables *routing.Tables, id, edge string) string {
	var lines []string
	for _, r := range tables.Advertised(id, edge) {
		lines = append(lines, fmt.Sprintf("%s %d med %d", r.Prefix, r.ASPath, r.MED))
	}
	return strings.Join(lines, "\n")
}

// check compares the routes that the node has, and what its sessions advertise, with those computed anew.
func (s *steps) check() error {
	s.rest()
	snap, err := s.Snapshot(s.ctx, s.cn)
	if err != nil {
		return err
	}
	full, err := analysis.Examine(snap, nil, nil)
	if err != nil {
		return err
	}
	got, err := s.Network(s.ctx, s.cn)
	if err != nil {
		return err
	}
	for c := range got.Tables.Changes(full.Tables) {
		return fmt.Errorf("%s %s: got %+v, computed anew %+v", c.Table, c.Prefix, c.New, c.Old)
	}
	for i := range snap.Attachments {
		a := &snap.Attachments[i]
		if a.Type == policy.TypeSiteToSiteVPN {
			if got, want := s.advertised(a.ID), sent(full.Tables, a.ID, a.Edges[0]); got != want {
				return fmt.Errorf("%s is sent:\n%s\ncomputed anew:\n%s", a.ID, got, want)
			}
		}
		for _, p := range a.Peers {
			if got, want := s.advertised(p.ID), sent(full.Tables, p.ID, a.Edges[0]); got != want {
				return fmt.Errorf("%s is sent:\n%s\ncomputed anew:\n%s", p.ID, got, want)
			}
		}
	}
	return nil
}

// TestSpeaker_heardRoutesComeToTheSameAsComputedAnew: whatever is heard, put, deleted and restarted, in any order, tables and
// what sessions advertise are those of the network computed as a whole.
func TestSpeaker_heardRoutesComeToTheSameAsComputedAnew(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := newSteps(t, seed)
			var done []string
			for range 60 {
				for range 1 + s.random.IntN(4) {
					done = append(done, s.step())
				}
				if err := s.check(); err != nil {
					t.Fatalf("%v\nafter:\n%s", err, strings.Join(done, "\n"))
				}
			}
		})
	}
}

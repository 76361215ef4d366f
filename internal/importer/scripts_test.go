package importer_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"portolan/bench/atquota"
	"portolan/internal/snapshot"
	"portolan/policy"
	"portolan/routing"
)

// TestVerify_scriptsAgree reads every network of the scripts of package routing, the captures of AWS among them, from a
// server. A server without a catalog shows nothing of what an isolated segment announces unless another table has it, and
// a Connect attachment needs a VPC: such attachments are left out.
func TestVerify_scriptsAgree(t *testing.T) {
	networks := 0
	datadriven.Walk(t, "../../routing/testdata/scripts", func(t *testing.T, path string) {
		s := &script{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "policy":
				*s = script{policy: d.Input, options: routing.DefaultOptions()}
			case "option":
				for _, arg := range d.CmdArgs {
					if err := s.options.Set(arg.Key, strings.Join(arg.Vals, ",")); err != nil {
						t.Fatal(err)
					}
				}
			case "prefix-list":
				s.lists = true
			case "attachments":
				for line := range strings.Lines(d.Input) {
					s.attach(strings.TrimSpace(line))
				}
				if s.lists || len(s.attachments) == 0 {
					return d.Expected
				}
				networks++
				snap := &snapshot.Snapshot{Version: 1, Account: "111122223333", Policy: []byte(s.policy), Attachments: s.attachments}
				network, err := snap.Network(nil)
				if err != nil || !s.has(network.Policy.StaticRoutes) {
					return d.Expected // a policy that is not valid, or leads to what is left out, is part of some scripts
				}
				t.Logf("%s", d.Pos)
				wantEqual(t, snap, s.options)
			}
			return d.Expected
		})
	})
	if networks < 40 {
		t.Errorf("%d networks were read", networks)
	}
}

func TestVerify_largeNetworkAgrees(t *testing.T) {
	wantEqual(t, atquota.Size{Attachments: 120, Segments: 6, Edges: 5, Routes: 600}.Snapshot(), nil)
}

// TestRead_callsFewTimes: reading takes at most two calls a table.
func TestRead_callsFewTimes(t *testing.T) {
	im := serve(t, atquota.Size{Attachments: 120, Segments: 6, Edges: 5, Routes: 600}.Snapshot(), nil).read(t)
	if im.Report.Calls > 2*im.Report.Tables {
		t.Errorf("%d calls for %d tables", im.Report.Calls, im.Report.Tables)
	}
}

// script is what a script has built so far.
type script struct {
	policy      string
	options     *routing.Options
	lists       bool
	attachments []snapshot.Attachment
}

// has is whether all that static routes lead to is there.
func (s *script) has(routes []policy.StaticRoute) bool {
	for i := range routes {
		for _, id := range routes[i].Destinations {
			if !slices.ContainsFunc(s.attachments, func(a snapshot.Attachment) bool { return a.ID == id }) {
				return false
			}
		}
	}
	return true
}

// attach reads a line of attachments; see package routing for its form.
func (s *script) attach(line string) {
	about, offers, _ := strings.Cut(line, " : ")
	f := strings.Fields(about)
	number, _ := strconv.Atoi(strings.TrimPrefix(f[0], "A"))
	a := snapshot.Attachment{ID: fmt.Sprintf("attachment-%017x", number), Type: f[1], Edges: strings.Split(f[2], ","), Tags: map[string]string{}}
	if a.Type == policy.TypeConnect {
		return
	}
	for _, pair := range f[3:] {
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "accepted", "resource", "peer", "peers":
		case "nat", "system":
			return
		case "label":
			a.RoutingPolicyLabel = value
		case "account":
			a.Account = value
		case "peering":
			a.PeeringID = value
		case "segment":
			a.Association = &snapshot.Association{Segment: value}
		case "group":
			a.Association = &snapshot.Association{NetworkFunctionGroup: value}
		default:
			a.Tags[key] = value
		}
	}
	for _, offer := range strings.Split(offers, ",") {
		if f := strings.Fields(offer); len(f) > 0 {
			a.Announcements = append(a.Announcements, announcement(f))
		}
	}
	for i := range s.attachments {
		if s.attachments[i].ID == a.ID {
			s.attachments[i] = a
			return
		}
	}
	s.attachments = append(s.attachments, a)
}

func announcement(f []string) routing.Announcement {
	n := routing.Announcement{Prefix: netip.MustParsePrefix(f[0])}
	list := ""
	for _, word := range f[1:] {
		number, _ := strconv.ParseUint(word, 10, 32)
		switch {
		case word == "path" || word == "med" || word == "tags" || word == "at" || word == "peer":
			list = word
		case list == "path":
			n.ASPath = append(n.ASPath, uint32(number))
		case list == "med":
			n.MED = new(uint32(number))
		case list == "at":
			n.Edge = word
		case list == "tags":
			var c policy.Community
			_ = c.UnmarshalText([]byte(word))
			n.Communities = append(n.Communities, c)
		}
	}
	return n
}

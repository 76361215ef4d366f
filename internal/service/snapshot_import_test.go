package service_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"portolan/api"
	"portolan/internal/analysis"
	"portolan/internal/node"
	"portolan/internal/service"
	"portolan/internal/snapshot"
	"portolan/internal/store"
	"portolan/routing"
)

func exampleSnapshot(t testing.TB) *snapshot.Snapshot {
	t.Helper()
	data, err := os.ReadFile("../../examples/network.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	s.Account = "111122223333"
	return s
}

// everyKind is a snapshot with an attachment of each type, prefix lists, edges of its own and other accounts.
const everyKind = `
version: 1
coreNetworkId: core-network-0123456789abcdef0
account: "111122223333"
policyVersionId: 7
edges: [{location: us-east-1, asn: 64520, insideCidrBlocks: [10.255.0.0/24]}, {location: eu-west-1, asn: 64515, insideCidrBlocks: [10.255.1.0/24]}]
policy:
  version: "2025.11"
  core-network-configuration: {asn-ranges: ["64512-64599"], inside-cidr-blocks: [10.255.0.0/16], edge-locations: [{location: us-east-1, inside-cidr-blocks: [10.255.0.0/24]}, {location: eu-west-1, inside-cidr-blocks: [10.255.1.0/24]}]}
  segments:
    - {name: prod, require-attachment-acceptance: false}
    - {name: dev, require-attachment-acceptance: true}
  segment-actions:
    - {action: create-route, segment: prod, destination-cidr-blocks: [172.16.0.0/12], destinations: [attachment-00000000000000001]}
  attachment-policies:
    - {rule-number: 100, conditions: [{type: tag-exists, key: domain}], action: {association-method: tag, tag-value-of-key: domain}}
attachments:
  - {id: attachment-00000000000000001, type: vpc, edges: [us-east-1], account: "444455556666", tags: {domain: prod}, resourceArn: "arn:aws:ec2:us-east-1:444455556666:vpc/vpc-01234567", announcements: [{prefix: 10.0.0.0/16}]}
  - {id: attachment-00000000000000002, type: connect, edges: [us-east-1], tags: {domain: prod}, resourceArn: "arn:aws:ec2:us-east-1:444455556666:vpc/vpc-01234567", peerAsn: 65001, tunnelLess: true, announcements: [{prefix: 10.9.0.0/16, asPath: [65001], med: 5, communities: ["65001:7"]}]}
  - {id: attachment-00000000000000003, type: site-to-site-vpn, edges: [eu-west-1], tags: {domain: prod}, routingPolicyLabel: branch, peerAsn: 65002, announcements: [{prefix: 192.168.0.0/24}]}
  - {id: attachment-00000000000000004, type: direct-connect-gateway, edges: [us-east-1, eu-west-1], tags: {domain: prod}, announcements: [{prefix: 10.50.0.0/16, edge: eu-west-1}]}
  - {id: attachment-00000000000000005, type: transit-gateway-route-table, edges: [eu-west-1], tags: {domain: prod}, peeringId: peering-00000000000000001, announcements: [{prefix: 10.60.0.0/16, asPath: [64600]}]}
  - {id: attachment-00000000000000006, type: vpc, edges: [eu-west-1], tags: {domain: dev}, state: PENDING_ATTACHMENT_ACCEPTANCE, association: {}}
  - {id: attachment-00000000000000007, type: vpc, edges: [eu-west-1], tags: {domain: dev}, association: {segment: dev, ruleNumber: 100}, announcements: [{prefix: 10.70.0.0/16}, {prefix: "2001:db8::/48"}]}
  - {id: attachment-00000000000000008, type: vpc, edges: [eu-west-1], tags: {domain: dev}, state: FAILED, association: {}}
prefixLists: {offices: [192.0.2.0/24, 198.51.100.0/24], none: []}
`

// export is the snapshot of an account's core network as a file.
func (w *world) export(coreNetwork string) string {
	w.t.Helper()
	s, err := w.Snapshot(w.ctx, coreNetwork)
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := s.JSON()
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

func TestImportSnapshot_roundTrip(t *testing.T) {
	every, err := snapshot.Parse([]byte(everyKind))
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*snapshot.Snapshot{"example": exampleSnapshot(t), "every kind": every} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			done, err := w.ImportSnapshot(w.ctx, s)
			if err != nil {
				t.Fatal(err)
			}
			first := w.export(done.CoreNetworkID)
			again, err := snapshot.Parse([]byte(first))
			if err != nil {
				t.Fatal(err)
			}
			other := newWorld(t)
			copied, err := other.ImportSnapshot(other.ctx, again)
			if err != nil {
				t.Fatal(err)
			}
			if len(copied.IDs) != 0 {
				t.Errorf("ids of AWS's form became %v", copied.IDs)
			}
			if second := other.export(copied.CoreNetworkID); second != first {
				t.Errorf("exported:\n%s\nand after an import of that:\n%s", first, second)
			}
			// What the file says is what the server routes.
			want, err := analysis.Examine(s, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := w.Network(w.ctx, done.CoreNetworkID)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(want.Tables.TableIDs(), got.Tables.TableIDs()) {
				t.Fatalf("tables %v, want %v", got.Tables.TableIDs(), want.Tables.TableIDs())
			}
			renamed := []string{}
			for old, id := range done.IDs {
				renamed = append(renamed, old, id)
			}
			for _, id := range want.Tables.TableIDs() {
				wanted, _ := want.Tables.Table(id)
				table, _ := got.Tables.Table(id)
				there, here := slices.Collect(wanted.Forwards()), slices.Collect(table.Forwards())
				if len(there) != len(here) {
					t.Fatalf("%s: %d routes, want %d", id, len(here), len(there))
				}
				for i := range there {
					a, b := "", ""
					for _, d := range there[i].Destinations {
						if to, ok := done.IDs[d.Attachment]; ok {
							d.Attachment = to
						}
						a += d.String() + " "
					}
					for _, d := range here[i].Destinations {
						b += d.String() + " "
					}
					if there[i].Prefix != here[i].Prefix || a != b {
						t.Errorf("%s: %s to %s, want %s to %s (%v)", id, here[i].Prefix, b, there[i].Prefix, a, renamed)
					}
				}
			}
		})
	}
}

// TestSnapshot_prefixListOfUnknownEntries: a prefix list that nobody knows the entries of is in the file as well: the
// policy names it.
func TestSnapshot_prefixListOfUnknownEntries(t *testing.T) {
	w := newWorld(t)
	cn := must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: w.globalNetwork()}).CoreNetwork.CoreNetworkId
	must(w, w.CreateCoreNetworkPrefixListAssociation, api.CreateCoreNetworkPrefixListAssociationInput{CoreNetworkId: cn, PrefixListArn: prefixList, PrefixListAlias: "ours"})
	put := w.put(cn, listPolicy)
	must(w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: *put.PolicyVersionId})
	w.settled(0)
	first := w.export(cn)
	s, err := snapshot.Parse([]byte(first))
	if err != nil {
		t.Fatal(err)
	}
	other := newWorld(t)
	if _, err := other.ImportSnapshot(other.ctx, s); err != nil {
		t.Fatal(err)
	}
	if second := other.export(cn); second != first {
		t.Errorf("exported:\n%s\nand after an import of that:\n%s", first, second)
	}
}

func TestImportSnapshot_whatIsMade(t *testing.T) {
	w := newWorld(t)
	s, err := snapshot.Parse([]byte(everyKind))
	if err != nil {
		t.Fatal(err)
	}
	done, err := w.ImportSnapshot(w.ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	cn := must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: done.CoreNetworkID}).CoreNetwork
	if cn.State != api.CoreNetworkStateAvailable || len(cn.Edges) != 2 || *cn.Edges[0].Asn != 64520 {
		t.Errorf("got %+v", cn)
	}
	p := must(w, w.GetCoreNetworkPolicy, api.GetCoreNetworkPolicyInput{CoreNetworkId: cn.CoreNetworkId}).CoreNetworkPolicy
	if *p.PolicyVersionId != 7 || p.Alias != api.CoreNetworkPolicyAliasLive {
		t.Errorf("got version %d %s", *p.PolicyVersionId, p.Alias)
	}
	connect := must(w, w.GetConnectAttachment, api.GetConnectAttachmentInput{AttachmentId: "attachment-00000000000000002"}).ConnectAttachment
	if connect.TransportAttachmentId != "attachment-00000000000000001" || *connect.Options.Protocol != api.TunnelProtocolNoEncap {
		t.Errorf("got %+v", connect)
	}
	if tgw := must(w, w.GetTransitGatewayPeering, api.GetTransitGatewayPeeringInput{PeeringId: "peering-00000000000000001"}).TransitGatewayPeering; tgw.Peering.State != api.PeeringStateAvailable {
		t.Errorf("got %+v", tgw)
	}
	list := must(w, w.ListAttachments, api.ListAttachmentsInput{CoreNetworkId: new(cn.CoreNetworkId)}).Attachments
	if len(list) != 8 {
		t.Fatalf("%d attachments", len(list))
	}
	for state, want := range map[api.AttachmentState]int{
		api.AttachmentStateAvailable: 6, api.AttachmentStatePendingAttachmentAcceptance: 1, api.AttachmentStateFailed: 1,
	} {
		got := 0
		for i := range list {
			if list[i].State == state {
				got++
			}
		}
		if got != want {
			t.Errorf("%d are %s, want %d", got, state, want)
		}
	}
	// The network is as good as one that was made by operations: it takes a policy, and lets go of an attachment.
	must(w, w.AcceptAttachment, api.AcceptAttachmentInput{AttachmentId: "attachment-00000000000000006"})
	must(w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: "attachment-00000000000000008"})
	next := must(w, w.PutCoreNetworkPolicy, api.PutCoreNetworkPolicyInput{CoreNetworkId: cn.CoreNetworkId, PolicyDocument: p.PolicyDocument}).CoreNetworkPolicy
	if *next.PolicyVersionId != 8 {
		t.Errorf("the next version is %d", *next.PolicyVersionId)
	}
}

func TestImportSnapshot_onlyIntoAnEmptyState(t *testing.T) {
	st := store.OpenMemory()
	w := newWorld(t, func(c *node.Config) { c.Store = st })
	s := exampleSnapshot(t)
	first, err := w.ImportSnapshot(w.ctx, s)
	if err != nil || first.Before {
		t.Fatal(first, err)
	}
	before := w.export(first.CoreNetworkID)
	again, err := w.ImportSnapshot(w.ctx, s)
	if err != nil || !again.Before || again.CoreNetworkID != first.CoreNetworkID || again.IDs["a1"] != first.IDs["a1"] {
		t.Errorf("%+v, %v; want %+v", again, err, first)
	}
	if w.export(first.CoreNetworkID) != before {
		t.Error("a second start changed the network")
	}
	other := exampleSnapshot(t)
	other.Attachments = other.Attachments[1:]
	if _, err := w.ImportSnapshot(w.ctx, other); !errors.Is(err, service.ErrNotEmpty) {
		t.Errorf("another file: %v", err)
	}
	if err := w.Reset(w.ctx, "111122223333"); err != nil {
		t.Fatal(err)
	}
	if done, err := w.ImportSnapshot(w.ctx, other); err != nil || done.Before {
		t.Errorf("after a reset: %+v, %v", done, err)
	}

	used := newWorld(t)
	must(used, used.CreateGlobalNetwork, api.CreateGlobalNetworkInput{})
	if _, err := used.ImportSnapshot(used.ctx, s); !errors.Is(err, service.ErrNotEmpty) {
		t.Errorf("an account in use: %v", err)
	}
}

func TestImportSnapshot_refused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*snapshot.Snapshot)
		want   string
	}{
		"account":   {func(s *snapshot.Snapshot) { s.Account = "me" }, "has not 12 digits"},
		"guest":     {func(s *snapshot.Snapshot) { s.Attachments[0].Account = "me" }, "has not 12 digits"},
		"edge":      {func(s *snapshot.Snapshot) { s.Attachments[0].Edges = []string{"ap-south-1"} }, "ap-south-1"},
		"connect":   {func(s *snapshot.Snapshot) { s.Attachments[0].Type = "connect" }, "runs over a VPC attachment"},
		"resource":  {func(s *snapshot.Snapshot) { s.Attachments[0].ResourceARN = "vpc-1" }, "is not an ARN"},
		"no policy": {func(s *snapshot.Snapshot) { s.Policy = []byte(`{}`) }, "the policy is not valid"},
		"version":   {func(s *snapshot.Snapshot) { s.PolicyVersionID = 1<<31 - 1 }, "policyVersionId"},
		"no edge":   {func(s *snapshot.Snapshot) { s.Attachments[0].Edges = nil }, "want one edge"},
		"static route": {func(s *snapshot.Snapshot) {
			s.Policy = bytes.Replace(s.Policy, []byte(`["blackhole"]`), []byte(`["attachment-0000000000000ffff"]`), 1)
		}, "attachment-0000000000000ffff"},
		"tags": {func(s *snapshot.Snapshot) { s.Attachments[0].Tags = map[string]string{strings.Repeat("k", 129): "v"} }, "Incorrect input"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := exampleSnapshot(t)
			s.Attachments[0].ID = "attachment-00000000000000001"
			c.change(s)
			if _, err := w.ImportSnapshot(w.ctx, s); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want %q", err, c.want)
			}
			if list := must(w, w.DescribeGlobalNetworks, api.DescribeGlobalNetworksInput{}).GlobalNetworks; len(list) != 0 {
				t.Error("something was made all the same")
			}
		})
	}
}

func TestImportSnapshot_idsOfAnotherAccount(t *testing.T) {
	w := newWorld(t)
	s := exampleSnapshot(t)
	s.Attachments[0].ID = "attachment-00000000000000001"
	if _, err := w.ImportSnapshot(w.ctx, s); err != nil {
		t.Fatal(err)
	}
	s.Account = "444455556666"
	if _, err := w.ImportSnapshot(w.ctx, s); !errors.Is(err, service.ErrNotEmpty) || !strings.Contains(err.Error(), "attachment-00000000000000001") {
		t.Errorf("an attachment of another account: %v", err)
	}
	s.Attachments[0].ID = "a1"
	done, err := w.ImportSnapshot(w.ctx, s)
	if err != nil || done.Account != "444455556666" {
		t.Fatal(done, err)
	}
	if _, err := w.Network(w.ctx, done.CoreNetworkID); err == nil {
		t.Error("an account is answered about another's network")
	}
	if _, err := w.Network(w.as("444455556666"), done.CoreNetworkID); err != nil {
		t.Error(err)
	}
}

func TestNetwork_aPrefixThatNeverSettles(t *testing.T) {
	w := newWorld(t)
	s := &snapshot.Snapshot{Version: 1, Account: "111122223333", Policy: []byte(unsettledPolicy())}
	for i, edge := range []string{"us-east-1", "eu-west-1", "ap-south-1"} {
		s.Attachments = append(s.Attachments, snapshot.Attachment{
			ID: fmt.Sprintf("vpn%d", i), Type: "site-to-site-vpn", Edges: []string{edge},
			Announcements: []routing.Announcement{{Prefix: netip.MustParsePrefix("10.0.0.0/16"), ASPath: []uint32{65001}}},
		})
	}
	done, err := w.ImportSnapshot(w.ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	network, err := w.Network(w.ctx, done.CoreNetworkID)
	if err != nil {
		t.Fatal(err)
	}
	var oscillation *routing.OscillationError
	if err := network.Settled(); !errors.As(err, &oscillation) || oscillation.Count != 1 {
		t.Errorf("got %v", err)
	}
}

func BenchmarkImportSnapshot_quota(b *testing.B) {
	s := exampleSnapshot(b)
	s.Attachments = nil
	for i := range 5000 {
		s.Attachments = append(s.Attachments, snapshot.Attachment{
			ID: fmt.Sprintf("a%d", i), Type: "vpc", Edges: []string{[]string{"us-east-1", "eu-west-1"}[i%2]}, Tags: map[string]string{"domain": "dev"},
			Announcements: []routing.Announcement{{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)}},
		})
	}
	for b.Loop() {
		svc, err := node.New(b.Context(), node.Config{Store: store.OpenMemory()})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := svc.ImportSnapshot(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
}

// TestImportSnapshot_idsThatAreNoneOfAWS: an attachment is found by the id that it had in the file, by its name and by its new id,
// also after it was exported and imported again.
func TestImportSnapshot_idsThatAreNoneOfAWS(t *testing.T) {
	for name, tags := range map[string]map[string]string{
		"no Name":       {},
		"another Name":  {"Name": "Database"},
		"an empty Name": {"Name": ""},
		"the same":      {"Name": "a1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := exampleSnapshot(t)
			a := &s.Attachments[0]
			for k, v := range a.Tags {
				if k != "Name" {
					tags[k] = v
				}
			}
			was := a.ID
			a.Tags = tags
			want := ""
			for range 2 {
				w := newWorld(t)
				done, err := w.ImportSnapshot(w.ctx, s)
				if err != nil {
					t.Fatal(err)
				}
				if want == "" {
					want = done.IDs[was]
				}
				if s, err = w.Snapshot(w.ctx, done.CoreNetworkID); err != nil {
					t.Fatal(err)
				}
				subject, err := analysis.Examine(s, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				for _, asked := range []string{was, tags["Name"], want} {
					if got, err := subject.Identify("from", asked); asked != "" && (got != want || err != nil) {
						t.Errorf("%q is %s, %v; want %s", asked, got, err, want)
					}
				}
			}
		})
	}
}

package service_test

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portolan/api"
	"portolan/internal/events"
	"portolan/internal/service"
	"portolan/internal/store"
	"portolan/routing"
)

// fullNetwork is a core network at AWS's full quota: 30 edges, 40 segments, the first shared with all others, 5000 attachments
// that announce two routes each.
type fullNetwork struct {
	*service.Service
	st     store.Store
	ctx    context.Context
	gn, cn string
	ids    []string
	edges  []string
}

func newFullNetwork(b *testing.B, st store.Store) *fullNetwork {
	n := &fullNetwork{st: st, ctx: api.WithCaller(b.Context(), api.Caller{Account: "111122223333", Partition: "aws"})}
	s, err := service.New(b.Context(), service.Config{Store: st})
	if err != nil {
		b.Fatal(err)
	}
	n.Service = s
	ok := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	var locations, segments []string
	for i := range 30 {
		n.edges = append(n.edges, fmt.Sprintf("%s-%s-%d", []string{"us", "eu", "ap", "sa", "ca"}[i%5], []string{"east", "west", "north"}[i/5%3], i/15+1))
		locations = append(locations, `{"location":"`+n.edges[i]+`"}`)
	}
	for i := range 40 {
		segments = append(segments, fmt.Sprintf(`{"name":"s%d","require-attachment-acceptance":false}`, i))
	}
	document := `{"version":"2021.12","core-network-configuration":{"asn-ranges":["64512-64599"],"edge-locations":[` + strings.Join(locations, ",") + `]},
		"segments":[` + strings.Join(segments, ",") + `],"segment-actions":[{"action":"share","mode":"attachment-route","segment":"s0","share-with":"*"}],
		"attachment-policies":[{"rule-number":10,"conditions":[{"type":"tag-exists","key":"segment"}],"action":{"association-method":"tag","tag-value-of-key":"segment"}}]}`
	gn, err := s.CreateGlobalNetwork(n.ctx, &api.CreateGlobalNetworkInput{})
	ok(err)
	created, err := s.CreateCoreNetwork(n.ctx, &api.CreateCoreNetworkInput{GlobalNetworkId: gn.GlobalNetwork.GlobalNetworkId, PolicyDocument: &document})
	ok(err)
	n.gn, n.cn = gn.GlobalNetwork.GlobalNetworkId, created.CoreNetwork.CoreNetworkId
	n.settle(b)
	for i := range 5000 {
		account := "arn:aws:ec2:" + n.edges[i%30] + ":111122223333:"
		out, err := s.CreateVpcAttachment(n.ctx, &api.CreateVpcAttachmentInput{
			CoreNetworkId: n.cn, VpcArn: fmt.Sprintf("%svpc/vpc-%017x", account, i), SubnetArns: []string{account + "subnet/subnet-0123456789abcdef0"},
			Tags: []api.Tag{{Key: new("segment"), Value: new(fmt.Sprintf("s%d", i/30%40))}},
		})
		ok(err)
		n.ids = append(n.ids, out.VpcAttachment.Attachment.AttachmentId)
	}
	n.settle(b)
	for i, id := range n.ids {
		ok(n.PutAnnouncements(n.ctx, id, []routing.Announcement{block(2 * i), block(2*i + 1)}))
	}
	return n
}

func block(i int) routing.Announcement {
	return routing.Announcement{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10 + byte(i>>16), byte(i >> 8), byte(i), 0}), 24)}
}

func (n *fullNetwork) settle(b *testing.B) {
	for range 6 {
		if _, err := n.DescribeGlobalNetworks(n.ctx, &api.DescribeGlobalNetworksInput{}); err != nil {
			b.Fatal(err)
		}
	}
}

// look asks for the one route that an attachment announces.
func (n *fullNetwork) look(b *testing.B, attachment int, prefix string) {
	out, err := n.GetNetworkRoutes(n.ctx, &api.GetNetworkRoutesInput{
		GlobalNetworkId: n.gn, RouteTableIdentifier: segmentTable(n.cn, fmt.Sprintf("s%d", attachment/30%40), n.edges[attachment%30]), ExactCidrMatches: []string{prefix},
	})
	if err != nil || len(out.NetworkRoutes) != 1 {
		b.Fatal(out, err)
	}
}

// BenchmarkRoutes_oneAttachmentChanges is what it takes from an announcement to its route in an answer, and what telling of it
// in events takes, on disk without waiting for it.
func BenchmarkRoutes_oneAttachmentChanges(b *testing.B) {
	st, err := store.OpenBolt(filepath.Join(b.TempDir(), "db"), store.BoltOptions{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	n := newFullNetwork(b, st)
	began := time.Now()
	n.look(b, 7, block(14).Prefix.String())
	b.Logf("the first look, which computes everything: %v", time.Since(began))
	change := func(i int) routing.Announcement {
		a := block(20_000 + i%2)
		if err := n.PutAnnouncements(n.ctx, n.ids[7], []routing.Announcement{block(14), a}); err != nil {
			b.Fatal(err)
		}
		return a
	}
	b.Run("look", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			a := change(i)
			n.look(b, 7, a.Prefix.String())
		}
	})
	b.Run("put alone", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			change(i)
		}
	})
	tell := func(b *testing.B) {
		if _, _, err := n.Events(n.ctx, events.Query{After: 1 << 40, Limit: 1}); err != nil {
			b.Fatal(err)
		}
	}
	began = time.Now()
	tell(b)
	b.Logf("the first telling, of every route: %v", time.Since(began))
	b.Run("tell", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			change(i)
			tell(b)
		}
	})
	b.Run("tell of nothing", func(b *testing.B) {
		for b.Loop() {
			tell(b)
		}
	})
	_ = st.View(b.Context(), func(r store.Reader) error {
		count, size := 0, 0
		for _, raw := range r.Scan(events.Prefix, "") {
			count, size = count+1, size+len(raw)
		}
		b.Logf("the log: %d events, %d bytes", count, size)
		return nil
	})
}

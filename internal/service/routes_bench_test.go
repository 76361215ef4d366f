package service_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"portolan/api"
	"portolan/bench/atquota"
	"portolan/internal/events"
	"portolan/internal/node"
	"portolan/internal/store"
	"portolan/routing"
)

// fullNetwork is a core network at AWS's full quota.
type fullNetwork struct {
	*node.Node
	st     store.Store
	ctx    context.Context
	gn, cn string
	ids    []string
}

func newFullNetwork(b *testing.B, st store.Store) *fullNetwork {
	n := &fullNetwork{st: st, ctx: api.WithCaller(b.Context(), api.Caller{Account: "111122223333", Partition: "aws"})}
	s, err := node.New(b.Context(), node.Config{Store: st})
	if err != nil {
		b.Fatal(err)
	}
	n.Node = s
	full := atquota.Full.Snapshot()
	for i := range full.Attachments {
		n.ids = append(n.ids, full.Attachments[i].ID)
	}
	done, err := s.ImportSnapshot(n.ctx, full)
	if err != nil {
		b.Fatal(err)
	}
	n.gn, n.cn = done.GlobalNetworkID, done.CoreNetworkID
	return n
}

// look asks for the one route that an attachment announces.
func (n *fullNetwork) look(b *testing.B, attachment int, prefix string) {
	out, err := n.GetNetworkRoutes(n.ctx, &api.GetNetworkRoutesInput{
		GlobalNetworkId: n.gn, RouteTableIdentifier: segmentTable(n.cn, fmt.Sprintf("s%d", attachment/30%39), atquota.Edge(attachment%30)), ExactCidrMatches: []string{prefix},
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
	n.look(b, 9, atquota.Block(18).String())
	b.Logf("the first look, which computes everything: %v", time.Since(began))
	change := func(i int) routing.Announcement {
		a := routing.Announcement{Prefix: atquota.Block(20_000 + i%2)}
		if err := n.PutAnnouncements(n.ctx, n.ids[9], []routing.Announcement{{Prefix: atquota.Block(18)}, a}); err != nil {
			b.Fatal(err)
		}
		return a
	}
	b.Run("look", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			a := change(i)
			n.look(b, 9, a.Prefix.String())
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

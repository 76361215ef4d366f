package state

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"portolan/internal/store"
	"portolan/routing"
)

// TestPutPublished_isReadBack: whatever changes of an attachment, what has been published of it is what was put last, and of few changes
// among many routes little is stored.
func TestPutPublished_isReadBack(t *testing.T) {
	st := store.OpenMemory()
	t.Cleanup(func() { _ = st.Close() })
	db, err := Open(t.Context(), Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	n := NetworkID{Account: "111122223333", ID: "core-network-1"}
	draw := rand.New(rand.NewPCG(1, 2))
	now := routing.Attachment{ID: "attachment-1", Type: "connect", Edges: []string{"eu-west-1"}, Peers: []routing.Peer{{ID: "connect-peer-2", ASN: 65002}, {ID: "connect-peer-1", ASN: 65001}}}
	for i := range 2 * manyPublished {
		now.Announcements = append(now.Announcements, routing.Announcement{
			Prefix: netip.MustParsePrefix(fmt.Sprintf("10.%d.%d.0/24", i/512, i/2%256)), Peer: now.Peers[i%2].ID, ASPath: []uint32{65001},
		})
	}
	var old *routing.Attachment
	parts, whole := 0, 0
	for step := range 60 {
		next := now
		next.Announcements = nil
		for _, a := range now.Announcements {
			switch draw.IntN(200) {
			case 0: // withdrawn, or with another path
			case 1:
				a.ASPath = []uint32{65001, uint32(step) + 1}
				next.Announcements = append(next.Announcements, a)
			default:
				next.Announcements = append(next.Announcements, a)
			}
		}
		for i := range draw.IntN(20) {
			p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(100 + step), byte(i), 0}), 24)
			next.Announcements = append(next.Announcements, routing.Announcement{Prefix: p, Peer: "connect-peer-1"})
		}
		if step%20 == 19 {
			next.RoutingPolicyLabel = fmt.Sprint("label ", step)
		}
		var got []routing.Attachment
		err := Record(t.Context(), db, func(tx *Txn) error {
			PutPublished(tx, n, old, &next)
			got = Published(tx.View, n)
			if _, ok := publishedChanges.Get(tx.View, publishedChanges.Key(n.Account, n.ID, now.ID)); ok {
				parts++
			} else {
				whole++
			}
			return nil
		})
		if err != nil || len(got) != 1 || !sameBeside(&got[0], &next) {
			t.Fatalf("step %d: %v, %d attachments", step, err, len(got))
		}
		same(t, step, got[0].Announcements, next.Announcements)
		now, old = next, &next
	}
	if parts < 20 || whole < 5 {
		t.Errorf("%d times only what has changed was stored, and %d times all", parts, whole)
	}
}

func same(t *testing.T, step int, got, want []routing.Announcement) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("step %d: %d announcements, want %d", step, len(got), len(want))
	}
	have := map[string]int{}
	for _, a := range got {
		have[fmt.Sprint(a.Prefix, a.Peer, a.ASPath)]++
	}
	for _, a := range want {
		have[fmt.Sprint(a.Prefix, a.Peer, a.ASPath)]--
	}
	for text, n := range have {
		if n != 0 {
			t.Fatalf("step %d: %s is there %d times more than it should be", step, text, n)
		}
	}
}

package mrt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	gobgp "github.com/osrg/gobgp/v4/pkg/packet/mrt"

	"portolan/internal/bgp"
	"portolan/internal/bgp/mrt"
)

var (
	began  = time.Date(2026, 11, 29, 1, 2, 3, 4000, time.UTC)
	core   = netip.MustParseAddr("169.254.100.2")
	router = netip.MustParseAddr("169.254.100.1")
	update = append(bytes.Repeat([]byte{0xff}, 16), 0, 23, 2, 0, 0, 0, 0)
)

func TestAppend_isReadBack(t *testing.T) {
	list := []mrt.Record{
		{At: began, PeerAS: 65001, LocalAS: 4_200_000_000, Peer: router, Local: core, FourOctetAS: true, Message: update},
		{At: began, PeerAS: 65001, LocalAS: 64512, Peer: router, Local: core, Message: update},
		{At: began, PeerAS: 65001, LocalAS: 64512, Peer: netip.MustParseAddr("fd00::1"), Local: netip.MustParseAddr("fd00::2"), From: bgp.OpenConfirm, To: bgp.Established},
	}
	var file []byte
	for i := range list {
		file = list[i].Append(file)
	}
	r := mrt.NewReader(bytes.NewReader(file))
	for i := range list {
		got, err := r.Next()
		if err != nil || !reflect.DeepEqual(*got, list[i]) {
			t.Errorf("got %+v, %v, want %+v", got, err, list[i])
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last: %v", err)
	}
	for rest := file; len(rest) > 0; { // another implementation reads it, too
		h, err := gobgp.ParseHeader(rest[:16])
		if err != nil {
			t.Fatal(err)
		}
		plain := *h // it does not know the type with microseconds
		plain.Type, plain.Len = gobgp.BGP4MP, h.Len-4
		if _, err := gobgp.ParseBody(rest[16:12+h.Len], &plain); err != nil {
			t.Error(err)
		}
		rest = rest[12+h.Len:]
	}
}

func TestNext_refusesWhatIsDamaged(t *testing.T) {
	whole := (&mrt.Record{At: began, PeerAS: 1, LocalAS: 2, Peer: router, Local: core, FourOctetAS: true, Message: update}).Append(nil)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"cut in the header": {whole[:7], "byte 0: the file ends in the header of a record"},
		"cut in a record":   {append(append([]byte{}, whole...), whole[:20]...), fmt.Sprintf("byte %d: the file ends in a record", len(whole))},
		"no MRT":            {[]byte(strings.Repeat("routes ", 10)), "damaged, or no MRT file"},
		"family 9":          {replaced(whole, 12+4+8+3, 9), "not well-formed"},
	} {
		t.Run(name, func(t *testing.T) {
			r := mrt.NewReader(bytes.NewReader(c.file))
			var err error
			for err == nil {
				_, err = r.Next()
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func replaced(b []byte, at int, by byte) []byte {
	b = bytes.Clone(b)
	b[at] = by
	return b
}

// other is the handler of a router.
type other struct{ up chan struct{} }

func (o *other) Changed(_ *bgp.Session, t bgp.Transition) {
	if t.To == bgp.Established {
		o.up <- struct{}{}
	}
}
func (*other) Heard(*bgp.Session, []bgp.Change)          {}
func (*other) Received(*bgp.Session, []byte)             {}
func (*other) Malformed(*bgp.Session, *bgp.Notification) {}

// recorded is a session that a Recorder listens to.
type recorded struct {
	*mrt.Recorder
	heard chan int
}

func (r *recorded) Heard(_ *bgp.Session, list []bgp.Change) { r.heard <- len(list) }

func (*recorded) Malformed(*bgp.Session, *bgp.Notification) {}

// TestReplay_givesWhatWasHeard: a router advertises three routes on a session that is recorded; the file, repeated, leaves the
// same routes, and up to a time before them none.
func TestReplay_givesWhatWasHeard(t *testing.T) {
	early := time.Now().Add(-time.Second) // records have microseconds
	file := filepath.Join(t.TempDir(), "heard.mrt")
	rec, err := mrt.NewRecorder(file, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	asked := make(chan chan []*bgp.Session)
	go func() {
		rec.Run(ctx, func() []*bgp.Session {
			answer := make(chan []*bgp.Session)
			asked <- answer
			return <-answer
		})
		close(done)
	}()

	h, o, export := &recorded{rec, make(chan int, 10)}, &other{make(chan struct{}, 1)}, bgp.NewExport()
	attrs := &bgp.Attributes{ASPath: []uint32{65001, 4_200_000_001}, MED: 7, HasMED: true, Communities: []uint32{65001<<16 | 3}}
	for _, p := range []string{"10.1.0.0/16", "10.2.0.0/16", "2001:db8::/32"} {
		export.Update([]bgp.Route{{Prefix: netip.MustParsePrefix(p), Attrs: attrs}})
	}
	ours, theirs := net.Pipe()
	a := session(t, bgp.Peer{Name: "a", LocalAS: 64512, PeerAS: 65001, Local: netip.AddrPortFrom(core, 179), Remote: netip.AddrPortFrom(router, 179), RouterID: core}, bgp.NewExport(), h)
	b := session(t, bgp.Peer{Name: "b", LocalAS: 65001, PeerAS: 64512, RouterID: router}, export, o)
	a.Accept(ours)
	b.Accept(theirs)
	for n := 0; n < 3; {
		n += <-h.heard
	}
	want := a.Heard()
	rec.Reopen()
	<-asked <- []*bgp.Session{a}
	rec.Reopen()
	<-asked <- nil // the one before is done
	a.Freeze()
	b.Stop(2, "")
	a.Wait()
	b.Wait()
	cancel()
	<-done

	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := begun(t, text); n != 1 {
		t.Errorf("the file that was opened again begins with %d sessions", n)
	}
	got, err := mrt.Replay(t.Context(), bytes.NewReader(text), time.Time{})
	if err != nil || len(got) != 1 || got[0].Messages < 4 || got[0].PeerAS != 65001 || got[0].Peer != router || len(got[0].Routes) != 3 {
		t.Fatalf("got %+v, %v", got, err)
	}
	for i := range want {
		if g, w := got[0].Routes[i], want[i]; g.Prefix != w.Prefix || !reflect.DeepEqual(*g.Attrs, *w.Attrs) {
			t.Errorf("got %+v %+v, want %+v %+v", g, g.Attrs, w, w.Attrs)
		}
	}
	if none, err := mrt.Replay(t.Context(), bytes.NewReader(text), early); err != nil || len(none) != 0 {
		t.Errorf("before the first record %+v, %v", none, err)
	}
	next, err := mrt.NewReader(bytes.NewReader(text)).Next()
	if err != nil {
		t.Fatal(err)
	}
	next.Message, next.From, next.To = nil, bgp.Idle, bgp.Active
	killed, err := mrt.Replay(t.Context(), bytes.NewReader(next.Append(middle(t, text))), time.Time{})
	if err != nil || len(killed) != 1 || killed[0].State == bgp.Established {
		t.Errorf("a process that begins after one was killed: %+v, %v", killed, err)
	}
	again, err := mrt.Replay(t.Context(), bytes.NewReader(middle(t, text)), time.Time{})
	if err != nil || len(again) != 1 || len(again[0].Routes) != 3 {
		t.Errorf("from the middle %+v, %v", again, err)
	}
}

func session(t *testing.T, p bgp.Peer, x *bgp.Export, h bgp.Handler) *bgp.Session {
	t.Helper()
	p.Passive, p.Families, p.NextHop4, p.NextHop6 = true, bgp.IPv4|bgp.IPv6, p.RouterID, netip.AddrFrom16([16]byte{0xfd, 15: p.RouterID.As4()[3]})
	p.RestartTime = time.Minute
	s, err := bgp.NewSession(p, x, h, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	return s
}

// TestReplay_goesOnAfterAnError: what follows a message that ends the session is part of another one, however soon it comes.
func TestReplay_goesOnAfterAnError(t *testing.T) {
	bad := replaced(update, 20, 9) // withdrawn routes of nine bytes, which are not there
	good := append(bytes.Clone(update[:18]), 2, 0, 0, 0, 20, 0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9, 0x40, 3, 4, 169, 254, 100, 1, 16, 10, 7)
	good[17] = byte(len(good))
	var file []byte
	for _, message := range [][]byte{good, bad, good} {
		file = (&mrt.Record{At: began, PeerAS: 65001, LocalAS: 64512, Peer: router, Local: core, FourOctetAS: true, Message: message}).Append(file)
	}
	for range 50 {
		list, err := mrt.Replay(t.Context(), bytes.NewReader(file), time.Time{})
		if err != nil || len(list) != 1 || list[0].State != bgp.Established || len(list[0].Routes) != 1 || list[0].Routes[0].Stale {
			t.Fatalf("got %+v, %v", list, err)
		}
	}
}

// TestReplay_collisions: a second connection of the peer that was refused leaves the session as it was; one that took its place, because
// the peer had restarted, begins another.
func TestReplay_collisions(t *testing.T) {
	capable := bgp.Peer{LocalAS: 65001, PeerAS: 64512, RouterID: router, Families: bgp.IPv4, NextHop4: router, RestartTime: time.Minute}
	open, err := bgp.OpenMessage(&capable)
	if err != nil {
		t.Fatal(err)
	}
	keepalive := append(bytes.Repeat([]byte{0xff}, 16), 0, 19, 4)
	route := append(bytes.Clone(update[:18]), 2, 0, 0, 0, 20, 0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9, 0x40, 3, 4, 169, 254, 100, 1, 16, 10, 7)
	route[17] = byte(len(route))
	message := func(m []byte) mrt.Record { return mrt.Record{Message: m} }
	change := func(from, to bgp.State) mrt.Record { return mrt.Record{From: from, To: to} }
	up := []mrt.Record{message(open), change(bgp.Active, bgp.OpenConfirm), message(keepalive), change(bgp.OpenConfirm, bgp.Established), message(route)}
	without := []mrt.Record{message(open), message(keepalive), message(route)}
	for name, c := range map[string]struct {
		records []mrt.Record
		want    string // state, routes, of them stale, reason
	}{
		"refused, at the end":         {append(slices.Clone(up), message(open)), "Established 1 0 "},
		"refused, and it goes on":     {append(slices.Clone(up), message(open), message(keepalive)), "Established 1 0 "},
		"refused twice":               {append(slices.Clone(up), message(open), message(open), message(route)), "Established 1 0 "},
		"refused, and later lost":     {append(slices.Clone(up), message(open), message(keepalive), change(bgp.Established, bgp.Idle)), "Idle 1 1 connection lost in Established"},
		"refused, and lost at once":   {append(slices.Clone(up), message(open), change(bgp.Established, bgp.Idle), change(bgp.Idle, bgp.Active)), "Idle 1 1 connection lost in Established"},
		"refused, then killed":        {append(slices.Clone(up), message(open), change(bgp.Idle, bgp.Active)), "Idle 1 1 connection lost in Established"},
		"the peer has restarted":      {append(slices.Clone(up), message(open), change(bgp.Established, bgp.OpenConfirm), message(keepalive), change(bgp.OpenConfirm, bgp.Established)), "Established 1 1 connection lost in Established"},
		"before it is established":    {append([]mrt.Record{change(bgp.Idle, bgp.Active), message(open)}, up...), "Established 1 0 "},
		"lost before, then anew":      {append([]mrt.Record{message(open), change(bgp.OpenConfirm, bgp.Idle), change(bgp.Idle, bgp.Active)}, up...), "Established 1 0 connection lost in OpenConfirm"},
		"refused, in a file begun":    {[]mrt.Record{change(bgp.Established, bgp.Established), message(route), message(open), message(keepalive)}, "Established 1 0 "},
		"a file begun, and no more":   {[]mrt.Record{change(bgp.Established, bgp.Established)}, "Established 0 0 "},
		"no changes are recorded":     {append(slices.Clone(without), message(open), message(keepalive)), "Established 1 1 connection lost in Established"},
		"nor is what follows the end": {append(slices.Clone(without), message(open)), "OpenConfirm 1 1 connection lost in Established"},
	} {
		t.Run(name, func(t *testing.T) {
			var file []byte
			for _, r := range c.records {
				r.At, r.PeerAS, r.LocalAS, r.Peer, r.Local, r.FourOctetAS = began, 65001, 64512, router, core, true
				file = r.Append(file)
			}
			list, err := mrt.Replay(t.Context(), bytes.NewReader(file), time.Time{})
			if err != nil || len(list) != 1 {
				t.Fatalf("got %+v, %v", list, err)
			}
			stale := 0
			for _, r := range list[0].Routes {
				if r.Stale {
					stale++
				}
			}
			state := list[0].State.String()
			if list[0].State < bgp.OpenSent {
				state = "Idle" // or Active, when it has rested
			}
			if got := fmt.Sprintf("%s %d %d %s", state, len(list[0].Routes), stale, list[0].Reason); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestReplay_ofNothing(t *testing.T) {
	if list, err := mrt.Replay(t.Context(), bytes.NewReader(nil), time.Time{}); !errors.Is(err, mrt.ErrNothing) {
		t.Errorf("got %+v, %v", list, err)
	}
}

// middle is a file without the messages before the first UPDATE, as one that begins in a session, and without its end.
func middle(t *testing.T, file []byte) []byte {
	t.Helper()
	var out []byte
	for r := mrt.NewReader(bytes.NewReader(file)); ; {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if rec.Message != nil && rec.Message[18] == 2 {
			out = rec.Append(out)
		}
	}
}

// begun is how many sessions a file says that are established where it begins.
func begun(t *testing.T, file []byte) (n int) {
	t.Helper()
	for r := mrt.NewReader(bytes.NewReader(file)); ; {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		if rec.Message == nil && rec.From == bgp.Established && rec.To == bgp.Established {
			n++
		}
	}
}

func FuzzReplay(f *testing.F) {
	f.Add((&mrt.Record{At: began, PeerAS: 1, LocalAS: 2, Peer: router, Local: core, FourOctetAS: true, Message: update}).Append(nil))
	f.Add((&mrt.Record{At: began, PeerAS: 1, LocalAS: 2, Peer: router, Local: core, From: bgp.OpenSent, To: bgp.Idle}).Append(nil))
	f.Fuzz(func(t *testing.T, file []byte) {
		if list, err := mrt.Replay(t.Context(), bytes.NewReader(file), time.Time{}); err == nil {
			for i := range list {
				if list[i].Messages == 0 && len(list[i].Routes) > 0 {
					t.Errorf("%+v", list[i])
				}
			}
		}
	})
}

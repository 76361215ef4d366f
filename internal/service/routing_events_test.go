package service_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"portolan/api"
	"portolan/internal/events"
	"portolan/internal/node"
	"portolan/internal/store"
	"portolan/routing"
)

type routeEvent struct {
	ChangeType        string
	ChangeDescription string
	Region            string
	Segments          []string
	SequenceNumber    int64
	CoreNetworkArn    string
	Routes            []struct {
		DestinationCidrBlock  string
		Attachments           []struct{ AttachmentId, AttachmentType string }
		RouteType, RouteState string
		PropagatedRouteFamily string
		BgpAttributes         *struct {
			Med    string
			AsPath []string
		}
	}
}

// routeEvents are the routing events after a sequence.
func (w *world) routeEvents(after uint64) (list []routeEvent, next uint64) {
	w.t.Helper()
	w.settled(after)
	for next = after; ; {
		records, last, err := w.Events(w.ctx, events.Query{After: next, Limit: 1000})
		if err != nil {
			w.t.Fatal(err)
		}
		if last == next {
			return list, next
		}
		next = last
		for _, r := range records {
			if r.Event.DetailType != "Network Manager Routing Update" {
				continue
			}
			var e routeEvent
			if err := json.Unmarshal(r.Event.Detail, &e, json.MatchCaseInsensitiveNames(true)); err != nil {
				w.t.Fatal(err)
			}
			list = append(list, e)
		}
	}
}

// text is an event in one line: "+ eu-west-1 prod,dev: 10.0.0.0/16 propagated active attachment/vpc connected".
func (e *routeEvent) text(names map[string]string) string {
	sign := map[string]string{"SEGMENT_ROUTES_INSTALLED": "+", "SEGMENT_ROUTES_UNINSTALLED": "-"}[e.ChangeType]
	var routes []string
	for _, r := range e.Routes {
		words := []string{r.DestinationCidrBlock, strings.TrimPrefix(r.RouteType, "route_"), r.RouteState}
		for _, a := range r.Attachments {
			id := a.AttachmentId
			for name, known := range names {
				id = strings.ReplaceAll(id, known, name)
			}
			words = append(words, id+"/"+a.AttachmentType)
		}
		if r.PropagatedRouteFamily != "" {
			words = append(words, r.PropagatedRouteFamily)
		}
		if r.BgpAttributes != nil {
			words = append(words, r.BgpAttributes.Med, strings.Join(r.BgpAttributes.AsPath, ";"))
		}
		routes = append(routes, strings.Join(words, " "))
	}
	return sign + " " + e.Region + " " + strings.Join(e.Segments, ",") + ": " + strings.Join(routes, ", ")
}

func (w *world) wantRouteEvents(what string, after uint64, names map[string]string, want ...string) uint64 {
	w.t.Helper()
	list, next := w.routeEvents(after)
	var got []string
	for i := range list {
		got = append(got, list[i].text(names))
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("%s: got\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return next
}

// onStore makes a world of a store that outlives it; restart is the same world with another process.
func onStore(st store.Store) func(*node.Config) {
	return func(c *node.Config) { c.Store = st }
}

func (w *world) restart(st store.Store, change ...func(*node.Config)) {
	w.t.Helper()
	cfg := node.Config{Store: st, Now: func() time.Time { return w.now }}
	for _, f := range change {
		f(&cfg)
	}
	s, err := node.New(w.t.Context(), cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Node = s
}

func TestRoutingEvents_lifeOfARoute(t *testing.T) {
	st := store.OpenMemory()
	w := newWorld(t, onStore(st))
	gn := w.globalNetwork()
	document := strings.Replace(labPolicy("prod", "dev", "shared"), `"attachment-policies"`, `"segment-actions":[
		{"action":"share","mode":"attachment-route","segment":"shared","share-with":["prod"]},
		{"action":"create-route","segment":"dev","destination-cidr-blocks":["172.16.0.0/12"],"destinations":["blackhole"]}],"attachment-policies"`, 1)
	cn := must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: &document}).CoreNetwork.CoreNetworkId
	at := w.wantRouteEvents("a policy with a static route", 0, nil,
		"+ eu-west-1 dev: 172.16.0.0/12 static blackhole", "+ us-east-1 dev: 172.16.0.0/12 static blackhole")
	vpc := w.vpcAttachment(cn, api.Tag{Key: new("segment"), Value: new("shared")}).Attachment.AttachmentId
	names := map[string]string{"vpc": vpc}
	at = w.wantRouteEvents("an attachment that announces nothing", at, nil)
	announce := func(list ...routing.Announcement) {
		t.Helper()
		if err := w.PutAnnouncements(w.ctx, vpc, list); err != nil {
			t.Fatal(err)
		}
	}
	ten, eleven := routing.Announcement{Prefix: netip.MustParsePrefix("10.0.0.0/16")}, routing.Announcement{Prefix: netip.MustParsePrefix("11.0.0.0/16")}
	announce(ten)
	at = w.wantRouteEvents("a route comes", at, names,
		"+ eu-west-1 prod,shared: 10.0.0.0/16 propagated active vpc/vpc connected",
		"+ us-east-1 prod,shared: 10.0.0.0/16 propagated active bgp 100 AS_SEQ: [64512]")
	announce(ten)
	at = w.wantRouteEvents("nothing changes", at, names)
	w.restart(st)
	at = w.wantRouteEvents("a restart", at, names)
	announce(ten, eleven)
	w.restart(st)
	at = w.wantRouteEvents("a restart before it was told", at, names,
		"+ eu-west-1 prod,shared: 11.0.0.0/16 propagated active vpc/vpc connected",
		"+ us-east-1 prod,shared: 11.0.0.0/16 propagated active bgp 100 AS_SEQ: [64512]")
	announce(eleven)
	at = w.wantRouteEvents("a route goes", at, names,
		"- eu-west-1 prod,shared: 10.0.0.0/16 propagated active vpc/vpc connected",
		"- us-east-1 prod,shared: 10.0.0.0/16 propagated active bgp 100 AS_SEQ: [64512]")

	version := w.putVersion(cn, strings.Replace(document, `"share-with":["prod"]`, `"share-with":["dev"]`, 1))
	w.settled(0)
	must(w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: version})
	at = w.wantRouteEvents("the share moves", at, names,
		"- eu-west-1 prod: 11.0.0.0/16 propagated active vpc/vpc connected", "+ eu-west-1 dev: 11.0.0.0/16 propagated active vpc/vpc connected",
		"- us-east-1 prod: 11.0.0.0/16 propagated active bgp 100 AS_SEQ: [64512]", "+ us-east-1 dev: 11.0.0.0/16 propagated active bgp 100 AS_SEQ: [64512]")

	must(w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: vpc})
	at = w.wantRouteEvents("the attachment goes", at, names,
		"- eu-west-1 dev,shared: 11.0.0.0/16 propagated active vpc/vpc connected",
		"- us-east-1 dev,shared: 11.0.0.0/16 propagated active bgp 100 AS_SEQ: [64512]")
	must(w, w.DeleteCoreNetwork, api.DeleteCoreNetworkInput{CoreNetworkId: cn})
	w.restart(st)
	at = w.wantRouteEvents("the core network goes", at, names,
		"- eu-west-1 dev: 172.16.0.0/12 static blackhole", "- us-east-1 dev: 172.16.0.0/12 static blackhole")
	w.wantRouteEvents("and that was it", at, names)
	_ = st.View(t.Context(), func(r store.Reader) error {
		for key := range r.Scan("/", "") {
			if strings.Contains(key, cn) && !strings.HasPrefix(key, "/events/") && !strings.HasPrefix(key, "/due/") && !strings.Contains(key, "/client-token/") {
				t.Errorf("%s is left", key)
			}
		}
		return nil
	})
}

func TestRoutingEvents_detail(t *testing.T) {
	w := newWorld(t)
	gn, cn := w.network()
	connect := w.connectAttachment(cn)
	if err := w.PutAnnouncements(w.ctx, connect, []routing.Announcement{{Prefix: netip.MustParsePrefix("10.0.0.0/16"), ASPath: []uint32{65001, 65002}, MED: new(uint32(7))}}); err != nil {
		t.Fatal(err)
	}
	w.settled(0)
	list, _, err := w.Events(w.ctx, events.Query{Limit: 100, DetailType: "Network Manager Routing Update"})
	if err != nil || len(list) != 2 {
		t.Fatalf("%d events, %v", len(list), err)
	}
	want := `{"changeType":"SEGMENT_ROUTES_INSTALLED","changeDescription":"Routes in one or more Segments have been installed.",` +
		`"region":"eu-west-1","segments":["prod"],"sequenceNumber":` + fmt.Sprint(w.now.UnixMilli()) + `,"routes":[{"destinationCidrBlock":"10.0.0.0/16",` +
		`"attachments":[{"attachmentId":"` + connect + `","attachmentType":"connect"}],"routeType":"route_propagated","routeState":"active",` +
		`"propagatedRouteFamily":"bgp","bgpAttributes":{"med":"7","asPath":["AS_SEQ: [65001, 65002]"]}}],` +
		`"coreNetworkArn":"arn:aws:networkmanager::111122223333:core-network/` + cn + `"}`
	if got := string(list[0].Event.Detail); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if r := list[0].Event.Resources; len(r) != 2 || !strings.HasSuffix(r[0], "/"+gn) || !strings.HasSuffix(r[1], "/"+cn) {
		t.Errorf("resources %v", r)
	}
	if n := strings.Count(string(list[1].Event.Detail), fmt.Sprint(w.now.UnixMilli()+1)); n != 1 {
		t.Errorf("the second event's number does not follow: %s", list[1].Event.Detail)
	}
}

// TestRoutingEvents_inPiecesThatABusTakes: events are of a size that event buses take, and so many are written at a time that
// others need not wait long for their turn to write.
func TestRoutingEvents_inPiecesThatABusTakes(t *testing.T) {
	st := store.OpenMemory()
	w := newWorld(t, onStore(st))
	commits := eventBytes(t, st)
	_, cn := w.network()
	connect := w.connectAttachment(cn)
	var list []routing.Announcement
	for n := range 5000 {
		a := routing.Announcement{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{11, byte(n / 256), byte(n), 0}), 24)}
		for range n % 256 {
			a.ASPath = append(a.ASPath, 4_200_000_000)
		}
		list = append(list, a)
	}
	if err := w.PutAnnouncements(w.ctx, connect, list); err != nil {
		t.Fatal(err)
	}
	w.settled(0)
	told, _ := w.routeEvents(0)
	routes := map[string]int{}
	last := int64(0)
	for _, e := range told {
		if text, _ := json.Marshal(e, json.Deterministic(true)); len(text) > 250_000 || len(e.Routes) > 100 || e.SequenceNumber <= last {
			t.Errorf("an event of %d routes, %d bytes, number %d after %d", len(e.Routes), len(text), e.SequenceNumber, last)
		}
		last = e.SequenceNumber
		routes[e.Region] += len(e.Routes)
	}
	if routes["eu-west-1"] != 5000 || routes["us-east-1"] != 5000 {
		t.Errorf("told %v", routes)
	}
	_ = st.Close() // ends the watch
	sizes := <-commits
	if most := slices.Max(sizes); len(sizes) < 10 || most > 600_000 {
		t.Errorf("%d transactions with events, of up to %d bytes", len(sizes), most)
	}
}

// TestRoutingEvents_fewOfManyRoutes: of an attachment with so many that only changes are stored, a process that begins knows what
// has been published, and neither repeats nor forgets it.
func TestRoutingEvents_fewOfManyRoutes(t *testing.T) {
	st := store.OpenMemory()
	w := newWorld(t, onStore(st))
	_, cn := w.network()
	connect := w.connectAttachment(cn)
	var all []routing.Announcement
	for n := range 1500 {
		all = append(all, routing.Announcement{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{11, byte(n / 256), byte(n), 0}), 24), ASPath: []uint32{65001}})
	}
	_, at := w.routeEvents(0)
	step := func(what string, list []routing.Announcement, restart bool, want int) {
		t.Helper()
		if err := w.PutAnnouncements(w.ctx, connect, list); err != nil {
			t.Fatal(err)
		}
		if restart { // before it is published
			w.restart(st)
		}
		told, next := w.routeEvents(at)
		routes := 0
		for i := range told {
			routes += len(told[i].Routes)
		}
		if routes != want {
			t.Errorf("%s: %d routes in events, want %d", what, routes, want)
		}
		w.restart(st)
		if told, next = w.routeEvents(next); len(told) != 0 {
			t.Errorf("%s: %d events again after a restart", what, len(told))
		}
		at = next
	}
	step("all", all, false, 2*len(all)) // at both edges
	step("one less", all[1:], false, 2)
	step("two less", all[2:], true, 2)
	step("one more", all[1:], true, 2)
	step("half of them", all[750:], false, 2*749)
	step("all again", all, true, 2*750)
	step("none", nil, true, 2*len(all))
}

// eventBytes are the bytes of the events in each commit until the store is closed.
func eventBytes(t *testing.T, st store.Store) <-chan []int {
	t.Helper()
	watch, err := st.Watch(t.Context(), events.Prefix)
	if err != nil {
		t.Fatal(err)
	}
	sizes := make(chan []int, 1)
	go func() {
		var list []int
		for commit := range watch {
			size := 0
			for _, c := range commit.Changes {
				size += len(c.Value)
			}
			list = append(list, size)
		}
		sizes <- list
	}()
	return sizes
}

func TestRoutingEvents_resetStartsAnew(t *testing.T) {
	st := store.OpenMemory()
	w := newWorld(t, onStore(st))
	for _, account := range []string{"", "", "111122223333"} {
		_, cn := w.network()
		connect := w.connectAttachment(cn)
		if err := w.PutAnnouncements(w.ctx, connect, []routing.Announcement{{Prefix: netip.MustParsePrefix("10.0.0.0/16")}}); err != nil {
			t.Fatal(err)
		}
		w.settled(0)
		told, next := w.routeEvents(0)
		if len(told) != 2 {
			t.Errorf("told %d times", len(told))
		}
		if err := w.Reset(w.ctx, account); err != nil {
			t.Fatal(err)
		}
		if told, _ := w.routeEvents(next); len(told) != 0 {
			t.Errorf("after a reset: %+v", told)
		}
		_ = st.View(t.Context(), func(r store.Reader) error {
			for key := range r.Scan("/announced/", "") {
				t.Errorf("%s is left", key)
			}
			return nil
		})
	}
}

func TestRoutingEvents_offMeansOff(t *testing.T) {
	w := newWorld(t, func(c *node.Config) { c.NoRoutingEvents = true })
	_, cn := w.network()
	connect := w.connectAttachment(cn)
	if err := w.PutAnnouncements(w.ctx, connect, []routing.Announcement{{Prefix: netip.MustParsePrefix("10.0.0.0/16")}}); err != nil {
		t.Fatal(err)
	}
	if told, _ := w.routeEvents(0); len(told) != 0 {
		t.Errorf("told %+v", told)
	}
}

// TestRoutingEvents_publishedUnasked: nobody reads, the server runs, and the events are in the log.
func TestRoutingEvents_publishedUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := store.OpenMemory()
		defer func() { _ = st.Close() }()
		w := newWorld(t, onStore(st))
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { w.Run(ctx) })
		_, cn := w.network()
		connect := w.connectAttachment(cn)
		synctest.Wait()
		if err := w.PutAnnouncements(w.ctx, connect, []routing.Announcement{{Prefix: netip.MustParsePrefix("10.0.0.0/16")}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // of the bubble
		synctest.Wait()
		told := 0
		_ = st.View(t.Context(), func(r store.Reader) error {
			list, _, err := events.Read(r, events.Query{Account: "111122223333", Limit: 1000, DetailType: "Network Manager Routing Update"})
			told = len(list)
			return err
		})
		if told != 2 {
			t.Errorf("%d events in the log, want one for each edge", told)
		}
		stop()
		wg.Wait()
	})
}

// meanwhile is a store on which something happens before its next commit.
type meanwhile struct {
	store.Store
	before func()
}

func (s *meanwhile) Update(ctx context.Context, f func(store.Txn) error) error {
	if before := s.before; before != nil {
		s.before = nil
		before()
	}
	return s.Store.Update(ctx, f)
}

// TestRoutingEvents_publishedMeanwhile: who asks for events gets what has changed by then, also where another server publishes at
// the same time what had changed before.
func TestRoutingEvents_publishedMeanwhile(t *testing.T) {
	st := &meanwhile{Store: store.OpenMemory()}
	w, other := newWorld(t, onStore(st.Store)), newWorld(t, onStore(st))
	_, cn := w.network()
	connect := w.connectAttachment(cn)
	_, next := w.routeEvents(0)
	announce := func(prefixes ...string) {
		t.Helper()
		var list []routing.Announcement
		for _, p := range prefixes {
			list = append(list, routing.Announcement{Prefix: netip.MustParsePrefix(p)})
		}
		if err := w.PutAnnouncements(w.ctx, connect, list); err != nil {
			t.Fatal(err)
		}
	}
	announce("10.0.0.0/16")
	st.before = func() {
		w.routeEvents(next)
		announce("10.0.0.0/16", "10.1.0.0/16")
	}
	list, _, err := other.Events(other.ctx, events.Query{After: next, Limit: 1000})
	if err != nil || st.before != nil {
		t.Fatal(err)
	}
	var told []string
	for _, r := range list {
		for _, p := range []string{"10.0.0.0/16", "10.1.0.0/16"} {
			if strings.Contains(string(r.Event.Detail), p) {
				told = append(told, p)
			}
		}
	}
	if got := strings.Join(told, " "); got != "10.0.0.0/16 10.0.0.0/16 10.1.0.0/16 10.1.0.0/16" { // one for each edge
		t.Errorf("told of %s", got)
	}
}

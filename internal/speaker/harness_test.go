package speaker_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"portolan/api"
	"portolan/internal/bgp"
	"portolan/internal/catalog"
	"portolan/internal/events"
	"portolan/internal/node"
	"portolan/internal/speaker"
	"portolan/internal/store"
)

// world is a node over a store in memory whose speaker opens no sockets and takes steps only when it is told to.
type world struct {
	*node.Node
	t   *testing.T
	ctx context.Context
	st  store.Store
	cn  string
	lab *lab // nil: no sockets

	outside *outside // the catalog
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, outside: newOutside(), st: store.OpenMemory(), ctx: api.WithCaller(t.Context(), api.Caller{Account: "111122223333", Partition: "aws"})}
	t.Cleanup(func() { _ = w.st.Close() })
	w.start(speaker.Loopback)
	return w
}

// start makes a node, as a process that begins does.
func (w *world) start(mode speaker.Mode) {
	w.t.Helper()
	var outside catalog.Catalog
	if w.outside != nil {
		outside = w.outside
	}
	n, err := node.New(w.ctx, node.Config{
		Store: w.st, Catalog: outside, Now: func() time.Time { return time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC) }, Random: rand.NewPCG(1, 2), BGP: mode,
		Log: w.lab.logger(),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Node = n
	switch {
	case n.BGP() == nil:
	case w.lab != nil:
		n.BGP().ListenWith(w.lab.listen)
	default:
		n.BGP().Disconnect()
	}
}

func must[I, O any](w *world, call func(context.Context, *I) (*O, error), in I) *O {
	w.t.Helper()
	out, err := call(w.ctx, &in)
	if err != nil {
		w.t.Fatalf("%T: %v", in, err)
	}
	return out
}

// settle lets resources move to their last states, without the speaker's part.
func (w *world) settle() {
	for range 8 {
		must(w, w.DescribeGlobalNetworks, api.DescribeGlobalNetworksInput{})
	}
}

// rest lets everything that moves by itself come to rest, the speaker's part included.
func (w *world) rest() {
	w.settle()
	if sp := w.BGP(); sp != nil {
		sp.RefreshAll(w.ctx)
		sp.Flush(w.ctx)
		sp.RefreshAll(w.ctx)
	}
}

// peers makes a core network and Connect peers, with their ASNs, on one attachment.
func (w *world) peers(asns ...int64) (ids []string) {
	w.t.Helper()
	document, err := os.ReadFile("../../examples/policy.json")
	if err != nil {
		w.t.Fatal(err)
	}
	w.network(string(document))
	connect := w.connect("eu-west-1", "")
	for i, asn := range asns {
		ids = append(ids, w.peer(connect, i, asn))
	}
	return ids
}

// network makes a core network.
func (w *world) network(document string) {
	w.t.Helper()
	gn := must(w, w.CreateGlobalNetwork, api.CreateGlobalNetworkInput{}).GlobalNetwork.GlobalNetworkId
	w.cn = must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: &document}).CoreNetwork.CoreNetworkId
	w.rest()
}

// connect makes a Connect attachment at an edge.
func (w *world) connect(edge, label string) (attachment string) {
	w.t.Helper()
	ec2 := "arn:aws:ec2:" + edge + ":111122223333:"
	vpc := must(w, w.CreateVpcAttachment, api.CreateVpcAttachmentInput{
		CoreNetworkId: w.cn, VpcArn: ec2 + "vpc/vpc-0123456789abcdef0", SubnetArns: []string{ec2 + "subnet/subnet-0123456789abcdef0"},
	}).VpcAttachment.Attachment.AttachmentId
	w.rest()
	in := api.CreateConnectAttachmentInput{
		CoreNetworkId: w.cn, EdgeLocation: edge, TransportAttachmentId: vpc, Options: &api.ConnectAttachmentOptions{Protocol: new(api.TunnelProtocolGre)},
	}
	if label != "" {
		in.RoutingPolicyLabel = &label
	}
	attachment = must(w, w.CreateConnectAttachment, in).ConnectAttachment.Attachment.AttachmentId
	w.rest()
	return attachment
}

// peer makes the Connect peer of a number.
func (w *world) peer(attachment string, i int, asn int64) (id string) {
	w.t.Helper()
	id = w.newPeer(attachment, i, asn)
	w.rest()
	return id
}

// newPeer is a Connect peer that the speaker has not seen.
func (w *world) newPeer(attachment string, i int, asn int64) (id string) {
	w.t.Helper()
	id = must(w, w.CreateConnectPeer, api.CreateConnectPeerInput{
		ConnectAttachmentId: attachment, PeerAddress: fmt.Sprintf("10.0.0.%d", i+5), BgpOptions: &api.BgpOptions{PeerAsn: new(asn)},
		InsideCidrBlocks: []string{fmt.Sprintf("169.254.%d.0/29", 40+i), fmt.Sprintf("fd00::%d00/125", i+1)},
	}).ConnectPeer.ConnectPeerId
	w.settle()
	return id
}

// hear has a session bring routes; a word without a path withdraws: "10.1.0.0/16=65001,65002".
func (w *world) hear(peer string, at int, routes ...string) {
	w.t.Helper()
	sp := w.BGP()
	var list []bgp.Change
	for _, text := range routes {
		prefix, path, ok := strings.Cut(text, "=")
		c := bgp.Change{Prefix: netip.MustParsePrefix(prefix)}
		if ok {
			c.Attrs = &bgp.Attributes{NextHop: netip.MustParseAddr("169.254.40.1")}
			if err := json.Unmarshal([]byte("["+path+"]"), &c.Attrs.ASPath); err != nil {
				w.t.Fatal(err)
			}
		}
		list = append(list, c)
	}
	sp.Heard(sp.Stub(peer, at), list)
}

// move has a session come up or go down.
func (w *world) move(peer string, at int, to bgp.State) {
	from := bgp.Established
	if to == bgp.Established {
		from = bgp.OpenConfirm
	}
	w.BGP().Changed(w.BGP().Stub(peer, at), bgp.Transition{From: from, To: to})
}

// advertised is what a peer's sessions advertise, a line a route.
func (w *world) advertised(peer string) string {
	w.t.Helper()
	var lines []string
	for _, r := range w.BGP().Exported(peer) {
		lines = append(lines, fmt.Sprintf("%s %d med %d", r.Prefix, r.Attrs.ASPath, r.Attrs.MED))
	}
	return strings.Join(lines, "\n")
}

// table is the routes of the segment prod at an edge with their paths.
func (w *world) table(edge string) string {
	w.t.Helper()
	subject, err := w.Network(w.ctx, w.cn)
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, id := range subject.Tables.TableIDs() {
		if id.Edge != edge || id.Segment != "prod" {
			continue
		}
		table, _ := subject.Tables.Table(id)
		for r := range table.Routes() {
			lines = append(lines, fmt.Sprintf("%s %d", r.Prefix, r.ASPath))
		}
	}
	return strings.Join(lines, "\n")
}

// happened are the types of events of sessions, with the address, after a sequence.
func (w *world) happened(after uint64) (list []string, next uint64) {
	w.t.Helper()
	records, next, err := w.Events(w.ctx, events.Query{After: after, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range records {
		var d struct{ ChangeType, CoreNetworkAddress, OutsideIPAddress string }
		if err := json.Unmarshal(r.Event.Detail, &d, json.MatchCaseInsensitiveNames(true)); err != nil {
			w.t.Fatal(err)
		}
		if strings.HasPrefix(d.ChangeType, "CONNECT_PEER_BGP") || strings.HasPrefix(d.ChangeType, "VPN-CONNECTION-BGP") {
			list = append(list, d.ChangeType+" "+d.CoreNetworkAddress+d.OutsideIPAddress)
		}
	}
	return list, next
}

// steps are from now on: each has its events and leaves the peers healthy or not.
func (w *world) steps() func(what, health string, want ...string) {
	w.t.Helper()
	_, at := w.happened(0)
	return func(what, health string, want ...string) {
		w.t.Helper()
		w.rest()
		got, next := w.happened(at)
		if at = next; !slices.Equal(got, want) {
			w.t.Errorf("%s: events %v, want %v", what, got, want)
		}
		w.want(what, w.telemetry(), health)
	}
}

// telemetry is the health of the sessions of a peer.
func (w *world) telemetry() string {
	w.t.Helper()
	gn := must(w, w.DescribeGlobalNetworks, api.DescribeGlobalNetworksInput{}).GlobalNetworks[0].GlobalNetworkId
	var lines []string
	for _, n := range must(w, w.GetNetworkTelemetry, api.GetNetworkTelemetryInput{GlobalNetworkId: gn}).NetworkTelemetry {
		lines = append(lines, n.Address+" "+string(n.Health.Status))
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}

func (w *world) want(what, got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}

package service_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/events"
	"portolan/internal/node"
	"portolan/internal/store"
	"portolan/routing"
)

// TestRoutingEvents_aMirrorOfTheTables: who applies every event has the tables, whatever happens and however often the
// server is started again.
func TestRoutingEvents_aMirrorOfTheTables(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		st := store.OpenMemory()
		w := newWorld(t, onStore(st))
		gn := w.globalNetwork()
		cn := must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: new(mixedPolicy(15))}).CoreNetwork.CoreNetworkId
		w.settled(0)
		var ids []string
		for i, tag := range []string{"prod", "dev", "shared", "fw"} {
			n := fmt.Sprintf("%017x", i+1)
			edge := []string{"eu-west-1", "us-east-1"}[i%2]
			account := "arn:aws:ec2:" + edge + ":111122223333:"
			key := "segment"
			if tag == "fw" {
				key = tag
			}
			ids = append(ids, must(w, w.CreateVpcAttachment, api.CreateVpcAttachmentInput{
				CoreNetworkId: cn, VpcArn: account + "vpc/vpc-" + n, SubnetArns: []string{account + "subnet/subnet-" + n}, Tags: []api.Tag{{Key: &key, Value: &tag}},
			}).VpcAttachment.Attachment.AttachmentId)
		}
		mine := w.Service
		w.restart(st)
		other := w.Service
		w.Service = mine
		mirror := map[string]string{}
		at := uint64(0)
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			id := rapid.SampledFrom(ids).Draw(rt, "id")
			switch rapid.SampledFrom([]string{"announce", "announce", "move", "delete", "execute", "restart"}).Draw(rt, "what") {
			case "announce":
				var list []routing.Announcement
				for _, p := range []string{"10.0.0.0/16", "10.1.0.0/16", "0.0.0.0/0"} {
					if rapid.Bool().Draw(rt, "announced") {
						list = append(list, routing.Announcement{Prefix: netip.MustParsePrefix(p), ASPath: []uint32{65000}})
					}
				}
				_ = w.PutAnnouncements(w.ctx, id, list)
			case "move":
				segment := rapid.SampledFrom([]string{"prod", "dev", "shared"}).Draw(rt, "segment")
				_, _ = w.TagResource(w.ctx, &api.TagResourceInput{ResourceArn: "arn:aws:networkmanager::111122223333:attachment/" + id, Tags: []api.Tag{{Key: new("segment"), Value: &segment}}})
			case "delete":
				_, _ = w.DeleteAttachment(w.ctx, &api.DeleteAttachmentInput{AttachmentId: id})
			case "execute":
				w.settled(0)
				version := w.putVersion(cn, mixedPolicy(rapid.IntRange(0, 15).Draw(rt, "variant")))
				w.settled(0)
				must(w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: version})
			case "restart":
				w.restart(st)
			}
			if rapid.Bool().Draw(rt, "look") {
				mine := w.Service
				if rapid.Bool().Draw(rt, "through another server") {
					for range 6 { // which knows nothing of what is due
						must(w, w.DescribeGlobalNetworks, api.DescribeGlobalNetworksInput{})
					}
					w.Service = other
				}
				at = w.applyEvents(rt, mirror, at)
				w.Service = mine
				sameRows(rt, "mirror", mirror, w.plainRoutes(gn, cn))
			}
		}
		w.settled(0)
		w.applyEvents(rt, mirror, at)
		sameRows(rt, "in the end", mirror, w.plainRoutes(gn, cn))
	})
}

// applyEvents installs and uninstalls what events say, which must fit.
func (w *world) applyEvents(rt *rapid.T, mirror map[string]string, after uint64) uint64 {
	list, next := w.routeEvents(after)
	for _, e := range list {
		for _, segment := range e.Segments {
			for _, r := range e.Routes {
				key := segment + "@" + e.Region + " " + r.DestinationCidrBlock
				text := r.RouteType + " " + r.RouteState
				for _, a := range r.Attachments {
					text += " " + a.AttachmentId
				}
				old, had := mirror[key]
				switch {
				case e.ChangeType == "SEGMENT_ROUTES_INSTALLED" && !had:
					mirror[key] = text
				case e.ChangeType == "SEGMENT_ROUTES_UNINSTALLED" && had && old == text:
					delete(mirror, key)
				default:
					rt.Fatalf("%s %s %q does not fit %q", e.ChangeType, key, text, old)
				}
			}
		}
	}
	return next
}

func (w *world) plainRoutes(gn, cn string) map[string]string {
	rows := map[string]string{}
	network := must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn}).CoreNetwork
	for _, segment := range network.Segments {
		for _, edge := range segment.EdgeLocations {
			out := must(w, w.GetNetworkRoutes, api.GetNetworkRoutesInput{GlobalNetworkId: gn, RouteTableIdentifier: segmentTable(cn, segment.Name, edge)})
			for _, r := range out.NetworkRoutes {
				text := "route_" + strings.ToLower(string(r.Type)) + " " + strings.ToLower(string(r.State))
				for _, d := range r.Destinations {
					if d.CoreNetworkAttachmentId != "" {
						text += " " + d.CoreNetworkAttachmentId
					}
				}
				rows[segment.Name+"@"+edge+" "+r.DestinationCidrBlock] = text
			}
		}
	}
	return rows
}

// shiftingCatalog knows one VPC, whose block changes with the version. It cannot be asked while it is silent.
type shiftingCatalog struct {
	catalog.Catalog
	version atomic.Uint64
	silent  atomic.Bool
}

func (c *shiftingCatalog) Version() uint64 { return c.version.Load() }

func (c *shiftingCatalog) Remote() bool { return false }

func (c *shiftingCatalog) VPC(_ context.Context, arn string) (*catalog.VPC, error) {
	if c.silent.Load() {
		return nil, fmt.Errorf("%s: %w", arn, catalog.ErrUnavailable)
	}
	return &catalog.VPC{
		ARN: arn, CIDRs: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(c.version.Load()), 0, 0}), 16)},
		Subnets: []catalog.Subnet{{ARN: ec2ARN + "subnet/subnet-0123456789abcdef0"}},
	}, nil
}

// TestRoutingEvents_ofTheCatalog: what changes outside is noticed by itself, and silence is no change.
func TestRoutingEvents_ofTheCatalog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := store.OpenMemory()
		defer func() { _ = st.Close() }()
		known := &shiftingCatalog{}
		w := newWorld(t, onStore(st), func(c *node.Config) { c.Catalog = known })
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { w.Run(ctx) })
		_, cn := w.network()
		w.vpcAttachment(cn)
		at := uint64(0)
		want := func(what string, wanted ...string) {
			t.Helper()
			w.settled(0)
			time.Sleep(10 * time.Second) // of the bubble
			synctest.Wait()
			var got []string
			_ = st.View(t.Context(), func(r store.Reader) error {
				list, next, err := events.Read(r, events.Query{Account: "111122223333", After: at, Limit: 1000})
				at = next
				for i := range list {
					var e routeEvent
					if err := json.Unmarshal(list[i].Event.Detail, &e, json.MatchCaseInsensitiveNames(true)); err != nil {
						return err
					}
					if e.Region == "eu-west-1" {
						got = append(got, strings.TrimPrefix(e.ChangeType, "SEGMENT_ROUTES_")+" "+e.Routes[0].DestinationCidrBlock)
					}
				}
				return err
			})
			if !slices.Equal(got, wanted) {
				t.Errorf("%s: %v, want %v", what, got, wanted)
			}
		}
		want("the VPC's block", "INSTALLED 10.0.0.0/16")
		known.version.Store(1)
		want("it changes", "UNINSTALLED 10.0.0.0/16", "INSTALLED 10.1.0.0/16")
		known.silent.Store(true)
		known.version.Store(2)
		want("nobody answers")
		known.silent.Store(false)
		known.version.Store(3)
		want("somebody answers", "UNINSTALLED 10.1.0.0/16", "INSTALLED 10.3.0.0/16")
		stop()
		wg.Wait()
	})
}

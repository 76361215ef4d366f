package service_test

import (
	"net/netip"
	"testing"

	"portolan/api"
	"portolan/internal/node"
	"portolan/routing"
)

// TestRouting_options: what the server was told to assume is in its answers.
func TestRouting_options(t *testing.T) {
	o := routing.DefaultOptions()
	if err := o.Set("dualHopNfgRemote", "false"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		options *routing.Options
		shown   bool // the second appliance, where else the edge is
	}{{nil, true}, {o, false}} {
		w := newWorld(t, func(cfg *node.Config) { cfg.Routing = c.options })
		done, err := w.ImportSnapshot(w.ctx, exampleSnapshot(t))
		if err != nil {
			t.Fatal(err)
		}
		row := must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: done.CoreNetworkID}).CoreNetwork
		out := must(w, w.GetNetworkRoutes, api.GetNetworkRoutesInput{GlobalNetworkId: row.GlobalNetworkId, RouteTableIdentifier: &api.RouteTableIdentifier{
			CoreNetworkNetworkFunctionGroup: &api.CoreNetworkNetworkFunctionGroupIdentifier{CoreNetworkId: &row.CoreNetworkId, NetworkFunctionGroupName: new("fw"), EdgeLocation: new("us-east-1")},
		}})
		subject, err := w.Network(w.ctx, row.CoreNetworkId)
		if err != nil {
			t.Fatal(err)
		}
		table, _ := subject.Tables.Table(routing.TableID{NetworkFunctionGroup: "fw", Edge: "us-east-1"})
		asked, _ := table.Exact(netip.MustParsePrefix("10.1.0.0/16"))
		found := false
		for _, r := range out.NetworkRoutes {
			if r.DestinationCidrBlock != "10.1.0.0/16" {
				continue
			}
			found = true
			if d := r.Destinations[0]; (d.CoreNetworkAttachmentId != "") != c.shown || (asked.Destinations[0].Attachment != "") != c.shown {
				t.Errorf("options %v: %+v, %+v", c.options, d, asked)
			}
		}
		if !found {
			t.Errorf("no route: %+v", out.NetworkRoutes)
		}
	}
}

package service_test

import (
	"context"
	"testing"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/events"
	"portolan/internal/node"
	"portolan/internal/store"
	"portolan/policy"
)

// TestPolicy_parsedOnce: a document is read once from Put to its first route and the events of it, outside any transaction.
func TestPolicy_parsedOnce(t *testing.T) {
	parsed := map[string]int{}
	st := &openTransactions{Store: store.OpenMemory()}
	w := newWorld(t, func(c *node.Config) {
		c.Store = st
		c.ParsePolicy = func(document []byte) (*policy.Document, policy.Errors) {
			if st.open > 0 {
				t.Error("a document is parsed inside a transaction")
			}
			parsed[string(document)]++
			return policy.Parse(document)
		}
	})
	gn, first, second := w.globalNetwork(), labPolicy("prod"), labPolicy("prod", "dev")
	cn := must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: &first}).CoreNetwork.CoreNetworkId
	w.settled(0)
	w.vpcAttachment(cn)
	w.settled(0)
	version := w.putVersion(cn, second)
	w.settled(0)
	must(w, w.GetCoreNetworkChangeSet, api.GetCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: version})
	w.execute(cn, version)
	w.settled(0)
	must(w, w.GetNetworkRoutes, api.GetNetworkRoutesInput{GlobalNetworkId: gn, RouteTableIdentifier: &api.RouteTableIdentifier{
		CoreNetworkSegmentEdge: &api.CoreNetworkSegmentEdgeIdentifier{CoreNetworkId: &cn, SegmentName: new("prod"), EdgeLocation: new("eu-west-1")},
	}})
	if _, _, err := w.Events(w.ctx, events.Query{Limit: 10}); err != nil {
		t.Fatal(err)
	}
	for document, n := range parsed {
		if n != 1 {
			t.Errorf("parsed %d times: %.200s", n, document)
		}
	}
	if len(parsed) != 2 {
		t.Errorf("%d documents were parsed, want 2", len(parsed))
	}
}

// openTransactions is a store that knows how many transactions are open. It is for one goroutine.
type openTransactions struct {
	store.Store
	open int
}

func (s *openTransactions) View(ctx context.Context, f func(store.Reader) error) error {
	return s.Store.View(ctx, func(r store.Reader) error {
		s.open++
		defer func() { s.open-- }()
		return f(r)
	})
}

func (s *openTransactions) Update(ctx context.Context, f func(store.Txn) error) error {
	return s.Store.Update(ctx, func(tx store.Txn) error {
		s.open++
		defer func() { s.open-- }()
		return f(tx)
	})
}

// TestCatalog_neverAskedInATransaction: whoever asks may wait for ten seconds, and others must not wait with them.
func TestCatalog_neverAskedInATransaction(t *testing.T) {
	st := &openTransactions{Store: store.OpenMemory()}
	known := node.Config{}
	withCatalog(t, externalBefore)(&known)
	asked := &watchedCatalog{Catalog: known.Catalog, st: st, t: t}
	w := newWorld(t, func(c *node.Config) { c.Store, c.Catalog = st, asked })
	gn, cn := w.network()
	const gateway = ec2ARN + "transit-gateway/tgw-0123456789abcdef0"
	must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: gateway})
	must(w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{CoreNetworkId: cn, VpnConnectionArn: ec2ARN + "vpn-connection/vpn-0123456789abcdef0"})
	must(w, w.CreateVpcAttachment, api.CreateVpcAttachmentInput{CoreNetworkId: cn, VpcArn: ec2 + "vpc/vpc-0123456789abcdef0", SubnetArns: []string{ec2 + "subnet/subnet-0123456789abcdef0"}})
	must(w, w.CreateTransitGatewayPeering, api.CreateTransitGatewayPeeringInput{CoreNetworkId: cn, TransitGatewayArn: gateway})
	w.settled(0)
	must(w, w.GetNetworkResources, api.GetNetworkResourcesInput{GlobalNetworkId: gn})
	must(w, w.GetNetworkResourceCounts, api.GetNetworkResourceCountsInput{GlobalNetworkId: gn})
	must(w, w.GetNetworkResourceRelationships, api.GetNetworkResourceRelationshipsInput{GlobalNetworkId: gn})
	must(w, w.GetNetworkTelemetry, api.GetNetworkTelemetryInput{GlobalNetworkId: gn})
	must(w, w.UpdateNetworkResourceMetadata, api.UpdateNetworkResourceMetadataInput{GlobalNetworkId: gn, ResourceArn: gateway, Metadata: map[string]string{"a": "b"}})
	must(w, w.StartRouteAnalysis, api.StartRouteAnalysisInput{
		GlobalNetworkId: gn,
		Source:          &api.RouteAnalysisEndpointOptionsSpecification{TransitGatewayAttachmentArn: new(ec2ARN + "transit-gateway-attachment/tgw-attach-01")},
		Destination:     &api.RouteAnalysisEndpointOptionsSpecification{TransitGatewayAttachmentArn: new(ec2ARN + "transit-gateway-attachment/tgw-attach-02"), IpAddress: new("10.0.0.1")},
	})
	must(w, w.GetNetworkRoutes, api.GetNetworkRoutesInput{GlobalNetworkId: gn, RouteTableIdentifier: &api.RouteTableIdentifier{
		CoreNetworkSegmentEdge: &api.CoreNetworkSegmentEdgeIdentifier{CoreNetworkId: &cn, SegmentName: new("prod"), EdgeLocation: new("eu-west-1")},
	}})
	if _, err := w.Snapshot(w.ctx, cn); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Events(w.ctx, events.Query{Limit: 10}); err != nil {
		t.Fatal(err)
	}
	must(w, w.DeregisterTransitGateway, api.DeregisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: gateway})
	if asked.times < 20 {
		t.Errorf("the catalog was asked %d times: this tests nothing", asked.times)
	}
}

// watchedCatalog fails the test when it is asked inside a transaction.
type watchedCatalog struct {
	catalog.Catalog
	st    *openTransactions
	t     *testing.T
	times int
}

func (c *watchedCatalog) asked(what string) {
	c.times++
	if c.st.open > 0 {
		c.t.Errorf("asked for a %s inside a transaction", what)
	}
}

func (c *watchedCatalog) VPC(ctx context.Context, arn string) (*catalog.VPC, error) {
	c.asked("VPC")
	return c.Catalog.VPC(ctx, arn)
}

func (c *watchedCatalog) TransitGateway(ctx context.Context, arn string) (*catalog.TransitGateway, error) {
	c.asked("transit gateway")
	return c.Catalog.TransitGateway(ctx, arn)
}

func (c *watchedCatalog) RouteTable(ctx context.Context, arn string) (*catalog.RouteTable, error) {
	c.asked("route table")
	return c.Catalog.RouteTable(ctx, arn)
}

func (c *watchedCatalog) VPNConnection(ctx context.Context, arn string) (*catalog.VPNConnection, error) {
	c.asked("VPN connection")
	return c.Catalog.VPNConnection(ctx, arn)
}

func (c *watchedCatalog) CustomerGateway(ctx context.Context, arn string) (*catalog.CustomerGateway, error) {
	c.asked("customer gateway")
	return c.Catalog.CustomerGateway(ctx, arn)
}

func (c *watchedCatalog) ConnectPeer(ctx context.Context, arn string) (*catalog.ConnectPeer, error) {
	c.asked("Connect peer")
	return c.Catalog.ConnectPeer(ctx, arn)
}

func (c *watchedCatalog) PrefixList(ctx context.Context, arn string) (*catalog.PrefixList, error) {
	c.asked("prefix list")
	return c.Catalog.PrefixList(ctx, arn)
}

func (c *watchedCatalog) DirectConnectGateway(ctx context.Context, arn string) (*catalog.DirectConnectGateway, error) {
	c.asked("Direct Connect gateway")
	return c.Catalog.DirectConnectGateway(ctx, arn)
}

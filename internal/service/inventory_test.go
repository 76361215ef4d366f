package service_test

import (
	"strings"
	"testing"
	"time"

	"portolan/api"
	"portolan/internal/node"
	"portolan/internal/store"
)

func TestCreateGlobalNetwork_pendingThenAvailable(t *testing.T) {
	w := newWorld(t)
	created := must(w, w.CreateGlobalNetwork, api.CreateGlobalNetworkInput{Description: new("lab"), Tags: []api.Tag{{Key: new("a"), Value: new("b")}}}).GlobalNetwork
	if created.State != "PENDING" || !strings.HasPrefix(created.GlobalNetworkId, "global-network-0") || len(created.GlobalNetworkId) != len("global-network-")+17 {
		t.Errorf("created %+v", created)
	}
	if want := "arn:aws:networkmanager::111122223333:global-network/" + created.GlobalNetworkId; created.GlobalNetworkArn != want {
		t.Errorf("ARN %s, want %s", created.GlobalNetworkArn, want)
	}
	list := must(w, w.DescribeGlobalNetworks, api.DescribeGlobalNetworksInput{}).GlobalNetworks
	if len(list) != 1 || list[0].State != "AVAILABLE" || list[0].Description != "lab" || len(list[0].Tags) != 1 {
		t.Errorf("listed %+v", list)
	}
	updated := must(w, w.UpdateGlobalNetwork, api.UpdateGlobalNetworkInput{GlobalNetworkId: created.GlobalNetworkId, Description: new("")}).GlobalNetwork
	if updated.State != "UPDATING" || updated.Description != "" {
		t.Errorf("updated %+v", updated)
	}
	deleted := must(w, w.DeleteGlobalNetwork, api.DeleteGlobalNetworkInput{GlobalNetworkId: created.GlobalNetworkId}).GlobalNetwork
	if deleted.State != "DELETING" || deleted.Tags != nil {
		t.Errorf("deleted %+v: want DELETING without tags", deleted)
	}
	if list := must(w, w.DescribeGlobalNetworks, api.DescribeGlobalNetworksInput{GlobalNetworkIds: []string{created.GlobalNetworkId}}).GlobalNetworks; len(list) != 0 {
		t.Errorf("still listed: %+v", list)
	}
	if e := fails[notFound](w, w.DeleteGlobalNetwork, api.DeleteGlobalNetworkInput{GlobalNetworkId: created.GlobalNetworkId}); e.ResourceId != created.GlobalNetworkId || e.ResourceType != "global-network" {
		t.Errorf("got %+v", e)
	}
}

func TestDeleteGlobalNetwork_notEmpty(t *testing.T) {
	w := newWorld(t)
	gn := w.globalNetwork()
	site := w.site(gn)
	e := fails[validation](w, w.DeleteGlobalNetwork, api.DeleteGlobalNetworkInput{GlobalNetworkId: gn})
	if !strings.Contains(e.Message, "cannot be deleted due to existing devices, sites, or links") || e.Reason != "Other" || e.Fields != nil {
		t.Errorf("got %+v", e)
	}
	must(w, w.DeleteSite, api.DeleteSiteInput{GlobalNetworkId: gn, SiteId: site})
	arn := "arn:aws:ec2:eu-west-1:111122223333:transit-gateway/tgw-0123456789abcdef0"
	must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: arn})
	if e := fails[validation](w, w.DeleteGlobalNetwork, api.DeleteGlobalNetworkInput{GlobalNetworkId: gn}); !strings.Contains(e.Message, "transit gateway registrations") {
		t.Errorf("got %+v", e)
	}
	must(w, w.DeregisterTransitGateway, api.DeregisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: arn})
	must(w, w.DeleteGlobalNetwork, api.DeleteGlobalNetworkInput{GlobalNetworkId: gn})
}

func TestDeleteGlobalNetwork_leavesNothing(t *testing.T) {
	st := store.OpenMemory()
	w := newWorld(t, func(c *node.Config) { c.Store = st })
	gn, other := w.globalNetwork(), w.globalNetwork()
	for _, id := range []string{gn, other} {
		must(w, w.StartRouteAnalysis, api.StartRouteAnalysisInput{
			GlobalNetworkId: id,
			Source:          &api.RouteAnalysisEndpointOptionsSpecification{TransitGatewayAttachmentArn: new(ec2 + "transit-gateway-attachment/tgw-attach-0123456789abcdef0")},
			Destination:     &api.RouteAnalysisEndpointOptionsSpecification{IpAddress: new("10.0.0.1")},
		})
		site := w.site(id)
		must(w, w.UpdateNetworkResourceMetadata, api.UpdateNetworkResourceMetadataInput{
			GlobalNetworkId: id, ResourceArn: "arn:aws:networkmanager::111122223333:site/" + id + "/" + site, Metadata: map[string]string{"a": "1"},
		})
		must(w, w.DeleteSite, api.DeleteSiteInput{GlobalNetworkId: id, SiteId: site})
	}
	must(w, w.DeleteGlobalNetwork, api.DeleteGlobalNetworkInput{GlobalNetworkId: gn})
	must(w, w.UpdateGlobalNetwork, api.UpdateGlobalNetworkInput{GlobalNetworkId: other}) // a write does what is due first
	rows := map[string]int{}
	if err := st.View(t.Context(), func(r store.Reader) error {
		for key := range r.Scan("/acct/", "") {
			for _, id := range []string{gn, other} {
				if strings.Contains(key, id) {
					rows[id]++
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if rows[gn] != 0 || rows[other] < 3 { // itself, its analysis, its metadata
		t.Errorf("%d rows of the deleted global network, %d of the other", rows[gn], rows[other])
	}
}

func TestDeleteGlobalNetwork_childStillDeleting(t *testing.T) {
	w := newWorld(t, withProfile(t, "instant,site.DELETING=5s"))
	gn := w.globalNetwork()
	must(w, w.DeleteSite, api.DeleteSiteInput{GlobalNetworkId: gn, SiteId: w.site(gn)})
	fails[validation](w, w.DeleteGlobalNetwork, api.DeleteGlobalNetworkInput{GlobalNetworkId: gn})
	w.now = w.now.Add(5 * time.Second)
	must(w, w.DeleteGlobalNetwork, api.DeleteGlobalNetworkInput{GlobalNetworkId: gn})
}

func TestGlobalNetwork_missingOrForeign(t *testing.T) {
	w := newWorld(t)
	gn := w.globalNetwork()
	for _, id := range []string{"global-network-0ffffffffffffffff", gn} {
		if id == gn {
			w.ctx = w.as("444455556666")
		}
		e := fails[validation](w, w.GetSites, api.GetSitesInput{GlobalNetworkId: id})
		wantField(t, e, "globalNetworkId")
		if e.Fields[0].Message != "Global network not found." {
			t.Errorf("message %q", e.Fields[0].Message)
		}
		wantField(t, fails[validation](w, w.CreateSite, api.CreateSiteInput{GlobalNetworkId: id}), "globalNetworkId")
		wantField(t, fails[validation](w, w.CreateConnection, api.CreateConnectionInput{GlobalNetworkId: id}), "globalNetworkId")
		wantField(t, fails[validation](w, w.DisassociateConnectPeer, api.DisassociateConnectPeerInput{GlobalNetworkId: id}), "globalNetworkId")
		wantField(t, fails[validation](w, w.DeleteDevice, api.DeleteDeviceInput{GlobalNetworkId: id}), "globalNetworkId")
	}
}

func TestCreate_quota(t *testing.T) {
	w := newWorld(t, withQuota("devices", 2))
	gn := w.globalNetwork()
	site := w.site(gn)
	first := w.device(gn, site)
	w.device(gn, site)
	e := fails[quota](w, w.CreateDevice, api.CreateDeviceInput{GlobalNetworkId: gn})
	if e.LimitCode != "L-C3B5632D" || e.ServiceCode != "networkmanager" || e.ResourceType != "device" || e.ResourceId != gn {
		t.Errorf("got %+v", e)
	}
	must(w, w.DeleteDevice, api.DeleteDeviceInput{GlobalNetworkId: gn, DeviceId: first})
	w.device(gn, site)

	for range 4 {
		w.globalNetwork()
	}
	if e := fails[quota](w, w.CreateGlobalNetwork, api.CreateGlobalNetworkInput{}); e.LimitCode != "L-2418390E" {
		t.Errorf("got %+v", e)
	}
}

func TestUpdateDevice_members(t *testing.T) {
	w := newWorld(t)
	gn := w.globalNetwork()
	site, other := w.site(gn), w.site(gn)
	d := must(w, w.CreateDevice, api.CreateDeviceInput{
		GlobalNetworkId: gn, SiteId: &site, Vendor: new("acme"), Model: new("m1"), Description: new(""),
		Location:    &api.Location{Address: new("Main St"), Latitude: new("40.7"), Longitude: new("")},
		AWSLocation: &api.AWSLocation{SubnetArn: new("arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-0123456789abcdef0")},
	}).Device
	if d.Location.Longitude != nil || d.Description != "" {
		t.Errorf("empty members are stored: %+v", d)
	}
	update := func(in api.UpdateDeviceInput) *api.Device {
		t.Helper()
		in.GlobalNetworkId, in.DeviceId = gn, d.DeviceId
		return must(w, w.UpdateDevice, in).Device
	}
	got := update(api.UpdateDeviceInput{Vendor: new(""), SiteId: &other, AWSLocation: &api.AWSLocation{Zone: new("euw1-az1"), SubnetArn: new("")}})
	if got.Vendor != "" || got.Model != "m1" || got.SiteId != other || got.State != "UPDATING" {
		t.Errorf("updated %+v", got)
	}
	if got.AWSLocation.SubnetArn != nil || *got.AWSLocation.Zone != "euw1-az1" {
		t.Errorf("AWSLocation %+v", got.AWSLocation)
	}
	got = update(api.UpdateDeviceInput{Location: &api.Location{Latitude: new("")}})
	if got.Location.Latitude != nil || *got.Location.Address != "Main St" {
		t.Errorf("Location %+v", got.Location)
	}
	got = update(api.UpdateDeviceInput{SiteId: new(""), Location: &api.Location{Address: new("")}})
	if got.SiteId != "" || got.Location != nil {
		t.Errorf("cleared %+v", got)
	}
	update(api.UpdateDeviceInput{SiteId: new(""), Vendor: new("")}) // empty on empty
	if e := fails[notFound](w, w.UpdateDevice, api.UpdateDeviceInput{GlobalNetworkId: gn, DeviceId: d.DeviceId, SiteId: new("site-0")}); e.ResourceType != "site" || e.ResourceId != "site-0" {
		t.Errorf("got %+v", e)
	}
	long := strings.Repeat("x", 129)
	e := fails[validation](w, w.UpdateDevice, api.UpdateDeviceInput{GlobalNetworkId: gn, DeviceId: d.DeviceId, Vendor: &long, SerialNumber: &long})
	if len(e.Fields) != 2 || e.Fields[0].Name != "vendor" || e.Fields[1].Name != "serialNumber" {
		t.Errorf("got %+v", e.Fields)
	}
}

func TestUpdateDevice_siteWithLinks(t *testing.T) {
	w := newWorld(t)
	gn := w.globalNetwork()
	device, link, site := w.linkedDevice(gn)
	other := w.site(gn)
	for _, target := range []string{other, ""} {
		wantField(t, fails[validation](w, w.UpdateDevice, api.UpdateDeviceInput{GlobalNetworkId: gn, DeviceId: device, SiteId: &target}), "siteId")
	}
	must(w, w.UpdateDevice, api.UpdateDeviceInput{GlobalNetworkId: gn, DeviceId: device, SiteId: &site})
	must(w, w.DisassociateLink, api.DisassociateLinkInput{GlobalNetworkId: gn, DeviceId: device, LinkId: link})
	must(w, w.UpdateDevice, api.UpdateDeviceInput{GlobalNetworkId: gn, DeviceId: device, SiteId: &other})
}

func TestDelete_whileInUse(t *testing.T) {
	w := newWorld(t)
	gn := w.globalNetwork()
	device, link, site := w.linkedDevice(gn)
	rule := func(e validation, text string) {
		t.Helper()
		if e.Reason != "Other" || !strings.Contains(e.Message, text) || e.Fields != nil {
			t.Errorf("got %+v, want a rule with %q", e, text)
		}
	}
	rule(fails[validation](w, w.DeleteSite, api.DeleteSiteInput{GlobalNetworkId: gn, SiteId: site}), "cannot be deleted due to existing association")
	rule(fails[validation](w, w.DeleteDevice, api.DeleteDeviceInput{GlobalNetworkId: gn, DeviceId: device}), "cannot be deleted due to existing association")
	rule(fails[validation](w, w.DeleteLink, api.DeleteLinkInput{GlobalNetworkId: gn, LinkId: link}), "cannot be deleted due to existing association")

	second, secondLink, _ := w.linkedDevice(gn)
	connection := must(w, w.CreateConnection, api.CreateConnectionInput{GlobalNetworkId: gn, DeviceId: device, ConnectedDeviceId: second, LinkId: &link, ConnectedLinkId: &secondLink}).Connection
	if connection.State != "PENDING" {
		t.Errorf("connection %+v", connection)
	}
	rule(fails[validation](w, w.DisassociateLink, api.DisassociateLinkInput{GlobalNetworkId: gn, DeviceId: second, LinkId: secondLink}), "connection")
	must(w, w.UpdateConnection, api.UpdateConnectionInput{GlobalNetworkId: gn, ConnectionId: connection.ConnectionId, ConnectedLinkId: new("")})
	must(w, w.DisassociateLink, api.DisassociateLinkInput{GlobalNetworkId: gn, DeviceId: second, LinkId: secondLink})
	rule(fails[validation](w, w.DeleteDevice, api.DeleteDeviceInput{GlobalNetworkId: gn, DeviceId: second}), "connection")
	must(w, w.DeleteConnection, api.DeleteConnectionInput{GlobalNetworkId: gn, ConnectionId: connection.ConnectionId})
	must(w, w.DeleteDevice, api.DeleteDeviceInput{GlobalNetworkId: gn, DeviceId: second})
}

func TestCreateLink_text(t *testing.T) {
	w := newWorld(t)
	gn := w.globalNetwork()
	site := w.site(gn)
	e := fails[validation](w, w.CreateLink, api.CreateLinkInput{
		GlobalNetworkId: gn, SiteId: site, Type: new(`a|b`), Provider: new(strings.Repeat("p", 129)),
		Bandwidth: &api.Bandwidth{UploadSpeed: new(int32(-1)), DownloadSpeed: new(int32(0))},
	})
	var names []string
	for _, f := range e.Fields {
		names = append(names, f.Name)
	}
	if strings.Join(names, " ") != "type provider bandwidth.uploadSpeed" {
		t.Errorf("fields %v", names)
	}
	if e := fails[notFound](w, w.CreateLink, api.CreateLinkInput{GlobalNetworkId: gn, SiteId: "site-1", Bandwidth: &api.Bandwidth{}}); e.ResourceType != "site" {
		t.Errorf("got %+v", e)
	}
}

func TestGetLinks_filters(t *testing.T) {
	w := newWorld(t)
	gn := w.globalNetwork()
	site, other := w.site(gn), w.site(gn)
	create := func(site, typ, provider string) string {
		return must(w, w.CreateLink, api.CreateLinkInput{GlobalNetworkId: gn, SiteId: site, Type: &typ, Provider: &provider, Bandwidth: &api.Bandwidth{}}).Link.LinkId
	}
	a, b, c := create(site, "fiber", "telco"), create(site, "lte", "telco"), create(other, "fiber", "")
	check := func(want []string, in api.GetLinksInput) {
		t.Helper()
		in.GlobalNetworkId = gn
		var got []string
		for _, l := range must(w, w.GetLinks, in).Links {
			got = append(got, l.LinkId)
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%+v: got %v, want %v", in, got, want)
		}
	}
	check([]string{a, b, c}, api.GetLinksInput{})
	check([]string{a, b}, api.GetLinksInput{SiteId: &site})
	check([]string{a, c}, api.GetLinksInput{Type: new("fiber")})
	check([]string{a}, api.GetLinksInput{Type: new("fiber"), Provider: new("telco")})
	check([]string{c}, api.GetLinksInput{LinkIds: []string{c, b, "link-unknown"}, SiteId: &other})
	check(nil, api.GetLinksInput{Provider: new("nobody")})
	if e := fails[validation](w, w.GetLinks, api.GetLinksInput{GlobalNetworkId: gn, SiteId: &site, Type: new("fiber")}); e.Reason != "Other" {
		t.Errorf("got %+v", e)
	}
	wantField(t, fails[validation](w, w.GetLinks, api.GetLinksInput{GlobalNetworkId: gn, LinkIds: make([]string, 11)}), "linkIds")
}

func TestAssociateLink_rules(t *testing.T) {
	w := newWorld(t, withProfile(t, "instant,link-association.DELETING=5s"))
	gn := w.globalNetwork()
	device, link, site := w.linkedDevice(gn)
	again := must(w, w.AssociateLink, api.AssociateLinkInput{GlobalNetworkId: gn, DeviceId: device, LinkId: link}).LinkAssociation
	if again.LinkAssociationState != "AVAILABLE" {
		t.Errorf("repeat %+v: want the current record", again)
	}
	elsewhere := w.link(gn, w.site(gn))
	wantField(t, fails[validation](w, w.AssociateLink, api.AssociateLinkInput{GlobalNetworkId: gn, DeviceId: device, LinkId: elsewhere}), "linkId")
	homeless := must(w, w.CreateDevice, api.CreateDeviceInput{GlobalNetworkId: gn}).Device.DeviceId
	wantField(t, fails[validation](w, w.AssociateLink, api.AssociateLinkInput{GlobalNetworkId: gn, DeviceId: homeless, LinkId: link}), "linkId")
	if e := fails[notFound](w, w.AssociateLink, api.AssociateLinkInput{GlobalNetworkId: gn, DeviceId: "device-0", LinkId: link}); e.ResourceType != "device" {
		t.Errorf("got %+v", e)
	}
	if e := fails[notFound](w, w.AssociateLink, api.AssociateLinkInput{GlobalNetworkId: gn, DeviceId: device, LinkId: "link-0"}); e.ResourceType != "link" {
		t.Errorf("got %+v", e)
	}
	for range 2 { // the second is a client's retry
		if a := must(w, w.DisassociateLink, api.DisassociateLinkInput{GlobalNetworkId: gn, DeviceId: device, LinkId: link}).LinkAssociation; a.LinkAssociationState != "DELETING" {
			t.Errorf("got %+v", a)
		}
	}
	fails[conflict](w, w.AssociateLink, api.AssociateLinkInput{GlobalNetworkId: gn, DeviceId: device, LinkId: link})
	w.now = w.now.Add(5 * time.Second)
	must(w, w.AssociateLink, api.AssociateLinkInput{GlobalNetworkId: gn, DeviceId: device, LinkId: link})
	_ = site
	list := must(w, w.GetLinkAssociations, api.GetLinkAssociationsInput{GlobalNetworkId: gn, LinkId: &link, DeviceId: &device}).LinkAssociations
	if len(list) != 1 || list[0].LinkAssociationState != "AVAILABLE" {
		t.Errorf("listed %+v", list)
	}
}

func TestCreateConnection_rules(t *testing.T) {
	w := newWorld(t)
	gn := w.globalNetwork()
	a, aLink, _ := w.linkedDevice(gn)
	b, bLink, _ := w.linkedDevice(gn)
	wantField(t, fails[validation](w, w.CreateConnection, api.CreateConnectionInput{GlobalNetworkId: gn, DeviceId: a, ConnectedDeviceId: a}), "connectedDeviceId")
	wantField(t, fails[validation](w, w.CreateConnection, api.CreateConnectionInput{GlobalNetworkId: gn, DeviceId: a, ConnectedDeviceId: "device-0"}), "connectedDeviceId")
	wantField(t, fails[validation](w, w.CreateConnection, api.CreateConnectionInput{GlobalNetworkId: gn, DeviceId: a, ConnectedDeviceId: b, LinkId: &bLink}), "linkId")
	wantField(t, fails[validation](w, w.CreateConnection, api.CreateConnectionInput{GlobalNetworkId: gn, DeviceId: a, ConnectedDeviceId: b, ConnectedLinkId: new("link-0")}), "connectedLinkId")
	c := must(w, w.CreateConnection, api.CreateConnectionInput{GlobalNetworkId: gn, DeviceId: a, ConnectedDeviceId: b, LinkId: &aLink}).Connection
	for _, end := range []string{a, b} {
		if list := must(w, w.GetConnections, api.GetConnectionsInput{GlobalNetworkId: gn, DeviceId: &end}).Connections; len(list) != 1 || list[0].ConnectionId != c.ConnectionId {
			t.Errorf("device %s: %+v", end, list)
		}
	}
	if e := fails[notFound](w, w.UpdateConnection, api.UpdateConnectionInput{GlobalNetworkId: gn, ConnectionId: c.ConnectionId, ConnectedLinkId: new("link-0")}); e.ResourceType != "link" {
		t.Errorf("got %+v", e)
	}
	must(w, w.UpdateConnection, api.UpdateConnectionInput{GlobalNetworkId: gn, ConnectionId: c.ConnectionId, ConnectedLinkId: &bLink})
}

func TestTransitGateway_registration(t *testing.T) {
	w := newWorld(t)
	gn, other := w.globalNetwork(), w.globalNetwork()
	tgw := "arn:aws:ec2:eu-west-1:111122223333:transit-gateway/tgw-0123456789abcdef0"
	device, link, _ := w.linkedDevice(gn)
	cgw := "arn:aws:ec2:eu-west-1:111122223333:customer-gateway/cgw-0123456789abcdef0"
	peer := api.AssociateTransitGatewayConnectPeerInput{
		GlobalNetworkId: gn, DeviceId: device, TransitGatewayConnectPeerArn: "arn:aws:ec2:eu-west-1:111122223333:transit-gateway-connect-peer/tgw-connect-peer-0123456789abcdef0",
	}
	if r := must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: tgw}).TransitGatewayRegistration; r.State.Code != "PENDING" {
		t.Errorf("got %+v", r)
	}
	for _, in := range []string{gn, other} {
		if e := fails[validation](w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: in, TransitGatewayArn: tgw}); e.Reason != "Other" {
			t.Errorf("got %+v", e)
		}
	}
	for _, bad := range []string{"tgw-0123456789abcdef0", "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-1", "arn:aws:ec2:eu-west-1:444455556666:transit-gateway/tgw-1"} {
		wantField(t, fails[validation](w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: bad}), "transitGatewayArn")
	}
	must(w, w.AssociateTransitGatewayConnectPeer, peer)
	must(w, w.AssociateCustomerGateway, api.AssociateCustomerGatewayInput{GlobalNetworkId: gn, CustomerGatewayArn: cgw, DeviceId: device, LinkId: &link})
	if e := fails[conflict](w, w.AssociateCustomerGateway, api.AssociateCustomerGatewayInput{GlobalNetworkId: gn, CustomerGatewayArn: cgw, DeviceId: device}); e.ResourceId != cgw || e.ResourceType != "customer-gateway" {
		t.Errorf("got %+v", e)
	}
	must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn}) // carries customer gateways too, and no such peers
	if r := must(w, w.DeregisterTransitGateway, api.DeregisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: tgw}).TransitGatewayRegistration; r.State.Code != "DELETING" {
		t.Errorf("got %+v", r)
	}
	if list := must(w, w.GetCustomerGatewayAssociations, api.GetCustomerGatewayAssociationsInput{GlobalNetworkId: gn}).CustomerGatewayAssociations; len(list) != 1 || list[0].State != "AVAILABLE" {
		t.Errorf("the customer gateway may be the core network's: %+v", list)
	}
	for _, a := range must(w, w.GetTransitGatewayConnectPeerAssociations, api.GetTransitGatewayConnectPeerAssociationsInput{GlobalNetworkId: gn}).TransitGatewayConnectPeerAssociations {
		if a.State != "DELETED" {
			t.Errorf("the Connect peer outlived every transit gateway: %+v", a)
		}
	}
	must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: other, TransitGatewayArn: tgw})
	if e := fails[notFound](w, w.DeregisterTransitGateway, api.DeregisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: tgw}); e.ResourceType != "transit-gateway" {
		t.Errorf("got %+v", e)
	}
}

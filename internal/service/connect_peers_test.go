package service_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/api"
	"portolan/internal/analysis"
)

// builtPeer is a Connect peer after it was built.
func (w *world) builtPeer(in api.CreateConnectPeerInput) *api.ConnectPeer {
	w.t.Helper()
	id := must(w, w.CreateConnectPeer, in).ConnectPeer.ConnectPeerId
	return must(w, w.GetConnectPeer, api.GetConnectPeerInput{ConnectPeerId: id}).ConnectPeer
}

func wantPeerFailure(t *testing.T, p *api.ConnectPeer, code api.ConnectPeerErrorCode) {
	t.Helper()
	switch {
	case code == "" && (p.State != api.ConnectPeerStateAvailable || p.LastModificationErrors != nil):
		t.Errorf("got %s %+v, want AVAILABLE", p.State, p.LastModificationErrors)
	case code != "" && (p.State != api.ConnectPeerStateFailed || len(p.LastModificationErrors) != 1 || p.LastModificationErrors[0].Code != code):
		t.Errorf("got %s %+v, want FAILED with %s", p.State, p.LastModificationErrors, code)
	}
}

func TestCreateConnectPeer_failsWhileItIsBuilt(t *testing.T) {
	w := newWorld(t, withQuota("connect-peers", 20))
	gn, cn := w.network()
	attachment := w.connectAttachment(cn)
	peer := func(inside ...string) api.CreateConnectPeerInput {
		return api.CreateConnectPeerInput{ConnectAttachmentId: attachment, PeerAddress: "10.0.0.6", InsideCidrBlocks: inside}
	}
	first := w.builtPeer(peer("169.254.40.0/29"))
	wantPeerFailure(t, first, "")
	for inside, code := range map[string]api.ConnectPeerErrorCode{
		"169.254.40.0/29": api.ConnectPeerErrorCodeEdgeLocationPeerDuplicate,
		"169.254.0.0/29":  api.ConnectPeerErrorCodeInvalidInsideCidrBlock,
		"169.254.41.0/28": api.ConnectPeerErrorCodeInvalidInsideCidrBlock,
		"10.0.0.0/29":     api.ConnectPeerErrorCodeInvalidInsideCidrBlock,
	} {
		wantPeerFailure(t, w.builtPeer(peer(inside)), code)
	}
	noFamily := peer("169.254.42.0/29")
	noFamily.PeerAddress = "2001:db8::1"
	wantPeerFailure(t, w.builtPeer(noFamily), api.ConnectPeerErrorCodeNoAssociatedCidrBlock)

	// What failed occupies nothing, can be deleted, and is on no device.
	next := w.builtPeer(peer("169.254.42.0/29"))
	wantPeerFailure(t, next, "")
	if next.Configuration.CoreNetworkAddress != "10.255.0.2" {
		t.Errorf("failed peers hold addresses: %s", next.Configuration.CoreNetworkAddress)
	}
	failed := w.builtPeer(peer("169.254.42.0/29"))
	device := w.device(gn, w.site(gn))
	wantField(t, fails[validation](w, w.AssociateConnectPeer, api.AssociateConnectPeerInput{GlobalNetworkId: gn, ConnectPeerId: failed.ConnectPeerId, DeviceId: device}), "connectPeerId")
	must(w, w.DeleteConnectPeer, api.DeleteConnectPeerInput{ConnectPeerId: failed.ConnectPeerId})
	must(w, w.DeleteConnectPeer, api.DeleteConnectPeerInput{ConnectPeerId: first.ConnectPeerId})
	must(w, w.ListConnectPeers, api.ListConnectPeersInput{})
	wantPeerFailure(t, w.builtPeer(peer("169.254.40.0/29")), "")
}

func TestCreateConnectPeer_noFreeAddress(t *testing.T) {
	w := newWorld(t, withQuota("connect-peers", 300))
	_, cn := w.network()
	attachment := w.connectAttachment(cn)
	var last *api.ConnectPeer
	for i := range 255 { // a /24 has 254 host addresses
		last = w.builtPeer(api.CreateConnectPeerInput{
			ConnectAttachmentId: attachment, PeerAddress: "10.0.0.6", InsideCidrBlocks: []string{fmt.Sprintf("169.254.%d.%d/29", 16+i/32, i%32*8)},
		})
		if i < 254 && last.State != api.ConnectPeerStateAvailable {
			t.Fatalf("peer %d: %s %+v", i, last.State, last.LastModificationErrors)
		}
	}
	wantPeerFailure(t, last, api.ConnectPeerErrorCodeEdgeLocationNoFreeIps)
}

func TestCreateConnectPeer_subnetOfTheTransport(t *testing.T) {
	w := newWorld(t, withCatalog(t, `
vpcs:
  - arn: `+ec2ARN+`vpc/vpc-0123456789abcdef0
    cidrs: [10.0.0.0/16]
    subnets: [{arn: '`+ec2ARN+`subnet/subnet-0123456789abcdef0', cidrs: [10.0.1.0/24]}]
`))
	_, cn := w.network()
	transport := w.vpcAttachment(cn).Attachment.AttachmentId
	attachment := must(w, w.CreateConnectAttachment, api.CreateConnectAttachmentInput{
		CoreNetworkId: cn, EdgeLocation: "eu-west-1", TransportAttachmentId: transport, Options: &api.ConnectAttachmentOptions{Protocol: new(api.TunnelProtocolNoEncap)},
	}).ConnectAttachment.Attachment.AttachmentId
	peer := func(subnet, address string) api.CreateConnectPeerInput {
		return api.CreateConnectPeerInput{ConnectAttachmentId: attachment, PeerAddress: address, SubnetArn: new(subnet)}
	}
	wantPeerFailure(t, w.builtPeer(peer(ec2ARN+"subnet/subnet-0123456789abcdef0", "10.0.1.5")), "")
	wantPeerFailure(t, w.builtPeer(peer(ec2ARN+"subnet/subnet-0123456789abcdef0", "10.0.2.5")), "") // outside the subnet: AWS takes it
	subject, err := w.Network(w.ctx, cn)
	if err != nil {
		t.Fatal(err)
	}
	found, err := subject.Findings(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(found, func(f analysis.Finding) bool { return f.Name == analysis.CheckPeerOutside }); i < 0 || !strings.Contains(found[i].Message, "has address 10.0.2.5 outside its subnet subnet-0123456789abcdef0, 10.0.") {
		t.Errorf("found %+v", found)
	}
	wantPeerFailure(t, w.builtPeer(peer(ec2ARN+"subnet/subnet-0123456789abcdef9", "10.0.1.6")), api.ConnectPeerErrorCodeSubnetNotFound)
	wantField(t, fails[validation](w, w.CreateConnectPeer, peer("arn:aws:ec2:us-east-1:111122223333:subnet/subnet-0123456789abcdef0", "10.0.1.7")), "subnetArn")
}

func TestConnectPeer_addresses(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	attachment := w.connectAttachment(cn)
	w.connectPeer(attachment, "169.254.40.0/29")
	bad := map[string]api.CreateConnectPeerInput{
		"peerAddress":         {PeerAddress: "nonsense", InsideCidrBlocks: []string{"169.254.41.0/29"}},
		"insideCidrBlocks":    {PeerAddress: "10.0.0.6"},
		"insideCidrBlocks[0]": {PeerAddress: "10.0.0.6", InsideCidrBlocks: []string{"169.254.41.1/29"}},
		"coreNetworkAddress":  {PeerAddress: "10.0.0.6", InsideCidrBlocks: []string{"169.254.41.0/29"}, CoreNetworkAddress: new("10.255.0.1")},
		"coreNetworkAddress ": {PeerAddress: "10.0.0.6", InsideCidrBlocks: []string{"169.254.41.0/29"}, CoreNetworkAddress: new("10.9.0.1")},
		"bgpOptions.peerAsn":  {PeerAddress: "10.0.0.6", InsideCidrBlocks: []string{"169.254.41.0/29"}, BgpOptions: &api.BgpOptions{PeerAsn: new(int64(0))}},
		"subnetArn":           {PeerAddress: "10.0.0.6", InsideCidrBlocks: []string{"169.254.41.0/29"}, SubnetArn: new(ec2 + "subnet/subnet-0123456789abcdef0")},
	}
	for field, in := range bad {
		in.ConnectAttachmentId = attachment
		wantField(t, fails[validation](w, w.CreateConnectPeer, in), strings.TrimSpace(field))
	}
	second := must(w, w.CreateConnectPeer, api.CreateConnectPeerInput{ConnectAttachmentId: attachment, PeerAddress: "10.0.0.6", InsideCidrBlocks: []string{"fd00::/125", "169.254.41.0/29"}}).ConnectPeer.Configuration
	if second.CoreNetworkAddress != "10.255.0.2" || *second.BgpConfigurations[0].PeerAsn != 64512 || strings.Join(second.InsideCidrBlocks, " ") != "169.254.41.0/29 fd00::/125" {
		t.Errorf("second peer %+v", second)
	}
	w.connectPeer(attachment, "169.254.42.0/29")
	w.connectPeer(attachment, "169.254.43.0/29")
	fails[quota](w, w.CreateConnectPeer, api.CreateConnectPeerInput{ConnectAttachmentId: attachment, PeerAddress: "10.0.0.5", InsideCidrBlocks: []string{"169.254.44.0/29"}})
	wantSentence(t, fails[validation](w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: attachment}), "cannot be deleted due to existing Connect peer")
}

func TestConnectPeer_noEncap(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	transport := w.vpcAttachment(cn).Attachment.AttachmentId
	in := api.CreateConnectAttachmentInput{CoreNetworkId: cn, EdgeLocation: "eu-west-1", TransportAttachmentId: transport, Options: &api.ConnectAttachmentOptions{Protocol: new(api.TunnelProtocolNoEncap)}}
	attachment := must(w, w.CreateConnectAttachment, in).ConnectAttachment.Attachment.AttachmentId
	second := must(w, w.CreateConnectAttachment, in).ConnectAttachment.Attachment.AttachmentId // one per VPC
	if got := must(w, w.GetConnectAttachment, api.GetConnectAttachmentInput{AttachmentId: second}).ConnectAttachment.Attachment; got.State != "FAILED" || got.SegmentName != "" ||
		len(got.LastModificationErrors) != 1 || got.LastModificationErrors[0].Code != "MAXIMUM_NO_ENCAP_LIMIT_EXCEEDED" {
		t.Errorf("the second tunnel-less attachment is %+v", got)
	}
	must(w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: second})
	must(w, w.ListAttachments, api.ListAttachmentsInput{})
	wantField(t, fails[validation](w, w.CreateConnectPeer, api.CreateConnectPeerInput{ConnectAttachmentId: attachment, PeerAddress: "10.0.0.5"}), "subnetArn")
	c := must(w, w.CreateConnectPeer, api.CreateConnectPeerInput{ConnectAttachmentId: attachment, PeerAddress: "10.0.0.5", SubnetArn: new(ec2 + "subnet/subnet-0123456789abcdef0"), BgpOptions: &api.BgpOptions{PeerAsn: new(int64(65000))}}).ConnectPeer.Configuration
	if c.Protocol != "NO_ENCAP" || len(c.BgpConfigurations) != 2 || c.BgpConfigurations[0].CoreNetworkAddress != "10.255.0.1" || c.BgpConfigurations[1].CoreNetworkAddress != "10.255.0.2" || c.BgpConfigurations[1].PeerAddress != "10.0.0.5" || c.InsideCidrBlocks != nil {
		t.Errorf("configuration %+v", c)
	}
	wantSentence(t, fails[validation](w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: transport}), "cannot be deleted due to existing Connect attachment")
}

func TestConnectAttachment_transportNotReady(t *testing.T) {
	w := newWorld(t, withProfile(t, "instant,attachment.CREATING=1m"))
	_, cn := w.network()
	transport := w.vpcAttachment(cn).Attachment.AttachmentId
	in := api.CreateConnectAttachmentInput{CoreNetworkId: cn, EdgeLocation: "eu-west-1", TransportAttachmentId: transport, Options: &api.ConnectAttachmentOptions{}}
	e := fails[validation](w, w.CreateConnectAttachment, in)
	wantField(t, e, "transportAttachmentId")
	if e.Fields[0].Message != "Transport attachment state is invalid." {
		t.Errorf("message %q", e.Fields[0].Message)
	}
	fails[conflict](w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: transport})
	w.now = w.now.Add(time.Minute)
	attachment := must(w, w.CreateConnectAttachment, in).ConnectAttachment.Attachment.AttachmentId
	if e := fails[validation](w, w.CreateConnectPeer, api.CreateConnectPeerInput{ConnectAttachmentId: attachment, PeerAddress: "10.0.0.5", InsideCidrBlocks: []string{"169.254.40.0/29"}}); e.Message != "Connect attachment state is invalid. attachment id: "+attachment || e.Reason != "Other" {
		t.Errorf("got %+v", e)
	}
}

func TestConnectPeerAssociation_otherNetworksAndPeers(t *testing.T) {
	w := newWorld(t, withProfile(t, "instant,connect-peer.DELETING=1m"))
	gn, cn := w.network()
	other := w.globalNetwork()
	device, elsewhere := w.device(gn, w.site(gn)), w.device(other, w.site(other))
	peer := w.connectPeer(w.connectAttachment(cn), "169.254.40.0/29")
	wantField(t, fails[validation](w, w.AssociateConnectPeer, api.AssociateConnectPeerInput{GlobalNetworkId: other, ConnectPeerId: peer, DeviceId: elsewhere}), "connectPeerId")
	if e := fails[notFound](w, w.AssociateConnectPeer, api.AssociateConnectPeerInput{GlobalNetworkId: gn, ConnectPeerId: peer, DeviceId: elsewhere}); e.ResourceType != "device" {
		t.Errorf("got %+v", e)
	}
	must(w, w.AssociateConnectPeer, api.AssociateConnectPeerInput{GlobalNetworkId: gn, ConnectPeerId: peer, DeviceId: device})
	must(w, w.DeleteConnectPeer, api.DeleteConnectPeerInput{ConnectPeerId: peer})
	fails[conflict](w, w.DeleteConnectPeer, api.DeleteConnectPeerInput{ConnectPeerId: peer})
	must(w, w.GetConnectPeerAssociations, api.GetConnectPeerAssociationsInput{GlobalNetworkId: gn})
	if list := must(w, w.GetConnectPeerAssociations, api.GetConnectPeerAssociationsInput{GlobalNetworkId: gn}).ConnectPeerAssociations; len(list) != 0 {
		t.Errorf("the association outlived its peer: %+v", list)
	}
	wantField(t, fails[validation](w, w.AssociateConnectPeer, api.AssociateConnectPeerInput{GlobalNetworkId: gn, ConnectPeerId: peer, DeviceId: device}), "connectPeerId")
	must(w, w.DeleteDevice, api.DeleteDeviceInput{GlobalNetworkId: gn, DeviceId: device})
}

func TestDisassociateConnectPeer_pendingAndRepeated(t *testing.T) {
	w := newWorld(t, withProfile(t, "instant,connect-peer-association.PENDING=1m,connect-peer-association.DELETING=1m,connect-peer-association.DELETED=1m"))
	gn, cn := w.network()
	device := w.device(gn, w.site(gn))
	peer := w.connectPeer(w.connectAttachment(cn), "169.254.40.0/29")
	associate := api.AssociateConnectPeerInput{GlobalNetworkId: gn, ConnectPeerId: peer, DeviceId: device}
	disassociate := api.DisassociateConnectPeerInput{GlobalNetworkId: gn, ConnectPeerId: peer}
	state := func() api.ConnectPeerAssociationState {
		list := must(w, w.GetConnectPeerAssociations, api.GetConnectPeerAssociationsInput{GlobalNetworkId: gn, ConnectPeerIds: []string{peer, peer, "connect-peer-0123456789abcdef0"}}).ConnectPeerAssociations
		if len(list) != 1 {
			return "absent"
		}
		return list[0].State
	}
	must(w, w.AssociateConnectPeer, associate)
	if got := state(); got != "PENDING" {
		t.Errorf("state %s", got)
	}
	for range 2 {
		if a := must(w, w.DisassociateConnectPeer, disassociate).ConnectPeerAssociation; a.State != "DELETING" || a.DeviceId != device {
			t.Errorf("got %+v", a)
		}
	}
	if e := fails[conflict](w, w.AssociateConnectPeer, associate); e.ResourceId != peer || e.ResourceType != "connect-peer" {
		t.Errorf("got %+v", e)
	}
	w.now = w.now.Add(time.Minute) // the association's PENDING is over too, and must not bring it back
	if got := state(); got != "DELETED" {
		t.Errorf("state %s", got)
	}
	fails[notFound](w, w.DisassociateConnectPeer, disassociate)
	must(w, w.DeleteDevice, api.DeleteDeviceInput{GlobalNetworkId: gn, DeviceId: device}) // DELETED holds nothing in place
	device2 := w.device(gn, w.site(gn))
	associate.DeviceId = device2
	if a := must(w, w.AssociateConnectPeer, associate).ConnectPeerAssociation; a.State != "PENDING" || a.DeviceId != device2 {
		t.Errorf("got %+v", a)
	}
	w.now = w.now.Add(2 * time.Minute) // the retention of the old record must not take the new one
	if got := state(); got != "AVAILABLE" {
		t.Errorf("state %s", got)
	}
}

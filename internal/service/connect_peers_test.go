package service_test

import (
	"fmt"
	"testing"

	"portolan/api"
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
	wantPeerFailure(t, w.builtPeer(peer(ec2ARN+"subnet/subnet-0123456789abcdef0", "10.0.2.5")), api.ConnectPeerErrorCodeIpOutsideSubnetCidrRange)
	wantPeerFailure(t, w.builtPeer(peer(ec2ARN+"subnet/subnet-0123456789abcdef9", "10.0.1.6")), api.ConnectPeerErrorCodeSubnetNotFound)
	wantField(t, fails[validation](w, w.CreateConnectPeer, peer("arn:aws:ec2:us-east-1:111122223333:subnet/subnet-0123456789abcdef0", "10.0.1.7")), "subnetArn")
}

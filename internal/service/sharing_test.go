package service_test

import (
	"context"
	"strings"
	"testing"

	"portolan/api"
)

func sharePolicy(cn string, actions string) api.PutResourcePolicyInput {
	arn := "arn:aws:networkmanager::111122223333:core-network/" + cn
	return api.PutResourcePolicyInput{ResourceArn: arn, PolicyDocument: `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "` + guest + `"}, "Action": [` + actions + `], "Resource": "` + arn + `"}}`}
}

func TestSharing(t *testing.T) {
	w := newWorld(t, withSharing)
	_, cn := w.network()
	owner, other := w.ctx, w.as(guest)
	as := func(ctx context.Context) { w.ctx = ctx }
	create := api.CreateVpcAttachmentInput{CoreNetworkId: cn, VpcArn: "arn:aws:ec2:eu-west-1:" + guest + ":vpc/vpc-0aaaaaaaaaaaaaaa1", SubnetArns: []string{"arn:aws:ec2:eu-west-1:" + guest + ":subnet/subnet-0aaaaaaaaaaaaaaa1"}, Tags: []api.Tag{{Key: new("env"), Value: new("guest")}}}
	get := api.GetCoreNetworkInput{CoreNetworkId: cn}
	as(other)
	fails[notFound](w, w.CreateVpcAttachment, create)
	fails[notFound](w, w.GetCoreNetwork, get)

	as(owner)
	must(w, w.PutResourcePolicy, sharePolicy(cn, `"networkmanager:CreateVpcAttachment", "networkmanager:CreateTransitGateway*"`))
	as(other)
	fails[denied](w, w.GetCoreNetwork, get) // not among the actions
	if e := fails[denied](w, w.CreateDirectConnectGatewayAttachment, api.CreateDirectConnectGatewayAttachmentInput{CoreNetworkId: cn, DirectConnectGatewayArn: dxARN, EdgeLocations: []string{"eu-west-1"}}); !strings.Contains(e.Message, "no resource-based policy allows the networkmanager:CreateDirectConnectGatewayAttachment action") {
		t.Errorf("got %s", e.Message)
	}
	fails[denied](w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{CoreNetworkId: cn, VpnConnectionArn: vpnARN})
	fails[denied](w, w.PutCoreNetworkPolicy, api.PutCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyDocument: seedPolicy(t)})
	caller := api.CallerFrom(w.ctx)
	caller.Operation = "DeleteCoreNetwork"
	w.ctx = api.WithCaller(w.ctx, caller)
	if e := fails[denied](w, w.DeleteCoreNetwork, api.DeleteCoreNetworkInput{CoreNetworkId: cn}); !strings.Contains(e.Message, "is not authorized to perform: networkmanager:DeleteCoreNetwork on resource: arn:aws:networkmanager::") {
		t.Errorf("what only the owner may: %s", e.Message)
	}
	if list := must(w, w.ListCoreNetworks, api.ListCoreNetworksInput{}).CoreNetworks; len(list) != 1 || list[0].OwnerAccountId != "111122223333" {
		t.Errorf("the guest lists %+v", list)
	}
	labelled := create
	labelled.RoutingPolicyLabel = new("x")
	if e := fails[validation](w, w.CreateVpcAttachment, labelled); e.Message != "Cannot put routing policy label without ownership of core network." || e.Reason != "Other" {
		t.Errorf("got %+v", e)
	}
	a := must(w, w.CreateVpcAttachment, create).VpcAttachment.Attachment
	if a.OwnerAccountId != guest || a.State != "PENDING_ATTACHMENT_ACCEPTANCE" || a.CoreNetworkArn != "arn:aws:networkmanager::111122223333:core-network/"+cn {
		t.Errorf("created %+v", a)
	}
	id := a.AttachmentId
	fails[validation](w, w.AcceptAttachment, api.AcceptAttachmentInput{AttachmentId: id})
	fails[validation](w, w.RejectAttachment, api.RejectAttachmentInput{AttachmentId: id})
	fails[validation](w, w.PutAttachmentRoutingPolicyLabel, api.PutAttachmentRoutingPolicyLabelInput{CoreNetworkId: cn, AttachmentId: id, RoutingPolicyLabel: "x"})
	peering := w.peering(cn)
	as(w.as("777788889999"))
	fails[notFound](w, w.GetVpcAttachment, api.GetVpcAttachmentInput{AttachmentId: id})
	fails[notFound](w, w.GetTransitGatewayPeering, api.GetTransitGatewayPeeringInput{PeeringId: peering})

	as(owner)
	if got := w.attachment(id); got.OwnerAccountId != guest {
		t.Errorf("the owner sees %+v", got)
	}
	mine := w.vpcAttachment(cn).Attachment.AttachmentId
	must(w, w.AcceptAttachment, api.AcceptAttachmentInput{AttachmentId: id})
	if got := w.attachment(id); got.State != "AVAILABLE" || got.SegmentName != "guest" {
		t.Errorf("accepted %+v", got)
	}
	as(other)
	fails[notFound](w, w.GetVpcAttachment, api.GetVpcAttachmentInput{AttachmentId: mine})
	for _, account := range []string{guest, "111122223333"} {
		arn := "arn:aws:networkmanager::" + account + ":attachment/" + id
		if tags := must(w, w.ListTagsForResource, api.ListTagsForResourceInput{ResourceArn: arn}).TagList; len(tags) != 1 {
			t.Errorf("%s: %+v", arn, tags)
		}
	}
	must(w, w.UntagResource, api.UntagResourceInput{ResourceArn: "arn:aws:networkmanager::" + guest + ":attachment/" + id, TagKeys: []string{"env"}})
	must(w, w.TagResource, api.TagResourceInput{ResourceArn: "arn:aws:networkmanager::" + guest + ":attachment/" + id, Tags: create.Tags})
	if got := w.attachment(id); got.State != "PENDING_TAG_ACCEPTANCE" || got.SegmentName != "prod" {
		t.Errorf("retagged %+v", got)
	}
	as(owner)
	must(w, w.DeleteResourcePolicy, api.DeleteResourcePolicyInput{ResourceArn: a.CoreNetworkArn})
	as(other)
	fails[notFound](w, w.CreateVpcAttachment, create)
	fails[notFound](w, w.CreateTransitGatewayRouteTableAttachment, api.CreateTransitGatewayRouteTableAttachmentInput{PeeringId: peering, TransitGatewayRouteTableArn: tableARN})
	if list := must(w, w.ListPeerings, api.ListPeeringsInput{CoreNetworkId: &cn}).Peerings; len(list) != 1 {
		t.Errorf("what was made stays: %+v", list)
	}
	if err := w.Reset(w.ctx, guest); err != nil {
		t.Fatal(err)
	}
	as(owner)
	if got := w.attachment(id); got.State != "absent" {
		t.Errorf("a reset account keeps %+v", got)
	}
	if got := w.attachment(mine); got.State != "AVAILABLE" {
		t.Errorf("the reset took %+v", got)
	}
}

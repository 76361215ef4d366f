package service_test

import (
	"strings"
	"testing"

	"portolan/api"
)

func TestPeerings_life(t *testing.T) {
	w := newWorld(t, withQuota("peerings", 2))
	_, cn := w.network()
	in := api.CreateTransitGatewayPeeringInput{CoreNetworkId: cn, TransitGatewayArn: tgwARN, ClientToken: new("one")}
	created := must(w, w.CreateTransitGatewayPeering, in).TransitGatewayPeering
	if p := created.Peering; p.State != "CREATING" || p.EdgeLocation != "eu-west-1" || p.ResourceArn != tgwARN || !strings.HasPrefix(created.TransitGatewayPeeringAttachmentId, "tgw-attach-0") {
		t.Errorf("created %+v", created)
	}
	id := created.Peering.PeeringId
	if again := must(w, w.CreateTransitGatewayPeering, in).TransitGatewayPeering.Peering.PeeringId; again != id {
		t.Errorf("the same token made %s", again)
	}
	get := func(id string) *api.Peering {
		return must(w, w.GetTransitGatewayPeering, api.GetTransitGatewayPeeringInput{PeeringId: id}).TransitGatewayPeering.Peering
	}
	if p := get(id); p.State != "AVAILABLE" || p.LastModificationErrors != nil {
		t.Errorf("got %+v", p)
	}
	in.ClientToken = nil
	twice := must(w, w.CreateTransitGatewayPeering, in).TransitGatewayPeering.Peering.PeeringId
	if p := get(twice); p.State != "FAILED" || len(p.LastModificationErrors) != 1 || p.LastModificationErrors[0].Code != "EDGE_LOCATION_PEER_DUPLICATE" {
		t.Errorf("the second is %+v", p)
	}
	fails[quota](w, w.CreateTransitGatewayPeering, in)
	wantField(t, fails[validation](w, w.CreateTransitGatewayRouteTableAttachment, api.CreateTransitGatewayRouteTableAttachmentInput{PeeringId: twice, TransitGatewayRouteTableArn: tableARN}), "peeringId")
	if list := must(w, w.ListPeerings, api.ListPeeringsInput{CoreNetworkId: &cn, State: new(api.PeeringStateAvailable), PeeringType: new(api.PeeringTypeTransitGateway), EdgeLocation: new("eu-west-1")}).Peerings; len(list) != 1 || list[0].PeeringId != id {
		t.Errorf("listed %+v", list)
	}
	page := must(w, w.ListPeerings, api.ListPeeringsInput{MaxResults: new(int32(1))})
	next := must(w, w.ListPeerings, api.ListPeeringsInput{MaxResults: new(int32(1)), NextToken: &page.NextToken})
	if len(page.Peerings) != 1 || len(next.Peerings) != 1 || next.Peerings[0].PeeringId != twice || next.NextToken != "" {
		t.Errorf("pages %+v %+v", page, next)
	}
	arn := "arn:aws:networkmanager::111122223333:peering/" + id
	must(w, w.TagResource, api.TagResourceInput{ResourceArn: arn, Tags: []api.Tag{{Key: new("k"), Value: new("v")}}})
	if p := get(id); len(p.Tags) != 1 {
		t.Errorf("tagged %+v", p)
	}
	orphaning := strings.Replace(seedPolicy(t), `{"location": "eu-west-1"}, `, "", 1)
	refused := fails[*api.CoreNetworkPolicyException](w, w.PutCoreNetworkPolicy, api.PutCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyDocument: orphaning}).Errors
	if want := "eu-west-1 cannot be removed from policy because it would orphan " + id; refused[0].ErrorCode != "ORPHANED_ATTACHMENT" || !strings.HasSuffix(refused[0].Message, want) {
		t.Errorf("the edge of a peering goes: %+v", refused)
	}
	table := must(w, w.CreateTransitGatewayRouteTableAttachment, api.CreateTransitGatewayRouteTableAttachmentInput{PeeringId: id, TransitGatewayRouteTableArn: tableARN}).TransitGatewayRouteTableAttachment.Attachment.AttachmentId
	w.attachment(table)
	wantSentence(t, fails[validation](w, w.DeletePeering, api.DeletePeeringInput{PeeringId: id}), "cannot be deleted due to existing transit gateway route table attachments")
	must(w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: table})
	w.attachment(table)
	wantSentence(t, fails[validation](w, w.DeleteCoreNetwork, api.DeleteCoreNetworkInput{CoreNetworkId: cn}), "cannot be deleted due to existing peerings")
	for _, p := range []string{id, twice} {
		if got := must(w, w.DeletePeering, api.DeletePeeringInput{PeeringId: p}).Peering; got.State != "DELETING" {
			t.Errorf("deleted %+v", got)
		}
	}
	fails[notFound](w, w.GetTransitGatewayPeering, api.GetTransitGatewayPeeringInput{PeeringId: id})
	must(w, w.DeleteCoreNetwork, api.DeleteCoreNetworkInput{CoreNetworkId: cn})
}

func TestPeerings_permissionsInEC2(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	var asked []string
	ctx := w.ctx
	caller := api.CallerFrom(ctx)
	caller.May = func(action, resource string) bool {
		asked = append(asked, action)
		return resource == tgwARN && action != "ec2:AcceptTransitGatewayPeeringAttachment"
	}
	w.ctx = api.WithCaller(ctx, caller)
	id := w.peering(cn)
	p := must(w, w.GetTransitGatewayPeering, api.GetTransitGatewayPeeringInput{PeeringId: id}).TransitGatewayPeering.Peering
	if len(asked) != 3 || p.State != "FAILED" || len(p.LastModificationErrors) != 1 || p.LastModificationErrors[0].Code != "MISSING_PERMISSIONS" ||
		p.LastModificationErrors[0].MissingPermissionsContext.MissingPermission != "ec2:AcceptTransitGatewayPeeringAttachment" {
		t.Errorf("asked %v: %+v", asked, p)
	}
	w.ctx = ctx
	id = w.peering(cn)
	if p := must(w, w.GetTransitGatewayPeering, api.GetTransitGatewayPeeringInput{PeeringId: id}).TransitGatewayPeering.Peering; p.State != "AVAILABLE" {
		t.Errorf("with all permissions: %+v", p)
	}
}

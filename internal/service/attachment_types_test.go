package service_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/api"
	"portolan/internal/auth"
	"portolan/internal/node"
)

const (
	vpnARN   = ec2 + "vpn-connection/vpn-0123456789abcdef0"
	dxARN    = "arn:aws:directconnect::111122223333:dx-gateway/11460968-4ac1-4fd3-bdb2-00599EXAMPLE"
	tgwARN   = ec2 + "transit-gateway/tgw-0123456789abcdef0"
	tableARN = ec2 + "transit-gateway-route-table/tgw-rtb-0123456789abcdef0"
	guest    = "444455556666"
)

type (
	denied = *api.AccessDeniedException
	asked  = map[string]func() error
)

func withSharing(c *node.Config) {
	policies := new(auth.ResourcePolicies)
	c.CheckResourcePolicy, c.Grants = policies.Check, policies.Grants
}

// attachment is one of the account, after every transition that is due.
func (w *world) attachment(id string) api.Attachment {
	w.t.Helper()
	list := must(w, w.ListAttachments, api.ListAttachmentsInput{}).Attachments
	for range 5 {
		list = must(w, w.ListAttachments, api.ListAttachmentsInput{}).Attachments
	}
	i := slices.IndexFunc(list, func(a api.Attachment) bool { return a.AttachmentId == id })
	if i < 0 {
		return api.Attachment{State: "absent"}
	}
	return list[i]
}

func (w *world) peering(cn string) string {
	w.t.Helper()
	id := must(w, w.CreateTransitGatewayPeering, api.CreateTransitGatewayPeeringInput{CoreNetworkId: cn, TransitGatewayArn: tgwARN}).TransitGatewayPeering.Peering.PeeringId
	must(w, w.GetTransitGatewayPeering, api.GetTransitGatewayPeeringInput{PeeringId: id})
	return id
}

func TestAttachments_lifeOfEachType(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	tags := []api.Tag{{Key: new("env"), Value: new("guest")}}
	peering := w.peering(cn)
	kinds := map[api.AttachmentType]func() *api.Attachment{
		api.AttachmentTypeVpc: func() *api.Attachment { return w.vpcAttachment(cn, tags...).Attachment },
		api.AttachmentTypeSiteToSiteVpn: func() *api.Attachment {
			out := must(w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{CoreNetworkId: cn, VpnConnectionArn: vpnARN, Tags: tags}).SiteToSiteVpnAttachment
			if got := must(w, w.GetSiteToSiteVpnAttachment, api.GetSiteToSiteVpnAttachmentInput{AttachmentId: out.Attachment.AttachmentId}).SiteToSiteVpnAttachment; got.VpnConnectionArn != vpnARN || got.Attachment.EdgeLocation != "eu-west-1" {
				t.Errorf("got %+v", got)
			}
			return out.Attachment
		},
		api.AttachmentTypeDirectConnectGateway: func() *api.Attachment {
			out := must(w, w.CreateDirectConnectGatewayAttachment, api.CreateDirectConnectGatewayAttachmentInput{CoreNetworkId: cn, DirectConnectGatewayArn: dxARN, EdgeLocations: []string{"eu-west-1"}, Tags: tags}).DirectConnectGatewayAttachment
			if got := must(w, w.GetDirectConnectGatewayAttachment, api.GetDirectConnectGatewayAttachmentInput{AttachmentId: out.Attachment.AttachmentId}).DirectConnectGatewayAttachment; got.DirectConnectGatewayArn != dxARN || got.Attachment.EdgeLocation != "" || len(got.Attachment.EdgeLocations) != 1 {
				t.Errorf("got %+v", got)
			}
			return out.Attachment
		},
		api.AttachmentTypeTransitGatewayRouteTable: func() *api.Attachment {
			out := must(w, w.CreateTransitGatewayRouteTableAttachment, api.CreateTransitGatewayRouteTableAttachmentInput{PeeringId: peering, TransitGatewayRouteTableArn: tableARN, Tags: tags}).TransitGatewayRouteTableAttachment
			if got := must(w, w.GetTransitGatewayRouteTableAttachment, api.GetTransitGatewayRouteTableAttachmentInput{AttachmentId: out.Attachment.AttachmentId}).TransitGatewayRouteTableAttachment; got.PeeringId != peering || got.TransitGatewayRouteTableArn != tableARN {
				t.Errorf("got %+v", got)
			}
			return out.Attachment
		},
	}
	for kind, create := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			a := create()
			id := a.AttachmentId
			if a.AttachmentType != kind || a.State != "PENDING_ATTACHMENT_ACCEPTANCE" || a.SegmentName != "guest" {
				t.Errorf("created %+v", a)
			}
			fails[conflict](w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: id})
			must(w, w.AcceptAttachment, api.AcceptAttachmentInput{AttachmentId: id})
			if got := w.attachment(id); got.State != "AVAILABLE" || got.SegmentName != "guest" {
				t.Errorf("accepted %+v", got)
			}
			fails[conflict](w, w.AcceptAttachment, api.AcceptAttachmentInput{AttachmentId: id})
			fails[conflict](w, w.RejectAttachment, api.RejectAttachmentInput{AttachmentId: id})
			if kind != api.AttachmentTypeVpc {
				fails[notFound](w, w.GetVpcAttachment, api.GetVpcAttachmentInput{AttachmentId: id})
			}
			must(w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: id})
			if got := w.attachment(id); got.State != "absent" {
				t.Errorf("deleted %+v", got)
			}
			second := create().AttachmentId
			must(w, w.RejectAttachment, api.RejectAttachmentInput{AttachmentId: second})
			fails[conflict](w, w.AcceptAttachment, api.AcceptAttachmentInput{AttachmentId: second})
			must(w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: second})
		})
	}
}

// TestAttachment_everyIllegalTransition: every operation that changes an attachment, in every state it can be seen in.
func TestAttachment_everyIllegalTransition(t *testing.T) {
	hold := "instant,attachment.CREATING=1h,attachment.PENDING_NETWORK_UPDATE=1h,attachment.UPDATING=1h,attachment.DELETING=1h"
	type step func(w *world, id string)
	wait := func(w *world, _ string) { w.now = w.now.Add(time.Hour) }
	accept := func(w *world, id string) { must(w, w.AcceptAttachment, api.AcceptAttachmentInput{AttachmentId: id}) }
	update := func(w *world, id string) {
		must(w, w.UpdateDirectConnectGatewayAttachment, api.UpdateDirectConnectGatewayAttachmentInput{AttachmentId: id, EdgeLocations: []string{"us-east-1"}})
	}
	tag := func(value string) step {
		return func(w *world, id string) {
			must(w, w.TagResource, api.TagResourceInput{ResourceArn: "arn:aws:networkmanager::111122223333:attachment/" + id, Tags: []api.Tag{{Key: new("env"), Value: &value}}})
		}
	}
	states := []struct {
		state   api.AttachmentState
		from    string // the tag it is created with
		steps   []step
		allowed string // of accept, reject, delete, update, label
	}{
		{"PENDING_ATTACHMENT_ACCEPTANCE", "guest", nil, "accept reject label"},
		{"REJECTED", "guest", []step{func(w *world, id string) { must(w, w.RejectAttachment, api.RejectAttachmentInput{AttachmentId: id}) }}, "delete"},
		{"CREATING", "guest", []step{accept}, "label"},
		{"PENDING_NETWORK_UPDATE", "prod", []step{wait}, "label"},
		{"AVAILABLE", "prod", []step{wait, wait}, "delete update label"},
		{"UPDATING", "prod", []step{wait, wait, update}, "label"},
		{"PENDING_NETWORK_UPDATE", "prod", []step{wait, wait, tag("guest"), accept}, "label"},
		{"PENDING_TAG_ACCEPTANCE", "prod", []step{wait, wait, tag("guest")}, "accept reject delete label"},
		{"DELETING", "prod", []step{wait, wait, func(w *world, id string) { must(w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: id}) }}, ""},
	}
	for _, c := range states {
		for _, operation := range []string{"accept", "reject", "delete", "update", "label"} {
			t.Run(string(c.state)+" "+operation, func(t *testing.T) {
				w := newWorld(t, withProfile(t, hold))
				_, cn := w.network()
				id := must(w, w.CreateDirectConnectGatewayAttachment, api.CreateDirectConnectGatewayAttachmentInput{
					CoreNetworkId: cn, DirectConnectGatewayArn: dxARN, EdgeLocations: []string{"eu-west-1"}, Tags: []api.Tag{{Key: new("env"), Value: &c.from}},
				}).DirectConnectGatewayAttachment.Attachment.AttachmentId
				for _, s := range c.steps {
					s(w, id)
					w.attachment(id)
				}
				if got := w.attachment(id).State; got != c.state {
					t.Fatalf("in state %s", got)
				}
				err := asked{
					"accept": func() error { return second(w.AcceptAttachment(w.ctx, &api.AcceptAttachmentInput{AttachmentId: id})) },
					"reject": func() error { return second(w.RejectAttachment(w.ctx, &api.RejectAttachmentInput{AttachmentId: id})) },
					"delete": func() error { return second(w.DeleteAttachment(w.ctx, &api.DeleteAttachmentInput{AttachmentId: id})) },
					"update": func() error {
						return second(w.UpdateDirectConnectGatewayAttachment(w.ctx, &api.UpdateDirectConnectGatewayAttachmentInput{AttachmentId: id, EdgeLocations: []string{"us-east-1"}}))
					},
					"label": func() error {
						return second(w.PutAttachmentRoutingPolicyLabel(w.ctx, &api.PutAttachmentRoutingPolicyLabelInput{CoreNetworkId: cn, AttachmentId: id, RoutingPolicyLabel: "x"}))
					},
				}[operation]()
				if strings.Contains(c.allowed, operation) {
					if err != nil {
						t.Error(err)
					}
				} else if e, ok := err.(conflict); !ok || e.ResourceId != id || !strings.Contains(e.Message, string(c.state)) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestAttachmentCreates_refusals(t *testing.T) {
	w := newWorld(t, withQuota("direct-connect-gateway-attachments", 1))
	_, cn := w.network()
	none := "core-network-0123456789abcdef0"
	us := strings.Replace(ec2, "eu-west-1", "ap-south-1", 1)
	for _, arn := range []string{"", "arn", ec2 + "vpc/vpc-0123456789abcdef0", ec2 + "vpn-connection/vpn-0/x"} {
		wantField(t, fails[validation](w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{CoreNetworkId: cn, VpnConnectionArn: arn}), "vpnConnectionArn")
	}
	fails[notFound](w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{CoreNetworkId: none, VpnConnectionArn: vpnARN})
	edge := func(e validation) {
		t.Helper()
		if e.Message != "Core Network edge location (ap-south-1) not available." || e.Reason != "Other" {
			t.Errorf("got %+v", e)
		}
	}
	edge(fails[validation](w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{CoreNetworkId: cn, VpnConnectionArn: us + "vpn-connection/vpn-0123456789abcdef0"}))
	edge(fails[validation](w, w.CreateTransitGatewayPeering, api.CreateTransitGatewayPeeringInput{CoreNetworkId: cn, TransitGatewayArn: us + "transit-gateway/tgw-0123456789abcdef0"}))
	dx := api.CreateDirectConnectGatewayAttachmentInput{CoreNetworkId: cn, DirectConnectGatewayArn: dxARN, EdgeLocations: []string{"ap-south-1"}}
	edge(fails[validation](w, w.CreateDirectConnectGatewayAttachment, dx))
	dx.EdgeLocations = nil
	wantField(t, fails[validation](w, w.CreateDirectConnectGatewayAttachment, dx), "edgeLocations")
	dx.EdgeLocations = []string{"eu-west-1", "eu-west-1"}
	wantField(t, fails[validation](w, w.CreateDirectConnectGatewayAttachment, dx), "edgeLocations[1]")
	dx.EdgeLocations = []string{"eu-west-1"}
	must(w, w.CreateDirectConnectGatewayAttachment, dx)
	fails[quota](w, w.CreateDirectConnectGatewayAttachment, dx)

	fails[notFound](w, w.CreateTransitGatewayRouteTableAttachment, api.CreateTransitGatewayRouteTableAttachmentInput{PeeringId: "peering-0123456789abcdef0", TransitGatewayRouteTableArn: tableARN})
	peering := w.peering(cn)
	table := api.CreateTransitGatewayRouteTableAttachmentInput{PeeringId: peering, TransitGatewayRouteTableArn: tgwARN}
	wantField(t, fails[validation](w, w.CreateTransitGatewayRouteTableAttachment, table), "transitGatewayRouteTableArn")
	table.TransitGatewayRouteTableArn = us + "transit-gateway-route-table/tgw-rtb-0123456789abcdef0"
	wantField(t, fails[validation](w, w.CreateTransitGatewayRouteTableAttachment, table), "transitGatewayRouteTableArn")
	table.TransitGatewayRouteTableArn = tableARN
	must(w, w.CreateTransitGatewayRouteTableAttachment, table)
	fails[conflict](w, w.CreateTransitGatewayRouteTableAttachment, table)
}

func TestAttachments_resourceOfAnotherFails(t *testing.T) {
	w := newWorld(t)
	_, one := w.network()
	_, other := w.network()
	for _, c := range []struct {
		code   api.AttachmentErrorCode
		create func(cn string) string
	}{
		{"VPN_EXISTING_ASSOCIATIONS", func(cn string) string {
			return must(w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{CoreNetworkId: cn, VpnConnectionArn: vpnARN}).SiteToSiteVpnAttachment.Attachment.AttachmentId
		}},
		{"DIRECT_CONNECT_GATEWAY_EXISTING_ATTACHMENTS", func(cn string) string {
			return must(w, w.CreateDirectConnectGatewayAttachment, api.CreateDirectConnectGatewayAttachmentInput{CoreNetworkId: cn, DirectConnectGatewayArn: dxARN, EdgeLocations: []string{"eu-west-1"}}).DirectConnectGatewayAttachment.Attachment.AttachmentId
		}},
	} {
		first, second := c.create(one), c.create(other)
		if got := w.attachment(first); got.State != "AVAILABLE" || got.LastModificationErrors != nil {
			t.Errorf("the first is %+v", got)
		}
		if got := w.attachment(second); got.State != "FAILED" || got.SegmentName != "" || len(got.LastModificationErrors) != 1 || got.LastModificationErrors[0].Code != c.code {
			t.Errorf("the second is %+v", got)
		}
		fails[conflict](w, w.AcceptAttachment, api.AcceptAttachmentInput{AttachmentId: second})
		must(w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: second})
		must(w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: first})
		w.attachment(first)
		if third := c.create(other); w.attachment(third).State != "AVAILABLE" {
			t.Errorf("with the first gone: %+v", w.attachment(third))
		}
	}
}

const prefixList = "arn:aws:ec2:us-west-2:111122223333:prefix-list/pl-0123456789abcdef0"

const listPolicy = `{"version": "2025.11", "core-network-configuration": {"asn-ranges": ["64512-64599"], "edge-locations": [{"location": "eu-west-1"}]},
	"segments": [{"name": "prod", "require-attachment-acceptance": false}],
	"attachment-policies": [{"rule-number": 1, "conditions": [{"type": "any"}], "action": {"association-method": "constant", "segment": "prod"}}],
	"routing-policies": [{"routing-policy-name": "filter", "routing-policy-direction": "inbound", "routing-policy-number": 1, "routing-policy-rules": [
		{"rule-number": 1, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-prefix-list", "value": "ours"}], "action": {"type": "drop"}}}]}],
	"attachment-routing-policy-rules": [{"rule-number": 1, "conditions": [{"type": "routing-policy-label", "value": "filtered"}], "action": {"associate-routing-policies": ["filter"]}}]}`

func (w *world) put(cn, document string) *api.CoreNetworkPolicy {
	w.t.Helper()
	id := must(w, w.PutCoreNetworkPolicy, api.PutCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyDocument: document}).CoreNetworkPolicy.PolicyVersionId
	return must(w, w.GetCoreNetworkPolicy, api.GetCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyVersionId: id}).CoreNetworkPolicy
}

func TestPrefixListsAndLabels(t *testing.T) {
	w := newWorld(t)
	cn := must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: w.globalNetwork()}).CoreNetwork.CoreNetworkId
	must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn})
	if v := w.put(cn, listPolicy); v.ChangeSetState != "FAILED_GENERATION" || len(v.PolicyErrors) != 1 || v.PolicyErrors[0].ErrorCode != "UNDEFINED_REFERENCE" {
		t.Errorf("without the list: %+v", v)
	}
	in := api.CreateCoreNetworkPrefixListAssociationInput{CoreNetworkId: cn, PrefixListArn: prefixList, PrefixListAlias: "ours", ClientToken: new("one")}
	must(w, w.CreateCoreNetworkPrefixListAssociation, in)
	for _, want := range []api.CoreNetworkState{"UPDATING", "AVAILABLE"} {
		if got := must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn}).CoreNetwork.State; got != want {
			t.Errorf("a poller sees %s, want %s", got, want)
		}
	}
	must(w, w.CreateCoreNetworkPrefixListAssociation, in) // the same again
	in.ClientToken = nil
	fails[conflict](w, w.CreateCoreNetworkPrefixListAssociation, in)
	in.PrefixListArn += "0"
	fails[conflict](w, w.CreateCoreNetworkPrefixListAssociation, in) // the alias is taken
	in.PrefixListArn = strings.Replace(prefixList, "us-west-2", "eu-west-1", 1)
	wantField(t, fails[validation](w, w.CreateCoreNetworkPrefixListAssociation, in), "prefixListArn")
	if list := must(w, w.ListCoreNetworkPrefixListAssociations, api.ListCoreNetworkPrefixListAssociationsInput{CoreNetworkId: cn}).PrefixListAssociations; len(list) != 1 || list[0].PrefixListAlias != "ours" {
		t.Errorf("listed %+v", list)
	}
	v := w.put(cn, listPolicy)
	if v.ChangeSetState != "READY_TO_EXECUTE" {
		t.Fatalf("with the list: %+v", v)
	}
	drop := api.DeleteCoreNetworkPrefixListAssociationInput{CoreNetworkId: cn, PrefixListArn: prefixList}
	must(w, w.DeleteCoreNetworkPrefixListAssociation, drop) // nothing LIVE uses it
	if e := fails[conflict](w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: *v.PolicyVersionId}); !strings.Contains(e.Message, "ours") {
		t.Errorf("executed without its prefix list: %+v", e)
	}
	in.PrefixListArn = prefixList
	must(w, w.CreateCoreNetworkPrefixListAssociation, in)
	must(w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: *v.PolicyVersionId})
	must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn})
	fails[conflict](w, w.DeleteCoreNetworkPrefixListAssociation, drop)

	a := must(w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{CoreNetworkId: cn, VpnConnectionArn: vpnARN, RoutingPolicyLabel: new("filtered")}).SiteToSiteVpnAttachment.Attachment.AttachmentId
	associations := func() api.AttachmentRoutingPolicyAssociationSummary {
		list := must(w, w.ListAttachmentRoutingPolicyAssociations, api.ListAttachmentRoutingPolicyAssociationsInput{CoreNetworkId: cn, AttachmentId: &a}).AttachmentRoutingPolicyAssociations
		if len(list) != 1 {
			return api.AttachmentRoutingPolicyAssociationSummary{}
		}
		return list[0]
	}
	if got := associations(); got.RoutingPolicyLabel != "filtered" || !slices.Equal(got.PendingRoutingPolicies, []string{"filter"}) || got.AssociatedRoutingPolicies != nil {
		t.Errorf("while it is created %+v", got)
	}
	w.attachment(a)
	if got := associations(); !slices.Equal(got.AssociatedRoutingPolicies, []string{"filter"}) || got.PendingRoutingPolicies != nil {
		t.Errorf("AVAILABLE %+v", got)
	}
	put := api.PutAttachmentRoutingPolicyLabelInput{CoreNetworkId: cn, AttachmentId: a, RoutingPolicyLabel: "other"}
	must(w, w.PutAttachmentRoutingPolicyLabel, put)
	if got := associations(); got.RoutingPolicyLabel != "other" || got.AssociatedRoutingPolicies != nil {
		t.Errorf("relabelled %+v", got)
	}
	remove := api.RemoveAttachmentRoutingPolicyLabelInput{CoreNetworkId: cn, AttachmentId: a}
	if out := must(w, w.RemoveAttachmentRoutingPolicyLabel, remove); out.RoutingPolicyLabel != "other" {
		t.Errorf("removed %+v", out)
	}
	fails[notFound](w, w.RemoveAttachmentRoutingPolicyLabel, remove)
	put.CoreNetworkId = "core-network-0123456789abcdef0"
	fails[notFound](w, w.PutAttachmentRoutingPolicyLabel, put)

	plain := w.put(cn, strings.Replace(listPolicy, `{"type": "prefix-in-prefix-list", "value": "ours"}`, `{"type": "prefix-equals", "value": "10.0.0.0/8"}`, 1))
	must(w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: *plain.PolicyVersionId})
	must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn})
	must(w, w.DeleteCoreNetworkPrefixListAssociation, drop)
	must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn})
	fails[notFound](w, w.DeleteCoreNetworkPrefixListAssociation, drop)
}

func TestPolicyGeneration_staticRouteToNothing(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	route := func(to string) string {
		return strings.Replace(seedPolicy(t), `"attachment-policies"`, `"segment-actions": [{"action": "create-route", "segment": "prod", "destination-cidr-blocks": ["0.0.0.0/0"], "destinations": ["`+to+`"]}], "attachment-policies"`, 1)
	}
	if v := w.put(cn, route("attachment-0123456789abcdef0")); v.ChangeSetState != "FAILED_GENERATION" || v.PolicyErrors[0].ErrorCode != "INVALID_DESTINATION" {
		t.Errorf("got %+v", v)
	}
	if v := w.put(cn, route(w.vpcAttachment(cn).Attachment.AttachmentId)); v.ChangeSetState != "READY_TO_EXECUTE" {
		t.Errorf("got %+v", v)
	}
}

func TestProposal_survivesAPolicy(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	a := w.vpcAttachment(cn).Attachment.AttachmentId
	w.attachment(a)
	arn := "arn:aws:networkmanager::111122223333:attachment/" + a
	must(w, w.TagResource, api.TagResourceInput{ResourceArn: arn, Tags: []api.Tag{{Key: new("env"), Value: new("guest")}}})
	v := w.put(cn, strings.Replace(seedPolicy(t), `"rule-number": 100`, `"rule-number": 150`, 1))
	must(w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: *v.PolicyVersionId})
	if got := w.attachment(a); got.State != "PENDING_TAG_ACCEPTANCE" || got.SegmentName != "prod" || *got.ProposedSegmentChange.AttachmentPolicyRuleNumber != 150 {
		t.Errorf("a policy let tags in that nobody accepted: %+v", got)
	}
	must(w, w.UntagResource, api.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"env"}})
	if got := w.attachment(a); got.State != "AVAILABLE" || got.ProposedSegmentChange != nil {
		t.Errorf("reverted %+v", got)
	}
}

func TestAttachments_races(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	id := w.vpcAttachment(cn, api.Tag{Key: new("env"), Value: new("guest")}).Attachment.AttachmentId
	if won, _ := race(8, func(i int) error {
		if i%2 == 0 {
			return second(w.AcceptAttachment(w.ctx, &api.AcceptAttachmentInput{AttachmentId: id}))
		}
		return second(w.RejectAttachment(w.ctx, &api.RejectAttachmentInput{AttachmentId: id}))
	}); won != 1 {
		t.Errorf("%d decided", won)
	}
	if won, _ := race(8, func(int) error {
		return second(w.CreateTransitGatewayPeering(w.ctx, &api.CreateTransitGatewayPeeringInput{CoreNetworkId: cn, TransitGatewayArn: tgwARN}))
	}); won != 8 {
		t.Errorf("%d peerings", won)
	}
	must(w, w.ListPeerings, api.ListPeeringsInput{})
	if list := must(w, w.ListPeerings, api.ListPeeringsInput{State: new(api.PeeringStateAvailable)}).Peerings; len(list) != 1 {
		t.Errorf("%d of one gateway at one edge", len(list))
	}
}

func TestGetByID_ofAnotherKind(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	connect := w.connectAttachment(cn)
	peer := w.connectPeer(connect, "169.254.40.0/29")
	w.settled(0)
	fails[notFound](w, w.GetConnectPeer, api.GetConnectPeerInput{ConnectPeerId: connect})
	fails[notFound](w, w.GetTransitGatewayPeering, api.GetTransitGatewayPeeringInput{PeeringId: peer})
	fails[notFound](w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: peer})
	fails[notFound](w, w.DeletePeering, api.DeletePeeringInput{PeeringId: connect})
	fails[notFound](w, w.DeleteConnectPeer, api.DeleteConnectPeerInput{ConnectPeerId: cn})
}

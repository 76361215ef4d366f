package service_test

import (
	"testing"

	"portolan/api"
)

func TestVpcAttachment_acceptanceAndTags(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	guest := api.Tag{Key: new("env"), Value: new("guest")}
	a := w.vpcAttachment(cn, guest).Attachment
	if a.State != "PENDING_ATTACHMENT_ACCEPTANCE" || a.SegmentName != "guest" || *a.AttachmentPolicyRuleNumber != 100 {
		t.Errorf("created %+v", a)
	}
	id := a.AttachmentId
	state := func() *api.Attachment {
		return must(w, w.GetVpcAttachment, api.GetVpcAttachmentInput{AttachmentId: id}).VpcAttachment.Attachment
	}
	fails[conflict](w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: id})
	if got := must(w, w.AcceptAttachment, api.AcceptAttachmentInput{AttachmentId: id}).Attachment; got.State != "CREATING" {
		t.Errorf("accepted %+v", got)
	}
	if got := []api.AttachmentState{state().State, state().State}; got[0] != "PENDING_NETWORK_UPDATE" || got[1] != "AVAILABLE" {
		t.Errorf("a poller saw %v", got)
	}
	fails[conflict](w, w.AcceptAttachment, api.AcceptAttachmentInput{AttachmentId: id})
	arn := "arn:aws:networkmanager::111122223333:attachment/" + id
	must(w, w.UntagResource, api.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"env"}}) // prod needs no acceptance
	if first, got := state(), state(); first.State != "PENDING_NETWORK_UPDATE" || got.SegmentName != "prod" || got.State != "AVAILABLE" || got.Tags != nil {
		t.Errorf("untagged %+v, then %+v", first, got)
	}
	must(w, w.TagResource, api.TagResourceInput{ResourceArn: arn, Tags: []api.Tag{guest}})
	got := state()
	if got.SegmentName != "prod" || got.State != "PENDING_TAG_ACCEPTANCE" || got.ProposedSegmentChange == nil || got.ProposedSegmentChange.SegmentName != "guest" {
		t.Errorf("retagged %+v", got)
	}
	if r := must(w, w.RejectAttachment, api.RejectAttachmentInput{AttachmentId: id}).Attachment; r.State != "AVAILABLE" || r.ProposedSegmentChange != nil || r.SegmentName != "prod" {
		t.Errorf("rejected %+v", r)
	}
	must(w, w.TagResource, api.TagResourceInput{ResourceArn: arn, Tags: []api.Tag{guest}})
	must(w, w.AcceptAttachment, api.AcceptAttachmentInput{AttachmentId: id})
	for range 3 {
		got = state()
	}
	if got.SegmentName != "guest" || got.State != "AVAILABLE" || got.ProposedSegmentChange != nil {
		t.Errorf("accepted the change: %+v", got)
	}
	list := must(w, w.ListAttachments, api.ListAttachmentsInput{CoreNetworkId: &cn, State: new(api.AttachmentStateAvailable), AttachmentType: new(api.AttachmentTypeVpc), EdgeLocation: new("eu-west-1")}).Attachments
	if len(list) != 1 {
		t.Errorf("listed %+v", list)
	}
}

func TestUpdateVpcAttachment_subnets(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	a := w.vpcAttachment(cn)
	id, first, second := a.Attachment.AttachmentId, a.SubnetArns[0], ec2+"subnet/subnet-0123456789abcdef1"
	wantField(t, fails[validation](w, w.UpdateVpcAttachment, api.UpdateVpcAttachmentInput{AttachmentId: id, RemoveSubnetArns: []string{second}}), "removeSubnetArns[0]")
	wantField(t, fails[validation](w, w.UpdateVpcAttachment, api.UpdateVpcAttachmentInput{AttachmentId: id, RemoveSubnetArns: []string{first}}), "removeSubnetArns")
	wantField(t, fails[validation](w, w.UpdateVpcAttachment, api.UpdateVpcAttachmentInput{AttachmentId: id, AddSubnetArns: []string{first}}), "addSubnetArns[0]")
	out := must(w, w.UpdateVpcAttachment, api.UpdateVpcAttachmentInput{AttachmentId: id, AddSubnetArns: []string{second}, RemoveSubnetArns: []string{first}, Options: &api.VpcOptions{Ipv6Support: new(true)}}).VpcAttachment
	if out.Attachment.State != "UPDATING" || len(out.SubnetArns) != 1 || out.SubnetArns[0] != second || !*out.Options.Ipv6Support || !*out.Options.DnsSupport {
		t.Errorf("updated %+v %v", out, out.Options)
	}
}

func TestVpcAttachment_quotaPerVPC(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	for range 5 {
		w.vpcAttachment(cn)
	}
	in := api.CreateVpcAttachmentInput{CoreNetworkId: cn, VpcArn: ec2 + "vpc/vpc-0123456789abcdef0", SubnetArns: []string{ec2 + "subnet/subnet-0123456789abcdef0"}}
	fails[quota](w, w.CreateVpcAttachment, in)
	in.SubnetArns = nil
	wantField(t, fails[validation](w, w.CreateVpcAttachment, in), "subnetArns")
}

func TestVpcAttachment_rejectedCountsForNoVPC(t *testing.T) {
	w := newWorld(t, withQuota("attachments-per-vpc", 1))
	_, cn := w.network()
	waiting := w.vpcAttachment(cn, api.Tag{Key: new("env"), Value: new("guest")}).Attachment
	if waiting.State != "PENDING_ATTACHMENT_ACCEPTANCE" {
		t.Fatalf("the seed's policy has it %s", waiting.State)
	}
	in := api.CreateVpcAttachmentInput{CoreNetworkId: cn, VpcArn: ec2 + "vpc/vpc-0123456789abcdef0", SubnetArns: []string{ec2 + "subnet/subnet-0123456789abcdef0"}}
	fails[quota](w, w.CreateVpcAttachment, in)
	must(w, w.RejectAttachment, api.RejectAttachmentInput{AttachmentId: waiting.AttachmentId})
	must(w, w.CreateVpcAttachment, in)
}

package service_test

import (
	"fmt"
	"slices"
	"testing"

	"portolan/api"
)

// TestMoves_everyReadSeesTheStatesInOrder: whatever changes the network of an attachment passes through its state, also where
// no state lasts: each read takes one step, and the first shows the change.
func TestMoves_everyReadSeesTheStatesInOrder(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	id := w.available(cn)
	arn := "arn:aws:networkmanager::111122223333:attachment/" + id
	tag := func(env string) {
		must(w, w.TagResource, api.TagResourceInput{ResourceArn: arn, Tags: []api.Tag{{Key: new("env"), Value: &env}}})
	}
	for _, step := range []struct {
		name string
		do   func()
		want []string
	}{
		{"a tag that moves", func() { tag("guest") }, []string{"PENDING_TAG_ACCEPTANCE prod"}},
		{"acceptance", func() { must(w, w.AcceptAttachment, api.AcceptAttachmentInput{AttachmentId: id}) }, []string{"PENDING_NETWORK_UPDATE guest", "AVAILABLE guest"}},
		{"a tag that moves back", func() { tag("prod") }, []string{"PENDING_NETWORK_UPDATE prod", "AVAILABLE prod"}},
		{"a tag that moves nothing", func() {
			must(w, w.TagResource, api.TagResourceInput{ResourceArn: arn, Tags: []api.Tag{{Key: new("note"), Value: new("x")}}})
		}, []string{"AVAILABLE prod"}},
		{"a label", func() {
			must(w, w.PutAttachmentRoutingPolicyLabel, api.PutAttachmentRoutingPolicyLabelInput{CoreNetworkId: cn, AttachmentId: id, RoutingPolicyLabel: "x"})
		}, []string{"PENDING_NETWORK_UPDATE prod", "AVAILABLE prod"}},
		{"no label", func() {
			must(w, w.RemoveAttachmentRoutingPolicyLabel, api.RemoveAttachmentRoutingPolicyLabelInput{CoreNetworkId: cn, AttachmentId: id})
		}, []string{"PENDING_NETWORK_UPDATE prod", "AVAILABLE prod"}},
		{"NAT", func() { must(w, w.UpdateAttachmentNatConfiguration, natted(id, enable, rules(rule1))) }, []string{"UPDATING prod", "AVAILABLE prod"}},
	} {
		step.do()
		var seen []string
		for range 5 {
			a := must(w, w.GetVpcAttachment, api.GetVpcAttachmentInput{AttachmentId: id}).VpcAttachment.Attachment
			if s := fmt.Sprint(a.State, " ", a.SegmentName); !slices.Contains(seen, s) {
				seen = append(seen, s)
			}
		}
		if !slices.Equal(seen, step.want) {
			t.Errorf("%s: reads show %q, want %q", step.name, seen, step.want)
		}
	}
}

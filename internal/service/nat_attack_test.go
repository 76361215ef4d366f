package service_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"portolan/api"
)

// drawnRule is a NAT rule that is close to what AWS takes, and often beyond it.
func drawnRule(t *rapid.T) api.NatRuleRequest {
	cidr := func(label string, heads ...string) string {
		return rapid.SampledFrom(heads).Draw(t, label) + rapid.SampledFrom([]string{"0.0.0", "1.0.0", "64.0.0", "16.0.0", "0.1.0", "254.3.0", "0.0.4", "32.0.0"}).Draw(t, label+" tail") +
			rapid.SampledFrom([]string{"/8", "/10", "/12", "/16", "/16", "/24", "/24", "/24", "/28", "/32", "", "/33", "/0"}).Draw(t, label+" bits")
	}
	return api.NatRuleRequest{
		RuleNumber:      new(rapid.SampledFrom([]int32{1, 2, 3, 4, 5, 6, 7, 8, 32766}).Draw(t, "number")),
		MatchSourceCidr: cidr("source", "10.", "10.", "192.", "169.", "224.", "223.", "fd00::", "x"),
		NatCidr:         cidr("nat", "10.", "100.", "100.", "172.", "192.", "8.", "::ffff:10."),
	}
}

// legalRules tells whether AWS takes a set of rules, by AWS's sentences one after the other and in numbers.
func legalRules(list []api.NatRuleRequest) bool {
	type block struct{ from, to uint64 }
	parse := func(text string) (b block, bits int, ok bool) {
		p, err := netip.ParsePrefix(text)
		if err != nil || !p.Addr().Is4() {
			return b, 0, false
		}
		four := p.Addr().As4()
		b.from = uint64(binary.BigEndian.Uint32(four[:]))
		size := uint64(1) << (32 - p.Bits())
		b.to = b.from + size
		return b, p.Bits(), b.from%size == 0
	}
	must := func(text string) block { b, _, _ := parse(text); return b }
	overlap := func(a, b block) bool { return a.from < b.to && b.from < a.to }
	inside := func(a, b block) bool { return b.from <= a.from && a.to <= b.to }
	for i := range list {
		source, bits, ok := parse(list[i].MatchSourceCidr)
		nat, natBits, natOK := parse(list[i].NatCidr)
		if !ok || !natOK || bits != natBits || overlap(source, must("224.0.0.0/4")) || overlap(source, must("169.254.0.0/16")) ||
			!inside(nat, must("10.0.0.0/8")) && !inside(nat, must("172.16.0.0/12")) && !inside(nat, must("192.168.0.0/16")) && !inside(nat, must("100.64.0.0/10")) {
			return false
		}
		for j := range i {
			if *list[i].RuleNumber == *list[j].RuleNumber || source == must(list[j].MatchSourceCidr) || overlap(nat, must(list[j].NatCidr)) {
				return false
			}
		}
	}
	return true
}

// TestNAT_anyRules: of any rules and any switch AWS's sentences decide; what is refused changes nothing, what is taken is in
// force at the end.
func TestNAT_anyRules(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	id := w.available(cn)
	taken := 0
	rapid.Check(t, func(rt *rapid.T) {
		list := rapid.SliceOfN(rapid.Custom(drawnRule), 0, 3).Draw(rt, "rules")
		support := rapid.SampledFrom([]api.NatGatewaySupportValue{"", enable, disable}).Draw(rt, "support")
		if list == nil {
			list = []api.NatRuleRequest{}
		}
		before := must(w, w.GetVpcAttachment, api.GetVpcAttachmentInput{AttachmentId: id}).VpcAttachment.Attachment
		nat := w.nat(id)
		on := support == enable || support == "" && before.NatGatewaySupport == "ENABLED"
		legal := legalRules(list) && (!on || len(list) > 0)
		in := natted(id, support, list)
		_, err := w.UpdateAttachmentNatConfiguration(w.ctx, &in)
		if (err == nil) != legal {
			rt.Fatalf("%s %s: %v, want taken %t", support, shownRequest(list), err, legal)
		}
		if !legal {
			after := must(w, w.GetVpcAttachment, api.GetVpcAttachmentInput{AttachmentId: id}).VpcAttachment.Attachment
			if got := w.nat(id); got != nat || after.State != before.State || !after.UpdatedAt.Equal(before.UpdatedAt.Time) {
				rt.Fatalf("a refused request left %s %s, was %s %s", after.State, got, before.State, nat)
			}
			return
		}
		taken++
		w.now = w.now.Add(time.Hour)
		if got := w.attachment(id); got.State != "AVAILABLE" || (got.NatGatewaySupport == "ENABLED") != on {
			rt.Fatalf("ends %s %s", got.State, got.NatGatewaySupport)
		}
		if got := must(w, w.ListAttachmentNatConfigurations, api.ListAttachmentNatConfigurationsInput{AttachmentId: &id}).AttachmentNatConfigurations[0]; len(got.NatGatewayRules) != len(list) {
			rt.Fatalf("has %s, asked for %s", shown(&got), shownRequest(list))
		}
	})
	if taken == 0 {
		t.Error("nothing was taken")
	}
}

func shownRequest(list []api.NatRuleRequest) (text string) {
	for _, r := range list {
		text += fmt.Sprintf(" %d %s>%s", *r.RuleNumber, r.MatchSourceCidr, r.NatCidr)
	}
	return text
}

// TestNAT_createRefused: what is wrong with NAT leaves no attachment behind, whatever its type.
func TestNAT_createRefused(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	vpc := w.available(cn)
	for name, bad := range map[string]struct {
		support *api.NatGatewaySupportValue
		rules   []api.NatRuleRequest
	}{
		"on without rules":        {new(enable), nil},
		"on with an empty list":   {new(enable), rules("")},
		"IPv6":                    {nil, rules("1 fd00::/64>fd01::/64")},
		"host bits":               {nil, rules("1 10.0.0.1/16>100.64.0.0/16")},
		"overlapping NAT CIDRs":   {new(disable), rules("1 10.0.0.0/16>100.64.0.0/16,2 10.1.0.0/16>100.64.0.0/16")},
		"a public NAT CIDR":       {nil, rules("1 10.0.0.0/16>8.8.0.0/16")},
		"one number for two":      {nil, rules("1 10.0.0.0/16>100.64.0.0/16,1 10.1.0.0/16>100.65.0.0/16")},
		"other lengths":           {new(enable), rules("1 10.0.0.0/16>100.64.0.0/17")},
		"more rules than allowed": {new(enable), thousandRules()},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			refused(w, w.CreateVpcAttachment, api.CreateVpcAttachmentInput{
				CoreNetworkId: cn, VpcArn: ec2 + "vpc/vpc-0123456789abcdef8", SubnetArns: []string{ec2 + "subnet/subnet-0123456789abcdef8"}, NatGatewaySupport: bad.support, NatGatewayRules: bad.rules,
			})
			refused(w, w.CreateConnectAttachment, api.CreateConnectAttachmentInput{
				CoreNetworkId: cn, EdgeLocation: "eu-west-1", TransportAttachmentId: vpc, Options: &api.ConnectAttachmentOptions{}, NatGatewaySupport: bad.support, NatGatewayRules: bad.rules,
			})
			refused(w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{
				CoreNetworkId: cn, VpnConnectionArn: vpnARN, NatGatewaySupport: bad.support, NatGatewayRules: bad.rules,
			})
			refused(w, w.CreateDirectConnectGatewayAttachment, api.CreateDirectConnectGatewayAttachmentInput{
				CoreNetworkId: cn, DirectConnectGatewayArn: natGatewayARN, EdgeLocations: []string{"eu-west-1"}, NatGatewaySupport: bad.support, NatGatewayRules: bad.rules,
			})
			if list := must(w, w.ListAttachments, api.ListAttachmentsInput{}).Attachments; len(list) != 1 {
				t.Errorf("%d attachments, want 1", len(list))
			}
		})
	}
	w.t = t
}

// refused makes a call as the server does, checks of members first, and wants a ValidationException.
func refused[I, O any](w *world, call func(context.Context, *I) (*O, error), in I) {
	w.t.Helper()
	if len(w.CheckFields(any(&in).(api.Input))) == 0 {
		fails[validation](w, call, in)
	}
}

func thousandRules() []api.NatRuleRequest {
	list := make([]api.NatRuleRequest, 1000)
	for i := range list {
		list[i] = api.NatRuleRequest{RuleNumber: new(int32(i + 1)), MatchSourceCidr: fmt.Sprintf("10.%d.%d.0/24", i/256, i%256), NatCidr: fmt.Sprintf("100.%d.%d.0/24", 64+i/256, i%256)}
	}
	return list
}

// TestNAT_updatesAtOnce: of several updates of one attachment at once one is taken, and its rules are in force.
func TestNAT_updatesAtOnce(t *testing.T) {
	w := newWorld(t, withProfile(t, "instant,attachment.UPDATING=1h"))
	_, cn := w.network()
	id := w.available(cn)
	const callers = 8
	var wg sync.WaitGroup
	answers, errs := make([]string, callers), make([]error, callers)
	for i := range callers {
		wg.Go(func() {
			in := natted(id, enable, rules(fmt.Sprintf("%d 10.0.0.0/16>100.%d.0.0/16", i+1, 64+i)))
			out, err := w.UpdateAttachmentNatConfiguration(w.ctx, &in)
			if errs[i] = err; err == nil {
				answers[i] = shown(out.AttachmentNatConfiguration)
			}
		})
	}
	wg.Wait()
	taken := -1
	for i, err := range errs {
		switch {
		case err == nil && taken < 0:
			taken = i
		case err == nil:
			t.Errorf("%s and %s were both taken", answers[taken], answers[i])
		case refusal(err) != "ConflictException: Attachment state is invalid: UPDATING.":
			t.Errorf("refused with %s", refusal(err))
		}
	}
	w.now = w.now.Add(time.Hour)
	want := fmt.Sprintf("ENABLED, %d ACTIVATED 10.0.0.0/16>100.%d.0.0/16", taken+1, 64+taken)
	if got := w.attachment(id); taken < 0 || got.State != "AVAILABLE" || w.nat(id) != want {
		t.Errorf("ends %s with %s, want %s", got.State, w.nat(id), want)
	}
}

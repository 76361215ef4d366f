package service_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/api"
)

// rules reads NAT rules: "10 10.0.0.0/16>100.64.0.0/16, …".
func rules(text string) []api.NatRuleRequest {
	list := []api.NatRuleRequest{}
	for rule := range strings.SplitSeq(text, ",") {
		var r api.NatRuleRequest
		var number int32
		if n, _ := fmt.Sscanf(strings.ReplaceAll(rule, ">", " "), "%d %s %s", &number, &r.MatchSourceCidr, &r.NatCidr); n == 3 {
			r.RuleNumber = &number
			list = append(list, r)
		}
	}
	return list
}

// shown is a NAT configuration in one line: support, then number, state and CIDRs of each rule.
func shown(c *api.AttachmentNatConfiguration) string {
	parts := []string{string(c.NatGatewaySupport)}
	for _, r := range c.NatGatewayRules {
		parts = append(parts, fmt.Sprintf("%d %s %s>%s", *r.RuleNumber, r.State, r.MatchSourceCidr, r.NatCidr))
	}
	return strings.Join(parts, ", ")
}

func (w *world) nat(id string) string {
	w.t.Helper()
	list := must(w, w.ListAttachmentNatConfigurations, api.ListAttachmentNatConfigurationsInput{AttachmentId: &id}).AttachmentNatConfigurations
	if len(list) != 1 {
		w.t.Fatalf("%d configurations of %s", len(list), id)
	}
	return shown(&list[0])
}

const (
	enable  = api.NatGatewaySupportValueEnable
	disable = api.NatGatewaySupportValueDisable
	rule1   = "10 10.0.0.0/16>100.64.0.0/16"
)

func natted(id string, support api.NatGatewaySupportValue, list []api.NatRuleRequest) api.UpdateAttachmentNatConfigurationInput {
	in := api.UpdateAttachmentNatConfigurationInput{AttachmentId: id, NatGatewayRules: list}
	if support != "" {
		in.NatGatewaySupport = &support
	}
	return in
}

// available is a VPC attachment that is AVAILABLE.
func (w *world) available(cn string) string {
	w.t.Helper()
	id := w.vpcAttachment(cn, api.Tag{Key: new("env"), Value: new("prod")}).Attachment.AttachmentId
	w.attachment(id)
	return id
}

func TestUpdateAttachmentNatConfiguration_states(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	id := w.available(cn)
	for _, step := range []struct {
		name    string
		support api.NatGatewaySupportValue
		rules   []api.NatRuleRequest
		answer  string
		then    string
	}{
		{"rules and the switch in one call", enable, rules(rule1), "ENABLING, 10 CREATING 10.0.0.0/16>100.64.0.0/16", "ENABLED, 10 ACTIVATED 10.0.0.0/16>100.64.0.0/16"},
		{"the same again changes nothing", enable, rules(rule1), "ENABLED, 10 ACTIVATED 10.0.0.0/16>100.64.0.0/16", "ENABLED, 10 ACTIVATED 10.0.0.0/16>100.64.0.0/16"},
		{
			"new, changed and kept", "", rules("20 10.1.0.0/16>100.65.0.0/16," + rule1), "ENABLED, 10 ACTIVATED 10.0.0.0/16>100.64.0.0/16, 20 CREATING 10.1.0.0/16>100.65.0.0/16",
			"ENABLED, 10 ACTIVATED 10.0.0.0/16>100.64.0.0/16, 20 ACTIVATED 10.1.0.0/16>100.65.0.0/16",
		},
		{
			"removed and changed", "", rules("20 10.2.0.0/16>100.65.0.0/16"), "ENABLED, 10 DELETING 10.0.0.0/16>100.64.0.0/16, 20 MODIFYING 10.2.0.0/16>100.65.0.0/16",
			"ENABLED, 20 ACTIVATED 10.2.0.0/16>100.65.0.0/16",
		},
		{"off", disable, nil, "DISABLING, 20 DEACTIVATING 10.2.0.0/16>100.65.0.0/16", "DISABLED, 20 DEACTIVATED 10.2.0.0/16>100.65.0.0/16"},
		{"staged rules", "", rules("20 10.3.0.0/16>100.65.0.0/16"), "DISABLED, 20 MODIFYING 10.3.0.0/16>100.65.0.0/16", "DISABLED, 20 DEACTIVATED 10.3.0.0/16>100.65.0.0/16"},
		{"on again", enable, nil, "ENABLING, 20 ACTIVATING 10.3.0.0/16>100.65.0.0/16", "ENABLED, 20 ACTIVATED 10.3.0.0/16>100.65.0.0/16"},
		{"off and without rules", disable, rules(""), "DISABLING, 20 DELETING 10.3.0.0/16>100.65.0.0/16", "DISABLED"},
	} {
		out := must(w, w.UpdateAttachmentNatConfiguration, natted(id, step.support, step.rules)).AttachmentNatConfiguration
		if got := shown(out); got != step.answer {
			t.Errorf("%s: answers\n%s, want\n%s", step.name, got, step.answer)
		}
		w.attachment(id)
		if got := w.nat(id); got != step.then {
			t.Errorf("%s: ends with\n%s, want\n%s", step.name, got, step.then)
		}
	}
	fails[validation](w, w.UpdateAttachmentNatConfiguration, natted(id, enable, nil))
	fails[validation](w, w.UpdateAttachmentNatConfiguration, natted(id, "", nil))
}

func TestUpdateAttachmentNatConfiguration_attachmentIsUpdating(t *testing.T) {
	w := newWorld(t, withProfile(t, "instant,attachment.UPDATING=1h"))
	_, cn := w.network()
	id := w.available(cn)
	in := natted(id, enable, rules(rule1))
	in.ClientToken = new("once")
	first := shown(must(w, w.UpdateAttachmentNatConfiguration, in).AttachmentNatConfiguration)
	if again := shown(must(w, w.UpdateAttachmentNatConfiguration, in).AttachmentNatConfiguration); again != first {
		t.Errorf("the same token answers %s, first %s", again, first)
	}
	if got := w.attachment(id); got.State != "UPDATING" || got.NatGatewaySupport != "ENABLING" {
		t.Errorf("got %s %s", got.State, got.NatGatewaySupport)
	}
	if e := fails[conflict](w, w.UpdateAttachmentNatConfiguration, natted(id, disable, nil)); e.ResourceId != id {
		t.Errorf("got %+v", e)
	}
	fails[validation](w, w.UpdateAttachmentNatConfiguration, natted(id, "", rules("1 10.0.0.0/16>8.8.0.0/16")))
	w.now = w.now.Add(time.Hour)
	if got := w.attachment(id); got.State != "AVAILABLE" || got.NatGatewaySupport != "ENABLED" {
		t.Errorf("got %s %s", got.State, got.NatGatewaySupport)
	}
	if got := shown(must(w, w.UpdateAttachmentNatConfiguration, in).AttachmentNatConfiguration); got != first {
		t.Errorf("the same token answers %s later", got)
	}
}

func TestNatRules_refused(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	id := w.available(cn)
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprintf("%d 10.0.%d.0/24>100.64.%d.0/24", i+1, i, i)
	}
	for text, field := range map[string]string{
		"1 10.0.0.0/16>100.64.0.0/17":                                   "natGatewayRules[0].natCidr",
		"1 10.0.0.0/24>8.8.8.0/24":                                      "natGatewayRules[0].natCidr",
		"1 10.0.0.0/24>172.32.0.0/24":                                   "natGatewayRules[0].natCidr",
		"1 10.0.0.0/24>100.64.0.0/24,2 10.0.1.0/24>100.64.0.0/24":       "natGatewayRules[1].natCidr",
		"1 10.0.0.0/24>100.64.0.0/24,2 10.0.1.0/25>100.64.0.0/25":       "natGatewayRules[1].natCidr",
		"1 10.0.0.0/24>100.64.0.0/24,2 10.0.0.0/24>100.64.1.0/24":       "natGatewayRules[1].matchSourceCidr",
		"1 224.1.0.0/16>10.9.0.0/16":                                    "natGatewayRules[0].matchSourceCidr",
		"1 169.254.1.0/24>10.9.0.0/24":                                  "natGatewayRules[0].matchSourceCidr",
		"7 10.0.0.0/24>100.64.0.0/24,7 10.0.1.0/24>100.64.1.0/24":       "natGatewayRules[1].ruleNumber",
		"1 10.0.0.1/24>100.64.0.0/24":                                   "natGatewayRules[0].matchSourceCidr",
		"1 10.0.0.0/24>100.64.0.1/24":                                   "natGatewayRules[0].natCidr",
		"1 10.0.0.0/24>fd00::/24":                                       "natGatewayRules[0].natCidr",
		"1 ::ffff:10.0.0.0/120>100.64.0.0/24":                           "natGatewayRules[0].matchSourceCidr",
		"1 10.0.0.0/24>192.168.0.0/24,2 10.0.1.0/24>255.255.255.255/24": "natGatewayRules[1].natCidr",
		strings.Join(many, ","):                                         "natGatewayRules",
	} {
		t.Run(text[:min(len(text), 60)], func(t *testing.T) {
			e := fails[validation](w, w.UpdateAttachmentNatConfiguration, natted(id, enable, rules(text)))
			if e.Message != "Incorrect input." || len(e.Fields) == 0 || !slices.ContainsFunc(e.Fields, func(f api.FieldError) bool { return f.Name == field }) {
				t.Errorf("got %q %v, want %s", e.Message, e.Fields, field)
			}
			in := api.CreateVpcAttachmentInput{CoreNetworkId: cn, VpcArn: ec2 + "vpc/vpc-0123456789abcdef1", SubnetArns: []string{ec2 + "subnet/subnet-1"}, NatGatewayRules: rules(text)}
			if got := w.CheckFields(&in); !slices.ContainsFunc(got, func(f api.FieldError) bool { return f.Name == field }) {
				t.Errorf("CreateVpcAttachment names %v", got)
			}
		})
	}
	if got := w.nat(id); got != "DISABLED" {
		t.Errorf("a refused request left %s", got)
	}
	for _, text := range []string{"1 10.0.0.0/8>10.0.0.0/8", "1 10.0.0.0/16>100.64.0.0/16,2 10.0.1.0/24>100.65.0.0/24", "32766 0.0.0.0/8>10.0.0.0/8"} {
		must(w, w.UpdateAttachmentNatConfiguration, natted(id, "", rules(text)))
		w.attachment(id)
	}
}

func TestCreateAttachment_withNAT(t *testing.T) {
	w := newWorld(t, withQuota("attachments-per-vpc", 10))
	_, cn := w.network()
	create := func(env string, support *api.NatGatewaySupportValue, list []api.NatRuleRequest) *api.Attachment {
		return must(w, w.CreateVpcAttachment, api.CreateVpcAttachmentInput{
			CoreNetworkId: cn, VpcArn: ec2 + "vpc/vpc-0123456789abcdef0", SubnetArns: []string{ec2 + "subnet/subnet-0123456789abcdef0"},
			Tags: []api.Tag{{Key: new("env"), Value: &env}}, NatGatewaySupport: support, NatGatewayRules: list,
		}).VpcAttachment.Attachment
	}
	t.Run("created with the switch", func(t *testing.T) {
		a := create("prod", new(enable), rules(rule1))
		if got := w.nat(a.AttachmentId); a.NatGatewaySupport != "ENABLING" || got != "ENABLING, 10 ACTIVATING 10.0.0.0/16>100.64.0.0/16" {
			t.Errorf("created %s, then %s", a.NatGatewaySupport, got)
		}
		w.attachment(a.AttachmentId)
		if got := w.nat(a.AttachmentId); got != "ENABLED, 10 ACTIVATED 10.0.0.0/16>100.64.0.0/16" {
			t.Errorf("ends with %s", got)
		}
	})
	t.Run("staged", func(t *testing.T) {
		a := create("prod", nil, rules(rule1))
		w.attachment(a.AttachmentId)
		if got := w.nat(a.AttachmentId); a.NatGatewaySupport != "DISABLED" || got != "DISABLED, 10 DEACTIVATED 10.0.0.0/16>100.64.0.0/16" {
			t.Errorf("created %s, ends with %s", a.NatGatewaySupport, got)
		}
	})
	t.Run("waits for acceptance", func(t *testing.T) {
		a := create("guest", new(enable), rules(rule1))
		const waiting = "PENDING_ATTACHMENT_ACCEPTANCE, 10 PENDING_ATTACHMENT_ACCEPTANCE 10.0.0.0/16>100.64.0.0/16"
		if got := w.nat(a.AttachmentId); a.State != "PENDING_ATTACHMENT_ACCEPTANCE" || got != waiting {
			t.Errorf("%s with %s", a.State, got)
		}
		out := must(w, w.UpdateAttachmentNatConfiguration, natted(a.AttachmentId, "", rules("10 10.0.0.0/16>100.64.0.0/16,11 10.1.0.0/16>100.65.0.0/16"))).AttachmentNatConfiguration
		if got := shown(out); got != waiting+", 11 PENDING_ATTACHMENT_ACCEPTANCE 10.1.0.0/16>100.65.0.0/16" {
			t.Errorf("updated to %s", got)
		}
		if got := w.attachment(a.AttachmentId).State; got != "PENDING_ATTACHMENT_ACCEPTANCE" {
			t.Errorf("an update while it waits makes it %s", got)
		}
		must(w, w.AcceptAttachment, api.AcceptAttachmentInput{AttachmentId: a.AttachmentId})
		w.attachment(a.AttachmentId)
		if got := w.nat(a.AttachmentId); got != "ENABLED, 10 ACTIVATED 10.0.0.0/16>100.64.0.0/16, 11 ACTIVATED 10.1.0.0/16>100.65.0.0/16" {
			t.Errorf("accepted: %s", got)
		}
	})
	t.Run("the switch without rules", func(t *testing.T) {
		fails[validation](w, w.CreateVpcAttachment, api.CreateVpcAttachmentInput{
			CoreNetworkId: cn, VpcArn: ec2 + "vpc/vpc-0123456789abcdef0", SubnetArns: []string{ec2 + "subnet/subnet-0123456789abcdef0"}, NatGatewaySupport: new(enable),
		})
	})
}

func TestNAT_ofEachType(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	vpc := w.available(cn)
	wantField(t, fails[validation](w, w.UpdateAttachmentNatConfiguration, api.UpdateAttachmentNatConfigurationInput{AttachmentId: vpc, NatSystemRouteSupport: new(false)}), "natSystemRouteSupport")
	connect := must(w, w.CreateConnectAttachment, api.CreateConnectAttachmentInput{
		CoreNetworkId: cn, EdgeLocation: "eu-west-1", TransportAttachmentId: vpc, Options: &api.ConnectAttachmentOptions{},
	}).ConnectAttachment.Attachment.AttachmentId
	w.attachment(connect)
	wantField(t, fails[validation](w, w.UpdateAttachmentNatConfiguration, api.UpdateAttachmentNatConfigurationInput{AttachmentId: connect, NatSystemRouteSupport: new(true)}), "natSystemRouteSupport")
	table := must(w, w.CreateTransitGatewayRouteTableAttachment, api.CreateTransitGatewayRouteTableAttachmentInput{
		PeeringId: w.peering(cn), TransitGatewayRouteTableArn: tableARN,
	}).TransitGatewayRouteTableAttachment.Attachment.AttachmentId
	w.attachment(table)
	fails[validation](w, w.UpdateAttachmentNatConfiguration, natted(table, enable, rules(rule1)))
	for name, c := range map[string]struct {
		in   api.ListAttachmentNatConfigurationsInput
		want []string
	}{
		"of a transit gateway route table": {api.ListAttachmentNatConfigurationsInput{AttachmentId: &table}, nil},
		"of the core network":              {api.ListAttachmentNatConfigurationsInput{CoreNetworkId: &cn}, []string{vpc, connect}},
		"by type, whatever the case":       {api.ListAttachmentNatConfigurationsInput{CoreNetworkId: &cn, Filters: map[string][]string{"attachment-type": {"connect"}}}, []string{connect}},
		"by support":                       {api.ListAttachmentNatConfigurationsInput{CoreNetworkId: &cn, Filters: map[string][]string{"nat-gateway-support": {"ENABLED", "ENABLING"}}}, nil},
		"the attachment decides":           {api.ListAttachmentNatConfigurationsInput{CoreNetworkId: new("core-network-0123456789abcdef0"), AttachmentId: &vpc}, []string{vpc}},
	} {
		var got []string
		for _, n := range must(w, w.ListAttachmentNatConfigurations, c.in).AttachmentNatConfigurations {
			got = append(got, n.AttachmentId)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	fails[validation](w, w.ListAttachmentNatConfigurations, api.ListAttachmentNatConfigurationsInput{})
	fails[notFound](w, w.ListAttachmentNatConfigurations, api.ListAttachmentNatConfigurationsInput{AttachmentId: new("attachment-0123456789abcdef0")})
	eleven := slices.Repeat([]string{"ENABLED"}, 11)
	wantField(t, fails[validation](w, w.ListAttachmentNatConfigurations, api.ListAttachmentNatConfigurationsInput{CoreNetworkId: &cn, Filters: map[string][]string{"nat-gateway-support": eleven}}), "filters")
	wantField(t, fails[validation](w, w.ListAttachmentNatConfigurations, api.ListAttachmentNatConfigurationsInput{CoreNetworkId: &cn, Filters: map[string][]string{"state": nil}}), "filters")
}

func TestNAT_staticVPN(t *testing.T) {
	w := newWorld(t, withCatalog(t, "vpnConnections: [{arn: '"+vpnARN+"', staticRoutes: [192.168.0.0/24]}]"))
	_, cn := w.network()
	tags := []api.Tag{{Key: new("env"), Value: new("prod")}}
	id := must(w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{CoreNetworkId: cn, VpnConnectionArn: vpnARN, Tags: tags}).SiteToSiteVpnAttachment.Attachment.AttachmentId
	w.attachment(id)
	out := must(w, w.UpdateAttachmentNatConfiguration, natted(id, enable, rules("1 192.168.0.0/24>100.64.0.0/24"))).AttachmentNatConfiguration
	if out.NatGatewaySupport != "ENABLING" {
		t.Errorf("answers %s", out.NatGatewaySupport)
	}
	got := w.attachment(id)
	if got.State != "AVAILABLE" || len(got.LastModificationErrors) != 1 || got.LastModificationErrors[0].Code != "VPN_STATIC_ROUTES_NAT_UNSUPPORTED" || w.nat(id) != "DISABLED" {
		t.Errorf("ends %s %+v with %s", got.State, got.LastModificationErrors, w.nat(id))
	}
	must(w, w.DeleteAttachment, api.DeleteAttachmentInput{AttachmentId: id})
	w.attachment(id)
	id = must(w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{
		CoreNetworkId: cn, VpnConnectionArn: vpnARN, Tags: tags, NatGatewaySupport: new(enable), NatGatewayRules: rules("1 192.168.0.0/24>100.64.0.0/24"),
	}).SiteToSiteVpnAttachment.Attachment.AttachmentId
	if got := w.attachment(id); got.State != "FAILED" || w.nat(id) != "DISABLED, 1 FAILED 192.168.0.0/24>100.64.0.0/24" {
		t.Errorf("created with NAT it is %s with %s", got.State, w.nat(id))
	}
}

func TestNAT_onlyTheOwnerOfTheCoreNetwork(t *testing.T) {
	w := newWorld(t, withSharing)
	_, cn := w.network()
	must(w, w.PutResourcePolicy, api.PutResourcePolicyInput{ResourceArn: "arn:aws:networkmanager::111122223333:core-network/" + cn, PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"Principal":{"AWS":"` + guest + `"},"Action":["networkmanager:CreateVpcAttachment","networkmanager:GetCoreNetwork"],"Resource":"*"}]}`})
	in := api.CreateVpcAttachmentInput{
		CoreNetworkId: cn, VpcArn: "arn:aws:ec2:eu-west-1:" + guest + ":vpc/vpc-0123456789abcdef7", SubnetArns: []string{"arn:aws:ec2:eu-west-1:" + guest + ":subnet/subnet-0123456789abcdef7"},
		Tags: []api.Tag{{Key: new("env"), Value: new("prod")}},
	}
	owner := w.ctx
	w.ctx = w.as(guest)
	withNAT := in
	withNAT.NatGatewayRules = rules(rule1)
	fails[denied](w, w.CreateVpcAttachment, withNAT)
	id := must(w, w.CreateVpcAttachment, in).VpcAttachment.Attachment.AttachmentId
	fails[denied](w, w.UpdateAttachmentNatConfiguration, natted(id, enable, rules(rule1)))
	fails[denied](w, w.ListAttachmentNatConfigurations, api.ListAttachmentNatConfigurationsInput{AttachmentId: &id})
	fails[denied](w, w.ListAttachmentNatConfigurations, api.ListAttachmentNatConfigurationsInput{CoreNetworkId: &cn})
	w.ctx = w.as("777788889999")
	fails[notFound](w, w.UpdateAttachmentNatConfiguration, natted(id, enable, rules(rule1)))
	fails[notFound](w, w.ListAttachmentNatConfigurations, api.ListAttachmentNatConfigurationsInput{CoreNetworkId: &cn})
	w.ctx = owner
	w.attachment(id)
	must(w, w.UpdateAttachmentNatConfiguration, natted(id, enable, rules(rule1)))
}

// TestNAT_routes: a NatCidr takes the place of the VPC CIDR at the end of ENABLING, and gives it back at the end of DISABLING.
func TestNAT_routes(t *testing.T) {
	w := newWorld(t, withCatalog(t, "vpcs: [{arn: '"+ec2+"vpc/vpc-0123456789abcdef0', cidrs: [10.0.0.0/16], subnets: [{arn: '"+ec2+"subnet/subnet-0123456789abcdef0', cidrs: [10.0.1.0/24]}]}]"),
		withProfile(t, "instant,attachment.UPDATING=1h"))
	gn, cn := w.network()
	id := w.available(cn)
	local := func() string {
		var list []string
		for _, r := range must(w, w.GetNetworkRoutes, api.GetNetworkRoutesInput{GlobalNetworkId: gn, RouteTableIdentifier: segmentTable(cn, "prod", "eu-west-1")}).NetworkRoutes {
			list = append(list, r.DestinationCidrBlock)
		}
		return strings.Join(list, " ")
	}
	for _, step := range []struct {
		support     api.NatGatewaySupportValue
		rules       string
		while, then string
	}{
		{enable, rule1, "10.0.0.0/16", "100.64.0.0/16"},
		{"", "10 10.0.4.0/24>100.64.4.0/24", "100.64.0.0/16", "10.0.0.0/16 100.64.4.0/24"},
		{disable, "", "10.0.0.0/16 100.64.4.0/24", "10.0.0.0/16"},
	} {
		must(w, w.UpdateAttachmentNatConfiguration, natted(id, step.support, rules(step.rules)))
		if got := local(); got != step.while {
			t.Errorf("%s %s: while it changes %s, want %s", step.support, step.rules, got, step.while)
		}
		w.now = w.now.Add(time.Hour)
		if got := local(); got != step.then {
			t.Errorf("%s %s: then %s, want %s", step.support, step.rules, got, step.then)
		}
	}
}

// TestNAT_outlivesAnotherUpdateThatFails: only a change of the NAT itself takes the configuration back when it fails.
func TestNAT_outlivesAnotherUpdateThatFails(t *testing.T) {
	w := newWorld(t, withCatalog(t, "vpcs: [{arn: '"+ec2+"vpc/vpc-0123456789abcdef0', cidrs: [10.0.0.0/16], subnets: [{arn: '"+ec2+"subnet/subnet-0123456789abcdef0', cidrs: [10.0.1.0/24]}]}]"))
	_, cn := w.network()
	id := w.available(cn)
	must(w, w.UpdateAttachmentNatConfiguration, natted(id, enable, rules(rule1)))
	w.attachment(id)
	want := w.nat(id)
	must(w, w.UpdateVpcAttachment, api.UpdateVpcAttachmentInput{AttachmentId: id, AddSubnetArns: []string{ec2 + "subnet/subnet-0123456789abcdef9"}})
	got := w.attachment(id)
	if got.State != "AVAILABLE" || len(got.LastModificationErrors) != 1 || w.nat(id) != want || !strings.HasPrefix(want, "ENABLED") {
		t.Errorf("ends %s %+v with %s, want %s", got.State, got.LastModificationErrors, w.nat(id), want)
	}
}

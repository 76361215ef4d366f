package test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
	"github.com/go-json-experiment/json"

	"portolan/servertest"
)

// The calls and waits of the Terraform provider's acceptance tests. A wait of the provider fails on every state that is
// neither among its pending ones nor its targets, which is what these check.

// waits reads a state until it is a target.
func waits(t *testing.T, what string, state func() (string, error), pending []string, targets ...string) string {
	t.Helper()
	var seen []string
	for range 50 {
		s, err := state()
		var missing *types.ResourceNotFoundException
		if errors.As(err, &missing) && len(targets) == 0 {
			return ""
		}
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if slices.Contains(targets, s) {
			return s
		}
		if !slices.Contains(pending, s) {
			t.Fatalf("%s: unexpected state %s, wanted target %v. last seen %v", what, s, targets, seen)
		}
		seen = append(seen, s)
	}
	t.Fatalf("%s stays %v", what, seen)
	return ""
}

const providerARN = "arn:aws:ec2:us-west-2:111122223333:"

// providerPolicy is the policy of the provider's tests of attachments: no inside CIDR blocks.
func providerPolicy(ranges string, segments ...string) string {
	var list []string
	for _, s := range segments {
		name, closed, _ := strings.Cut(s, " ")
		list = append(list, fmt.Sprintf(`{"name":%q,"require-attachment-acceptance":%t}`, name, closed != ""))
	}
	return `{"version":"2021.12","core-network-configuration":{"vpn-ecmp-support":false,"asn-ranges":["` + ranges + `"],"edge-locations":[{"location":"us-west-2"}]},` +
		`"segments":[` + strings.Join(list, ",") + `],"attachment-policies":[{"rule-number":1,"condition-logic":"or",` +
		`"conditions":[{"type":"tag-value","operator":"equals","key":"segment","value":"shared"}],"action":{"association-method":"constant","segment":"shared"}}]}`
}

func (n network) live(t *testing.T, document string) {
	t.Helper()
	version, refused := n.put(t, document)
	if len(refused) > 0 {
		t.Fatal(refusals(refused))
	}
	if _, err := n.ExecuteCoreNetworkChangeSet(t.Context(), &networkmanager.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: n.id, PolicyVersionId: version.PolicyVersionId}); err != nil {
		t.Fatal(err)
	}
	waits(t, "core network", func() (string, error) {
		out, err := n.GetCoreNetwork(t.Context(), &networkmanager.GetCoreNetworkInput{CoreNetworkId: n.id})
		if err != nil {
			return "", err
		}
		return string(out.CoreNetwork.State), nil
	}, []string{"UPDATING"}, "AVAILABLE")
	n.version(t, version.PolicyVersionId, types.ChangeSetStateExecutionSucceeded)
}

func (n network) vpcState(t *testing.T, id *string) func() (string, error) {
	return func() (string, error) {
		out, err := n.GetVpcAttachment(t.Context(), &networkmanager.GetVpcAttachmentInput{AttachmentId: id})
		if err != nil {
			return "", err
		}
		return string(out.VpcAttachment.Attachment.State), nil
	}
}

func (n network) connectState(t *testing.T, id *string) func() (string, error) {
	return func() (string, error) {
		out, err := n.GetConnectAttachment(t.Context(), &networkmanager.GetConnectAttachmentInput{AttachmentId: id})
		if err != nil {
			return "", err
		}
		return string(out.ConnectAttachment.Attachment.State), nil
	}
}

func (n network) vpc(t *testing.T) *string {
	t.Helper()
	out, err := n.CreateVpcAttachment(t.Context(), &networkmanager.CreateVpcAttachmentInput{
		CoreNetworkId: n.id, VpcArn: aws.String(providerARN + "vpc/vpc-0123456789abcdef0"),
		SubnetArns: []string{providerARN + "subnet/subnet-0123456789abcdef0", providerARN + "subnet/subnet-0123456789abcdef1"},
		Tags:       []types.Tag{{Key: aws.String("segment"), Value: aws.String("shared")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.VpcAttachment.Attachment.AttachmentId
}

// connect creates a Connect attachment; a refusal for the state of its transport is what the provider tries again.
func (n network) connect(t *testing.T, transport *string) (*string, error) {
	out, err := n.CreateConnectAttachment(t.Context(), &networkmanager.CreateConnectAttachmentInput{
		CoreNetworkId: n.id, EdgeLocation: aws.String("us-west-2"), TransportAttachmentId: transport,
		Options: &types.ConnectAttachmentOptions{Protocol: types.TunnelProtocolGre},
		Tags:    []types.Tag{{Key: aws.String("segment"), Value: aws.String("shared")}},
	})
	if err != nil {
		return nil, err
	}
	return out.ConnectAttachment.Attachment.AttachmentId, nil
}

// TestProvider_connectAttachment: basic, NoDependsOn, tags and disappears, with a segment that asks for acceptance.
func TestProvider_connectAttachment(t *testing.T) {
	srv := servertest.New(t)
	n := newNetwork(t, networkmanager.NewFromConfig(srv.Config()))
	n.live(t, providerPolicy("64512-64555", "shared closed"))
	vpc := n.vpc(t)
	waits(t, "VPC attachment", n.vpcState(t, vpc), []string{"CREATING", "PENDING_NETWORK_UPDATE"}, "AVAILABLE", "PENDING_ATTACHMENT_ACCEPTANCE")
	_, err := n.connect(t, vpc)
	var invalid *types.ValidationException
	if !errors.As(err, &invalid) || invalid.Reason != types.ValidationExceptionReasonFieldValidationFailed || len(invalid.Fields) != 1 ||
		*invalid.Fields[0].Message != "Transport attachment state is invalid." {
		t.Fatalf("without the accepter: %v", err)
	}
	accept := func(id *string, state func() (string, error)) {
		t.Helper()
		if _, err := n.AcceptAttachment(t.Context(), &networkmanager.AcceptAttachmentInput{AttachmentId: id}); err != nil {
			t.Fatal(err)
		}
		waits(t, "accepted", state, []string{"CREATING", "PENDING_NETWORK_UPDATE"}, "AVAILABLE")
	}
	accept(vpc, n.vpcState(t, vpc))
	connect, err := n.connect(t, vpc)
	if err != nil {
		t.Fatal(err)
	}
	waits(t, "Connect attachment", n.connectState(t, connect), []string{"CREATING", "PENDING_NETWORK_UPDATE"}, "AVAILABLE", "PENDING_ATTACHMENT_ACCEPTANCE")
	accept(connect, n.connectState(t, connect))
	arn := "arn:aws:networkmanager::111122223333:attachment/" + *connect
	if _, err := n.TagResource(t.Context(), &networkmanager.TagResourceInput{ResourceArn: &arn, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}); err != nil {
		t.Fatal(err)
	}
	waits(t, "tagged", n.connectState(t, connect), nil, "AVAILABLE")
	_, err = n.DeleteAttachment(t.Context(), &networkmanager.DeleteAttachmentInput{AttachmentId: vpc})
	if !errors.As(err, &invalid) || !strings.Contains(invalid.ErrorMessage(), "cannot be deleted due to existing Connect attachment") {
		t.Errorf("the transport first: %v", err)
	}
	for _, a := range []struct {
		id    *string
		state func() (string, error)
	}{{connect, n.connectState(t, connect)}, {vpc, n.vpcState(t, vpc)}} {
		if _, err := n.DeleteAttachment(t.Context(), &networkmanager.DeleteAttachmentInput{AttachmentId: a.id}); err != nil {
			t.Fatal(err)
		}
		waits(t, "deleted", a.state, []string{"DELETING"})
	}
}

// TestProvider_vpcAttachmentUpdate: subnets and options are changed, each through UPDATING alone.
func TestProvider_vpcAttachmentUpdate(t *testing.T) {
	srv := servertest.New(t)
	n := newNetwork(t, networkmanager.NewFromConfig(srv.Config()))
	n.live(t, providerPolicy("64512-64555", "shared"))
	vpc := n.vpc(t)
	waits(t, "VPC attachment", n.vpcState(t, vpc), []string{"CREATING", "PENDING_NETWORK_UPDATE"}, "AVAILABLE", "PENDING_ATTACHMENT_ACCEPTANCE")
	second := []string{providerARN + "subnet/subnet-0123456789abcdef1"}
	for _, in := range []networkmanager.UpdateVpcAttachmentInput{
		{RemoveSubnetArns: second},
		{AddSubnetArns: second, Options: &types.VpcOptions{ApplianceModeSupport: aws.Bool(true)}},
		{Options: &types.VpcOptions{Ipv6Support: aws.Bool(true)}},
	} {
		in.AttachmentId = vpc
		out, err := n.UpdateVpcAttachment(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		if got := out.VpcAttachment.Attachment.State; got != types.AttachmentStateUpdating {
			t.Errorf("answers %s", got)
		}
		waits(t, "updated", n.vpcState(t, vpc), []string{"UPDATING"}, "AVAILABLE", "PENDING_TAG_ACCEPTANCE")
	}
}

// TestProvider_policyAttachment: ranges that the base policy's ASN is outside of, and a VPC attachment that stays through
// another execution.
func TestProvider_policyAttachment(t *testing.T) {
	srv := servertest.New(t)
	n := newNetwork(t, networkmanager.NewFromConfig(srv.Config()))
	base := `{"version":"2021.12","core-network-configuration":{"asn-ranges":["64512-65534"],"edge-locations":[{"location":"us-west-2"}]},"segments":[{"name":"segment"}]}`
	n.live(t, base)
	n.live(t, providerPolicy("65022-65534", "shared"))
	core, err := n.GetCoreNetwork(t.Context(), &networkmanager.GetCoreNetworkInput{CoreNetworkId: n.id})
	if err != nil {
		t.Fatal(err)
	}
	if got := *core.CoreNetwork.Edges[0].Asn; got != 64512 {
		t.Errorf("the edge has %d", got)
	}
	vpc := n.vpc(t)
	waits(t, "VPC attachment", n.vpcState(t, vpc), []string{"CREATING", "PENDING_NETWORK_UPDATE"}, "AVAILABLE", "PENDING_ATTACHMENT_ACCEPTANCE")
	n.live(t, providerPolicy("65022-65534", "shared", "more"))
	if s := waits(t, "VPC attachment", n.vpcState(t, vpc), []string{"PENDING_NETWORK_UPDATE"}, "AVAILABLE"); s != "AVAILABLE" {
		t.Error(s)
	}
}

// TestGoSDK_natByHTTP: the Go SDK does not know the operations of NAT; its signature and plain HTTP reach them.
func TestGoSDK_natByHTTP(t *testing.T) {
	srv := servertest.New(t)
	n := newNetwork(t, networkmanager.NewFromConfig(srv.Config()))
	n.live(t, providerPolicy("64512-64555", "shared"))
	vpc := n.vpc(t)
	waits(t, "VPC attachment", n.vpcState(t, vpc), []string{"CREATING", "PENDING_NETWORK_UPDATE"}, "AVAILABLE")
	call := func(method, path, body string) (int, map[string]any) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=111122223333/20260101/us-west-2/networkmanager/aws4_request, SignedHeaders=host, Signature=0")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return resp.StatusCode, v
	}
	status, v := call(http.MethodPatch, "/attachments/"+*vpc+"/nat-configuration",
		`{"NatGatewaySupport":"ENABLE","NatGatewayRules":[{"RuleNumber":10,"MatchSourceCidr":"10.0.0.0/16","NatCidr":"100.64.0.0/16"}]}`)
	if c, _ := v["AttachmentNatConfiguration"].(map[string]any); status != http.StatusOK || c["NatGatewaySupport"] != "ENABLING" {
		t.Errorf("update: %d %v", status, v)
	}
	waits(t, "with NAT", n.vpcState(t, vpc), []string{"UPDATING"}, "AVAILABLE")
	status, v = call(http.MethodPost, "/nat-configurations", `{"CoreNetworkId":"`+*n.id+`"}`)
	if list, _ := v["AttachmentNatConfigurations"].([]any); status != http.StatusOK || len(list) != 1 || list[0].(map[string]any)["NatGatewaySupport"] != "ENABLED" {
		t.Errorf("list: %d %v", status, v)
	}
	status, v = call(http.MethodPatch, "/attachments/"+*vpc+"/nat-configuration", `{"NatGatewayRules":[{"RuleNumber":0,"MatchSourceCidr":"10.0.0.0/16","NatCidr":"100.64.0.0/16"}]}`)
	if status != http.StatusBadRequest || v["Message"] != "1 validation error detected: Value at 'natGatewayRules.1.member.ruleNumber' failed to satisfy constraint: Member must have value greater than or equal to 1" {
		t.Errorf("refused: %d %v", status, v)
	}
}

// TestAWSCLI_nat: the AWS CLI, with the interface's newer data where it lacks the operations.
func TestAWSCLI_nat(t *testing.T) {
	if _, err := exec.LookPath("aws"); err != nil {
		t.Fatal("no AWS CLI: run scripts/setup")
	}
	p := Start(t, "--ephemeral")
	gn := cli(t, p, "create-global-network")["GlobalNetwork"].(map[string]any)["GlobalNetworkId"].(string)
	cn := cli(t, p, "create-core-network", "--global-network-id", gn, "--policy-document", providerPolicy("64512-64555", "shared"))["CoreNetwork"].(map[string]any)["CoreNetworkId"].(string)
	cli(t, p, "get-core-network", "--core-network-id", cn)
	made := cli(t, p, "create-vpc-attachment", "--core-network-id", cn, "--vpc-arn", providerARN+"vpc/vpc-0123456789abcdef0",
		"--subnet-arns", providerARN+"subnet/subnet-0123456789abcdef0", "--tags", "Key=segment,Value=shared",
		"--nat-gateway-support", "ENABLE", "--nat-gateway-rules", "RuleNumber=10,MatchSourceCidr=10.0.0.0/16,NatCidr=100.64.0.0/16")
	id := made["VpcAttachment"].(map[string]any)["Attachment"].(map[string]any)["AttachmentId"].(string)
	configuration := func() map[string]any {
		return cli(t, p, "list-attachment-nat-configurations", "--core-network-id", cn)["AttachmentNatConfigurations"].([]any)[0].(map[string]any)
	}
	if c := configuration(); c["NatGatewaySupport"] != "ENABLED" && c["NatGatewaySupport"] != "ENABLING" {
		t.Errorf("created: %v", c)
	}
	for range 5 {
		configuration()
	}
	off := cli(t, p, "update-attachment-nat-configuration", "--attachment-id", id, "--nat-gateway-support", "DISABLE")
	if c := off["AttachmentNatConfiguration"].(map[string]any); c["NatGatewaySupport"] != "DISABLING" {
		t.Errorf("switched off: %v", c)
	}
}

package test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	nm "github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// TestTerraform_module makes the calls that Terraform's provider makes for the module of docs/terraform.md, in its order
// and with its waits: apply, a plan that is empty, a tag that changes, destroy. Every client has one endpoint, as with
// AWS_ENDPOINT_URL alone; EC2 is behind --upstream.
func TestTerraform_module(t *testing.T) {
	cloud := newEC2(t, terraformAccount)
	p := Start(t, "--ephemeral", "--upstream", cloud.URL)
	m := newModule(t, p.URL)
	m.configure(t)
	m.apply(t)
	m.plan(t, "prod")
	m.retag(t)
	m.plan(t, "production")
	m.destroy(t)
	if cloud.called("DescribeVpcs") == 0 || cloud.called("CreateVpc") != 1 {
		t.Error("EC2 was not asked by way of Portolan")
	}
}

const (
	terraformAccount = "111122223333"
	terraformPolicy  = `{"version":"2021.12","core-network-configuration":{"asn-ranges":["64512-64555"],"inside-cidr-blocks":["10.100.0.0/16"],
"edge-locations":[{"location":"us-west-2"}]},"segments":[{"name":"prod","require-attachment-acceptance":false}],
"attachment-policies":[{"rule-number":1,"condition-logic":"or","conditions":[{"type":"tag-exists","key":"env"}],"action":{"association-method":"constant","segment":"prod"}}]}`
)

// module is what the provider holds in its state.
type module struct {
	nm  *nm.Client
	ec2 *ec2.Client
	sts *sts.Client

	vpc, subnet, global, site, device, link, core, vpcAttachment, connect, peer *string
}

func newModule(t *testing.T, url string) *module {
	t.Helper()
	cfg := aws.Config{Region: "us-west-2", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(terraformAccount, "any", ""), RetryMaxAttempts: 1}
	return &module{nm: nm.NewFromConfig(cfg), ec2: ec2.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg)}
}

// succeeded is the answer of a call that has to succeed.
func succeeded[O any](t *testing.T, out *O, err error) *O {
	t.Helper()
	if err != nil {
		t.Fatalf("%T: %v", out, err)
	}
	return out
}

// gone is whether a call ends with the error by which the provider knows that a resource is deleted.
func gone(err error) bool {
	var missing *types.ResourceNotFoundException
	return errors.As(err, &missing)
}

// configure is what the provider asks before anything else.
func (m *module) configure(t *testing.T) {
	t.Helper()
	who, err := m.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if succeeded(t, who, err); aws.ToString(who.Account) != terraformAccount || aws.ToString(who.Arn) == "" {
		t.Errorf("the caller is %+v", who)
	}
}

func (m *module) apply(t *testing.T) {
	t.Helper()
	m.applyCloud(t)
	m.applyInventory(t)
	m.applyCore(t)
	m.applyAttachments(t)
}

func (m *module) applyCloud(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	vpc, err := m.ec2.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.7.0.0/16")})
	m.vpc = succeeded(t, vpc, err).Vpc.VpcId
	seen, err := m.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{*m.vpc}})
	if len(succeeded(t, seen, err).Vpcs) != 1 {
		t.Fatal("the VPC is not there")
	}
	subnet, err := m.ec2.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: m.vpc, CidrBlock: aws.String("10.7.1.0/24"), AvailabilityZone: aws.String("us-west-2a")})
	m.subnet = succeeded(t, subnet, err).Subnet.SubnetId
}

func (m *module) applyInventory(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	global, err := m.nm.CreateGlobalNetwork(ctx, &nm.CreateGlobalNetworkInput{Description: aws.String("terraform"), Tags: tags("prod")})
	m.global = succeeded(t, global, err).GlobalNetwork.GlobalNetworkId
	until(t, "global network", func() bool {
		out, err := m.nm.DescribeGlobalNetworks(ctx, &nm.DescribeGlobalNetworksInput{GlobalNetworkIds: []string{*m.global}})
		return succeeded(t, out, err).GlobalNetworks[0].State == types.GlobalNetworkStateAvailable
	})
	site, err := m.nm.CreateSite(ctx, &nm.CreateSiteInput{GlobalNetworkId: m.global, Location: &types.Location{Address: aws.String("Lisbon")}, Tags: tags("prod")})
	m.site = succeeded(t, site, err).Site.SiteId
	until(t, "site", func() bool { return m.readSite(t).State == types.SiteStateAvailable })
	device, err := m.nm.CreateDevice(ctx, &nm.CreateDeviceInput{GlobalNetworkId: m.global, SiteId: m.site, Model: aws.String("cpe"), Tags: tags("prod")})
	m.device = succeeded(t, device, err).Device.DeviceId
	until(t, "device", func() bool {
		out, err := m.nm.GetDevices(ctx, &nm.GetDevicesInput{GlobalNetworkId: m.global, DeviceIds: []string{*m.device}})
		return succeeded(t, out, err).Devices[0].State == types.DeviceStateAvailable
	})
	link, err := m.nm.CreateLink(ctx, &nm.CreateLinkInput{GlobalNetworkId: m.global, SiteId: m.site, Bandwidth: &types.Bandwidth{UploadSpeed: aws.Int32(10), DownloadSpeed: aws.Int32(50)}})
	m.link = succeeded(t, link, err).Link.LinkId
	until(t, "link", func() bool {
		out, err := m.nm.GetLinks(ctx, &nm.GetLinksInput{GlobalNetworkId: m.global, LinkIds: []string{*m.link}})
		return succeeded(t, out, err).Links[0].State == types.LinkStateAvailable
	})
	associated, err := m.nm.AssociateLink(ctx, &nm.AssociateLinkInput{GlobalNetworkId: m.global, DeviceId: m.device, LinkId: m.link})
	succeeded(t, associated, err)
	until(t, "link association", func() bool {
		out, err := m.nm.GetLinkAssociations(ctx, &nm.GetLinkAssociationsInput{GlobalNetworkId: m.global, DeviceId: m.device, LinkId: m.link})
		return succeeded(t, out, err).LinkAssociations[0].LinkAssociationState == types.LinkAssociationStateAvailable
	})
}

func tags(env string) []types.Tag {
	return []types.Tag{{Key: aws.String("env"), Value: &env}}
}

func (m *module) readSite(t *testing.T) types.Site {
	t.Helper()
	out, err := m.nm.GetSites(t.Context(), &nm.GetSitesInput{GlobalNetworkId: m.global, SiteIds: []string{*m.site}})
	return succeeded(t, out, err).Sites[0]
}

func (m *module) readCore(t *testing.T) *types.CoreNetwork {
	t.Helper()
	out, err := m.nm.GetCoreNetwork(t.Context(), &nm.GetCoreNetworkInput{CoreNetworkId: m.core})
	return succeeded(t, out, err).CoreNetwork
}

// applyCore makes the core network, and its policy as a resource of its own.
func (m *module) applyCore(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	core, err := m.nm.CreateCoreNetwork(ctx, &nm.CreateCoreNetworkInput{GlobalNetworkId: m.global, ClientToken: aws.String("terraform-1"), Tags: tags("prod")})
	m.core = succeeded(t, core, err).CoreNetwork.CoreNetworkId
	until(t, "core network", func() bool { return m.readCore(t).State == types.CoreNetworkStateAvailable })
	put, err := m.nm.PutCoreNetworkPolicy(ctx, &nm.PutCoreNetworkPolicyInput{CoreNetworkId: m.core, PolicyDocument: aws.String(terraformPolicy), ClientToken: aws.String("terraform-2")})
	version := succeeded(t, put, err).CoreNetworkPolicy.PolicyVersionId
	state := func(want types.ChangeSetState) func() bool {
		return func() bool {
			out, err := m.nm.GetCoreNetworkPolicy(ctx, &nm.GetCoreNetworkPolicyInput{CoreNetworkId: m.core, PolicyVersionId: version})
			return succeeded(t, out, err).CoreNetworkPolicy.ChangeSetState == want
		}
	}
	until(t, "change set", state(types.ChangeSetStateReadyToExecute))
	executed, err := m.nm.ExecuteCoreNetworkChangeSet(ctx, &nm.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: m.core, PolicyVersionId: version})
	succeeded(t, executed, err)
	until(t, "execution", state(types.ChangeSetStateExecutionSucceeded))
	until(t, "core network", func() bool { return m.readCore(t).State == types.CoreNetworkStateAvailable })
}

func (m *module) applyAttachments(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	arn := func(kind, id string) string {
		return "arn:aws:ec2:us-west-2:" + terraformAccount + ":" + kind + "/" + id
	}
	vpc, err := m.nm.CreateVpcAttachment(ctx, &nm.CreateVpcAttachmentInput{
		CoreNetworkId: m.core, VpcArn: aws.String(arn("vpc", *m.vpc)), SubnetArns: []string{arn("subnet", *m.subnet)}, Tags: tags("prod"),
	})
	m.vpcAttachment = succeeded(t, vpc, err).VpcAttachment.Attachment.AttachmentId
	until(t, "VPC attachment", func() bool { return m.readVPC(t).Attachment.State == types.AttachmentStateAvailable })
	connect, err := m.nm.CreateConnectAttachment(ctx, &nm.CreateConnectAttachmentInput{
		CoreNetworkId: m.core, EdgeLocation: aws.String("us-west-2"), TransportAttachmentId: m.vpcAttachment, Tags: tags("prod"),
		Options: &types.ConnectAttachmentOptions{Protocol: types.TunnelProtocolGre},
	})
	m.connect = succeeded(t, connect, err).ConnectAttachment.Attachment.AttachmentId
	until(t, "Connect attachment", func() bool {
		out, err := m.nm.GetConnectAttachment(ctx, &nm.GetConnectAttachmentInput{AttachmentId: m.connect})
		return succeeded(t, out, err).ConnectAttachment.Attachment.State == types.AttachmentStateAvailable
	})
	peer, err := m.nm.CreateConnectPeer(ctx, &nm.CreateConnectPeerInput{
		ConnectAttachmentId: m.connect, PeerAddress: aws.String("10.7.1.10"), InsideCidrBlocks: []string{"169.254.100.0/29"},
		BgpOptions: &types.BgpOptions{PeerAsn: aws.Int64(65001)},
	})
	m.peer = succeeded(t, peer, err).ConnectPeer.ConnectPeerId
	until(t, "Connect peer", func() bool {
		out, err := m.nm.GetConnectPeer(ctx, &nm.GetConnectPeerInput{ConnectPeerId: m.peer})
		return succeeded(t, out, err).ConnectPeer.State == types.ConnectPeerStateAvailable
	})
}

func (m *module) readVPC(t *testing.T) *types.VpcAttachment {
	t.Helper()
	out, err := m.nm.GetVpcAttachment(t.Context(), &nm.GetVpcAttachmentInput{AttachmentId: m.vpcAttachment})
	return succeeded(t, out, err).VpcAttachment
}

// plan reads every resource again and wants what was applied.
func (m *module) plan(t *testing.T, env string) {
	t.Helper()
	if site := m.readSite(t); aws.ToString(site.Location.Address) != "Lisbon" || len(site.Tags) != 1 || *site.Tags[0].Value != env {
		t.Errorf("the site has drifted: %+v", site)
	}
	vpc := m.readVPC(t)
	if a := vpc.Attachment; aws.ToString(a.SegmentName) != "prod" || len(vpc.SubnetArns) != 1 || len(a.Tags) != 1 || *a.Tags[0].Value != env {
		t.Errorf("the VPC attachment has drifted: %+v", a)
	}
	core := m.readCore(t)
	if len(core.Edges) != 1 || len(core.Segments) != 1 || len(core.Tags) != 1 {
		t.Errorf("the core network has drifted: %+v", core)
	}
	policy, err := m.nm.GetCoreNetworkPolicy(t.Context(), &nm.GetCoreNetworkPolicyInput{CoreNetworkId: m.core})
	if live := succeeded(t, policy, err).CoreNetworkPolicy; aws.ToString(live.PolicyDocument) != terraformPolicy || live.Alias != types.CoreNetworkPolicyAliasLive {
		t.Errorf("the policy has drifted: %s", aws.ToString(live.PolicyDocument))
	}
}

// retag changes a tag in place, as the provider does: the new ones, then those that are gone.
func (m *module) retag(t *testing.T) {
	t.Helper()
	for _, arn := range []*string{m.readSite(t).SiteArn, aws.String("arn:aws:networkmanager::" + terraformAccount + ":attachment/" + *m.vpcAttachment)} {
		out, err := m.nm.TagResource(t.Context(), &nm.TagResourceInput{ResourceArn: arn, Tags: tags("production")})
		succeeded(t, out, err)
		list, err := m.nm.ListTagsForResource(t.Context(), &nm.ListTagsForResourceInput{ResourceArn: arn})
		if len(succeeded(t, list, err).TagList) != 1 {
			t.Errorf("%s has %+v", *arn, list.TagList)
		}
	}
	until(t, "VPC attachment", func() bool { return m.readVPC(t).Attachment.State == types.AttachmentStateAvailable })
}

// destroy deletes in the opposite order, and waits until each is gone.
func (m *module) destroy(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	peer, err := m.nm.DeleteConnectPeer(ctx, &nm.DeleteConnectPeerInput{ConnectPeerId: m.peer})
	succeeded(t, peer, err)
	until(t, "end of the Connect peer", func() bool {
		_, err := m.nm.GetConnectPeer(ctx, &nm.GetConnectPeerInput{ConnectPeerId: m.peer})
		return gone(err)
	})
	for _, id := range []*string{m.connect, m.vpcAttachment} {
		out, err := m.nm.DeleteAttachment(ctx, &nm.DeleteAttachmentInput{AttachmentId: id})
		succeeded(t, out, err)
		until(t, "end of an attachment", func() bool {
			_, err := m.nm.GetVpcAttachment(ctx, &nm.GetVpcAttachmentInput{AttachmentId: id})
			_, err2 := m.nm.GetConnectAttachment(ctx, &nm.GetConnectAttachmentInput{AttachmentId: id})
			return gone(err) && gone(err2)
		})
	}
	core, err := m.nm.DeleteCoreNetwork(ctx, &nm.DeleteCoreNetworkInput{CoreNetworkId: m.core})
	succeeded(t, core, err)
	until(t, "end of the core network", func() bool {
		_, err := m.nm.GetCoreNetwork(ctx, &nm.GetCoreNetworkInput{CoreNetworkId: m.core})
		return gone(err)
	})
	m.destroyInventory(t)
}

func (m *module) destroyInventory(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	association, err := m.nm.DisassociateLink(ctx, &nm.DisassociateLinkInput{GlobalNetworkId: m.global, DeviceId: m.device, LinkId: m.link})
	succeeded(t, association, err)
	until(t, "end of the link association", func() bool {
		out, err := m.nm.GetLinkAssociations(ctx, &nm.GetLinkAssociationsInput{GlobalNetworkId: m.global, DeviceId: m.device, LinkId: m.link})
		return len(succeeded(t, out, err).LinkAssociations) == 0
	})
	device, err := m.nm.DeleteDevice(ctx, &nm.DeleteDeviceInput{GlobalNetworkId: m.global, DeviceId: m.device})
	succeeded(t, device, err)
	until(t, "end of the device", func() bool {
		out, err := m.nm.GetDevices(ctx, &nm.GetDevicesInput{GlobalNetworkId: m.global, SiteId: m.site})
		return len(succeeded(t, out, err).Devices) == 0
	})
	link, err := m.nm.DeleteLink(ctx, &nm.DeleteLinkInput{GlobalNetworkId: m.global, LinkId: m.link})
	succeeded(t, link, err)
	until(t, "end of the link", func() bool {
		out, err := m.nm.GetLinks(ctx, &nm.GetLinksInput{GlobalNetworkId: m.global, SiteId: m.site})
		return len(succeeded(t, out, err).Links) == 0
	})
	site, err := m.nm.DeleteSite(ctx, &nm.DeleteSiteInput{GlobalNetworkId: m.global, SiteId: m.site})
	succeeded(t, site, err)
	global, err := m.nm.DeleteGlobalNetwork(ctx, &nm.DeleteGlobalNetworkInput{GlobalNetworkId: m.global})
	succeeded(t, global, err)
	subnet, err := m.ec2.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: m.subnet})
	succeeded(t, subnet, err)
	vpc, err := m.ec2.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: m.vpc})
	succeeded(t, vpc, err)
}

package test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	nm "github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
)

// TestProvider_connectPeerSubnetARN: the provider's test of a peer without a tunnel, with an EC2 endpoint that knows the VPC
// and its two subnets. Its peer address lies in neither, which AWS takes.
func TestProvider_connectPeerSubnetARN(t *testing.T) {
	ctx, cloud := t.Context(), newEC2(t, terraformAccount)
	p := Start(t, "--ephemeral", "--upstream", cloud.URL)
	m := newModule(t, p.URL)
	m.applyCloud(t)
	second, err := m.ec2.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: m.vpc, CidrBlock: aws.String("10.7.2.0/24"), AvailabilityZone: aws.String("us-west-2b")})
	subnets := []string{"subnet/" + *m.subnet, "subnet/" + *succeeded(t, second, err).Subnet.SubnetId}
	for i := range subnets {
		subnets[i] = providerARN + subnets[i]
	}
	n := newNetwork(t, m.nm)
	n.live(t, terraformPolicy)

	vpc, err := m.nm.CreateVpcAttachment(ctx, &nm.CreateVpcAttachmentInput{CoreNetworkId: n.id, VpcArn: aws.String(providerARN + "vpc/" + *m.vpc), SubnetArns: subnets, Tags: tags("prod")})
	transport := succeeded(t, vpc, err).VpcAttachment.Attachment.AttachmentId
	waits(t, "VPC attachment", n.vpcState(t, transport), []string{"CREATING", "PENDING_NETWORK_UPDATE"}, "AVAILABLE")
	connect, err := m.nm.CreateConnectAttachment(ctx, &nm.CreateConnectAttachmentInput{
		CoreNetworkId: n.id, EdgeLocation: aws.String("us-west-2"), TransportAttachmentId: transport, Tags: tags("prod"), Options: &types.ConnectAttachmentOptions{Protocol: types.TunnelProtocolNoEncap},
	})
	attachment := succeeded(t, connect, err).ConnectAttachment.Attachment.AttachmentId
	waits(t, "Connect attachment", n.connectState(t, attachment), []string{"CREATING", "PENDING_NETWORK_UPDATE"}, "AVAILABLE")

	peer := func(subnet string) (*string, func() (string, error)) {
		out, err := m.nm.CreateConnectPeer(ctx, &nm.CreateConnectPeerInput{
			ConnectAttachmentId: attachment, PeerAddress: aws.String("1.1.1.1"), BgpOptions: &types.BgpOptions{PeerAsn: aws.Int64(65501)}, SubnetArn: &subnet,
		})
		id := succeeded(t, out, err).ConnectPeer.ConnectPeerId
		return id, func() (string, error) {
			out, err := m.nm.GetConnectPeer(ctx, &nm.GetConnectPeerInput{ConnectPeerId: id})
			if err != nil {
				return "", err
			}
			return string(out.ConnectPeer.State), nil
		}
	}
	id, state := peer(subnets[1])
	waits(t, "Connect peer", state, []string{"CREATING"}, "AVAILABLE")
	got, err := m.nm.GetConnectPeer(ctx, &nm.GetConnectPeerInput{ConnectPeerId: id})
	if c := succeeded(t, got, err).ConnectPeer; aws.ToString(c.SubnetArn) != subnets[1] || len(c.LastModificationErrors) != 0 || len(c.Configuration.InsideCidrBlocks) != 0 ||
		aws.ToString(c.Configuration.PeerAddress) != "1.1.1.1" || c.Configuration.Protocol != types.TunnelProtocolNoEncap || len(c.Configuration.BgpConfigurations) != 2 {
		t.Errorf("the peer is %+v with %+v", c, c.Configuration)
	}
	if text := portolan(t, p, 1, "doctor", "--core-network", *n.id); !strings.Contains(text, *id) || !strings.Contains(text, "10.7.2.0/24") {
		t.Errorf("doctor does not name the peer outside its subnet:\n%s", text)
	}
	deleted, err := m.nm.DeleteConnectPeer(ctx, &nm.DeleteConnectPeerInput{ConnectPeerId: id})
	succeeded(t, deleted, err)
	waits(t, "Connect peer", state, []string{"DELETING"})

	_, unknown := peer(providerARN + "subnet/subnet-0123456789abcdef0")
	waits(t, "Connect peer", unknown, []string{"CREATING"}, "FAILED")
}

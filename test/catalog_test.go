package test

import (
	"bufio"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"

	"portolan/internal/store/etcd/etcdtest"
)

// moto starts moto's server, another project's EC2, and returns its address.
func moto(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("moto's server is not on this machine: scripts/setup installs it")
	}
	host, port, err := net.SplitHostPort(etcdtest.FreeAddress())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-H", host, "-p", port)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Running on") {
			go func() { _, _ = io.Copy(io.Discard, said) }()
			return "http://" + net.JoinHostPort(host, port)
		}
	}
	t.Fatal("moto's server ended before it was ready")
	return ""
}

func TestCatalog_motosEC2(t *testing.T) {
	endpoint := moto(t)
	const region, account = "eu-west-1", "123456789012" // moto's own account
	t.Setenv("AWS_ACCESS_KEY_ID", "testing")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "testing")
	cloud := ec2.New(ec2.Options{Region: region, BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("testing", "testing", "")})
	ctx := t.Context()
	vpc, err := cloud.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.7.0.0/16")})
	if err != nil {
		t.Fatal(err)
	}
	subnet, err := cloud.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: vpc.Vpc.VpcId, CidrBlock: aws.String("10.7.1.0/24")})
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := cloud.CreateTransitGateway(ctx, &ec2.CreateTransitGatewayInput{Options: &ec2types.TransitGatewayRequestOptions{AmazonSideAsn: aws.Int64(65010)}})
	if err != nil {
		t.Fatal(err)
	}
	table, err := cloud.CreateTransitGatewayRouteTable(ctx, &ec2.CreateTransitGatewayRouteTableInput{TransitGatewayId: gateway.TransitGateway.TransitGatewayId})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cloud.CreateTransitGatewayRoute(ctx, &ec2.CreateTransitGatewayRouteInput{
		TransitGatewayRouteTableId: table.TransitGatewayRouteTable.TransitGatewayRouteTableId, DestinationCidrBlock: aws.String("10.9.0.0/16"), Blackhole: aws.Bool(true),
	}); err != nil {
		t.Fatal(err)
	}

	p := Start(t, "--ephemeral", "--ec2-endpoint", endpoint)
	l := newCoreNetworkLab(t, p, account)
	arn := "arn:aws:ec2:" + region + ":" + account + ":"
	attach := func(vpc, subnet string) *types.Attachment {
		t.Helper()
		id := ok(l, l.nm.CreateVpcAttachment, networkmanager.CreateVpcAttachmentInput{
			CoreNetworkId: &l.cn, VpcArn: aws.String(arn + "vpc/" + vpc), SubnetArns: []string{arn + "subnet/" + subnet},
		}).VpcAttachment.Attachment.AttachmentId
		var a *types.Attachment
		l.until("the attachment to settle", func() bool {
			a = ok(l, l.nm.GetVpcAttachment, networkmanager.GetVpcAttachmentInput{AttachmentId: id}).VpcAttachment.Attachment
			return a.State == types.AttachmentStateAvailable || a.State == types.AttachmentStateFailed
		})
		return a
	}
	if a := attach(*vpc.Vpc.VpcId, *subnet.Subnet.SubnetId); a.State != types.AttachmentStateAvailable {
		t.Errorf("a VPC that is there: %s %+v", a.State, a.LastModificationErrors)
	}
	if a := attach(*vpc.Vpc.VpcId, "subnet-0123456789abcdef0"); a.State != types.AttachmentStateFailed || a.LastModificationErrors[0].Code != types.AttachmentErrorCodeSubnetNotFound {
		t.Errorf("a subnet that is not: %s %+v", a.State, a.LastModificationErrors)
	}
	if a := attach("vpc-0123456789abcdef0", *subnet.Subnet.SubnetId); a.State != types.AttachmentStateFailed || a.LastModificationErrors[0].Code != types.AttachmentErrorCodeVpcNotFound {
		t.Errorf("a VPC that is not: %s %+v", a.State, a.LastModificationErrors)
	}
	ok(l, l.nm.RegisterTransitGateway, networkmanager.RegisterTransitGatewayInput{GlobalNetworkId: &l.gn, TransitGatewayArn: aws.String(arn + "transit-gateway/" + *gateway.TransitGateway.TransitGatewayId)})
	refusal[*types.ResourceNotFoundException](l, l.nm.RegisterTransitGateway, networkmanager.RegisterTransitGatewayInput{
		GlobalNetworkId: &l.gn, TransitGatewayArn: aws.String(arn + "transit-gateway/tgw-0123456789abcdef0"),
	})

	// Its route table is read to attach it.
	peering := ok(l, l.nm.CreateTransitGatewayPeering, networkmanager.CreateTransitGatewayPeeringInput{
		CoreNetworkId: &l.cn, TransitGatewayArn: aws.String(arn + "transit-gateway/" + *gateway.TransitGateway.TransitGatewayId),
	}).TransitGatewayPeering.Peering.PeeringId
	l.until("the peering to settle", func() bool {
		return ok(l, l.nm.GetTransitGatewayPeering, networkmanager.GetTransitGatewayPeeringInput{PeeringId: peering}).TransitGatewayPeering.Peering.State == types.PeeringStateAvailable
	})
	tableARN := aws.String(arn + "transit-gateway-route-table/" + *table.TransitGatewayRouteTable.TransitGatewayRouteTableId)
	ok(l, l.nm.CreateTransitGatewayRouteTableAttachment, networkmanager.CreateTransitGatewayRouteTableAttachmentInput{PeeringId: peering, TransitGatewayRouteTableArn: tableARN})
	routes := ok(l, l.nm.GetNetworkRoutes, networkmanager.GetNetworkRoutesInput{
		GlobalNetworkId: &l.gn, RouteTableIdentifier: &types.RouteTableIdentifier{TransitGatewayRouteTableArn: tableARN},
	}).NetworkRoutes
	if len(routes) != 1 || *routes[0].DestinationCidrBlock != "10.9.0.0/16" || routes[0].State != types.RouteStateBlackhole {
		t.Errorf("moto's routes: %+v", routes)
	}
}

package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/directconnect"
	dxtypes "github.com/aws/aws-sdk-go-v2/service/directconnect/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// EC2Config is how an EC2-compatible endpoint is asked.
type EC2Config struct {
	Endpoint string
	// Credentials signs the calls that are made for an account. nil uses the account as the access key, which local
	// emulators take for what it is.
	Credentials func(account string) aws.CredentialsProvider
	Now         func() time.Time
	Log         *slog.Logger
	HTTPClient  *http.Client  // default: one with a timeout
	TTL         time.Duration // how long an answer holds; default 30 s
	Failed      func()        // counts calls that failed; may be nil
}

// EC2 asks an EC2-compatible endpoint, in the Region and for the account that an ARN names. Answers are kept for a while
// and given again; when the endpoint cannot be asked, the last answer holds.
type EC2 struct {
	cfg EC2Config

	mu      sync.Mutex
	answers map[string]*answer
}

// answer is what is known of one ARN. Its lock is held while it is asked for, so that many who want it ask once.
type answer struct {
	mu    sync.Mutex
	at    time.Time
	value any
	err   error // ErrNotFound
}

const (
	maxAnswers = 20_000
	askTimeout = 5 * time.Second
	maxPages   = 100
)

// NewEC2 returns a catalog that asks the endpoint when it is asked.
func NewEC2(cfg EC2Config) *EC2 {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = &http.Client{Timeout: askTimeout}
	}
	if cfg.TTL == 0 {
		cfg.TTL = 30 * time.Second
	}
	if cfg.Failed == nil {
		cfg.Failed = func() {}
	}
	if cfg.Credentials == nil {
		cfg.Credentials = func(account string) aws.CredentialsProvider {
			return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: account, SecretAccessKey: "portolan"}, nil
			})
		}
	}
	return &EC2{cfg: cfg, answers: map[string]*answer{}}
}

// Version moves with every span of time after which answers are asked for anew.
func (c *EC2) Version() uint64 { return uint64(c.cfg.Now().UnixNano() / int64(c.cfg.TTL)) }

// place is the answer of an ARN. The bound drops everything: what is wanted comes back with the next call.
func (c *EC2) place(arn string) *answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.answers[arn]
	if !ok {
		if len(c.answers) >= maxAnswers {
			c.answers = map[string]*answer{}
		}
		a = &answer{}
		c.answers[arn] = a
	}
	return a
}

// parts of an ARN.
type target struct{ region, account, id string }

func parse(arn string) (target, error) {
	f := strings.SplitN(arn, ":", 6)
	if len(f) != 6 || !strings.Contains(f[5], "/") {
		return target{}, fmt.Errorf("%q is no ARN: %w", arn, ErrNotFound)
	}
	return target{f[3], f[4], f[5][strings.LastIndexByte(f[5], '/')+1:]}, nil
}

// ask gives the answer that is kept, or asks for it.
func ask[T any](ctx context.Context, c *EC2, arn string, describe func(context.Context, target) (*T, error)) (*T, error) {
	to, err := parse(arn)
	if err != nil {
		return nil, err
	}
	a := c.place(arn)
	a.mu.Lock()
	defer a.mu.Unlock()
	now := c.cfg.Now()
	if a.at.IsZero() || now.Sub(a.at) >= c.cfg.TTL || now.Before(a.at) {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		switch value, err := describe(ctx, to); {
		case err == nil:
			a.value, a.err, a.at = value, nil, now
		case errors.Is(err, ErrNotFound) || isNotFound(err):
			a.value, a.err, a.at = nil, ErrNotFound, now
		default:
			c.cfg.Failed()
			c.cfg.Log.Warn("the catalog's endpoint did not answer", "arn", arn, "error", err)
			if a.at.IsZero() {
				return nil, fmt.Errorf("%s: %w: %w", arn, ErrUnavailable, err)
			}
		}
	}
	if a.err != nil {
		return nil, fmt.Errorf("%s: %w", arn, a.err)
	}
	value, _ := a.value.(*T)
	return value, nil
}

// isNotFound knows EC2's codes, such as InvalidVpcID.NotFound, and Direct Connect's.
func isNotFound(err error) bool {
	var e smithy.APIError
	if !errors.As(err, &e) {
		return false
	}
	code := e.ErrorCode()
	return strings.HasSuffix(code, "NotFound") || strings.HasSuffix(code, ".Malformed") || strings.HasSuffix(code, "NotFoundException")
}

func (c *EC2) client(to target) *ec2.Client {
	return ec2.New(ec2.Options{
		Region: to.region, BaseEndpoint: &c.cfg.Endpoint, Credentials: c.cfg.Credentials(to.account), HTTPClient: c.cfg.HTTPClient, RetryMaxAttempts: 2,
	})
}

// only is the one element of a list.
func only[T any](list []T) (*T, error) {
	if len(list) == 0 {
		return nil, ErrNotFound
	}
	return &list[0], nil
}

// arnLike is the ARN of another EC2 resource of the same Region and account.
func (t target) arnLike(resourceType, id string) string {
	if id == "" {
		return ""
	}
	return "arn:aws:ec2:" + t.region + ":" + t.account + ":" + resourceType + "/" + id
}

func prefixOf(text *string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(aws.ToString(text))
	return p, err == nil
}

// VPC asks for a VPC and its subnets.
func (c *EC2) VPC(ctx context.Context, arn string) (*VPC, error) {
	return ask(ctx, c, arn, func(ctx context.Context, to target) (*VPC, error) {
		client := c.client(to)
		out, err := client.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{to.id}})
		if err != nil {
			return nil, err
		}
		found, err := only(out.Vpcs)
		if err != nil {
			return nil, err
		}
		vpc := &VPC{ARN: arn}
		for _, block := range found.CidrBlockAssociationSet {
			if p, ok := prefixOf(block.CidrBlock); ok && (block.CidrBlockState == nil || block.CidrBlockState.State == types.VpcCidrBlockStateCodeAssociated) {
				vpc.CIDRs = append(vpc.CIDRs, p)
			}
		}
		if p, ok := prefixOf(found.CidrBlock); ok && len(vpc.CIDRs) == 0 {
			vpc.CIDRs = append(vpc.CIDRs, p)
		}
		for _, block := range found.Ipv6CidrBlockAssociationSet {
			if p, ok := prefixOf(block.Ipv6CidrBlock); ok {
				vpc.CIDRs = append(vpc.CIDRs, p)
			}
		}
		pages := ec2.NewDescribeSubnetsPaginator(client, &ec2.DescribeSubnetsInput{
			Filters: []types.Filter{{Name: aws.String("vpc-id"), Values: []string{to.id}}},
		})
		for n := 0; pages.HasMorePages() && n < maxPages; n++ {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, s := range page.Subnets {
				subnet := Subnet{ARN: to.arnLike("subnet", aws.ToString(s.SubnetId)), AvailabilityZone: aws.ToString(s.AvailabilityZone)}
				if p, ok := prefixOf(s.CidrBlock); ok {
					subnet.CIDRs = append(subnet.CIDRs, p)
				}
				for _, block := range s.Ipv6CidrBlockAssociationSet {
					if p, ok := prefixOf(block.Ipv6CidrBlock); ok {
						subnet.CIDRs = append(subnet.CIDRs, p)
					}
				}
				vpc.Subnets = append(vpc.Subnets, subnet)
			}
		}
		return vpc, nil
	})
}

// VPNConnection asks for a VPN connection.
func (c *EC2) VPNConnection(ctx context.Context, arn string) (*VPNConnection, error) {
	return ask(ctx, c, arn, func(ctx context.Context, to target) (*VPNConnection, error) {
		out, err := c.client(to).DescribeVpnConnections(ctx, &ec2.DescribeVpnConnectionsInput{VpnConnectionIds: []string{to.id}})
		if err != nil {
			return nil, err
		}
		found, err := only(out.VpnConnections)
		if err != nil {
			return nil, err
		}
		v := &VPNConnection{
			ARN: arn, CustomerGatewayARN: to.arnLike("customer-gateway", aws.ToString(found.CustomerGatewayId)),
			TransitGatewayARN: to.arnLike("transit-gateway", aws.ToString(found.TransitGatewayId)), GatewayID: aws.ToString(found.VpnGatewayId),
		}
		for _, r := range found.Routes {
			if p, ok := prefixOf(r.DestinationCidrBlock); ok {
				v.StaticRoutes = append(v.StaticRoutes, p)
			}
		}
		for _, t := range found.VgwTelemetry {
			ip, err := netip.ParseAddr(aws.ToString(t.OutsideIpAddress))
			if err != nil {
				continue
			}
			tunnel := Tunnel{OutsideIP: ip, Up: t.Status == types.TelemetryStatusUp, Message: aws.ToString(t.StatusMessage)}
			if t.LastStatusChange != nil {
				tunnel.Since = t.LastStatusChange.Unix()
			}
			v.Tunnels = append(v.Tunnels, tunnel)
		}
		return v, nil
	})
}

// CustomerGateway asks for a customer gateway and the VPN connections that end at it.
func (c *EC2) CustomerGateway(ctx context.Context, arn string) (*CustomerGateway, error) {
	return ask(ctx, c, arn, func(ctx context.Context, to target) (*CustomerGateway, error) {
		client := c.client(to)
		out, err := client.DescribeCustomerGateways(ctx, &ec2.DescribeCustomerGatewaysInput{CustomerGatewayIds: []string{to.id}})
		if err != nil {
			return nil, err
		}
		found, err := only(out.CustomerGateways)
		if err != nil {
			return nil, err
		}
		g := &CustomerGateway{ARN: arn}
		if asn, err := strconv.ParseUint(aws.ToString(found.BgpAsn), 10, 32); err == nil {
			g.ASN = uint32(asn)
		}
		connections, err := client.DescribeVpnConnections(ctx, &ec2.DescribeVpnConnectionsInput{
			Filters: []types.Filter{{Name: aws.String("customer-gateway-id"), Values: []string{to.id}}},
		})
		if err != nil {
			return nil, err
		}
		for _, v := range connections.VpnConnections {
			if v.State != types.VpnStateDeleted {
				g.VPNConnectionARNs = append(g.VPNConnectionARNs, to.arnLike("vpn-connection", aws.ToString(v.VpnConnectionId)))
			}
		}
		return g, nil
	})
}

// PrefixList asks for a managed prefix list and its entries.
func (c *EC2) PrefixList(ctx context.Context, arn string) (*PrefixList, error) {
	return ask(ctx, c, arn, func(ctx context.Context, to target) (*PrefixList, error) {
		client := c.client(to)
		out, err := client.DescribeManagedPrefixLists(ctx, &ec2.DescribeManagedPrefixListsInput{PrefixListIds: []string{to.id}})
		if err != nil {
			return nil, err
		}
		if _, err := only(out.PrefixLists); err != nil {
			return nil, err
		}
		list := &PrefixList{ARN: arn}
		pages := ec2.NewGetManagedPrefixListEntriesPaginator(client, &ec2.GetManagedPrefixListEntriesInput{PrefixListId: &to.id})
		for n := 0; pages.HasMorePages() && n < maxPages; n++ {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, e := range page.Entries {
				if p, ok := prefixOf(e.Cidr); ok {
					list.Entries = append(list.Entries, p)
				}
			}
		}
		return list, nil
	})
}

// DirectConnectGateway asks for a Direct Connect gateway. It has no Region: it is asked for in us-east-1.
func (c *EC2) DirectConnectGateway(ctx context.Context, arn string) (*DirectConnectGateway, error) {
	return ask(ctx, c, arn, func(ctx context.Context, to target) (*DirectConnectGateway, error) {
		client := directconnect.New(directconnect.Options{
			Region: "us-east-1", BaseEndpoint: &c.cfg.Endpoint, Credentials: c.cfg.Credentials(to.account), HTTPClient: c.cfg.HTTPClient, RetryMaxAttempts: 2,
		})
		out, err := client.DescribeDirectConnectGateways(ctx, &directconnect.DescribeDirectConnectGatewaysInput{DirectConnectGatewayId: &to.id})
		if err != nil {
			return nil, err
		}
		found, err := only(out.DirectConnectGateways)
		if err != nil || found.DirectConnectGatewayState == dxtypes.DirectConnectGatewayStateDeleted {
			return nil, ErrNotFound
		}
		g := &DirectConnectGateway{ARN: arn, ASN: uint32(aws.ToInt64(found.AmazonSideAsn))}
		associations, err := client.DescribeDirectConnectGatewayAssociations(ctx, &directconnect.DescribeDirectConnectGatewayAssociationsInput{DirectConnectGatewayId: &to.id})
		if err != nil {
			return nil, err
		}
		for _, a := range associations.DirectConnectGatewayAssociations {
			if a.AssociatedGateway != nil && a.AssociationState != dxtypes.DirectConnectGatewayAssociationStateDisassociated {
				g.AssociatedWith = append(g.AssociatedWith, aws.ToString(a.AssociatedGateway.Id))
			}
		}
		return g, nil
	})
}

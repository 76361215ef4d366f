// Package ec2 is the catalog that asks an EC2-compatible endpoint, and Direct Connect behind the same address. It is a
// package of its own because the SDK of EC2 takes longer to compile than all the rest: only the command imports it.
package ec2

import (
	"bufio"
	"cmp"
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"portolan/internal/awsjson"
	"portolan/internal/catalog"
)

// Config is how an EC2-compatible endpoint is asked.
type Config struct {
	Endpoint string // empty: AWS's own of each Region
	// Credentials signs the calls that are made for an account. nil uses the account as the access key, which local
	// emulators take for what it is.
	Credentials func(account string) aws.CredentialsProvider
	Now         func() time.Time
	Log         *slog.Logger
	HTTPClient  *http.Client       // default: one with a timeout
	TTL         time.Duration      // how long an answer holds; default 30 s
	Timeout     time.Duration      // for one answer, which takes several calls; default 10 s
	MaxAnswers  int                // how many are kept; default 20,000
	Retryer     func() aws.Retryer // of a client; default: a call is repeated once, soon
	Failed      func()             // is called for each question that failed; may be nil
}

// Catalog asks an EC2-compatible endpoint, in the Region and for the account that an ARN names. Answers are kept for a while
// and given again; when the endpoint cannot be asked, the last answer holds.
type Catalog struct {
	cfg    Config
	asking chan struct{} // full while as many questions are under way as may be

	mu      sync.Mutex
	answers map[string]*list.Element // of *answer, by ARN
	wanted  *list.List               // the answers, the one wanted last in front
	silent  map[string]silence       // by place
	lacking map[string]struct{}      // kinds of resources that the endpoint does not know
}

const (
	maxPages  = 100
	maxAnswer = 16 << 20 // bytes of one reply
)

// New returns a catalog that asks the endpoint when it is asked.
func New(cfg Config) *Catalog {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Timeout = cmp.Or(cfg.Timeout, 10*time.Second)
	client := &http.Client{Timeout: cfg.Timeout}
	if cfg.HTTPClient != nil {
		*client = *cfg.HTTPClient
	}
	client.Transport = bounded{cmp.Or(client.Transport, http.DefaultTransport)}
	cfg.HTTPClient = client
	cfg.TTL = cmp.Or(cfg.TTL, 30*time.Second)
	cfg.MaxAnswers = cmp.Or(cfg.MaxAnswers, maxAnswers)
	if cfg.Retryer == nil {
		cfg.Retryer = retryer
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
	return &Catalog{
		cfg: cfg, asking: make(chan struct{}, maxAsking),
		answers: map[string]*list.Element{}, wanted: list.New(), silent: map[string]silence{}, lacking: map[string]struct{}{},
	}
}

// bounded refuses replies that are too long: the SDK reads them whole.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	}
	return resp, err
}

// Remote is true: each answer that is no longer kept is a call.
func (c *Catalog) Remote() bool { return true }

// Version moves with every span of time after which answers are asked for anew.
func (c *Catalog) Version() uint64 { return uint64(c.cfg.Now().UnixNano() / int64(c.cfg.TTL)) }

// retryer repeats a call once, soon: who waits for the answer is a client of ours.
func retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 2, 200*time.Millisecond })
}

// endpoint is nil for AWS's own.
func (c *Catalog) endpoint() *string {
	if c.cfg.Endpoint == "" {
		return nil
	}
	return &c.cfg.Endpoint
}

func (c *Catalog) client(to target) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: to.region, BaseEndpoint: c.endpoint(), Credentials: c.cfg.Credentials(to.account), HTTPClient: c.cfg.HTTPClient, Retryer: c.cfg.Retryer(),
		APIOptions: []func(*middleware.Stack) error{onlyXML},
	})
}

// onlyXML fails on a reply that is no XML: the SDK takes it for one with nothing in it, so that everything asked for would be missing.
func onlyXML(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("OnlyXML", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleDeserialize(ctx, in)
		resp, ok := out.RawResponse.(*smithyhttp.Response)
		if err != nil || !ok || resp.StatusCode != http.StatusOK {
			return out, metadata, err
		}
		body := bufio.NewReader(resp.Body)
		resp.Body = struct {
			io.Reader
			io.Closer
		}{body, resp.Body}
		for {
			first, err := body.ReadByte()
			switch {
			case err == nil && strings.IndexByte(" \t\r\n\uFEFF", first) >= 0:
				continue
			case err == nil && first == '<':
				return out, metadata, body.UnreadByte()
			case err == nil || errors.Is(err, io.EOF):
				err = &smithy.DeserializationError{Err: errors.New("the reply is no XML")}
			}
			return out, metadata, &smithyhttp.ResponseError{Response: resp, Err: err}
		}
	}), middleware.After)
}

// only is the one element of a list.
func only[T any](list []T) (*T, error) {
	if len(list) == 0 {
		return nil, catalog.ErrNotFound
	}
	return &list[0], nil
}

// pager is a paginator of the SDK.
type pager[Page, Options any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*Options)) (*Page, error)
}

// pages gives all pages. Too many are an error: half an answer would be a wrong one.
func pages[Page, Options any](ctx context.Context, p pager[Page, Options], each func(*Page)) error {
	for n := 0; p.HasMorePages(); n++ {
		if n == maxPages {
			return fmt.Errorf("more than %d pages", maxPages)
		}
		page, err := p.NextPage(ctx)
		if err != nil {
			return err
		}
		each(page)
	}
	return nil
}

// owns tells whether the owner that EC2 shows is the account of the ARN. Emulators may show none, or one account for all, which
// the log then says: the resource is there, and an ARN with that account finds it.
func (c *Catalog) owns(to target, arn string, owner *string) bool {
	if aws.ToString(owner) == "" || *owner == to.account {
		return true
	}
	c.cfg.Log.Warn("the EC2 endpoint has the resource in another account than its ARN: it is taken as not found", "arn", arn, "owner", *owner)
	return false
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
func (c *Catalog) VPC(ctx context.Context, arn string) (*catalog.VPC, error) {
	return ask(ctx, c, arn, "vpc", func(ctx context.Context, to target) (*catalog.VPC, error) {
		client := c.client(to)
		out, err := client.DescribeVpcs(ctx, &sdk.DescribeVpcsInput{VpcIds: []string{to.id}})
		if err != nil {
			return nil, err
		}
		found, err := only(out.Vpcs)
		if err != nil || !c.owns(to, arn, found.OwnerId) {
			return nil, catalog.ErrNotFound
		}
		vpc := &catalog.VPC{ARN: arn}
		for _, block := range found.CidrBlockAssociationSet {
			if p, ok := prefixOf(block.CidrBlock); ok && (block.CidrBlockState == nil || isAssociated(string(block.CidrBlockState.State))) {
				vpc.CIDRs = append(vpc.CIDRs, p)
			}
		}
		if p, ok := prefixOf(found.CidrBlock); ok && len(vpc.CIDRs) == 0 {
			vpc.CIDRs = append(vpc.CIDRs, p)
		}
		for _, block := range found.Ipv6CidrBlockAssociationSet {
			if p, ok := prefixOf(block.Ipv6CidrBlock); ok && (block.Ipv6CidrBlockState == nil || isAssociated(string(block.Ipv6CidrBlockState.State))) {
				vpc.CIDRs = append(vpc.CIDRs, p)
			}
		}
		err = pages(ctx, sdk.NewDescribeSubnetsPaginator(client, &sdk.DescribeSubnetsInput{
			Filters: []types.Filter{{Name: aws.String("vpc-id"), Values: []string{to.id}}},
		}), func(page *sdk.DescribeSubnetsOutput) {
			for i := range page.Subnets {
				vpc.Subnets = append(vpc.Subnets, to.subnet(&page.Subnets[i]))
			}
		})
		return vpc, err
	})
}

// isAssociated tells whether a CIDR block's state is associated. One emulator writes {'State': 'associated'} for it.
func isAssociated(state string) bool {
	if inner, ok := strings.CutPrefix(state, "{"); ok {
		if _, value, ok := strings.Cut(inner, ":"); ok {
			state = strings.Trim(value, ` '"}`)
		}
	}
	return state == string(types.VpcCidrBlockStateCodeAssociated)
}

func (t target) subnet(s *types.Subnet) catalog.Subnet {
	subnet := catalog.Subnet{ARN: t.arnLike("subnet", aws.ToString(s.SubnetId)), AvailabilityZone: aws.ToString(s.AvailabilityZone), ZoneID: aws.ToString(s.AvailabilityZoneId)}
	if p, ok := prefixOf(s.CidrBlock); ok {
		subnet.CIDRs = append(subnet.CIDRs, p)
	}
	for _, block := range s.Ipv6CidrBlockAssociationSet {
		if p, ok := prefixOf(block.Ipv6CidrBlock); ok && (block.Ipv6CidrBlockState == nil || isAssociated(string(block.Ipv6CidrBlockState.State))) {
			subnet.CIDRs = append(subnet.CIDRs, p)
		}
	}
	return subnet
}

// VPNConnection asks for a VPN connection.
func (c *Catalog) VPNConnection(ctx context.Context, arn string) (*catalog.VPNConnection, error) {
	return ask(ctx, c, arn, "vpn-connection", func(ctx context.Context, to target) (*catalog.VPNConnection, error) {
		out, err := c.client(to).DescribeVpnConnections(ctx, &sdk.DescribeVpnConnectionsInput{VpnConnectionIds: []string{to.id}})
		if err != nil {
			return nil, err
		}
		found, err := only(out.VpnConnections)
		if err != nil || found.State == types.VpnStateDeleted { // EC2 shows it for an hour more
			return nil, catalog.ErrNotFound
		}
		v := &catalog.VPNConnection{
			ARN: arn, CustomerGatewayARN: to.arnLike("customer-gateway", aws.ToString(found.CustomerGatewayId)),
			TransitGatewayARN: to.arnLike("transit-gateway", aws.ToString(found.TransitGatewayId)), GatewayID: aws.ToString(found.VpnGatewayId),
			StaticRoutesOnly: found.Options != nil && aws.ToBool(found.Options.StaticRoutesOnly),
		}
		for _, r := range found.Routes {
			if p, ok := prefixOf(r.DestinationCidrBlock); ok && r.State != types.VpnStateDeleted && r.State != types.VpnStateDeleting {
				v.StaticRoutes = append(v.StaticRoutes, p)
			}
		}
		for _, t := range found.VgwTelemetry {
			ip, err := netip.ParseAddr(aws.ToString(t.OutsideIpAddress))
			if err != nil {
				continue
			}
			tunnel := catalog.Tunnel{OutsideIP: ip, Up: t.Status == types.TelemetryStatusUp, Message: aws.ToString(t.StatusMessage)}
			if t.LastStatusChange != nil {
				tunnel.Since = t.LastStatusChange.Unix()
			}
			if found.Options != nil {
				for _, o := range found.Options.TunnelOptions {
					if aws.ToString(o.OutsideIpAddress) == aws.ToString(t.OutsideIpAddress) {
						tunnel.InsideCIDR, _ = prefixOf(o.TunnelInsideCidr)
						if found.Options.TunnelInsideIpVersion == types.TunnelInsideIpVersionIpv6 { // the tunnel has a block of each
							tunnel.InsideIPv6CIDR, _ = prefixOf(o.TunnelInsideIpv6Cidr)
						}
					}
				}
			}
			v.Tunnels = append(v.Tunnels, tunnel)
		}
		return v, nil
	})
}

// CustomerGateway asks for a customer gateway and the VPN connections that end at it.
func (c *Catalog) CustomerGateway(ctx context.Context, arn string) (*catalog.CustomerGateway, error) {
	return ask(ctx, c, arn, "customer-gateway", func(ctx context.Context, to target) (*catalog.CustomerGateway, error) {
		client := c.client(to)
		out, err := client.DescribeCustomerGateways(ctx, &sdk.DescribeCustomerGatewaysInput{CustomerGatewayIds: []string{to.id}})
		if err != nil {
			return nil, err
		}
		found, err := only(out.CustomerGateways)
		if err != nil || aws.ToString(found.State) == "deleted" {
			return nil, catalog.ErrNotFound
		}
		g := &catalog.CustomerGateway{ARN: arn}
		for _, text := range []*string{found.BgpAsn, found.BgpAsnExtended} { // the latter beyond 2147483647
			if asn, err := strconv.ParseUint(aws.ToString(text), 10, 32); err == nil {
				g.ASN = uint32(asn)
			}
		}
		connections, err := client.DescribeVpnConnections(ctx, &sdk.DescribeVpnConnectionsInput{
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
func (c *Catalog) PrefixList(ctx context.Context, arn string) (*catalog.PrefixList, error) {
	return ask(ctx, c, arn, "prefix-list", func(ctx context.Context, to target) (*catalog.PrefixList, error) {
		client := c.client(to)
		out, err := client.DescribeManagedPrefixLists(ctx, &sdk.DescribeManagedPrefixListsInput{PrefixListIds: []string{to.id}})
		if err != nil {
			return nil, err
		}
		found, err := only(out.PrefixLists)
		if err != nil || found.State == types.PrefixListStateDeleteComplete {
			return nil, catalog.ErrNotFound
		}
		list := &catalog.PrefixList{ARN: arn, Entries: []netip.Prefix{}}
		err = pages(ctx, sdk.NewGetManagedPrefixListEntriesPaginator(client, &sdk.GetManagedPrefixListEntriesInput{PrefixListId: &to.id}),
			func(page *sdk.GetManagedPrefixListEntriesOutput) {
				for _, e := range page.Entries {
					if p, ok := prefixOf(e.Cidr); ok {
						list.Entries = append(list.Entries, p)
					}
				}
			})
		return list, err
	})
}

// DirectConnectGateway asks for a Direct Connect gateway. It has no Region: it is asked for in us-east-1.
func (c *Catalog) DirectConnectGateway(ctx context.Context, arn string) (*catalog.DirectConnectGateway, error) {
	return ask(ctx, c, arn, "dx-gateway", func(ctx context.Context, to target) (*catalog.DirectConnectGateway, error) {
		client := &awsjson.Client{
			Service: "directconnect", Target: "OvertureService", Region: "us-east-1", Endpoint: aws.ToString(c.endpoint()),
			Credentials: c.cfg.Credentials(to.account), HTTPClient: c.cfg.HTTPClient, Retryer: c.cfg.Retryer(),
		}
		var gateways dxGateways
		if err := client.Call(ctx, "DescribeDirectConnectGateways", &dxQuestion{ID: to.id}, &gateways); err != nil {
			return nil, err
		}
		found, err := only(gateways.List)
		if err != nil || found.State == "deleted" {
			return nil, catalog.ErrNotFound
		}
		g := &catalog.DirectConnectGateway{ARN: arn, ASN: uint32(found.ASN)}
		in := dxQuestion{ID: to.id}
		for range maxPages {
			var page dxAssociations
			if err := client.Call(ctx, "DescribeDirectConnectGatewayAssociations", &in, &page); err != nil {
				return nil, err
			}
			for _, a := range page.List {
				if a.Gateway != nil && a.State != "disassociated" {
					g.AssociatedWith = append(g.AssociatedWith, a.Gateway.ID)
				}
			}
			if in.NextToken = page.NextToken; in.NextToken == "" {
				return g, nil
			}
		}
		return nil, fmt.Errorf("more than %d pages", maxPages)
	})
}

// dxQuestion is the input of both calls to Direct Connect.
type dxQuestion struct {
	ID        string `json:"directConnectGatewayId"`
	NextToken string `json:"nextToken,omitzero"`
}

type dxGateways struct {
	List []struct {
		ASN   int64  `json:"amazonSideAsn"`
		State string `json:"directConnectGatewayState"`
	} `json:"directConnectGateways"`
}

type dxAssociations struct {
	List []struct {
		State   string `json:"associationState"`
		Gateway *struct {
			ID string `json:"id"`
		} `json:"associatedGateway"`
	} `json:"directConnectGatewayAssociations"`
	NextToken string `json:"nextToken"`
}

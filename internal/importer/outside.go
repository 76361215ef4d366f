package importer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/smithy-go"
	"github.com/go-json-experiment/json"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/order"
	"portolan/internal/snapshot"
	"portolan/policy"
	"portolan/routing"
)

// fromCatalog asks EC2 about the attachments that routing information shows nothing of, and about VPCs with NAT, whose rows
// are translated prefixes.
func (r *reader) fromCatalog(ctx context.Context, found map[string]*known) error {
	if r.cfg.Catalog == nil {
		return nil
	}
	list := r.missing(found)
	for i := range r.snap.Attachments {
		a := &r.snap.Attachments[i]
		if found[a.ID] != nil && a.Type == policy.TypeVPC && a.NAT != nil && a.NAT.Enabled {
			list = append(list, a)
		}
	}
	return each(ctx, r, "EC2", list, func(ctx context.Context, a *snapshot.Attachment) error {
		routes, action, err := r.outside(ctx, a)
		if err != nil {
			if catalog.Blank(err) {
				return nil // the next source is asked
			}
			return r.missed(ctx, action, a.ID, err)
		}
		if len(routes) == 0 {
			return nil
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		found[a.ID] = &known{source: fromEC2, routes: routes}
		return nil
	})
}

// outside is what EC2 and Direct Connect have of the resource of an attachment, and the action of the call that failed.
func (r *reader) outside(ctx context.Context, a *snapshot.Attachment) (list []routing.Announcement, action string, err error) {
	add := func(p netip.Prefix, path ...uint32) {
		list = append(list, routing.Announcement{Prefix: p.Masked(), ASPath: path})
	}
	switch a.Type {
	case policy.TypeVPC:
		vpc, err := r.cfg.Catalog.VPC(ctx, a.ResourceARN)
		if err != nil {
			return nil, "ec2:DescribeVpcs", err
		}
		v6 := false
		if slices.ContainsFunc(vpc.CIDRs, func(p netip.Prefix) bool { return p.Addr().Is6() }) {
			out, err := ask(ctx, r, r.client.GetVpcAttachment, networkmanager.GetVpcAttachmentInput{AttachmentId: &a.ID})
			if err != nil {
				return nil, "networkmanager:GetVpcAttachment", err
			}
			v6 = out.VpcAttachment != nil && out.VpcAttachment.Options != nil && aws.ToBool(out.VpcAttachment.Options.Ipv6Support)
		}
		for _, p := range vpc.CIDRs {
			if p.Addr().Is4() || v6 {
				add(p)
			}
		}
	case policy.TypeSiteToSiteVPN:
		vpn, err := r.cfg.Catalog.VPNConnection(ctx, a.ResourceARN)
		if err != nil {
			return nil, "ec2:DescribeVpnConnections", err
		}
		for _, p := range vpn.StaticRoutes {
			add(p)
		}
		list = append(list, vpn.Announcements...)
	case policy.TypeDirectConnectGateway:
		gateway, err := r.cfg.Catalog.DirectConnectGateway(ctx, a.ResourceARN)
		if err != nil {
			return nil, "directconnect:DescribeDirectConnectGateways", err
		}
		for _, n := range gateway.Announcements {
			if n.Edge == "" || slices.Contains(a.Edges, n.Edge) {
				list = append(list, n)
			}
		}
	case policy.TypeTransitGatewayRouteTable:
		table, err := r.cfg.Catalog.RouteTable(ctx, a.ResourceARN)
		if err != nil {
			return nil, "ec2:SearchTransitGatewayRoutes", err
		}
		gateway, err := r.cfg.Catalog.TransitGateway(ctx, table.TransitGatewayARN)
		if err != nil {
			return nil, "ec2:DescribeTransitGateways", err
		}
		for _, route := range table.Routes {
			if route.State != "blackhole" {
				add(route.Prefix, append([]uint32{gateway.ASN}, route.ASPath...)...)
			}
		}
	}
	return list, "", nil
}

// untranslated takes the NAT CIDRs that the core network routes by itself out of what is shown, and puts what they stand
// for in.
func (r *reader) untranslated(a *snapshot.Attachment, list []routing.Announcement) []routing.Announcement {
	var out []routing.Announcement
	for _, n := range list {
		if !slices.ContainsFunc(a.NAT.Rules, func(rule snapshot.NATRule) bool { return rule.NAT == n.Prefix }) {
			out = append(out, n)
		}
	}
	for _, rule := range a.NAT.Rules {
		if !slices.ContainsFunc(out, func(n routing.Announcement) bool { return n.Prefix == rule.MatchSource }) {
			out = append(out, routing.Announcement{Prefix: rule.MatchSource})
		}
	}
	r.note("attachment %s: NAT hides what is behind it; it is taken to announce the sources of the NAT rules", a.ID)
	order.Stable(out, func(x, y routing.Announcement) int { return x.Prefix.Compare(y.Prefix) })
	return out
}

// natConfigurations reads 1:1 NAT. The SDK has no such call yet.
func (r *reader) natConfigurations(ctx context.Context) error {
	byID := map[string]*snapshot.Attachment{}
	for i := range r.snap.Attachments {
		byID[r.snap.Attachments[i].ID] = &r.snap.Attachments[i]
	}
	err := pages(ctx, func(ctx context.Context, token *string) (*api.ListAttachmentNatConfigurationsOutput, *string, error) {
		in := api.ListAttachmentNatConfigurationsInput{CoreNetworkId: &r.snap.CoreNetworkID, NextToken: token}
		out, err := ask(ctx, r, r.listNAT, in)
		if err != nil {
			return nil, nil, err
		}
		return out, &out.NextToken, nil
	}, func(out *api.ListAttachmentNatConfigurationsOutput) {
		for _, c := range out.AttachmentNatConfigurations {
			if a := byID[c.AttachmentId]; a != nil {
				a.NAT = natOf(&c)
			}
		}
	})
	return r.missed(ctx, "networkmanager:ListAttachmentNatConfigurations", "", err)
}

// natOf is NAT with the rules that are in force. Nil: there are none.
func natOf(c *api.AttachmentNatConfiguration) *snapshot.NAT {
	n := &snapshot.NAT{Enabled: c.NatGatewaySupport == api.NatGatewaySupportStateEnabled, SystemRoutes: c.NatSystemRouteSupport}
	for _, rule := range c.NatGatewayRules {
		source, err := netip.ParsePrefix(rule.MatchSourceCidr)
		translated, err2 := netip.ParsePrefix(rule.NatCidr)
		if err == nil && err2 == nil {
			n.Rules = append(n.Rules, snapshot.NATRule{Number: int(aws.ToInt32(rule.RuleNumber)), MatchSource: source, NAT: translated})
		}
	}
	if len(n.Rules) == 0 {
		return nil
	}
	return n
}

// listNAT signs and sends one call, as the SDK would.
func (r *reader) listNAT(ctx context.Context, in *api.ListAttachmentNatConfigurationsInput, _ ...func(*networkmanager.Options)) (*api.ListAttachmentNatConfigurationsOutput, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	endpoint := aws.ToString(r.client.Options().BaseEndpoint)
	if endpoint == "" {
		endpoint = "https://networkmanager." + r.cfg.AWS.Region + ".amazonaws.com"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(endpoint, "/")+"/nat-configurations", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if r.cfg.AWS.Credentials != nil {
		keys, err := r.cfg.AWS.Credentials.Retrieve(ctx)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(body)
		if err := v4.NewSigner().SignHTTP(ctx, keys, request, hex.EncodeToString(sum[:]), "networkmanager", r.cfg.AWS.Region, r.cfg.Now()); err != nil {
			return nil, err
		}
	}
	var client aws.HTTPClient = http.DefaultClient
	if r.cfg.AWS.HTTPClient != nil {
		client = r.cfg.AWS.HTTPClient
	}
	resp, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		code, _, _ := strings.Cut(resp.Header.Get("X-Amzn-Errortype"), ":")
		return nil, &smithy.GenericAPIError{Code: code, Message: fmt.Sprintf("%s: %.200s", resp.Status, text)}
	}
	var out api.ListAttachmentNatConfigurationsOutput
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, fmt.Errorf("the reply is not understood: %w", err)
	}
	return &out, nil
}

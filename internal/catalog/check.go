package catalog

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// maxProblems is how many things are told at a time.
const maxProblems = 20

// DefaultASN is the ASN of a transit or Direct Connect gateway that was made without one.
const DefaultASN = 64512

// What the inside blocks of tunnels are of.
var (
	linkLocal   = netip.MustParsePrefix("169.254.0.0/16")
	uniqueLocal = netip.MustParsePrefix("fd00::/8")
)

// checker collects what is wrong with contents.
type checker struct {
	problems []error
	more     int
	seen     map[string]bool // ARNs
}

func (k *checker) wrong(path, format string, args ...any) {
	if len(k.problems) == maxProblems {
		k.more++
		return
	}
	k.problems = append(k.problems, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
}

// arn checks an ARN, and that it stands for one thing only.
func (k *checker) arn(path, arn, service, resourceType string) (place string) {
	place, ok := k.reference(path, arn, service, resourceType)
	if ok && k.seen[arn] {
		k.wrong(path, "%s is there twice", arn)
	}
	k.seen[arn] = true
	return place
}

// reference checks the ARN of something that need not be in the catalog. Its place is Region and account.
func (k *checker) reference(path, arn, service, resourceType string) (place string, ok bool) {
	f := strings.SplitN(arn, ":", 6)
	id, isType := "", false
	if len(f) == 6 {
		id, isType = strings.CutPrefix(f[5], resourceType+"/")
	}
	if !isType || f[0] != "arn" || !strings.HasPrefix(f[1], "aws") || f[2] != service || (f[3] == "") != (service == "directconnect") || f[4] == "" ||
		id == "" || strings.Contains(id, "/") {
		k.wrong(path, "%.200q is not the ARN of a %s", arn, resourceType)
		return "", false
	}
	return f[3] + ":" + f[4], true
}

// inside checks the ARN of a part: it has the Region and the account of the whole.
func (k *checker) inside(path, arn, resourceType, whole string) {
	if place := k.arn(path, arn, "ec2", resourceType); place != "" && whole != "" && place != whole {
		k.wrong(path, "%s has another Region or account than what it is in", arn)
	}
}

func (k *checker) oneOf(path, value string, allowed ...string) {
	if value != "" && !slices.Contains(allowed, value) {
		k.wrong(path, "%.200q is none of %s", value, strings.Join(allowed, ", "))
	}
}

func (k *checker) prefix(path string, p netip.Prefix) bool {
	switch {
	case !p.IsValid() || p.Addr().Is4In6():
		k.wrong(path, "not an IPv4 or IPv6 prefix")
		return false
	case p != p.Masked():
		k.wrong(path, "%s has bits beyond its length: %s", p, p.Masked())
		return false
	}
	return true
}

// prefixes are all of a list, none twice.
func (k *checker) prefixes(path string, list []netip.Prefix) {
	seen := make(map[netip.Prefix]bool, len(list))
	for i, p := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		if k.prefix(at, p) && seen[p] {
			k.wrong(at, "%s is there twice", p)
		}
		seen[p] = true
	}
}

// check tells what is wrong, and writes into each thing what its place in the contents says of it.
func (c *Contents) check() error {
	k := &checker{seen: map[string]bool{}}
	for i := range c.VPCs {
		k.vpc(fmt.Sprintf("vpcs[%d]", i), &c.VPCs[i])
	}
	for i := range c.TransitGateways {
		k.transitGateway(fmt.Sprintf("transitGateways[%d]", i), &c.TransitGateways[i])
	}
	ends := map[string][]string{}
	for i := range c.VPNConnections {
		v := &c.VPNConnections[i]
		k.vpnConnection(fmt.Sprintf("vpnConnections[%d]", i), v)
		ends[v.CustomerGatewayARN] = append(ends[v.CustomerGatewayARN], v.ARN)
	}
	for i := range c.CustomerGateways {
		g := &c.CustomerGateways[i]
		k.arn(fmt.Sprintf("customerGateways[%d].arn", i), g.ARN, "ec2", "customer-gateway")
		g.VPNConnectionARNs = ends[g.ARN]
	}
	for i := range c.PrefixLists {
		path := fmt.Sprintf("prefixLists[%d]", i)
		k.arn(path+".arn", c.PrefixLists[i].ARN, "ec2", "prefix-list")
		k.prefixes(path+".entries", c.PrefixLists[i].Entries)
	}
	for i := range c.DirectConnectGateways {
		g := &c.DirectConnectGateways[i]
		path := fmt.Sprintf("directConnectGateways[%d]", i)
		k.arn(path+".arn", g.ARN, "directconnect", "dx-gateway")
		if g.ASN == 0 {
			g.ASN = DefaultASN
		}
		k.announcements(path+".announcements", g.Announcements)
	}
	if k.more > 0 {
		k.problems = append(k.problems, fmt.Errorf("and %d more", k.more))
	}
	return errors.Join(k.problems...)
}

func (k *checker) vpc(path string, v *VPC) {
	place := k.arn(path+".arn", v.ARN, "ec2", "vpc")
	k.prefixes(path+".cidrs", v.CIDRs)
	for i, s := range v.Subnets {
		at := fmt.Sprintf("%s.subnets[%d]", path, i)
		k.inside(at+".arn", s.ARN, "subnet", place)
		k.prefixes(at+".cidrs", s.CIDRs)
		for j, p := range s.CIDRs {
			if !slices.ContainsFunc(v.CIDRs, func(block netip.Prefix) bool { return block.Bits() <= p.Bits() && block.Contains(p.Addr()) }) {
				k.wrong(fmt.Sprintf("%s.cidrs[%d]", at, j), "%s is in none of the VPC's blocks", p)
			}
		}
	}
}

func (k *checker) transitGateway(path string, g *TransitGateway) {
	place := k.arn(path+".arn", g.ARN, "ec2", "transit-gateway")
	k.oneOf(path+".state", g.State, "pending", "available", "modifying", "deleting", "deleted")
	if g.ASN == 0 {
		g.ASN = DefaultASN
	}
	for i := range g.Attachments {
		a, at := &g.Attachments[i], fmt.Sprintf("%s.attachments[%d]", path, i)
		k.inside(at+".arn", a.ARN, "transit-gateway-attachment", place)
		if a.RouteTableARN != "" {
			k.reference(at+".routeTableArn", a.RouteTableARN, "ec2", "transit-gateway-route-table")
		}
		if a.PeerARN != "" {
			k.reference(at+".peerArn", a.PeerARN, "ec2", "transit-gateway-attachment")
		}
	}
	for i := range g.RouteTables {
		t, at := &g.RouteTables[i], fmt.Sprintf("%s.routeTables[%d]", path, i)
		k.inside(at+".arn", t.ARN, "transit-gateway-route-table", place)
		t.TransitGatewayARN = g.ARN
		seen := make(map[netip.Prefix]bool, len(t.Routes))
		for j, r := range t.Routes {
			at := fmt.Sprintf("%s.routes[%d]", at, j)
			if k.prefix(at+".prefix", r.Prefix) && seen[r.Prefix] {
				k.wrong(at+".prefix", "%s is there twice", r.Prefix)
			}
			seen[r.Prefix] = true
			k.oneOf(at+".state", r.State, "active", "blackhole")
			k.oneOf(at+".type", r.Type, "propagated", "static")
		}
	}
	for i := range g.ConnectPeers {
		k.inside(fmt.Sprintf("%s.connectPeers[%d].arn", path, i), g.ConnectPeers[i].ARN, "transit-gateway-connect-peer", place)
		g.ConnectPeers[i].TransitGatewayARN = g.ARN
	}
}

func (k *checker) vpnConnection(path string, v *VPNConnection) {
	k.arn(path+".arn", v.ARN, "ec2", "vpn-connection")
	if v.CustomerGatewayARN != "" {
		k.reference(path+".customerGatewayArn", v.CustomerGatewayARN, "ec2", "customer-gateway")
	}
	if v.TransitGatewayARN != "" {
		k.reference(path+".transitGatewayArn", v.TransitGatewayARN, "ec2", "transit-gateway")
		if v.GatewayID != "" {
			k.wrong(path+".gatewayId", "a VPN connection is on one gateway, and transitGatewayArn names it")
		}
	}
	k.prefixes(path+".staticRoutes", v.StaticRoutes)
	k.announcements(path+".announcements", v.Announcements)
	if v.Static() && len(v.Announcements) > 0 {
		k.wrong(path+".announcements", "a VPN connection with static routes has no BGP")
	}
	if len(v.Tunnels) > 2 {
		k.wrong(path+".tunnels", "a VPN connection has two tunnels")
	}
	for i, t := range v.Tunnels {
		at := fmt.Sprintf("%s.tunnels[%d]", path, i)
		if !t.OutsideIP.IsValid() {
			k.wrong(at+".outsideIp", "not an IP address")
		}
		first := v.Tunnels[0]
		if i == 0 {
			first = Tunnel{}
		}
		k.tunnelBlock(at+".insideCidr", t.InsideCIDR, first.InsideCIDR, insideBits, linkLocal)
		k.tunnelBlock(at+".insideIpv6Cidr", t.InsideIPv6CIDR, first.InsideIPv6CIDR, insideBits6, uniqueLocal)
	}
}

// tunnelBlock checks an inside block of a tunnel, and that it is not the other one's.
func (k *checker) tunnelBlock(at string, block, other netip.Prefix, bits int, of netip.Prefix) {
	switch {
	case !block.IsValid():
	case block.Bits() != bits || !of.Contains(block.Addr()) || block != block.Masked():
		k.wrong(at, "not a /%d of %s", bits, of)
	case block == other:
		k.wrong(at, "%s is that of the other tunnel", block)
	}
}

func (k *checker) announcements(path string, list []Announcement) {
	for i, a := range list {
		k.prefix(fmt.Sprintf("%s[%d].prefix", path, i), a.Prefix)
		if slices.Contains(a.ASPath, 0) {
			k.wrong(fmt.Sprintf("%s[%d].asPath", path, i), "AS 0 is reserved")
		}
	}
}

package service_test

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"portolan/api"
	"portolan/internal/analysis"
	"portolan/routing"
)

// TestNAT_scripts runs testdata/nat/*: what 1:1 NAT does from the operations to packets. The network of a script has a catalog
// with VPCs vpc-1 and vpc-3 in us-east-1, vpc-2 and vpc-4 in eu-west-1, of which the first two are both 10.0.0.0/16. Commands:
//
//	network                    a core network with this policy
//	do                         calls, one a line, as in docs/states.md's test: "Operation {input}", "name=Operation.Member {input}"
//	                           keeps an id; "as ACCOUNT" changes the caller. Prints refusals, and NAT configurations
//	settle A1                  the states that reads of the attachment show, until they stay
//	announce A1                prefixes, each with a path: "192.168.0.0/24 65001"
//	routes segment=… [edge=…]  "prefix → destination" of the tables
//	path from=A1 source=… to=… the packet and its answer, with the addresses at each hop
func TestNAT_scripts(t *testing.T) {
	datadriven.Walk(t, "testdata/nat", func(t *testing.T, path string) {
		b := &bed{ids: map[string]string{"ec2": "arn:aws:ec2:eu-west-1:111122223333", "east": "arn:aws:ec2:us-east-1:111122223333", "tgw": tgwARN, "table": tableARN, "dx": dxARN}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "network":
				b.world = newWorld(t, withSharing, withCatalog(t, natCatalog))
				gn := b.globalNetwork()
				cn := must(b.world, b.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: &d.Input}).CoreNetwork.CoreNetworkId
				b.ids["gn"], b.ids["cn"] = gn, cn
				must(b.world, b.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn})
				return ""
			case "do":
				return b.do(d.Input)
			case "settle":
				return b.statesOf(d.CmdArgs[0].Key)
			case "announce":
				return b.announce(t, d.CmdArgs[0].Key, d.Input)
			case "routes":
				return b.routes(d)
			}
			return b.path(t, d)
		})
	})
}

const natCatalog = `
vpcs:
  - {arn: 'arn:aws:ec2:us-east-1:111122223333:vpc/vpc-00000001', cidrs: [10.0.0.0/16], subnets: [{arn: 'arn:aws:ec2:us-east-1:111122223333:subnet/subnet-00000001', availabilityZone: us-east-1a, cidrs: [10.0.0.0/24]}]}
  - {arn: 'arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-00000002', cidrs: [10.0.0.0/16], subnets: [{arn: 'arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-00000002', availabilityZone: eu-west-1a, cidrs: [10.0.0.0/24]}]}
  - {arn: 'arn:aws:ec2:us-east-1:111122223333:vpc/vpc-00000003', cidrs: [10.3.0.0/16], subnets: [{arn: 'arn:aws:ec2:us-east-1:111122223333:subnet/subnet-00000003', availabilityZone: us-east-1a, cidrs: [10.3.0.0/24]}]}
  - {arn: 'arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-00000004', cidrs: [10.4.0.0/16], subnets: [{arn: 'arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-00000004', availabilityZone: eu-west-1a, cidrs: [10.4.0.0/24]}]}
customerGateways: [{arn: 'arn:aws:ec2:eu-west-1:111122223333:customer-gateway/cgw-1', asn: 65001}]
vpnConnections:
  - {arn: '` + vpnARN + `', customerGatewayArn: 'arn:aws:ec2:eu-west-1:111122223333:customer-gateway/cgw-1', staticRoutes: [192.168.0.0/24]}
directConnectGateways: [{arn: '` + dxARN + `', asn: 65520, announcements: [{prefix: 192.168.0.0/16, asPath: [65100]}]}]
transitGateways: [{arn: '` + tgwARN + `', asn: 65010, routeTables: [{arn: '` + tableARN + `'}]}]
`

// do makes calls and prints what is refused and what NAT configurations are answered.
func (b *bed) do(lines string) string {
	var out strings.Builder
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		if account, ok := strings.CutPrefix(line, "as "); ok {
			b.ctx = b.as(account)
			continue
		}
		name, call, keeps := strings.Cut(line, "=")
		if !keeps || strings.Contains(name, " ") {
			name, call = "", line
		}
		operation, input, _ := strings.Cut(call, " ")
		operation, member, _ := strings.Cut(operation, ".")
		reply, err := b.call(operation + " " + input)
		switch {
		case err != nil:
			out.WriteString(b.named(refusal(err)) + "\n")
		case strings.Contains(operation, "AttachmentNatConfiguration"):
			out.WriteString(b.natsIn(reply) + "\n")
		case name != "":
			b.ids[name] = string(regexp.MustCompile(`"` + member + `":"([^"]+)"`).FindSubmatch(reply)[1])
		}
	}
	return out.String()
}

var natMember = regexp.MustCompile(`"(AttachmentId|NatGatewaySupport|RuleNumber|MatchSourceCidr|NatCidr|State)":"?([^",}]+)`)

// natsIn are the NAT configurations of a reply: a name and the switch, then number, state and CIDRs of each rule.
func (b *bed) natsIn(reply []byte) string {
	var parts []string
	for _, m := range natMember.FindAllSubmatch(reply, -1) {
		parts = append(parts, string(m[2]))
	}
	if len(parts) == 0 {
		return "none"
	}
	return b.named(strings.Join(parts, " "))
}

// statesOf are the states that reads of an attachment show until they stay, with the switch and the rules.
func (b *bed) statesOf(name string) string {
	var seen []string
	id := b.ids[name]
	for range 8 {
		list := must(b.world, b.ListAttachments, api.ListAttachmentsInput{}).Attachments
		i := slices.IndexFunc(list, func(a api.Attachment) bool { return a.AttachmentId == id })
		text := "absent"
		if i >= 0 {
			text = string(list[i].State)
			for _, e := range list[i].LastModificationErrors {
				text += " " + string(e.Code)
			}
			if list[i].NatGatewaySupport != "" {
				configuration := must(b.world, b.ListAttachmentNatConfigurations, api.ListAttachmentNatConfigurationsInput{AttachmentId: &id}).AttachmentNatConfigurations[0]
				text += " " + shown(&configuration)
			}
		}
		if !slices.Contains(seen, text) {
			seen = append(seen, text)
		}
	}
	return strings.Join(seen, "\n") + "\n"
}

func (b *bed) announce(t *testing.T, name, lines string) string {
	var list []routing.Announcement
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		a := routing.Announcement{Prefix: netip.MustParsePrefix(words[0])}
		for _, w := range words[1:] {
			asn, err := strconv.ParseUint(w, 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			a.ASPath = append(a.ASPath, uint32(asn))
		}
		list = append(list, a)
	}
	if err := b.PutAnnouncements(b.ctx, b.ids[name], list); err != nil {
		t.Fatal(err)
	}
	return ""
}

func (b *bed) routes(d *datadriven.TestData) string {
	var out strings.Builder
	wanted := map[string]string{}
	for _, arg := range d.CmdArgs {
		wanted[arg.Key] = arg.Vals[0]
	}
	network := must(b.world, b.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: b.ids["cn"]}).CoreNetwork
	for _, e := range network.Edges {
		if wanted["edge"] != "" && wanted["edge"] != e.EdgeLocation {
			continue
		}
		table := must(b.world, b.GetNetworkRoutes, api.GetNetworkRoutesInput{GlobalNetworkId: b.ids["gn"], RouteTableIdentifier: segmentTable(b.ids["cn"], wanted["segment"], e.EdgeLocation)})
		fmt.Fprintf(&out, "%s@%s\n", wanted["segment"], e.EdgeLocation)
		for _, r := range table.NetworkRoutes {
			to := "blackhole"
			for _, dest := range r.Destinations {
				to = strings.TrimSpace(dest.CoreNetworkAttachmentId + " " + dest.EdgeLocation)
			}
			fmt.Fprintf(&out, "  %s → %s\n", r.DestinationCidrBlock, b.named(to))
		}
	}
	return out.String()
}

func (b *bed) path(t *testing.T, d *datadriven.TestData) string {
	args := map[string]string{}
	for _, arg := range d.CmdArgs {
		args[arg.Key] = arg.Vals[0]
	}
	snap, err := b.Snapshot(b.ctx, b.ids["cn"])
	if err != nil {
		t.Fatal(err)
	}
	subject, err := analysis.Examine(snap, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	report, err := subject.Path(b.ids[args["from"]], "", args["to"], args["source"])
	if err != nil {
		return err.Error() + "\n"
	}
	var out strings.Builder
	for _, i := range report.Forward.Inspections {
		fmt.Fprintf(&out, "seen by %s: %s to %s\n", i.NetworkFunctionGroup, i.Source, i.Destination)
	}
	if err := report.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	return b.named(out.String())
}

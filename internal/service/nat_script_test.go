package service_test

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"portolan/api"
	"portolan/internal/analysis"
	"portolan/internal/page"
	"portolan/routing"
)

// TestNAT_scripts runs testdata/nat/*: what 1:1 NAT does from the operations to packets. The network of a script has a catalog
// with VPCs vpc-1 and vpc-3 in us-east-1, vpc-2 and vpc-4 in eu-west-1, of which the first two are both 10.0.0.0/16. Commands:
//
//	network                    a core network with this policy
//	do                         calls, one a line, as in docs/states.md's test: "Operation {input}", "name=Operation.Member {input}"
//	                           keeps an id; "as ACCOUNT" changes the caller. Prints refusals, and NAT configurations
//	settle A1                  the states that the attachment shows while hours pass
//	elapse                     hours pass
//	announce A1                prefixes, each with a path: "192.168.0.0/24 65001"
//	routes segment=… [edge=…]  "prefix → destination" of the tables
//	rib segment=… edge=…       "prefix: AS path" of the candidates for the prefixes in a range: within=100.64.0.0/10
//	path from=A1 source=… to=… the packet and its answer, with the addresses at each hop
//
// $rules51 are 51 rules that are right but for their number.
func TestNAT_scripts(t *testing.T) {
	datadriven.Walk(t, "testdata/nat", func(t *testing.T, path string) {
		b := &bed{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "network":
				b.world = newWorld(t, withProfile(t, "aws"), withSharing, withCatalog(t, natCatalog))
				b.ids = map[string]string{
					"ec2": "arn:aws:ec2:eu-west-1:111122223333", "east": "arn:aws:ec2:us-east-1:111122223333",
					"tgw": tgwARN, "table": tableARN, "gateway": natGatewayARN, "vpnConnection": vpnARN,
				}
				gn := b.globalNetwork()
				cn := must(b.world, b.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: &d.Input}).CoreNetwork.CoreNetworkId
				b.ids["gn"], b.ids["cn"] = gn, cn
				b.elapse()
				return ""
			case "do":
				return b.do(d.Input)
			case "settle":
				return b.statesOf(d.CmdArgs[0].Key)
			case "elapse":
				b.elapse()
				return ""
			case "announce":
				return b.announce(t, d.CmdArgs[0].Key, d.Input)
			case "routes":
				return b.routes(d)
			case "rib":
				return b.rib(t, d)
			}
			return b.path(t, d)
		})
	})
}

// TestNAT_scriptIsComplete: the table of cases T1 to T30 is in the scripts, each one named.
func TestNAT_scriptIsComplete(t *testing.T) {
	text, err := os.ReadFile("testdata/nat/table")
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 30; n++ {
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^# .*\bT%d\b`, n)).Match(text) {
			t.Errorf("case T%d is missing", n)
		}
	}
}

// manyRules are n rules as JSON in single quotes.
func manyRules(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("{'RuleNumber':%d,'MatchSourceCidr':'10.0.%d.0/24','NatCidr':'100.64.%[2]d.0/24'}", i+1, i))
	}
	return strings.Join(list, ",")
}

const natGatewayARN = "arn:aws:directconnect::111122223333:dx-gateway/11460968-4ac1-4fd3-bdb2-005990123456"

const natCatalog = `
vpcs:
  - {arn: 'arn:aws:ec2:us-east-1:111122223333:vpc/vpc-00000001', cidrs: [10.0.0.0/16], subnets: [{arn: 'arn:aws:ec2:us-east-1:111122223333:subnet/subnet-00000001', availabilityZone: us-east-1a, cidrs: [10.0.0.0/24]}]}
  - {arn: 'arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-00000002', cidrs: [10.0.0.0/16], subnets: [{arn: 'arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-00000002', availabilityZone: eu-west-1a, cidrs: [10.0.0.0/24]}]}
  - {arn: 'arn:aws:ec2:us-east-1:111122223333:vpc/vpc-00000003', cidrs: [10.3.0.0/16], subnets: [{arn: 'arn:aws:ec2:us-east-1:111122223333:subnet/subnet-00000003', availabilityZone: us-east-1a, cidrs: [10.3.0.0/24]}]}
  - {arn: 'arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-00000004', cidrs: [10.4.0.0/16], subnets: [{arn: 'arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-00000004', availabilityZone: eu-west-1a, cidrs: [10.4.0.0/24]}]}
customerGateways: [{arn: 'arn:aws:ec2:eu-west-1:111122223333:customer-gateway/cgw-1', asn: 65001}]
vpnConnections:
  - {arn: '` + vpnARN + `', customerGatewayArn: 'arn:aws:ec2:eu-west-1:111122223333:customer-gateway/cgw-1', staticRoutes: [192.168.0.0/24]}
directConnectGateways: [{arn: '` + natGatewayARN + `', asn: 65520, announcements: [{prefix: 192.168.0.0/16, asPath: [65100]}]}]
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
		caller := api.CallerFrom(b.ctx)
		caller.Operation = operation
		b.ctx = api.WithCaller(b.ctx, caller)
		input = strings.ReplaceAll(input, "$rules51", manyRules(51))
		reply, err := b.valid(operation, input)
		switch {
		case err != nil && name != "":
			b.t.Fatalf("%s: %s", line, refusal(err))
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

// valid makes a call as the server does: what the model forbids is refused before.
func (b *bed) valid(operation, input string) ([]byte, error) {
	in := api.OperationByName(operation).NewInput()
	if err := setMembers(in, b.filled(input)); err != nil {
		return nil, err
	}
	if broken := in.Validate(api.EmptyStrings{}); len(broken) > 0 {
		return nil, api.ViolatedConstraints(broken...)
	}
	return b.call(operation + " " + input)
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

// What is on its way at "settle" ends within reads × betweenReads, and no state is as short as betweenReads.
const (
	reads        = 100
	betweenReads = 20 * time.Second
)

// elapse lets whatever is on its way end.
func (b *bed) elapse() {
	for range reads {
		b.now = b.now.Add(betweenReads)
		must(b.world, b.ListAttachments, api.ListAttachmentsInput{})
	}
}

// statesOf are the states that reads of an attachment show until they stay, with the switch and the rules.
func (b *bed) statesOf(name string) string {
	var seen []string
	id := b.ids[name]
	for range reads {
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
		b.now = b.now.Add(betweenReads)
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

// rib are the candidates of a table for what lies within a prefix.
func (b *bed) rib(t *testing.T, d *datadriven.TestData) string {
	var segment, edge, within string
	d.ScanArgs(t, "segment", &segment)
	d.ScanArgs(t, "edge", &edge)
	d.ScanArgs(t, "within", &within)
	var out strings.Builder
	list := must(b.world, b.ListCoreNetworkRoutingInformation, api.ListCoreNetworkRoutingInformationInput{CoreNetworkId: b.ids["cn"], SegmentName: segment, EdgeLocation: edge})
	for _, r := range list.CoreNetworkRoutingInformation {
		if netip.MustParsePrefix(within).Overlaps(netip.MustParsePrefix(r.Prefix)) {
			fmt.Fprintf(&out, "%s: [%s]\n", r.Prefix, strings.Join(r.AsPath, " "))
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
	if err := report.Page().Text(&out, page.Style{}); err != nil {
		t.Fatal(err)
	}
	return b.named(out.String())
}

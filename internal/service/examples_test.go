package service_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/go-json-experiment/json"

	"portolan/api"
)

// example is one network of the scripts that say where attachments land: a document, the attachments by name, and
// what becomes of each.
type example struct {
	document    string
	attachments []string // A1 vpc us-east-1 [account=…] [resource=…] [tag=value…]
	outcomes    []string // A1 rule 100: segment prod, to be accepted
}

func readExample(t *testing.T, path string) (e example) {
	datadriven.RunTest(t, path, func(_ *testing.T, d *datadriven.TestData) string {
		switch {
		case d.Cmd == "compile" && e.document == "":
			e.document = d.Input
		case d.Cmd == "associate" && e.attachments == nil:
			e.attachments = strings.Split(strings.TrimSpace(d.Input), "\n")
			e.outcomes = strings.Split(strings.TrimSpace(d.Expected), "\n")
		}
		return d.Expected
	})
	return e
}

// withoutTargets is the document without the static routes that lead to attachments, which do not exist yet.
func (e *example) withoutTargets(t *testing.T) string {
	var doc map[string]any
	if err := json.Unmarshal([]byte(e.document), &doc); err != nil {
		t.Fatal(err)
	}
	actions, _ := doc["segment-actions"].([]any)
	doc["segment-actions"] = slices.DeleteFunc(actions, func(a any) bool {
		targets, _ := a.(map[string]any)["destinations"].([]any)
		return len(targets) > 0 && targets[0] != "blackhole"
	})
	if actions == nil {
		delete(doc, "segment-actions")
	}
	text, err := json.Marshal(doc, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// attach makes the attachment of a line and returns its id.
func (w *world) attach(cn, line string, ids map[string]string, lines []string) string {
	w.t.Helper()
	f := strings.Fields(line)
	number, kind, region := strings.TrimPrefix(f[0], "A"), f[1], f[2]
	account, resource := "111122223333", fmt.Sprintf("vpc-%017s", number)
	var tags []api.Tag
	for _, pair := range f[3:] {
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "account":
			account = value
		case "resource":
			resource = value
		default:
			tags = append(tags, api.Tag{Key: &key, Value: &value})
		}
	}
	owner := w.ctx
	defer func() { w.ctx = owner }()
	w.ctx = w.as(account)
	arn := "arn:aws:ec2:" + region + ":" + account + ":"
	switch kind {
	case "vpc":
		return must(w, w.CreateVpcAttachment, api.CreateVpcAttachmentInput{CoreNetworkId: cn, VpcArn: arn + "vpc/" + resource, SubnetArns: []string{arn + "subnet/subnet-" + number}, Tags: tags}).VpcAttachment.Attachment.AttachmentId
	case "site-to-site-vpn":
		return must(w, w.CreateSiteToSiteVpnAttachment, api.CreateSiteToSiteVpnAttachmentInput{CoreNetworkId: cn, VpnConnectionArn: arn + "vpn-connection/vpn-" + number, Tags: tags}).SiteToSiteVpnAttachment.Attachment.AttachmentId
	case "direct-connect-gateway":
		return must(w, w.CreateDirectConnectGatewayAttachment, api.CreateDirectConnectGatewayAttachmentInput{CoreNetworkId: cn, DirectConnectGatewayArn: dxARN, EdgeLocations: []string{region}, Tags: tags}).DirectConnectGatewayAttachment.Attachment.AttachmentId
	case "transit-gateway-route-table":
		peering := must(w, w.CreateTransitGatewayPeering, api.CreateTransitGatewayPeeringInput{CoreNetworkId: cn, TransitGatewayArn: arn + "transit-gateway/tgw-" + number}).TransitGatewayPeering.Peering.PeeringId
		must(w, w.GetTransitGatewayPeering, api.GetTransitGatewayPeeringInput{PeeringId: peering})
		return must(w, w.CreateTransitGatewayRouteTableAttachment, api.CreateTransitGatewayRouteTableAttachmentInput{PeeringId: peering, TransitGatewayRouteTableArn: arn + "transit-gateway-route-table/tgw-rtb-" + number, Tags: tags}).TransitGatewayRouteTableAttachment.Attachment.AttachmentId
	case "connect":
		i := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, " vpc "+region) })
		transport := ids[strings.Fields(lines[i])[0]]
		w.attachment(transport)
		protocol := api.TunnelProtocolNoEncap
		if edges := must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn}).CoreNetwork.Edges; len(edges[0].InsideCidrBlocks) > 0 {
			protocol = api.TunnelProtocolGre // which needs them
		}
		return must(w, w.CreateConnectAttachment, api.CreateConnectAttachmentInput{
			CoreNetworkId: cn, EdgeLocation: region, TransportAttachmentId: transport, Options: &api.ConnectAttachmentOptions{Protocol: &protocol}, Tags: tags,
		}).ConnectAttachment.Attachment.AttachmentId
	}
	w.t.Fatalf("no attachment of type %s", kind)
	return ""
}

// outcome is where an attachment is, in the words of the scripts.
func outcome(name string, a *api.Attachment) string {
	number, where := int32(0), "unassociated"
	if a.AttachmentPolicyRuleNumber != nil {
		number = *a.AttachmentPolicyRuleNumber
	}
	switch {
	case a.SegmentName != "":
		where = "segment " + a.SegmentName
	case a.NetworkFunctionGroupName != "":
		where = "NFG " + a.NetworkFunctionGroupName
	}
	text := fmt.Sprintf("%s rule %d: %s", name, number, where)
	switch a.State {
	case api.AttachmentStateAvailable:
		return text
	case api.AttachmentStatePendingAttachmentAcceptance:
		return text + ", to be accepted"
	}
	return text + ", " + string(a.State)
}

// TestExamples_attachmentsLand: what the scripts say of attachments that need not exist is what becomes of real ones,
// before and after acceptance, and once the static routes that lead to them are there.
func TestExamples_attachmentsLand(t *testing.T) {
	n := 0
	datadriven.Walk(t, "../../policy/testdata/scripts/examples", func(t *testing.T, path string) {
		n++
		e := readExample(t, path)
		w := newWorld(t, withSharing)
		cn := w.labNetwork(e.withoutTargets(t))
		must(w, w.PutResourcePolicy, sharePolicy(cn, `"networkmanager:CreateVpcAttachment"`))
		ids := map[string]string{}
		for _, connect := range []bool{false, true} { // those that lie on others come last
			for _, line := range e.attachments {
				if name := strings.Fields(line)[0]; strings.Contains(line, " connect ") == connect {
					ids[name] = w.attach(cn, line, ids, e.attachments)
				}
			}
		}
		is := func(when string, accepted bool) {
			t.Helper()
			for i, line := range e.attachments {
				name := strings.Fields(line)[0]
				a := w.attachment(ids[name])
				want, _, _ := strings.Cut(e.outcomes[i], " (") // the reason is not the API's to tell
				if accepted {
					want = strings.TrimSuffix(want, ", to be accepted")
				}
				if got := outcome(name, &a); got != want {
					t.Errorf("%s: %s, want %s", when, got, want)
				}
			}
		}
		is("created", false)
		for i, line := range e.attachments {
			if strings.HasSuffix(e.outcomes[i], ", to be accepted") {
				must(w, w.AcceptAttachment, api.AcceptAttachmentInput{AttachmentId: ids[strings.Fields(line)[0]]})
			}
		}
		is("accepted", true)
		document := e.document
		for name, id := range ids {
			document = strings.ReplaceAll(document, fmt.Sprintf("attachment-%017s", strings.TrimPrefix(name, "A")), id)
		}
		w.execute(cn, w.putVersion(cn, document))
		is("with all of the policy", true)
	})
	if n != 12 {
		t.Errorf("%d examples", n)
	}
}

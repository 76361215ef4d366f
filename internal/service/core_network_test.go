package service_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"portolan/api"
)

func seedPolicy(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../test/testdata/seed.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// network is a global network with a core network that runs the seed's policy.
func (w *world) network() (gn, cn string) {
	w.t.Helper()
	gn = w.globalNetwork()
	cn = must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: new(seedPolicy(w.t))}).CoreNetwork.CoreNetworkId
	return gn, cn
}

const ec2 = "arn:aws:ec2:eu-west-1:111122223333:"

func (w *world) vpcAttachment(cn string, tags ...api.Tag) *api.VpcAttachment {
	w.t.Helper()
	return must(w, w.CreateVpcAttachment, api.CreateVpcAttachmentInput{
		CoreNetworkId: cn, VpcArn: ec2 + "vpc/vpc-0123456789abcdef0", SubnetArns: []string{ec2 + "subnet/subnet-0123456789abcdef0"}, Tags: tags,
	}).VpcAttachment
}

func (w *world) connectAttachment(cn string) string {
	w.t.Helper()
	transport := w.vpcAttachment(cn).Attachment.AttachmentId
	return must(w, w.CreateConnectAttachment, api.CreateConnectAttachmentInput{
		CoreNetworkId: cn, EdgeLocation: "eu-west-1", TransportAttachmentId: transport, Options: &api.ConnectAttachmentOptions{Protocol: new(api.TunnelProtocolGre)},
	}).ConnectAttachment.Attachment.AttachmentId
}

func (w *world) connectPeer(attachment, inside string) string {
	w.t.Helper()
	return must(w, w.CreateConnectPeer, api.CreateConnectPeerInput{ConnectAttachmentId: attachment, PeerAddress: "10.0.0.5", InsideCidrBlocks: []string{inside}}).ConnectPeer.ConnectPeerId
}

func TestCreateCoreNetwork_withPolicyGoesLive(t *testing.T) {
	w := newWorld(t)
	gn := w.globalNetwork()
	in := api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: new(seedPolicy(t)), ClientToken: new("token-1")}
	created := must(w, w.CreateCoreNetwork, in).CoreNetwork
	if created.State != "CREATING" || created.Edges != nil {
		t.Errorf("created %+v", created)
	}
	again := must(w, w.CreateCoreNetwork, in).CoreNetwork
	if again.CoreNetworkId != created.CoreNetworkId || again.State != "CREATING" {
		t.Errorf("the same token answered %+v", again)
	}
	in.Description = new("other")
	fails[conflict](w, w.CreateCoreNetwork, in)
	in.ClientToken = new("token-2")
	if e := fails[conflict](w, w.CreateCoreNetwork, in); !strings.Contains(e.Message, "already associated with another core network") {
		t.Errorf("got %+v", e)
	}
	got := must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: created.CoreNetworkId}).CoreNetwork
	if got.State != "AVAILABLE" || len(got.Edges) != 2 || *got.Edges[1].Asn != 64513 || got.Segments[0].SharedSegments == nil {
		t.Errorf("got %+v", got)
	}
	if e := fails[validation](w, w.DeleteGlobalNetwork, api.DeleteGlobalNetworkInput{GlobalNetworkId: gn}); !strings.Contains(e.Message, "core networks") {
		t.Errorf("got %+v", e)
	}
}

func TestCreateCoreNetwork_wrongPolicy(t *testing.T) {
	w := newWorld(t)
	gn := w.globalNetwork()
	e := fails[*api.CoreNetworkPolicyException](w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{
		GlobalNetworkId: gn,
		PolicyDocument:  new(`{"version":"2021.12","core-network-configuration":{"asn-ranges":["64512-64512"],"edge-locations":[{"location":"eu-west-1"}]},"segments":[{"name":"a-b"}],"network-function-groups":null}`),
	})
	var got []string
	for _, pe := range e.Errors {
		got = append(got, pe.ErrorCode+" "+pe.Path)
	}
	want := "INVALID_ASN_RANGE $.core-network-configuration.asn-ranges[0]|INVALID_STRING $.segments[0].name|TYPE_MISMATCH $.network-function-groups"
	if e.Message != "Incorrect policy." || strings.Join(got, "|") != want {
		t.Errorf("got %s %s", e.Message, strings.Join(got, "|"))
	}
	if e.Errors[2].Message != "$.network-function-groups: null found, array expected" {
		t.Errorf("message %q", e.Errors[2].Message)
	}
	if list := must(w, w.ListCoreNetworks, api.ListCoreNetworksInput{}).CoreNetworks; len(list) != 0 {
		t.Errorf("something was stored: %+v", list)
	}
}

func TestPolicyVersions_life(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	put := func(latest *int32) (*api.PutCoreNetworkPolicyOutput, error) {
		return w.PutCoreNetworkPolicy(w.ctx, &api.PutCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyDocument: seedPolicy(t), LatestVersionId: latest})
	}
	second, err := put(new(int32(1)))
	if err != nil || *second.CoreNetworkPolicy.PolicyVersionId != 2 || second.CoreNetworkPolicy.ChangeSetState != "PENDING_GENERATION" || second.CoreNetworkPolicy.Alias != "LATEST" {
		t.Fatalf("put: %+v %v", second, err)
	}
	if _, err := put(new(int32(1))); err == nil || !strings.Contains(err.Error(), "ConflictException") {
		t.Errorf("a stale LatestVersionId: %v", err)
	}
	if _, err := put(nil); err != nil {
		t.Fatal(err)
	}
	states := func() string {
		var s []string
		for _, v := range must(w, w.ListCoreNetworkPolicyVersions, api.ListCoreNetworkPolicyVersionsInput{CoreNetworkId: cn}).CoreNetworkPolicyVersions {
			s = append(s, fmt.Sprintf("%d %s %s", *v.PolicyVersionId, v.ChangeSetState, v.Alias))
		}
		return strings.Join(s, ", ")
	}
	if got := states(); got != "3 READY_TO_EXECUTE LATEST, 2 READY_TO_EXECUTE , 1 EXECUTION_SUCCEEDED LIVE" {
		t.Errorf("versions: %s", got)
	}
	if e := fails[validation](w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: 1}); e.Message != "Change set state for policy is invalid." {
		t.Errorf("got %+v", e)
	}
	wantSentence(t, fails[validation](w, w.DeleteCoreNetworkPolicyVersion, api.DeleteCoreNetworkPolicyVersionInput{CoreNetworkId: cn, PolicyVersionId: 1}), "LIVE")
	must(w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: 3})
	if got := states(); got != "3 EXECUTING LATEST, 2 READY_TO_EXECUTE , 1 EXECUTION_SUCCEEDED LIVE" {
		t.Errorf("versions: %s", got)
	}
	if got := states(); got != "3 EXECUTION_SUCCEEDED LIVE, 2 OUT_OF_DATE , 1 OUT_OF_DATE " {
		t.Errorf("versions: %s", got)
	}
	restored := must(w, w.RestoreCoreNetworkPolicyVersion, api.RestoreCoreNetworkPolicyVersionInput{CoreNetworkId: cn, PolicyVersionId: 1}).CoreNetworkPolicy
	if *restored.PolicyVersionId != 4 || restored.ChangeSetState != "PENDING_GENERATION" || restored.Alias != "LATEST" {
		t.Errorf("restored %+v", restored)
	}
	must(w, w.DeleteCoreNetworkPolicyVersion, api.DeleteCoreNetworkPolicyVersionInput{CoreNetworkId: cn, PolicyVersionId: 4})
	if got := states(); got != "3 EXECUTION_SUCCEEDED LIVE, 2 OUT_OF_DATE , 1 OUT_OF_DATE " {
		t.Errorf("versions: %s", got)
	}
	if next, err := put(nil); err != nil || *next.CoreNetworkPolicy.PolicyVersionId != 5 {
		t.Errorf("an id was used twice: %+v %v", next, err)
	}
	w.now = w.now.Add(91 * 24 * time.Hour)
	if got := states(); got != "5 READY_TO_EXECUTE LATEST, 3 EXECUTION_SUCCEEDED LIVE" {
		t.Errorf("after 90 days: %s", got)
	}
}

func TestExecute_whileUpdatingAndOrphans(t *testing.T) {
	w := newWorld(t, withProfile(t, "instant,core-network.UPDATING=1m"))
	_, cn := w.network()
	for range 2 {
		must(w, w.PutCoreNetworkPolicy, api.PutCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyDocument: seedPolicy(t)})
	}
	must(w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: 2})
	fails[conflict](w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: 3})
	wantSentence(t, fails[validation](w, w.DeleteCoreNetworkPolicyVersion, api.DeleteCoreNetworkPolicyVersionInput{CoreNetworkId: cn, PolicyVersionId: 2}), "executing")
	e := fails[validation](w, w.CreateVpcAttachment, api.CreateVpcAttachmentInput{CoreNetworkId: cn, VpcArn: ec2 + "vpc/vpc-0123456789abcdef0", SubnetArns: []string{ec2 + "subnet/subnet-0123456789abcdef0"}})
	if e.Message != "Core network state is invalid. core network id: "+cn || e.Reason != "Other" {
		t.Errorf("got %+v", e)
	}
	w.now = w.now.Add(time.Minute)
	a := w.vpcAttachment(cn).Attachment.AttachmentId
	orphaning := strings.Replace(seedPolicy(t), `{"location": "eu-west-1"}, `, "", 1)
	pe := fails[*api.CoreNetworkPolicyException](w, w.PutCoreNetworkPolicy, api.PutCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyDocument: orphaning})
	if want := "$.core-network-configuration.edge-locations: eu-west-1 cannot be removed from policy because it would orphan " + a; pe.Errors[0].Message != want || pe.Errors[0].ErrorCode != "ORPHANED_ATTACHMENT" {
		t.Errorf("got %+v", pe.Errors)
	}
	for _, text := range []string{"nonsense", "", "{\"version\":\n}", "{} {}"} {
		e := fails[validation](w, w.PutCoreNetworkPolicy, api.PutCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyDocument: text})
		if e.Reason != "CannotParse" || !strings.HasPrefix(e.Message, "The policy document cannot be read at line ") {
			t.Errorf("%q: got %+v", text, e)
		}
	}
	moved := strings.Replace(seedPolicy(t), `{"location": "eu-west-1"}`, `{"location": "eu-west-1", "asn": 64550}`, 1)
	failed := must(w, w.PutCoreNetworkPolicy, api.PutCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyDocument: moved}).CoreNetworkPolicy
	got := must(w, w.GetCoreNetworkPolicy, api.GetCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyVersionId: failed.PolicyVersionId}).CoreNetworkPolicy
	if got.ChangeSetState != "FAILED_GENERATION" || len(got.PolicyErrors) != 1 || got.PolicyErrors[0].ErrorCode != "INVALID_ASN_UPDATE" ||
		got.PolicyErrors[0].Message != "$.core-network-configuration.edge-locations[0].asn: the ASN of eu-west-1 is 64512 and cannot be changed" {
		t.Errorf("got %+v", got)
	}
}

// race runs n calls at once and counts how many succeed.
func race(n int, call func(i int) error) (won int, errs []error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			err := call(i)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else {
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	return won, errs
}

func TestRaces_oneWins(t *testing.T) {
	w := newWorld(t, withQuota("connections", 3))
	gn, cn := w.network()
	site := w.site(gn)
	peer := w.connectPeer(w.connectAttachment(cn), "169.254.40.0/29")
	var devices []string
	for range 8 {
		devices = append(devices, w.device(gn, site))
	}
	all := func(errs []error, text string) {
		t.Helper()
		for _, err := range errs {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("a loser got %v, want %s", err, text)
			}
		}
	}
	won, errs := race(8, func(i int) error {
		_, err := w.AssociateConnectPeer(w.ctx, &api.AssociateConnectPeerInput{GlobalNetworkId: gn, ConnectPeerId: peer, DeviceId: devices[i]})
		return err
	})
	if won != 1 {
		t.Errorf("%d associated the peer", won)
	}
	all(errs, "ConflictException")
	won, errs = race(8, func(int) error {
		_, err := w.PutCoreNetworkPolicy(w.ctx, &api.PutCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyDocument: seedPolicy(t), LatestVersionId: new(int32(1))})
		return err
	})
	if won != 1 {
		t.Errorf("%d put version 2", won)
	}
	all(errs, "ConflictException")
	won, errs = race(8, func(int) error {
		_, err := w.ExecuteCoreNetworkChangeSet(w.ctx, &api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: 2})
		return err
	})
	if won != 1 {
		t.Errorf("%d executed version 2", won)
	}
	all(errs, "Change set state for policy is invalid.")
	won, errs = race(8, func(i int) error {
		_, err := w.CreateConnection(w.ctx, &api.CreateConnectionInput{GlobalNetworkId: gn, DeviceId: devices[i], ConnectedDeviceId: devices[(i+1)%8]})
		return err
	})
	if won != 3 {
		t.Errorf("%d connections under a quota of 3", won)
	}
	all(errs, "ServiceQuotaExceededException")
	extra := w.site(gn)
	won, errs = race(8, func(int) error {
		_, err := w.DeleteSite(w.ctx, &api.DeleteSiteInput{GlobalNetworkId: gn, SiteId: extra})
		return err
	})
	if won != 1 {
		t.Errorf("%d deleted the site", won)
	}
	all(errs, "ResourceNotFoundException")
}

func TestReset_account(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	attachment := w.connectAttachment(cn)
	w.ctx = w.as("444455556666")
	theirs := w.globalNetwork()
	if err := w.Reset(w.ctx, "111122223333"); err != nil {
		t.Fatal(err)
	}
	if list := must(w, w.DescribeGlobalNetworks, api.DescribeGlobalNetworksInput{}).GlobalNetworks; len(list) != 1 || list[0].GlobalNetworkId != theirs {
		t.Errorf("another account lost %+v", list)
	}
	w.ctx = w.as("111122223333")
	fails[notFound](w, w.GetConnectAttachment, api.GetConnectAttachmentInput{AttachmentId: attachment})
	w.network()
	if err := w.Reset(w.ctx, ""); err != nil {
		t.Fatal(err)
	}
	if list := must(w, w.DescribeGlobalNetworks, api.DescribeGlobalNetworksInput{}).GlobalNetworks; len(list) != 0 {
		t.Errorf("left: %+v", list)
	}
}

func TestResourcePolicy_roundTrip(t *testing.T) {
	w := newWorld(t)
	_, cn := w.network()
	arn := "arn:aws:networkmanager::111122223333:core-network/" + cn
	if got := must(w, w.GetResourcePolicy, api.GetResourcePolicyInput{ResourceArn: arn}); got.PolicyDocument != "" {
		t.Errorf("got %+v", got)
	}
	text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"networkmanager:*","Resource":"*"}]}`
	must(w, w.PutResourcePolicy, api.PutResourcePolicyInput{ResourceArn: arn, PolicyDocument: text})
	if got := must(w, w.GetResourcePolicy, api.GetResourcePolicyInput{ResourceArn: arn}); got.PolicyDocument != text {
		t.Errorf("got %+v", got)
	}
	must(w, w.DeleteResourcePolicy, api.DeleteResourcePolicyInput{ResourceArn: arn})
	must(w, w.DeleteResourcePolicy, api.DeleteResourcePolicyInput{ResourceArn: arn})
	wantField(t, fails[validation](w, w.PutResourcePolicy, api.PutResourcePolicyInput{ResourceArn: arn + "0", PolicyDocument: text}), "resourceArn")
	for document, want := range map[string]string{
		"nonsense":           "The policy document is not valid JSON: invalid character 'o' in literal null (expecting 'u').",
		"[]":                 "The policy document is not a JSON object.",
		`{"Statement":[]}{}`: "The policy document is not valid JSON: invalid character '{' after top-level value.",
	} {
		if e := fails[validation](w, w.PutResourcePolicy, api.PutResourcePolicyInput{ResourceArn: arn, PolicyDocument: document}); e.Reason != "CannotParse" || e.Message != want {
			t.Errorf("%s: got %+v", document, e)
		}
	}
}

func TestTags_rules(t *testing.T) {
	w := newWorld(t, withQuota("tags", 3))
	gn := w.globalNetwork()
	arn := "arn:aws:networkmanager::111122223333:global-network/" + gn
	tag := func(k, v string) api.Tag { return api.Tag{Key: &k, Value: &v} }
	must(w, w.TagResource, api.TagResourceInput{ResourceArn: arn, Tags: []api.Tag{tag("a", "1"), tag("b", "")}})
	must(w, w.TagResource, api.TagResourceInput{ResourceArn: arn, Tags: []api.Tag{tag("a", "2"), tag("c", "x")}})
	var got []string
	for _, x := range must(w, w.ListTagsForResource, api.ListTagsForResourceInput{ResourceArn: arn}).TagList {
		got = append(got, *x.Key+"="+*x.Value)
	}
	if strings.Join(got, " ") != "a=2 b= c=x" {
		t.Errorf("tags %v", got)
	}
	fails[quota](w, w.TagResource, api.TagResourceInput{ResourceArn: arn, Tags: []api.Tag{tag("d", "")}})
	e := fails[validation](w, w.TagResource, api.TagResourceInput{ResourceArn: arn, Tags: []api.Tag{tag("aws:x", ""), tag("", ""), tag("ok", "no\ttabs"), tag("k", ""), tag("k", ""), tag(strings.Repeat("k", 129), strings.Repeat("v", 257))}})
	var names []string
	for _, f := range e.Fields {
		names = append(names, f.Name)
	}
	if strings.Join(names, " ") != "tags[0].key tags[1].key tags[2].value tags[4].key tags[5].key tags[5].value" {
		t.Errorf("fields %v", names)
	}
	must(w, w.UntagResource, api.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a", "b", "c", "zz"}})
	if list := must(w, w.DescribeGlobalNetworks, api.DescribeGlobalNetworksInput{}).GlobalNetworks; list[0].Tags != nil {
		t.Errorf("empty tags are shown: %+v", list)
	}
	if e := fails[notFound](w, w.TagResource, api.TagResourceInput{ResourceArn: arn + "0", Tags: []api.Tag{tag("a", "")}}); e.ResourceType != "global-network" {
		t.Errorf("got %+v", e)
	}
	for _, bad := range []string{"x", "arn:aws:ec2:::vpc/vpc-1", "arn:aws:networkmanager::111122223333:nonsense/x", "arn:aws:networkmanager:us-west-2:111122223333:global-network/" + gn} {
		wantField(t, fails[validation](w, w.ListTagsForResource, api.ListTagsForResourceInput{ResourceArn: bad}), "resourceArn")
	}
}

// flipped is a token with another character at a place.
func flipped(token string, at int) string {
	other := "A"
	if token[at] == 'A' {
		other = "B"
	}
	return token[:at] + other + token[at+1:]
}

func TestPaging_stableWhileRowsComeAndGo(t *testing.T) {
	w := newWorld(t)
	gn := w.globalNetwork()
	var ids []string
	for range 25 {
		ids = append(ids, w.site(gn))
	}
	in := api.GetSitesInput{GlobalNetworkId: gn, MaxResults: new(int32(10))}
	first := must(w, w.GetSites, in)
	must(w, w.DeleteSite, api.DeleteSiteInput{GlobalNetworkId: gn, SiteId: ids[9]})  // the last of the page
	must(w, w.DeleteSite, api.DeleteSiteInput{GlobalNetworkId: gn, SiteId: ids[10]}) // the first of the next
	added := w.site(gn)
	seen := []string{}
	page := first
	for {
		for _, s := range page.Sites {
			seen = append(seen, s.SiteId)
		}
		if page.NextToken == "" {
			break
		}
		in.NextToken = &page.NextToken
		page = must(w, w.GetSites, in)
	}
	want := strings.Join(append(append(append([]string{}, ids[:10]...), ids[11:]...), added), " ")
	if got := strings.Join(seen, " "); got != want {
		t.Errorf("pages showed\n%s, want\n%s", got, want)
	}
	other := w.globalNetwork()
	for name, bad := range map[string]api.GetSitesInput{
		"another query":   {GlobalNetworkId: other, NextToken: &first.NextToken},
		"another filter":  {GlobalNetworkId: gn, SiteIds: []string{ids[0]}, NextToken: &first.NextToken},
		"broken":          {GlobalNetworkId: gn, NextToken: new(first.NextToken[:len(first.NextToken)-2] + "AA")},
		"not base64":      {GlobalNetworkId: gn, NextToken: new("!!!")},
		"broken sum":      {GlobalNetworkId: gn, NextToken: new(flipped(first.NextToken, 3))},
		"with a new line": {GlobalNetworkId: gn, NextToken: new(first.NextToken + "\n")},
		"too short":       {GlobalNetworkId: gn, NextToken: new("AAAA")},
		"another's token": {GlobalNetworkId: gn, NextToken: new(strings.ToUpper(first.NextToken))},
	} {
		t.Run(name, func(t *testing.T) { wantField(t, fails[validation](w, w.GetSites, bad), "nextToken") })
	}
	if out := must(w, w.GetSites, api.GetSitesInput{GlobalNetworkId: gn, MaxResults: new(int32(25))}); out.NextToken != "" || len(out.Sites) != 24 {
		t.Errorf("a page that ends exactly: %d sites, token %q", len(out.Sites), out.NextToken)
	}
}

func TestOrganization_status(t *testing.T) {
	w := newWorld(t)
	if s := must(w, w.ListOrganizationServiceAccessStatus, api.ListOrganizationServiceAccessStatusInput{}).OrganizationStatus; s.OrganizationAwsServiceAccessStatus != "DISABLED" || s.AccountStatusList == nil {
		t.Errorf("got %+v", s)
	}
	wantField(t, fails[validation](w, w.StartOrganizationServiceAccessUpdate, api.StartOrganizationServiceAccessUpdateInput{Action: "MAYBE"}), "action")
	must(w, w.StartOrganizationServiceAccessUpdate, api.StartOrganizationServiceAccessUpdateInput{Action: "ENABLE"})
	gn := w.globalNetwork()
	tgw := "arn:aws:ec2:eu-west-1:444455556666:transit-gateway/tgw-0123456789abcdef0"
	must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: gn, TransitGatewayArn: tgw})

	// It is in one global network at most, whoever's that is; a reset of that account lets it go.
	w.ctx = w.as("444455556666")
	own := w.globalNetwork()
	if e := fails[validation](w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: own, TransitGatewayArn: tgw}); e.Reason != "Other" {
		t.Errorf("got %+v", e)
	}
	if err := w.Reset(w.ctx, "111122223333"); err != nil {
		t.Fatal(err)
	}
	must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: own, TransitGatewayArn: tgw})
	if err := w.Reset(w.ctx, ""); err != nil {
		t.Fatal(err)
	}
	must(w, w.RegisterTransitGateway, api.RegisterTransitGatewayInput{GlobalNetworkId: w.globalNetwork(), TransitGatewayArn: tgw})
}

package auth

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"portolan/api"
)

// filled is an input with a value for every member: strings are the member's name with a "1", lists have one item.
func filled(op *api.Operation) api.Input {
	in := op.NewInput()
	v := reflect.ValueOf(in).Elem()
	for i := range v.NumField() {
		field, name := v.Field(i), v.Type().Field(i).Name
		text := name + "1"
		if name == "ResourceArn" {
			text = "arn:aws:networkmanager::123456789012:core-network/core-network-1"
		}
		switch x := field.Addr().Interface().(type) {
		case *string:
			*x = text
		case **string:
			*x = &text
		case *[]string:
			*x = []string{text}
		case *[]api.Tag:
			*x = tags("Env", "prod")
		}
	}
	return in
}

func tags(pairs ...string) (list []api.Tag) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, api.Tag{Key: &pairs[i], Value: &pairs[i+1]})
	}
	return list
}

func principal(tb testing.TB, arn, policies string) *Principal {
	tb.Helper()
	c := loaded(tb, `[{"accessKeyId": "A", "secretAccessKey": "s", "account": "123456789012", "principalArn": "`+arn+`", "policies": `+policies+`}]`)
	key := c.keys["A"]
	return &Principal{
		caller: api.Caller{Account: key.account, Partition: key.partition, ARN: key.arn}, key: key, region: "eu-west-1", at: testNow,
		request: &http.Request{RemoteAddr: "203.0.113.7:99", Header: http.Header{"User-Agent": {"curl/8"}}},
	}
}

// alice has one policy of the given statements.
func alice(tb testing.TB, list string) *Principal {
	return principal(tb, "arn:aws:iam::123456789012:user/alice", `[{"Version": "2012-10-17", "Id": "p", "Statement": [`+list+`]}]`)
}

// TestAsks_agreeWithTheOperations: the generated table of operations says what kinds of resources and which condition
// keys each has.
func TestAsks_agreeWithTheOperations(t *testing.T) {
	for i := range api.Operations {
		op := &api.Operations[i]
		q := (&Authorizer{}).query(t.Context(), alice(t, ""), op)
		if asks[op.Name] == nil || !asks[op.Name](q, filled(op)) {
			t.Errorf("%s: nothing is asked", op.Name)
			continue
		}
		kinds, tagging := map[string]bool{}, false
		for _, c := range q.checks {
			tagging = tagging || c.action == "networkmanager:TagResource"
			if c.action != op.Action {
				continue
			}
			kind := "*"
			if c.resource != "*" {
				rest, ok := strings.CutPrefix(c.resource, "arn:aws:networkmanager::123456789012:")
				kind, _, _ = strings.Cut(rest, "/")
				if !ok || strings.Contains(rest, "//") || strings.HasSuffix(rest, "/") {
					t.Errorf("%s: ARN %s", op.Name, c.resource)
				}
			}
			kinds[kind] = true
		}
		for _, r := range op.Resources {
			if r.Required && !kinds[r.Type] {
				t.Errorf("%s: %s is not asked for", op.Name, r.Type)
			}
			if !r.Required && !kinds[r.Type] && len(op.Resources) < 9 {
				t.Errorf("%s: %s is not asked for although it is given", op.Name, r.Type)
			}
			delete(kinds, r.Type)
		}
		if len(op.Resources) == 0 {
			if !kinds["*"] {
				t.Errorf("%s has no resources, and * is not asked for", op.Name)
			}
			delete(kinds, "*")
		}
		for kind := range kinds {
			t.Errorf("%s: %s is asked for", op.Name, kind)
		}
		var keys []string
		for k := range q.keys {
			if strings.HasPrefix(k, "networkmanager:") {
				keys = append(keys, k)
			}
		}
		want := slices.Clone(op.ConditionKeys)
		for i := range want {
			want[i] = strings.ToLower(want[i])
		}
		slices.Sort(keys)
		slices.Sort(want)
		if !slices.Equal(keys, want) {
			t.Errorf("%s: condition keys %v, want %v", op.Name, keys, want)
		}
		_, hasTags := reflect.TypeOf(op.NewInput()).Elem().FieldByName("Tags")
		if hasTags != tagging || hasTags && (q.keys["aws:requesttag/env"] == nil || q.keys["aws:tagkeys"] == nil) {
			t.Errorf("%s: tagging %v with tags %v, keys %v", op.Name, tagging, hasTags, q.keys)
		}
	}
}

func TestAsks_resources(t *testing.T) {
	one, two := "link-1", "label"
	for name, test := range map[string]struct {
		in   api.Input
		want []string // action without its service, and the end of the ARN
	}{
		"DescribeGlobalNetworks": {&api.DescribeGlobalNetworksInput{}, []string{"DescribeGlobalNetworks global-network/*"}},
		"GetSites":               {&api.GetSitesInput{GlobalNetworkId: "g", SiteIds: []string{"a", "b"}}, []string{"GetSites global-network/g", "GetSites site/g/a", "GetSites site/g/b"}},
		"GetDevices":             {&api.GetDevicesInput{GlobalNetworkId: "g", SiteId: &one}, []string{"GetDevices global-network/g"}},
		"CreateLink":             {&api.CreateLinkInput{GlobalNetworkId: "g", SiteId: "s", Tags: tags("k", "v")}, []string{"CreateLink global-network/g", "CreateLink site/g/s", "TagResource link/g/*"}},
		"CreateSite":             {&api.CreateSiteInput{GlobalNetworkId: "g"}, []string{"CreateSite global-network/g"}},
		"CreateGlobalNetwork":    {&api.CreateGlobalNetworkInput{Tags: tags("k", "v")}, []string{"CreateGlobalNetwork *", "TagResource global-network/*"}},
		"AssociateCustomerGateway": {
			&api.AssociateCustomerGatewayInput{GlobalNetworkId: "g", DeviceId: "d", LinkId: &one},
			[]string{"AssociateCustomerGateway global-network/g", "AssociateCustomerGateway device/g/d", "AssociateCustomerGateway link/g/link-1"},
		},
		"GetLinkAssociations": {&api.GetLinkAssociationsInput{GlobalNetworkId: "g", LinkId: &one}, []string{"GetLinkAssociations global-network/g", "GetLinkAssociations link/g/link-1"}},
		"CreateConnectAttachment": {
			&api.CreateConnectAttachmentInput{CoreNetworkId: "c", TransportAttachmentId: "a", RoutingPolicyLabel: &two, Tags: tags("k", "v")},
			[]string{
				"CreateConnectAttachment attachment/a", "CreateConnectAttachment core-network/c", "TagResource attachment/*",
				"PutAttachmentRoutingPolicyLabel attachment/*", "PutAttachmentRoutingPolicyLabel core-network/c",
			},
		},
		"CreateTransitGatewayRouteTableAttachment": {
			&api.CreateTransitGatewayRouteTableAttachmentInput{PeeringId: "p", RoutingPolicyLabel: &two},
			[]string{"CreateTransitGatewayRouteTableAttachment peering/p", "PutAttachmentRoutingPolicyLabel attachment/*", "PutAttachmentRoutingPolicyLabel core-network/*"},
		},
		"ListAttachmentNatConfigurations": {
			&api.ListAttachmentNatConfigurationsInput{CoreNetworkId: &one, AttachmentId: &two},
			[]string{"ListAttachmentNatConfigurations attachment/" + two, "ListAttachmentNatConfigurations core-network/" + one},
		},
		"UpdateAttachmentNatConfiguration": {&api.UpdateAttachmentNatConfigurationInput{AttachmentId: "a"}, []string{"UpdateAttachmentNatConfiguration attachment/a"}},
		"ListConnectPeers":                 {&api.ListConnectPeersInput{}, []string{"ListConnectPeers connect-peer/*"}},
		"ListPeerings":                     {&api.ListPeeringsInput{}, []string{"ListPeerings *"}},
		"TagResource":                      {&api.TagResourceInput{ResourceArn: siteARN, Tags: tags("k", "v")}, []string{"TagResource site/gn-1/site-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			q := (&Authorizer{}).query(t.Context(), alice(t, ""), api.OperationByName(name))
			if !asks[name](q, test.in) {
				t.Fatal("another input")
			}
			var got []string
			for _, c := range q.checks {
				got = append(got, strings.TrimPrefix(c.action, "networkmanager:")+" "+strings.TrimPrefix(c.resource, "arn:aws:networkmanager::123456789012:"))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q", got)
			}
		})
	}
}

type tagTable map[string]map[string]string

func (s tagTable) ResourceTags(_ context.Context, arn string) (map[string]string, bool) {
	tags, ok := s[arn]
	return tags, ok
}

const (
	aliceIs  = "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: networkmanager:"
	allowAny = `{"Effect": "Allow", "Action": "networkmanager:*", "Resource": "*"}`
)

func TestAuthorize(t *testing.T) {
	onlyIf := func(action, condition string) string {
		return `{"Effect": "Allow", "Action": "networkmanager:` + action + `", "Resource": "*", "Condition": {` + condition + `}}`
	}
	createSite := func(pairs ...string) api.Input {
		return &api.CreateSiteInput{GlobalNetworkId: "gn-1", Tags: tags(pairs...)}
	}
	vpc := &api.CreateVpcAttachmentInput{
		CoreNetworkId: "core-network-1", VpcArn: "arn:aws:ec2:us-west-2:123456789012:vpc/vpc-1",
		SubnetArns: []string{"arn:aws:ec2:us-west-2:123456789012:subnet/subnet-1", "arn:aws:ec2:us-west-2:123456789012:subnet/subnet-2"},
	}
	tests := []struct {
		name, operation, statements string
		in                          api.Input
		want                        string // the message after who and "networkmanager:", "" when allowed
	}{
		{"allowed", "GetSites", allowAny, &api.GetSitesInput{GlobalNetworkId: "gn-1"}, ""},
		{
			"nothing allows", "DescribeGlobalNetworks", "", &api.DescribeGlobalNetworksInput{},
			"DescribeGlobalNetworks on resource: arn:aws:networkmanager::123456789012:global-network/* because no identity-based policy allows the networkmanager:DescribeGlobalNetworks action",
		},
		{
			"no resource", "ListCoreNetworks", "", &api.ListCoreNetworksInput{},
			"ListCoreNetworks on resource: * because no identity-based policy allows the networkmanager:ListCoreNetworks action",
		},
		{
			"an explicit deny", "DeleteSite", allowAny + `,{"Effect": "Deny", "Action": "networkmanager:Delete*", "Resource": "*:site/*"}`,
			&api.DeleteSiteInput{GlobalNetworkId: "gn-1", SiteId: "site-1"},
			"DeleteSite on resource: " + siteARN + " with an explicit deny in an identity-based policy",
		},
		{
			"the second resource", "DeleteSite", `{"Effect": "Allow", "Action": "networkmanager:*", "Resource": "` + gnARN + `"}`,
			&api.DeleteSiteInput{GlobalNetworkId: "gn-1", SiteId: "site-1"},
			"DeleteSite on resource: " + siteARN + " because no identity-based policy allows the networkmanager:DeleteSite action",
		},
		{
			"tags need TagResource", "CreateSite", `{"Effect": "Allow", "Action": "networkmanager:CreateSite", "Resource": "*"}`, createSite("k", "v"),
			"TagResource on resource: arn:aws:networkmanager::123456789012:site/gn-1/* because no identity-based policy allows the networkmanager:TagResource action",
		},
		{"no tags do not", "CreateSite", `{"Effect": "Allow", "Action": "networkmanager:CreateSite", "Resource": "*"}`, createSite(), ""},
		{"request tag", "CreateSite", onlyIf("*", `"StringEquals": {"aws:RequestTag/Env": "prod"}`), createSite("Env", "prod"), ""},
		{"request tag in another case", "CreateSite", onlyIf("*", `"StringEquals": {"aws:requesttag/env": "prod"}`), createSite("Env", "prod"), ""},
		{
			"another request tag", "CreateSite", onlyIf("CreateSite", `"StringEquals": {"aws:RequestTag/Env": "prod"}`), createSite("Env", "test"),
			"CreateSite on resource: " + gnARN + " because no identity-based policy allows the networkmanager:CreateSite action",
		},
		{"tag keys", "CreateSite", onlyIf("*", `"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}`), createSite("a", "1", "b", "2"), ""},
		{
			"a tag key more", "UntagResource", onlyIf("*", `"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}`), &api.UntagResourceInput{ResourceArn: siteARN, TagKeys: []string{"a", "c"}},
			"UntagResource on resource: " + siteARN + " because no identity-based policy allows the networkmanager:UntagResource action",
		},
		{"resource tag", "ListTagsForResource", onlyIf("*", `"StringEquals": {"aws:ResourceTag/team": "net"}`), &api.ListTagsForResourceInput{ResourceArn: deviceARN}, ""},
		{
			"another's tag", "ListTagsForResource", onlyIf("*", `"StringEquals": {"aws:ResourceTag/team": "net"}`), &api.ListTagsForResourceInput{ResourceArn: siteARN},
			"ListTagsForResource on resource: " + siteARN + " because no identity-based policy allows the networkmanager:ListTagsForResource action",
		},
		{"VPC", "CreateVpcAttachment", onlyIf("*", `"ArnLike": {"networkmanager:vpcArn": "arn:aws:ec2:*:*:vpc/vpc-1"}`), vpc, ""},
		{
			"subnets", "CreateVpcAttachment", onlyIf("*", `"ForAllValues:ArnLike": {"networkmanager:subnetArns": "arn:aws:ec2:*:*:subnet/subnet-1"}`), vpc,
			"CreateVpcAttachment on resource: arn:aws:networkmanager::123456789012:core-network/core-network-1 because no identity-based policy allows the networkmanager:CreateVpcAttachment action",
		},
		{
			"edges", "UpdateDirectConnectGatewayAttachment", onlyIf("*", `"ForAllValues:StringEquals": {"networkmanager:edgeLocations": ["us-east-1"]}`),
			&api.UpdateDirectConnectGatewayAttachmentInput{AttachmentId: "attachment-1", EdgeLocations: []string{"us-east-1"}}, "",
		},
		{"caller and request", "GetSites", onlyIf("*", `"StringEquals": {"aws:username": "alice", "aws:PrincipalAccount": "123456789012", "aws:RequestedRegion": "eu-west-1",
			"aws:PrincipalArn": "arn:aws:iam::123456789012:user/alice", "aws:UserAgent": "curl/8", "aws:PrincipalType": "User", "aws:ResourceAccount": "123456789012"},
			"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"},
			"DateEquals": {"aws:CurrentTime": "2026-03-04T05:06:07Z"}, "NumericEquals": {"aws:EpochTime": 1772600767}`), &api.GetSitesInput{GlobalNetworkId: "gn-1"}, ""},
		{"another input", "GetSites", allowAny, &api.GetLinksInput{}, "GetSites"},
	}
	a := &Authorizer{Tags: tagTable{deviceARN: {"Team": "net"}}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := a.Authorize(t.Context(), alice(t, test.statements), api.OperationByName(test.operation), test.in)
			if test.want == "" {
				if err != nil {
					t.Fatal(err, errors.Unwrap(err))
				}
				return
			}
			var e *api.AccessDeniedException
			if !errors.As(err, &e) || e.Message != aliceIs+test.want || e.Cause == nil {
				t.Errorf("got %v (%v)", err, errors.Unwrap(err))
			}
		})
	}
}

func TestMay(t *testing.T) {
	const gateway, other = "arn:aws:ec2:eu-west-1:123456789012:transit-gateway/tgw-1", "arn:aws:ec2:eu-west-1:123456789012:transit-gateway/tgw-2"
	p := alice(t, `{"Effect": "Allow", "Action": "ec2:*", "Resource": "`+gateway+`"}, {"Effect": "Deny", "Action": "ec2:Accept*", "Resource": "*"}`)
	a := &Authorizer{}
	for _, c := range []struct {
		p                *Principal
		action, resource string
		want             bool
	}{
		{p, "ec2:CreateTransitGatewayPolicyTable", gateway, true},
		{p, "ec2:CreateTransitGatewayPolicyTable", other, false},
		{p, "ec2:AcceptTransitGatewayPeeringAttachment", gateway, false},
		{&Principal{}, "ec2:AcceptTransitGatewayPeeringAttachment", other, true}, // nobody checked who it is
	} {
		may := a.May(t.Context(), c.p)
		if got := may == nil || may(c.action, c.resource); got != c.want {
			t.Errorf("%s on %s: %v", c.action, c.resource, got)
		}
	}
}

func TestAuthorize_log(t *testing.T) {
	var out bytes.Buffer
	a := &Authorizer{Log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	p := alice(t, `{"Sid": "Sites", "Effect": "Allow", "Action": "networkmanager:*Site*", "Resource": "*"}`)
	if err := a.Authorize(t.Context(), p, api.OperationByName("GetSites"), &api.GetSitesInput{GlobalNetworkId: "gn-1"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"msg=allowed", "action=networkmanager:GetSites", "resource=" + gnARN, `statement="statement \"Sites\" of p"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, out.String())
		}
	}
	err := a.Authorize(t.Context(), p, api.OperationByName("GetLinks"), &api.GetLinksInput{GlobalNetworkId: "gn-1"})
	var denied *DeniedError
	if !errors.As(err, &denied) || len(denied.Trace) != 1 ||
		denied.Error() != "implicit deny of networkmanager:GetLinks on "+gnARN+`: statement "Sites" of p does not apply to `+gnARN+": the action is not one of its own" {
		t.Errorf("%v", denied)
	}
}

func TestAuthorize_principals(t *testing.T) {
	in := &api.GetSitesInput{GlobalNetworkId: "gn-1"}
	op := api.OperationByName("GetSites")
	root := principal(t, "arn:aws:iam::123456789012:root", "[]")
	if err := new(Authorizer).Authorize(t.Context(), root, op, in); err != nil {
		t.Errorf("root: %v", err)
	}
	session := principal(t, "arn:aws:sts::123456789012:assumed-role/Net/s",
		`[{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/Net"}}}}]`)
	if err := new(Authorizer).Authorize(t.Context(), session, op, in); err != nil {
		t.Errorf("a session: %v", err)
	}
	tlsOnly := alice(t, `{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}`)
	if err := new(Authorizer).Authorize(t.Context(), tlsOnly, op, in); err == nil {
		t.Error("plain HTTP passes for TLS")
	}
	tlsOnly.request.TLS = &tls.ConnectionState{}
	if err := new(Authorizer).Authorize(t.Context(), tlsOnly, op, in); err != nil {
		t.Errorf("TLS: %v", err)
	}
}

type shared struct{ owner, policy string }

func (s shared) CoreNetwork(_ context.Context, id string) (string, string, bool) {
	return s.owner, s.policy, id == "core-network-1"
}

func TestAuthorize_sharedCoreNetwork(t *testing.T) {
	policy := func(effect, principal string) string {
		return `{"Version": "2012-10-17", "Statement": {"Effect": "` + effect + `", "Principal": ` + principal + `, "Action": "networkmanager:GetCoreNetwork", "Resource": "*"}}`
	}
	const (
		us, them = "123456789012", "210987654321"
		ours     = "arn:aws:networkmanager::123456789012:core-network/core-network-1"
		theirs   = "arn:aws:networkmanager::210987654321:core-network/core-network-1"
		by       = "GetCoreNetwork on resource: "
		noRes    = " because no resource-based policy allows the networkmanager:GetCoreNetwork action"
		noIdent  = " because no identity-based policy allows the networkmanager:GetCoreNetwork action"
		denied   = " with an explicit deny in a resource-based policy"
	)
	for _, test := range []struct{ name, owner, policy, statements, want string }{
		{"our own", us, "", allowAny, ""},
		{"theirs, not shared", them, "", allowAny, by + theirs + noRes},
		{"theirs, shared with us", them, policy("Allow", `{"AWS": "123456789012"}`), allowAny, ""},
		{"theirs, shared with our root", them, policy("Allow", `{"AWS": "arn:aws:iam::123456789012:root"}`), allowAny, ""},
		{"theirs, shared with alice", them, policy("Allow", `{"AWS": ["arn:aws:iam::123456789012:user/alice"]}`), allowAny, ""},
		{"theirs, shared with bob", them, policy("Allow", `{"AWS": "arn:aws:iam::123456789012:user/bob"}`), allowAny, by + theirs + noRes},
		{"theirs, shared with everybody", them, policy("Allow", `"*"`), allowAny, ""},
		{"theirs, shared with a service", them, policy("Allow", `{"Service": "x.amazonaws.com"}`), allowAny, by + theirs + noRes},
		{"theirs, shared, but alice may not", them, policy("Allow", `"*"`), "", by + theirs + noIdent},
		{"theirs, denied", them, policy("Deny", `{"AWS": "123456789012"}`), allowAny, by + theirs + denied},
		{"theirs, unreadable", them, "{", allowAny, by + theirs + noRes},
		{"ours, allowed by the resource alone", us, policy("Allow", `{"AWS": "arn:aws:iam::123456789012:user/alice"}`), "", ""},
		{"ours, left to the account", us, policy("Allow", `{"AWS": "123456789012"}`), "", by + ours + noIdent},
		{"ours, denied", us, policy("Deny", `"*"`), allowAny, by + ours + denied},
		{"ours, denied by identity first", us, policy("Allow", `"*"`), `{"Effect": "Deny", "Action": "*", "Resource": "*"}`, by + ours + " with an explicit deny in an identity-based policy"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := &Authorizer{Sharing: shared{test.owner, test.policy}, Log: slog.New(slog.DiscardHandler)}
			err := a.Authorize(t.Context(), alice(t, test.statements), api.OperationByName("GetCoreNetwork"), &api.GetCoreNetworkInput{CoreNetworkId: "core-network-1"})
			var e *api.AccessDeniedException
			if errors.As(err, &e) {
				if e.Message != aliceIs+test.want {
					t.Errorf("got %s", e.Message)
				}
			} else if test.want != "" {
				t.Error("allowed")
			}
		})
	}
}

func TestAuthorize_arnOfASharedCoreNetwork(t *testing.T) {
	a := &Authorizer{Sharing: shared{"210987654321", ""}}
	get := func(arn string) error {
		return a.Authorize(t.Context(), alice(t, allowAny), api.OperationByName("ListTagsForResource"), &api.ListTagsForResourceInput{ResourceArn: arn})
	}
	if err := get("arn:aws:networkmanager::123456789012:core-network/core-network-1"); err != nil {
		t.Errorf("an ARN that is not the owner's: %v", err)
	}
	if err := get("arn:aws:networkmanager::210987654321:core-network/core-network-1"); err == nil || !strings.Contains(err.Error(), "no resource-based policy") {
		t.Errorf("the owner's: %v", err)
	}
}

func TestParseResourcePolicy_refusals(t *testing.T) {
	for principal, want := range map[string]string{
		`"123456789012"`:      `Principal must be "*" or an object such as {"AWS": "123456789012"}`,
		`{}`:                  `Principal must be "*" or an object such as {"AWS": "123456789012"}`,
		`{"aws": "*"}`:        `"aws" is no kind of principal`,
		`{"AWS": "12345"}`:    `a principal must be "*", an account or an ARN without wildcards`,
		`{"AWS": "arn:aws*"}`: `a principal must be "*", an account or an ARN without wildcards`,
		`{"AWS": [1]}`:        `each of AWS must be a string, not a number`,
	} {
		_, err := ParseResourcePolicy([]byte(`{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": ` + principal + `}}`))
		if err == nil || !strings.HasSuffix(err.Error(), ": "+want) {
			t.Errorf("%s: %v", principal, err)
		}
	}
	if _, err := ParseResourcePolicy([]byte(`{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`)); err == nil {
		t.Error("a statement about nobody passes")
	}
}

func BenchmarkAuthorize(b *testing.B) {
	p := alice(b, allowAny)
	op, in := api.OperationByName("DeleteSite"), &api.DeleteSiteInput{GlobalNetworkId: "gn-1", SiteId: "site-1"}
	a := &Authorizer{}
	b.ReportAllocs()
	for b.Loop() {
		if err := a.Authorize(b.Context(), p, op, in); err != nil {
			b.Fatal(err)
		}
	}
}

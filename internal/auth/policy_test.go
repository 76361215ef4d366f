package auth

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func policyOf(tb testing.TB, text string) *Policy {
	tb.Helper()
	p, err := ParsePolicy([]byte(text))
	if err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	return p
}

// statements wraps statements into a policy of the current version.
func statements(tb testing.TB, list string) []*Policy {
	tb.Helper()
	return []*Policy{policyOf(tb, `{"Version": "2012-10-17", "Id": "p", "Statement": [`+list+`]}`)}
}

const (
	gnARN     = "arn:aws:networkmanager::123456789012:global-network/gn-1"
	siteARN   = "arn:aws:networkmanager::123456789012:site/gn-1/site-1"
	deviceARN = "arn:aws:networkmanager::123456789012:device/gn-1/device-1"
)

func TestEvaluate_statements(t *testing.T) {
	const (
		allowAll  = `{"Effect": "Allow", "Action": "*", "Resource": "*"}`
		allowSite = `{"Effect": "Allow", "Action": "networkmanager:*Site*", "Resource": "` + siteARN + `"}`
		denyDel   = `{"Sid": "NoDelete", "Effect": "Deny", "Action": "networkmanager:Delete*", "Resource": "*"}`
	)
	tests := []struct {
		name, statements, action string
		resources                []string
		want                     Effect
		resource                 string // of the decision
		by                       string
	}{
		{"nothing", ``, "networkmanager:GetSites", []string{gnARN}, ImplicitDeny, gnARN, ""},
		{"allow", allowAll, "networkmanager:GetSites", []string{gnARN}, Allow, gnARN, "statement 0 of p"},
		{"action in another case", `{"Effect": "Allow", "Action": "NetworkManager:getsites", "Resource": "*"}`, "networkmanager:GetSites", []string{gnARN}, Allow, gnARN, "statement 0 of p"},
		{"one of several actions", `{"Effect": "Allow", "Action": ["ec2:*", "networkmanager:Get?ites"], "Resource": "*"}`, "networkmanager:GetSites", []string{gnARN}, Allow, gnARN, "statement 0 of p"},
		{"another service", `{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}`, "networkmanager:GetSites", []string{gnARN}, ImplicitDeny, gnARN, ""},
		{"deny over allow", allowAll + "," + denyDel, "networkmanager:DeleteSite", []string{gnARN}, ExplicitDeny, gnARN, `statement "NoDelete" of p`},
		{"deny before allow", denyDel + "," + allowAll, "networkmanager:DeleteSite", []string{gnARN}, ExplicitDeny, gnARN, `statement "NoDelete" of p`},
		{"deny of something else", allowAll + "," + denyDel, "networkmanager:GetSites", []string{gnARN}, Allow, gnARN, "statement 0 of p"},
		{"resource", allowSite, "networkmanager:GetSites", []string{siteARN}, Allow, siteARN, "statement 0 of p"},
		{"another resource", allowSite, "networkmanager:GetSites", []string{siteARN + "2"}, ImplicitDeny, siteARN + "2", ""},
		{"resource in another case", allowSite, "networkmanager:GetSites", []string{strings.ToUpper(siteARN)}, ImplicitDeny, strings.ToUpper(siteARN), ""},
		{"each resource", allowSite, "networkmanager:DeleteSite", []string{siteARN, gnARN}, ImplicitDeny, gnARN, ""},
		{
			"each resource by its own statement", allowSite + `,{"Effect": "Allow", "Action": "networkmanager:*", "Resource": "*:global-network/*"}`,
			"networkmanager:DeleteSite",
			[]string{gnARN, siteARN},
			Allow, gnARN, "statement 1 of p",
		},
		{
			"an explicit deny before an implicit one", `{"Effect": "Deny", "Action": "*", "Resource": "` + siteARN + `"}`,
			"networkmanager:DeleteSite",
			[]string{gnARN, siteARN},
			ExplicitDeny, siteARN, "statement 0 of p",
		},
		{"NotAction", `{"Effect": "Allow", "NotAction": "networkmanager:Delete*", "Resource": "*"}`, "networkmanager:GetSites", []string{gnARN}, Allow, gnARN, "statement 0 of p"},
		{"NotAction named", `{"Effect": "Allow", "NotAction": "networkmanager:Delete*", "Resource": "*"}`, "networkmanager:DeleteSite", []string{gnARN}, ImplicitDeny, gnARN, ""},
		{"NotResource", `{"Effect": "Deny", "Action": "*", "NotResource": "` + siteARN + `"},` + allowAll, "networkmanager:GetSites", []string{siteARN}, Allow, siteARN, "statement 1 of p"},
		{"NotResource of another", `{"Effect": "Deny", "Action": "*", "NotResource": "` + siteARN + `"},` + allowAll, "networkmanager:GetSites", []string{gnARN}, ExplicitDeny, gnARN, "statement 0 of p"},
		{"no resource", allowSite, "networkmanager:ListSites", []string{"*"}, ImplicitDeny, "*", ""},
		{"no resource, every one allowed", allowAll, "networkmanager:ListSites", []string{"*"}, Allow, "*", "statement 0 of p"},
		{
			"a list, all allowed", `{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:networkmanager::123456789012:site/gn-1/*"}`,
			"networkmanager:GetSites",
			[]string{"arn:aws:networkmanager::123456789012:site/gn-1/*"},
			Allow, "arn:aws:networkmanager::123456789012:site/gn-1/*", "statement 0 of p",
		},
		{
			"a list, one allowed", allowSite, "networkmanager:GetSites",
			[]string{"arn:aws:networkmanager::123456789012:site/gn-1/*"},
			ImplicitDeny, "arn:aws:networkmanager::123456789012:site/gn-1/*", "",
		},
		{"wildcard in the account", `{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:networkmanager::*:site/*"}`, "x:y", []string{siteARN}, Allow, siteARN, "statement 0 of p"},
		{
			"a wildcard stays in its field", `{"Effect": "Allow", "Action": "*", "Resource": "arn:*:networkmanager::123456789012:site/*"}`,
			"x:y",
			[]string{"arn:aws:evil:x:y:networkmanager::123456789012:site/a"},
			ImplicitDeny, "arn:aws:evil:x:y:networkmanager::123456789012:site/a", "",
		},
		{"a short pattern", `{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:networkmanager:*"}`, "x:y", []string{siteARN}, Allow, siteARN, "statement 0 of p"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			policies := statements(t, test.statements)
			r := Request{Action: test.action, Resources: test.resources}
			got := Evaluate(policies, r)
			by := ""
			if got.Statement != nil {
				by = got.Statement.String()
			}
			if got.Effect != test.want || got.Resource != test.resource || by != test.by {
				t.Errorf("got %s on %s by %q", got.Effect, got.Resource, by)
			}
			if explained := Explain(policies, r); explained.Effect != got.Effect || (len(explained.Trace) == 0) != (test.statements == "") {
				t.Errorf("explained: %s", explained)
			}
		})
	}
}

func TestEvaluate_conditions(t *testing.T) {
	const (
		yes = Allow
		no  = ImplicitDeny
	)
	tests := []struct {
		name, condition string
		context         map[string][]string
		want            Effect
	}{
		{"StringEquals", `"StringEquals": {"aws:a": "x"}`, map[string][]string{"aws:a": {"x"}}, yes},
		{"StringEquals, another", `"StringEquals": {"aws:a": "x"}`, map[string][]string{"aws:a": {"X"}}, no},
		{"StringEquals, key in another case", `"StringEquals": {"AWS:A": "x"}`, map[string][]string{"Aws:a": {"x"}}, yes},
		{"StringEquals, one of", `"StringEquals": {"aws:a": ["x", "y"]}`, map[string][]string{"aws:a": {"y"}}, yes},
		{"StringEquals, no wildcard", `"StringEquals": {"aws:a": "x*"}`, map[string][]string{"aws:a": {"xy"}}, no},
		{"StringEquals, missing", `"StringEquals": {"aws:a": "x"}`, nil, no},
		{"StringEquals, empty", `"StringEquals": {"aws:a": ""}`, map[string][]string{"aws:a": {}}, no},
		{"StringEqualsIfExists, missing", `"StringEqualsIfExists": {"aws:a": "x"}`, nil, yes},
		{"StringEqualsIfExists, another", `"StringEqualsIfExists": {"aws:a": "x"}`, map[string][]string{"aws:a": {"y"}}, no},
		{"StringNotEquals", `"StringNotEquals": {"aws:a": ["x", "y"]}`, map[string][]string{"aws:a": {"z"}}, yes},
		{"StringNotEquals, one of", `"StringNotEquals": {"aws:a": ["x", "y"]}`, map[string][]string{"aws:a": {"y"}}, no},
		{"StringNotEquals, missing", `"StringNotEquals": {"aws:a": "x"}`, nil, yes},
		{"StringEqualsIgnoreCase", `"StringEqualsIgnoreCase": {"aws:a": "Straße"}`, map[string][]string{"aws:a": {"STRAßE"}}, yes},
		{"StringNotEqualsIgnoreCase", `"StringNotEqualsIgnoreCase": {"aws:a": "x"}`, map[string][]string{"aws:a": {"X"}}, no},
		{"StringLike", `"StringLike": {"aws:a": "a*c?"}`, map[string][]string{"aws:a": {"abcbcd"}}, yes},
		{"StringLike, another", `"StringLike": {"aws:a": "a*c?"}`, map[string][]string{"aws:a": {"abc"}}, no},
		{"StringLike, literal wildcard", `"StringLike": {"aws:a": "${*}"}`, map[string][]string{"aws:a": {"x"}}, no},
		{"StringNotLike", `"StringNotLike": {"aws:a": "a*"}`, map[string][]string{"aws:a": {"b"}}, yes},
		{"two operators", `"StringEquals": {"aws:a": "x"}, "StringNotEquals": {"aws:b": "x"}`, map[string][]string{"aws:a": {"x"}, "aws:b": {"x"}}, no},
		{"two keys", `"StringEquals": {"aws:a": "x", "aws:b": "y"}`, map[string][]string{"aws:a": {"x"}}, no},
		{"NumericEquals", `"NumericEquals": {"aws:a": 10}`, map[string][]string{"aws:a": {"10.0"}}, yes},
		{"NumericNotEquals", `"NumericNotEquals": {"aws:a": "10"}`, map[string][]string{"aws:a": {"10"}}, no},
		{"NumericLessThan", `"NumericLessThan": {"aws:a": "10"}`, map[string][]string{"aws:a": {"9"}}, yes},
		{"NumericLessThan, equal", `"NumericLessThan": {"aws:a": "10"}`, map[string][]string{"aws:a": {"10"}}, no},
		{"NumericLessThanEquals", `"NumericLessThanEquals": {"aws:a": "10"}`, map[string][]string{"aws:a": {"10"}}, yes},
		{"NumericGreaterThan", `"NumericGreaterThan": {"aws:a": "-1"}`, map[string][]string{"aws:a": {"0"}}, yes},
		{"NumericGreaterThanEquals", `"NumericGreaterThanEquals": {"aws:a": "1"}`, map[string][]string{"aws:a": {"0"}}, no},
		{"Numeric, no number", `"NumericLessThan": {"aws:a": "10"}`, map[string][]string{"aws:a": {"x"}}, no},
		{"DateLessThan", `"DateLessThan": {"aws:a": "2026-03-05"}`, map[string][]string{"aws:a": {"2026-03-04T05:06:07Z"}}, yes},
		{"DateGreaterThan", `"DateGreaterThan": {"aws:a": "2026-03-04T07:00:00+02:00"}`, map[string][]string{"aws:a": {"2026-03-04T05:06:07Z"}}, yes},
		{"DateGreaterThanEquals, epoch", `"DateGreaterThanEquals": {"aws:a": 1772600768}`, map[string][]string{"aws:a": {"2026-03-04T05:06:07Z"}}, no},
		{"DateLessThanEquals, epoch", `"DateLessThanEquals": {"aws:a": "1772600767"}`, map[string][]string{"aws:a": {"2026-03-04T05:06:07Z"}}, yes},
		{"DateEquals", `"DateEquals": {"aws:a": "2026-03-04T05:06Z"}`, map[string][]string{"aws:a": {"2026-03-04T05:06:00Z"}}, yes},
		{"DateNotEquals", `"DateNotEquals": {"aws:a": "2026-03-04"}`, map[string][]string{"aws:a": {"2026-03-04T00:00:00Z"}}, no},
		{"Bool", `"Bool": {"aws:a": true}`, map[string][]string{"aws:a": {"true"}}, yes},
		{"Bool, false", `"Bool": {"aws:a": "false"}`, map[string][]string{"aws:a": {"true"}}, no},
		{"Bool, missing", `"Bool": {"aws:a": "false"}`, nil, no},
		{"BoolIfExists, missing", `"BoolIfExists": {"aws:a": "false"}`, nil, yes},
		{"BinaryEquals", `"BinaryEquals": {"aws:a": "AQI="}`, map[string][]string{"aws:a": {"AQI="}}, yes},
		{"BinaryEquals, another", `"BinaryEquals": {"aws:a": "AQI="}`, map[string][]string{"aws:a": {"AQM="}}, no},
		{"IpAddress", `"IpAddress": {"aws:a": ["10.0.0.0/8", "203.0.113.7"]}`, map[string][]string{"aws:a": {"203.0.113.7"}}, yes},
		{"IpAddress, another", `"IpAddress": {"aws:a": "203.0.113.0/24"}`, map[string][]string{"aws:a": {"203.0.114.7"}}, no},
		{"IpAddress, host bits", `"IpAddress": {"aws:a": "203.0.113.9/24"}`, map[string][]string{"aws:a": {"203.0.113.7"}}, yes},
		{"IpAddress, version 6", `"IpAddress": {"aws:a": "2001:db8::/32"}`, map[string][]string{"aws:a": {"2001:db8::1"}}, yes},
		{"IpAddress, 4 in 6", `"IpAddress": {"aws:a": "203.0.113.0/24"}`, map[string][]string{"aws:a": {"::ffff:203.0.113.7"}}, yes},
		{"NotIpAddress", `"NotIpAddress": {"aws:a": "203.0.113.0/24"}`, map[string][]string{"aws:a": {"203.0.113.7"}}, no},
		{"ArnEquals has wildcards", `"ArnEquals": {"aws:a": "arn:aws:ec2:*:*:vpc/vpc-1*"}`, map[string][]string{"aws:a": {"arn:aws:ec2:us-west-2:1:vpc/vpc-12"}}, yes},
		{"ArnLike, field by field", `"ArnLike": {"aws:a": "arn:aws:ec2:*:vpc/vpc-1"}`, map[string][]string{"aws:a": {"arn:aws:ec2:us-west-2:1:vpc/vpc-2"}}, no},
		{"ArnLike, no ARN", `"ArnLike": {"aws:a": "*"}`, map[string][]string{"aws:a": {"vpc-1"}}, no},
		{"ArnLike, a wildcard stays in its field", `"ArnLike": {"aws:a": "arn:aws:ec2:*:vpc/vpc-1"}`, map[string][]string{"aws:a": {"arn:aws:ec2:us-west-2:1:vpc/vpc-1"}}, no},
		{"ArnLike, not completed", `"ArnLike": {"aws:a": "arn:aws:ec2:*"}`, map[string][]string{"aws:a": {"arn:aws:ec2:us-west-2:1:vpc/vpc-1"}}, no},
		{"ArnEquals, a wildcard stays in its field", `"ArnEquals": {"aws:a": "*:vpc/vpc-1"}`, map[string][]string{"aws:a": {"arn:aws:ec2:us-west-2:1:vpc/vpc-1"}}, no},
		{"ArnNotEquals, too few fields", `"ArnNotEquals": {"aws:a": "arn:aws:ec2:*"}`, map[string][]string{"aws:a": {"arn:aws:ec2:us-west-2:1:vpc/vpc-1"}}, yes},
		{"ArnNotLike", `"ArnNotLike": {"aws:a": "arn:aws:ec2:*:*:vpc/*"}`, map[string][]string{"aws:a": {"arn:aws:ec2:us-west-2:1:subnet/s"}}, yes},
		{"ArnNotEquals, missing", `"ArnNotEquals": {"aws:a": "arn:aws:ec2:*:*:vpc/*"}`, nil, yes},
		{"Null, missing", `"Null": {"aws:a": "true"}`, nil, yes},
		{"Null, there", `"Null": {"aws:a": true}`, map[string][]string{"aws:a": {"x"}}, no},
		{"Null false, there", `"Null": {"aws:a": "false"}`, map[string][]string{"aws:a": {"x"}}, yes},
		{"Null false, empty", `"Null": {"aws:a": "false"}`, map[string][]string{"aws:a": {}}, no},
		{"ForAllValues", `"ForAllValues:StringEquals": {"aws:k": ["x", "y"]}`, map[string][]string{"aws:k": {"x", "y", "x"}}, yes},
		{"ForAllValues, one more", `"ForAllValues:StringEquals": {"aws:k": ["x", "y"]}`, map[string][]string{"aws:k": {"x", "z"}}, no},
		{"ForAllValues, missing", `"ForAllValues:StringEquals": {"aws:k": ["x", "y"]}`, nil, yes},
		{"ForAllValues negated", `"ForAllValues:StringNotLike": {"aws:k": ["x*"]}`, map[string][]string{"aws:k": {"a", "xb"}}, no},
		{"ForAnyValue", `"ForAnyValue:StringLike": {"aws:k": "x*"}`, map[string][]string{"aws:k": {"a", "xb"}}, yes},
		{"ForAnyValue, none", `"ForAnyValue:StringLike": {"aws:k": "x*"}`, map[string][]string{"aws:k": {"a", "b"}}, no},
		{"ForAnyValue, missing", `"ForAnyValue:StringNotEquals": {"aws:k": "x"}`, nil, no},
		{"ForAnyValue negated", `"ForAnyValue:StringNotEquals": {"aws:k": "x"}`, map[string][]string{"aws:k": {"x", "y"}}, yes},
		{"ForAnyValueIfExists, missing", `"ForAnyValue:StringEqualsIfExists": {"aws:k": "x"}`, nil, yes},
		{"several values without a set operator", `"StringNotEquals": {"aws:k": "x"}`, map[string][]string{"aws:k": {"x", "y"}}, no},
		{"variable", `"StringEquals": {"aws:a": "team-${aws:username}"}`, map[string][]string{"aws:a": {"team-bob"}, "aws:UserName": {"bob"}}, yes},
		{"variable, missing", `"StringEquals": {"aws:a": "team-${aws:username}"}`, map[string][]string{"aws:a": {"team-"}}, no},
		{"variable, default", `"StringEquals": {"aws:a": "${aws:username, 'nobody'}"}`, map[string][]string{"aws:a": {"nobody"}}, yes},
		{"variable, negated and missing", `"StringNotEquals": {"aws:a": "${aws:username}"}`, map[string][]string{"aws:a": {"x"}}, no},
		{"variable with a wildcard in it", `"StringLike": {"aws:a": "${aws:username}"}`, map[string][]string{"aws:a": {"bob"}, "aws:username": {"*"}}, no},
		{
			"variable in an ARN", `"ArnLike": {"aws:a": "arn:aws:ec2:*:${aws:principalaccount}:vpc/*"}`,
			map[string][]string{"aws:a": {"arn:aws:ec2:r:1:vpc/v"}, "aws:principalaccount": {"1"}},
			yes,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			policies := statements(t, `{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {`+test.condition+`}}`)
			got := Explain(policies, Request{Action: "x:y", Resources: []string{"*"}, Context: test.context})
			if got.Effect != test.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestEvaluate_variablesInResources(t *testing.T) {
	const mine = `"Resource": "arn:aws:networkmanager::${aws:PrincipalAccount}:site/*"`
	look := map[string][]string{"aws:principalaccount": {"123456789012"}}
	for _, test := range []struct {
		name, policy string
		context      map[string][]string
		want         Effect
	}{
		{"filled", `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", ` + mine + `}}`, look, Allow},
		{"missing", `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", ` + mine + `}}`, nil, ImplicitDeny},
		{"the old version has none", `{"Statement": {"Effect": "Allow", "Action": "*", ` + mine + `}}`, look, ImplicitDeny},
		{"missing in an Allow's NotResource", `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Not` + mine[1:] + `}}`, nil, ImplicitDeny},
		{"missing in a Deny's NotResource", `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Not` + mine[1:] + `}}`, nil, ExplicitDeny},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Explain([]*Policy{policyOf(t, test.policy)}, Request{Action: "x:y", Resources: []string{siteARN}, Context: test.context})
			if got.Effect != test.want {
				t.Error(got)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	policies := statements(t, `
		{"Sid": "A", "Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
		{"Effect": "Allow", "Action": "*", "Resource": "`+siteARN+`"},
		{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}`)
	got := Explain(policies, Request{Action: "networkmanager:GetSites", Resources: []string{gnARN}}).String()
	want := "implicit deny of networkmanager:GetSites on " + gnARN +
		`: statement "A" of p does not apply to ` + gnARN + ": the action is not one of its own" +
		"; statement 1 of p does not apply to " + gnARN + ": the resource is not one of its own" +
		"; statement 2 of p does not apply to " + gnARN + ": the condition Bool of aws:SecureTransport does not hold"
	if got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
	if r := Evaluate(policies, Request{Action: "a:b", Resources: []string{siteARN}}); r.Trace != nil {
		t.Error("Evaluate traces")
	}
}

func TestParsePolicy_refusals(t *testing.T) {
	good := func(member string) string {
		return "{\"Version\": \"2012-10-17\",\n \"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"a:b\", \"Resource\": \"*\",\n  " + member + "}]}"
	}
	for _, test := range []struct{ name, text, want string }{
		{"no JSON", `{"Statement"`, "line 1, column 13: unexpected end of JSON input"},
		{"two values", `{} {}`, "line 1, column 4: there is text after the value"},
		{"a list", `[]`, "line 1, column 1: a policy must be an object, not a list"},
		{"not UTF-8", "{\"Id\": \"\xff\"}", "line 1, column 9: this is not UTF-8"},
		{"nothing", `{}`, "line 1, column 1: a policy must have a Statement"},
		{"version", `{"Version": "2020-01-01"}`, "line 1, column 13: Version must be 2012-10-17 or 2008-10-17"},
		{"unknown element", `{"version": "2012-10-17"}`, `line 1, column 2: "version" is no element of a policy`},
		{"twice", `{"Id": "a", "Id": "b"}`, `line 1, column 13: "Id" is there twice`},
		{"no Effect", `{"Statement": {"Action": "a:b", "Resource": "*"}}`, "line 1, column 15: a statement must have an Effect"},
		{"no Action", `{"Statement": {"Effect": "Deny", "Resource": "*"}}`, "line 1, column 15: a statement must have an Action or a NotAction"},
		{"no Resource", `{"Statement": {"Effect": "Deny", "Action": "*"}}`, "line 1, column 15: a statement must have a Resource or a NotResource"},
		{"Effect", `{"Statement": {"Effect": "allow", "Action": "*"}}`, "line 1, column 26: Effect must be Allow or Deny"},
		{"Action and NotAction", good(`"NotAction": "c:d"`), "line 3, column 3: a statement has either Action or NotAction"},
		{"Resource and NotResource", good(`"NotResource": "*"`), "line 3, column 3: a statement has either Resource or NotResource"},
		{"Principal", good(`"Principal": "*"`), "line 3, column 3: an identity policy has no Principal: it is whoever has the policy"},
		{"unknown in a statement", good(`"Ünknown": 1`), `line 3, column 3: "Ünknown" is no element of a statement`},
		{"Action", `{"Statement": {"Effect": "Deny", "Action": ["*", "x"], "Resource": "*"}}`, "line 1, column 50: an action must be SERVICE:NAME or *"},
		{"no action", `{"Statement": {"Effect": "Deny", "Action": [], "Resource": "*"}}`, "line 1, column 44: Action must not be empty"},
		{"Resource", `{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "site/x"}}`, "line 1, column 61: a resource must be an ARN or *"},
		{"Resource number", `{"Statement": {"Effect": "Deny", "Action": "*", "Resource": 1}}`, "line 1, column 61: Resource must be a string or a list of strings, not a number"},
		{"open variable", `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "arn:${aws:a"}}`, "line 1, column 86: a policy variable does not end with }"},
		{"bad variable", `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "arn:${user}"}}`, "line 1, column 86: ${user} is no policy variable"},
		{"bad default", `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "arn:${aws:a, b}"}}`, "line 1, column 86: the default of a policy variable must be in single quotes"},
		{"operator", good(`"Condition": {"StringIs": {"aws:a": "b"}}`), `line 3, column 17: "StringIs" is no condition operator`},
		{"set of Null", good(`"Condition": {"ForAnyValue:Null": {"aws:a": "true"}}`), `line 3, column 17: "ForAnyValue:Null" is no condition operator`},
		{"condition key", good(`"Condition": {"Bool": {"a": "true"}}`), `line 3, column 26: "a" is no condition key`},
		{"no value", good(`"Condition": {"Bool": {"aws:a": []}}`), "line 3, column 26: a condition must have a value"},
		{"null", good(`"Condition": {"Bool": {"aws:a": null}}`), "line 3, column 35: a value of a condition must be a string, a number, true or false"},
		{"Bool", good(`"Condition": {"Bool": {"aws:a": "yes"}}`), "line 3, column 35: the value must be true or false"},
		{"Numeric", good(`"Condition": {"NumericEquals": {"aws:a": "0x10"}}`), "line 3, column 44: the value must be a number"},
		{"Date", good(`"Condition": {"DateEquals": {"aws:a": "monday"}}`), "line 3, column 41: the value must be a date such as 2027-01-31T12:00:00Z, or seconds since 1970"},
		{"IpAddress", good(`"Condition": {"IpAddress": {"aws:a": "10.0.0.0/33"}}`), "line 3, column 40: the value must be an address such as 203.0.113.7 or a range such as 203.0.113.0/24 or 2001:db8::/32"},
		{"Binary", good(`"Condition": {"BinaryEquals": {"aws:a": "%"}}`), "line 3, column 43: the value must be base64"},
		{"Sid twice", `{"Statement": [{"Sid": "a", "Effect": "Deny", "Action": "*", "Resource": "*"}, {"Sid": "a", "Effect": "Deny", "Action": "*", "Resource": "*"}]}`, `line 1, column 80: Sid "a" is there twice`},
		{"too deep", strings.Repeat(`{"Id":`, 20) + "1" + strings.Repeat("}", 20), "line 1, column 103: this is nested deeper than 16 levels"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParsePolicy([]byte(test.text))
			var e *FileError
			if !errors.As(err, &e) || e.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	if _, err := ParsePolicy(make([]byte, maxPolicy+1)); err == nil {
		t.Error("an endless policy passes")
	}
}

// TestGlob_isItsRegularExpression: a regular expression is the slow model of a pattern.
func TestGlob_isItsRegularExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune("ab:ü*?")), 0, 12, -1).Draw(t, "pattern")
		s := rapid.StringOfN(rapid.SampledFrom([]rune("ab:ü*")), 0, 16, -1).Draw(t, "subject")
		expression := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(text))
		p, err := newPattern(text, true, true)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := glob(p.glyphs, s), regexp.MustCompile(`(?s)\A`+expression+`\z`).MatchString(s); got != want {
			t.Fatalf("%q on %q: %v", text, s, got)
		}
	})
}

// TestEvaluate_isThreeQuestions: an evaluation is three questions, asked plainly.
func TestEvaluate_isThreeQuestions(t *testing.T) {
	actions := []string{"s:Get", "s:Put", "s:*", "*", "t:Get"}
	resources := []string{gnARN, siteARN, "arn:aws:networkmanager::*:site/*", "*"}
	rapid.Check(t, func(t *rapid.T) {
		type row struct {
			deny, notAction, notResource bool
			action, resource             string
		}
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) row {
			return row{
				rapid.Bool().Draw(t, "deny"), rapid.Bool().Draw(t, "na"), rapid.Bool().Draw(t, "nr"),
				rapid.SampledFrom(actions).Draw(t, "action"), rapid.SampledFrom(resources).Draw(t, "resource"),
			}
		}), 1, 5).Draw(t, "rows")
		var list []string
		for _, r := range rows {
			word := func(not bool, s string) string {
				if not {
					return `"Not` + s + `": `
				}
				return `"` + s + `": `
			}
			list = append(list, `{"Effect": "`+map[bool]string{true: "Deny", false: "Allow"}[r.deny]+`", `+
				word(r.notAction, "Action")+`"`+r.action+`", `+word(r.notResource, "Resource")+`"`+r.resource+`"}`)
		}
		action := rapid.SampledFrom(actions[:2]).Draw(t, "asked")
		asked := rapid.SliceOfN(rapid.SampledFrom(resources[:2]), 1, 2).Draw(t, "on")
		p, err := ParsePolicy([]byte(`{"Statement": [` + strings.Join(list, ",") + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		want := Allow
		for _, on := range asked {
			allowed, denied := false, false
			for _, r := range rows {
				inAction := r.action == "*" || r.action == action || r.action == "s:*" && action[0] == 's'
				inResource := r.resource == "*" || r.resource == on || strings.HasSuffix(r.resource, "site/*") && on == siteARN
				if inAction != r.notAction && inResource != r.notResource {
					allowed, denied = allowed || !r.deny, denied || r.deny
				}
			}
			if denied {
				want = ExplicitDeny
			} else if !allowed && want == Allow {
				want = ImplicitDeny
			}
		}
		r := Request{Action: action, Resources: asked}
		if got := Evaluate([]*Policy{p}, r).Effect; got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
		if got := Explain([]*Policy{p}, r).Effect; got != want {
			t.Fatalf("explained as %s, want %s", got, want)
		}
	})
}

func FuzzParsePolicy(f *testing.F) {
	f.Add(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`, "aws:a", "x")
	f.Add(`{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "NotAction": ["a:b*"], "NotResource": "arn:aws:*:${aws:a, 'b'}:*?",
	  "Condition": {"ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["${*}", "a?"]}, "IpAddress": {"aws:SourceIp": "::/0"}, "Null": {"aws:a": true}}}]}`, "aws:tagkeys", "arn:")
	f.Add(`{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"AWS": ["*", "123456789012"]}, "Condition": {"DateLessThan": {"aws:CurrentTime": 1}}}}`, "aws:currenttime", "2026")
	f.Fuzz(func(t *testing.T, text, key, value string) {
		for _, parse := range []func([]byte) (*Policy, error){ParsePolicy, ParseResourcePolicy} {
			p, err := parse([]byte(text))
			if err != nil {
				var e *FileError
				if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 {
					t.Fatalf("%#v", err)
				}
				continue
			}
			r := Request{Action: "networkmanager:GetSites", Resources: []string{siteARN, "*"}, Context: map[string][]string{key: {value, value}}}
			if a, b := Evaluate([]*Policy{p}, r), Explain([]*Policy{p}, r); a.Effect != b.Effect || a.Resource != b.Resource {
				t.Fatalf("%s, explained %s", a, b)
			}
		}
	})
}

func BenchmarkEvaluate(b *testing.B) {
	policies := statements(b, strings.Repeat(`{"Effect": "Allow", "Action": "networkmanager:Get*", "Resource": "arn:aws:networkmanager::123456789012:device/gn-2/*"},`, 9)+
		`{"Effect": "Allow", "Action": "networkmanager:*", "Resource": "arn:aws:networkmanager::123456789012:*", "Condition": {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}}`)
	r := Request{Action: "networkmanager:GetSites", Resources: []string{siteARN}, Lookup: func(_, _ string) ([]string, bool) { return []string{"123456789012"}, true }}
	b.ReportAllocs()
	for b.Loop() {
		if Evaluate(policies, r).Effect != Allow {
			b.Fatal("denied")
		}
	}
}

// TestCondition_fillsInOnce: what a variable brings may be long, and the request may have many values to compare with it.
func TestCondition_fillsInOnce(t *testing.T) {
	p, err := ParsePolicy([]byte(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
		"Condition": {"ForAllValues:StringNotLike": {"aws:TagKeys": ["*${aws:UserAgent}", "x${aws:UserAgent}"]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	keys := slices.Repeat([]string{"key"}, 50)
	c := p.statements[0].when[0]
	if !c.holds(func(key string) ([]string, bool) {
		if key == "aws:tagkeys" {
			return keys, true
		}
		asked++
		return []string{strings.Repeat("a", 2000)}, true
	}) {
		t.Error("the condition does not hold")
	}
	if asked != 2 {
		t.Errorf("variables were filled in %d times, want 2", asked)
	}
}

package wire_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"portolan/api"
	"portolan/internal/wire"
)

func TestMatch_everyOperation(t *testing.T) {
	for _, op := range api.Operations {
		t.Run(op.Name, func(t *testing.T) {
			var want []string
			path := op.Path
			raw := op.Path
			for i, label := range op.Labels {
				value := "id-" + string(rune('a'+i))
				if strings.HasSuffix(label, "Arn") {
					value = "arn:aws:ec2:eu-west-1:111122223333:thing/id/x" + string(rune('a'+i))
				}
				want = append(want, value)
				path = strings.ReplaceAll(path, "{"+label+"}", url.PathEscape(value))
				raw = strings.ReplaceAll(raw, "{"+label+"}", value)
			}
			for _, p := range []string{path, raw} {
				got, labels, err := wire.Match(op.Method, p)
				if err != nil || got.Name != op.Name || strings.Join(labels[:len(op.Labels)], " ") != strings.Join(want, " ") {
					t.Errorf("%s %s: got %v %q %v, want %q", op.Method, p, got, labels, err, want)
				}
			}
		})
	}
}

func TestMatch_refused(t *testing.T) {
	for _, c := range []struct{ method, path, reason string }{
		{"GET", "/", "UnknownOperation"},
		{"GET", "", "UnknownOperation"},
		{"GET", "global-networks", "UnknownOperation"},
		{"PUT", "/global-networks", "UnknownOperation"},
		{"HEAD", "/global-networks", "UnknownOperation"},
		{"GET", "/global-networks/", "UnknownOperation"},
		{"GET", "//global-networks", "UnknownOperation"},
		{"GET", "/global-networks/../core-networks", "UnknownOperation"},
		{"GET", "/" + strings.Repeat("a/", 5000), "UnknownOperation"},
		{"GET", "/tags/%zz", "CannotParse"},
		{"GET", "/tags/%ff", "CannotParse"},
		{"GET", "/tags/a%00b", "CannotParse"},
		{"DELETE", "/prefix-list/x/y/core-network/z", "UnknownOperation"},
	} {
		_, _, err := wire.Match(c.method, c.path)
		var v *api.ValidationException
		if !errors.As(err, &v) || string(v.Reason) != c.reason {
			t.Errorf("%s %.60s: got %v, want Reason %s", c.method, c.path, err, c.reason)
		}
	}
}

func decode(op, query, body string, given ...string) (api.Input, error) {
	row := api.OperationByName(op)
	labels := wire.Labels{"x", "x"}
	copy(labels[:], given)
	return wire.Decode(row, labels, query, []byte(body))
}

func TestDecode_accepted(t *testing.T) {
	in, err := decode("CreateLink", "", `{"Bandwidth":{"UploadSpeed":1e2,"DownloadSpeed":10.0},"SiteId":"site-1","Type":null,"Unknown":{"a":[1]},"type":"x"}`)
	if err != nil {
		t.Fatal(err)
	}
	l := in.(*api.CreateLinkInput)
	if *l.Bandwidth.UploadSpeed != 100 || *l.Bandwidth.DownloadSpeed != 10 || l.SiteId != "site-1" || l.Type != nil || l.GlobalNetworkId != "x" {
		t.Errorf("got %+v", l)
	}
	for _, body := range []string{"", "  ", "{}"} {
		if _, err := decode("CreateGlobalNetwork", "", body); err != nil {
			t.Errorf("body %q: %v", body, err)
		}
	}
	in, err = decode("GetDevices", "deviceIds=a&deviceIds=b%20c&siteId=s&siteId=t&maxResults=7&other=1", "ignored")
	if err != nil {
		t.Fatal(err)
	}
	d := in.(*api.GetDevicesInput)
	if strings.Join(d.DeviceIds, "|") != "a|b c" || *d.SiteId != "s" || *d.MaxResults != 7 {
		t.Errorf("got %+v", d)
	}
}

func TestDecode_bodyCannotSetPathMembers(t *testing.T) {
	in, err := decode("GetSites", "", "", "gn")
	if err != nil || in.(*api.GetSitesInput).GlobalNetworkId != "gn" {
		t.Fatalf("got %+v %v", in, err)
	}
	in, err = decode("UpdateSite", "", `{"GlobalNetworkId":"other","SiteId":"other"}`, "gn", "site")
	if u, ok := in.(*api.UpdateSiteInput); err != nil || !ok || u.GlobalNetworkId != "gn" || u.SiteId != "site" {
		t.Fatalf("got %+v %v", in, err)
	}
}

func TestDecode_cannotParse(t *testing.T) {
	for name, body := range map[string]string{
		"malformed":         `{"Description":`,
		"not an object":     `[]`,
		"string":            `"x"`,
		"number":            `12`,
		"null":              `null x`,
		"trailing":          `{} {}`,
		"trailing garbage":  `{}x`,
		"duplicate":         `{"Description":"a","Description":"b"}`,
		"wrong type":        `{"Description":1}`,
		"wrong list":        `{"Tags":{}}`,
		"wrong element":     `{"Tags":[1]}`,
		"wrong nested":      `{"Tags":[{"Key":true}]}`,
		"invalid UTF-8":     "{\"Description\":\"\xff\"}",
		"lone surrogate":    `{"Description":"\ud800"}`,
		"NUL escape":        `{"Description":"a\u0000b"}`,
		"NUL byte":          "{\"Description\":\"a\x00b\"}",
		"deep":              `{"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
		"control character": "{\"Description\":\"a\nb\"}",
	} {
		_, err := decode("CreateGlobalNetwork", "", body)
		var v *api.ValidationException
		if !errors.As(err, &v) || v.Reason != "CannotParse" || v.Fields != nil {
			t.Errorf("%s: got %v, want CannotParse", name, err)
		}
		if v != nil && (strings.Contains(v.Message, "Go ") || strings.Contains(v.Message, "api.")) {
			t.Errorf("%s: the message speaks of the implementation: %s", name, v.Message)
		}
	}
	for _, body := range []string{`{"Bandwidth":{"UploadSpeed":1.5}}`, `{"Bandwidth":{"UploadSpeed":3000000000}}`, `{"Bandwidth":{"UploadSpeed":"1"}}`, `{"Bandwidth":{"UploadSpeed":1e400}}`} {
		_, err := decode("CreateLink", "", body)
		var v *api.ValidationException
		if !errors.As(err, &v) || v.Reason != "CannotParse" {
			t.Errorf("%s: got %v, want CannotParse", body, err)
		}
	}
	for _, query := range []string{"maxResults=%zz", "nextToken=%ff", "nextToken=%00"} {
		_, err := decode("GetDevices", query, "")
		var v *api.ValidationException
		if !errors.As(err, &v) || v.Reason != "CannotParse" {
			t.Errorf("%s: got %v, want CannotParse", query, err)
		}
	}
}

func TestDecode_everyFieldAtOnce(t *testing.T) {
	long := strings.Repeat("x", 300)
	_, err := decode("CreateDevice", "", `{"Description":"`+long+`","Type":"`+long+`","AWSLocation":{"SubnetArn":"nonsense"}}`, strings.Repeat("g", 51))
	var v *api.ValidationException
	if !errors.As(err, &v) || !strings.HasPrefix(v.Message, "4 validation errors detected: Value at 'globalNetworkId' failed to satisfy constraint: Member must have length less than or equal to 50; Value at 'awsLocation.subnetArn' ") {
		t.Fatalf("got %v", err)
	}
	var names []string
	for _, f := range v.Fields {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != "globalNetworkId awsLocation.subnetArn description type" {
		t.Errorf("fields %q", got)
	}
	_, err = decode("GetDevices", "maxResults=many&nextToken="+strings.Repeat("n", 2049), "")
	if !errors.As(err, &v) || len(v.Fields) != 2 {
		t.Errorf("got %+v", v)
	}
}

func TestReadBody_limit(t *testing.T) {
	if b, err := wire.ReadBody(strings.NewReader("12345"), 5); err != nil || string(b) != "12345" {
		t.Errorf("got %q %v", b, err)
	}
	_, err := wire.ReadBody(strings.NewReader("123456"), 5)
	if e := wire.AsException(err); e.HTTPStatus() != 413 || e.ErrorType() != "RequestEntityTooLargeException" {
		t.Errorf("got %v", err)
	}
}

func TestWriteError_wire(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		typ    string
		body   string
		retry  string
	}{
		{api.NotFound("customer-gateway", "arn:x"), 404, "ResourceNotFoundException", `{"Message":"Resource not found.","ResourceId":"arn:x","ResourceType":"customer-gateway"}`, ""},
		{api.InvalidField("globalNetworkId", "Global network not found."), 400, "ValidationException", `{"Message":"Incorrect input.","Reason":"FieldValidationFailed","Fields":[{"Name":"globalNetworkId","Message":"Global network not found."}]}`, ""},
		{&api.ThrottlingException{Message: "Rate exceeded", RetryAfterSeconds: 3}, 429, "ThrottlingException", `{"Message":"Rate exceeded"}`, "3"},
		{errors.New("disk on fire"), 500, "InternalServerException", `{"Message":"An internal error occurred."}`, ""},
		{&api.GenericError{Status: 403, Type: "MissingAuthenticationTokenException", Message: `Missing "x"`}, 403, "MissingAuthenticationTokenException", `{"message":"Missing \"x\""}`, ""},
		{api.QuotaExceeded("device", "gn", "L-1", 2), 402, "ServiceQuotaExceededException", `{"Message":"The maximum number of device resources has been reached: 2.","ResourceId":"gn","ResourceType":"device","LimitCode":"L-1","ServiceCode":"networkmanager"}`, ""},
	} {
		w := httptest.NewRecorder()
		wire.WriteError(w, "id-1", c.err)
		h := w.Header()
		if w.Code != c.status || h.Get("x-amzn-ErrorType") != c.typ || w.Body.String() != c.body || h.Get("Retry-After") != c.retry ||
			h.Get("x-amzn-RequestId") != "id-1" || h.Get("Content-Type") != "application/json" {
			t.Errorf("%v: got %d %v %s", c.err, w.Code, h, w.Body)
		}
	}
	w := httptest.NewRecorder()
	wire.Encode(&api.TagResourceOutput{}).Write(w, "id-2")
	if w.Code != http.StatusOK || w.Body.String() != "{}" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestWrite_length: every answer says how long it is, so that none is sent in chunks.
func TestWrite_length(t *testing.T) {
	for _, size := range []int{1, 1 << 10, 2<<10 - 20, 2 << 10, 2<<10 + 1, 100 << 10} {
		out := &api.GetResourcePolicyOutput{PolicyDocument: strings.Repeat("x", size)}
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { wire.Encode(out).Write(w, "id") }))
		resp, err := http.Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		if want := int64(len(out.AppendJSON(nil))); resp.ContentLength != want || resp.TransferEncoding != nil {
			t.Errorf("the answer has %d bytes, its header says %d, %v", want, resp.ContentLength, resp.TransferEncoding)
		}
		_ = resp.Body.Close()
		srv.Close()
	}
}

// TestDecode_manyWrongFields: a body of wrong values costs no more than its size, nor does the reply.
func TestDecode_manyWrongFields(t *testing.T) {
	body := `{"AddSubnetArns":["x"` + strings.Repeat(`,"x"`, 250_000) + `]}`
	var err error
	if n := testing.AllocsPerRun(1, func() { _, err = decode("UpdateVpcAttachment", "", body, "attachment-0123456789abcdef0") }); n > 20*250_000 {
		t.Errorf("%v allocations", n)
	}
	var v *api.ValidationException
	if !errors.As(err, &v) || len(v.Fields) != 1000 || v.Fields[999].Name != "addSubnetArns[999]" || !strings.HasPrefix(v.Message, "1000 validation errors detected: ") {
		t.Errorf("got %.200v", err)
	}
}

// TestDecode_manyEmptyStrings: no more violations are spelled than are named, whether members are empty or missing, and each is called
// what it is.
func TestDecode_manyEmptyStrings(t *testing.T) {
	const empty, lacking = `{"RuleNumber":1,"MatchSourceCidr":"","NatCidr":""}`, `{"RuleNumber":1,"MatchSourceCidr":""}`
	body := `{"NatGatewayRules":[` + strings.Repeat(empty+",", 400) + lacking + strings.Repeat(","+empty, 9_600) + `]}`
	var err error
	if n := testing.AllocsPerRun(1, func() { _, err = decode("UpdateAttachmentNatConfiguration", "", body, "attachment-0123456789abcdef0") }); n > 60_000 {
		t.Errorf("%v allocations", n)
	}
	var v *api.ValidationException
	if !errors.As(err, &v) || len(v.Fields) != 1000 {
		t.Fatalf("got %.200v", err)
	}
	for i, f := range v.Fields {
		if null := strings.Contains(f.Message, "must not be null"); null != (f.Name == "natGatewayRules[400].natCidr") || f.Name != fmt.Sprintf("natGatewayRules[%d].%s", i/2, []string{"matchSourceCidr", "natCidr"}[i%2]) {
			t.Fatalf("%d: %+v", i, f)
		}
	}
}

// TestDecode_emptyStringsCost: what is looked up when a member is missing costs nothing for strings that are no members. The
// decoder itself keeps the names of an object that it has seen.
func TestDecode_emptyStringsCost(t *testing.T) {
	var members strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&members, `,"B%d":""`, i)
	}
	for name, c := range map[string]struct {
		op, body, missing string
		allocations       float64
	}{
		"a body that is not taken":           {"DisassociateLink", strings.Repeat(`{"A":`, 9_000) + `{"A":""` + members.String() + `}` + strings.Repeat(`}`, 9_000), "deviceId linkId", 100},
		"deep in members that are not known": {"PutCoreNetworkPolicy", strings.Repeat(`{"A":`, 29) + `{"A":""` + members.String() + `}` + strings.Repeat(`}`, 29), "policyDocument", 10_500},
		"beside the missing one":             {"PutCoreNetworkPolicy", `{"A":""` + members.String() + `}`, "policyDocument", 10_500},
	} {
		var err error
		if n := testing.AllocsPerRun(1, func() { _, err = decode(c.op, "", c.body, "core-network-0123456789abcdef0") }); n > c.allocations {
			t.Errorf("%s: %v allocations", name, n)
		}
		var v *api.ValidationException
		if !errors.As(err, &v) {
			t.Fatalf("%s: %v", name, err)
		}
		var missing []string
		for _, f := range v.Fields {
			missing = append(missing, f.Name)
		}
		if got := strings.Join(missing, " "); got != c.missing {
			t.Errorf("%s: %s is missing, want %s", name, got, c.missing)
		}
	}
}

// TestDecode_emptyInItsPlace: an empty string is a value where its member belongs; a label never is one.
func TestDecode_emptyInItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ op, label, query, body, missing string }{
		"a label in the query":                     {"GetDevices", "", "globalNetworkId=", "", "globalNetworkId"},
		"a label in the body":                      {"CreateDevice", "", "", `{"GlobalNetworkId":"","globalNetworkId":""}`, "globalNetworkId"},
		"parameters in a body that is not taken":   {"DisassociateLink", "gn", "", `{"LinkId":"","DeviceId":""}`, "deviceId linkId"},
		"a member of the body in the query":        {"CreateConnection", "gn", "deviceId=&DeviceId=&connectedDeviceId=", `{"ConnectedDeviceId":""}`, "deviceId"},
		"a member of the body deeper in it":        {"CreateConnection", "gn", "", `{"A":{"DeviceId":""},"Tags":[{"Key":"","Value":""}],"ConnectedDeviceId":""}`, "deviceId"},
		"a member of the body in other capitals":   {"CreateConnection", "gn", "", `{"deviceId":"","ConnectedDeviceId":""}`, "deviceId"},
		"parameters in the query":                  {"DisassociateLink", "gn", "linkId=&deviceId=", "", ""},
		"members in the body, beside others of it": {"CreateConnection", "gn", "", `{"LinkId":null,"Tags":[],"DeviceId":"","ConnectedDeviceId":""}`, ""},
	} {
		_, err := decode(c.op, c.query, c.body, c.label)
		var missing []string
		var v *api.ValidationException
		if errors.As(err, &v) {
			for _, f := range v.Fields {
				missing = append(missing, f.Name)
			}
		}
		if got := strings.Join(missing, " "); got != c.missing || (err == nil) != (got == "") {
			t.Errorf("%s: %q is missing, want %q (%v)", name, got, c.missing, err)
		}
	}
}

// TestDecode_furtherChecks come after the model's constraints, as an operation's checks come after the framework's.
func TestDecode_furtherChecks(t *testing.T) {
	check := func(in api.Input) []api.FieldError {
		if in.(*api.CreateDeviceInput).GlobalNetworkId != "gn" {
			t.Errorf("checked before it was complete: %+v", in)
		}
		return []api.FieldError{{Name: "vendor", Message: "v"}, {Name: "model", Message: "m"}}
	}
	for body, want := range map[string]string{
		`{"Description":"` + strings.Repeat("x", 257) + `"}`: "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 256 [description]",
		`{}`: "Incorrect input. [vendor model]",
	} {
		_, err := wire.Decode(api.OperationByName("CreateDevice"), wire.Labels{"gn"}, "", []byte(body), check)
		var v *api.ValidationException
		if !errors.As(err, &v) {
			t.Fatal(err)
		}
		var names []string
		for _, f := range v.Fields {
			names = append(names, f.Name)
		}
		if got := fmt.Sprintf("%s %s", v.Message, names); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestDecode_violatedConstraints has the words of AWS's framework, one case for each kind of constraint.
func TestDecode_violatedConstraints(t *testing.T) {
	const one, failed = "1 validation error detected: Value at '", "' failed to satisfy constraint: Member must "
	long := strings.Repeat("1", 257)
	for name, c := range map[string]struct{ op, query, body, want string }{
		"pattern": {
			"CreateConnectPeer", "", `{"ConnectAttachmentId":"tgw-attach-0c0ffee00c0ffee00","PeerAddress":"10.9.9.9"}`,
			one + "connectAttachmentId" + failed + "satisfy regular expression pattern: ^attachment-([0-9a-f]{8,17})$",
		},
		"length": {"CreateGlobalNetwork", "", `{"Description":"` + long + `"}`, one + "description" + failed + "have length less than or equal to 256"},
		"empty, as elements of lists go": {
			"CreateVpcAttachment", "", `{"CoreNetworkId":"core-network-0123456789abcdef0","VpcArn":"arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-0123456789abcdef0","SubnetArns":[],"NatGatewayRules":[{"RuleNumber":1,"MatchSourceCidr":"10.0.0.0/16","NatCidr":""}]}`,
			one + "natGatewayRules.1.member.natCidr" + failed + "have length greater than or equal to 1",
		},
		"empty beside null and absent": {
			"CreateConnectAttachment", "", `{"CoreNetworkId":"","EdgeLocation":null,"edgeLocation":"","Options":{}}`,
			"3 validation errors detected: Value at 'coreNetworkId" + failed + "satisfy regular expression pattern: ^core-network-([0-9a-f]{8,17})$; " +
				"Value null at 'edgeLocation" + failed + "not be null; Value null at 'transportAttachmentId" + failed + "not be null",
		},
		"empty and absent parameters": {
			"DisassociateLink", "deviceId=&deviceId=d", ``,
			"1 validation error detected: Value null at 'linkId" + failed + "not be null",
		},
		"enum": {
			"UpdateAttachmentNatConfiguration", "", `{"NatGatewaySupport":"ENABLED"}`,
			one + "natGatewaySupport" + failed + "satisfy enum value set: [ENABLE, DISABLE]",
		},
		"value": {"GetSites", "maxResults=501", ``, one + "maxResults" + failed + "have value less than or equal to 500"},
		"low value, null": {
			"UpdateAttachmentNatConfiguration", "", `{"NatGatewayRules":[{"RuleNumber":0,"MatchSourceCidr":"a","NatCidr":"b"},{"MatchSourceCidr":"a","NatCidr":"b"}]}`,
			"2 validation errors detected: Value at 'natGatewayRules.1.member.ruleNumber" + failed + "have value greater than or equal to 1; Value null at 'natGatewayRules.2.member.ruleNumber" + failed + "not be null",
		},
		"map": {"UpdateNetworkResourceMetadata", "", `{"Metadata":{"a[0]":"` + long + `"}}`, one + "metadata.a[0].member" + failed + "have length less than or equal to 256"},
		"list of a map": {
			"GetNetworkRoutes", "", `{"RouteTableIdentifier":{},"DestinationFilters":{"f":["v","` + long + `"]}}`,
			one + "destinationFilters.f.member.2.member" + failed + "have length less than or equal to 255",
		},
	} {
		labels := wire.Labels{"attachment-0123456789abcdef0", "x"}
		row := api.OperationByName(c.op)
		_, err := wire.Decode(row, labels, c.query, []byte(c.body))
		var v *api.ValidationException
		if !errors.As(err, &v) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if v.Message != c.want || v.Reason != "FieldValidationFailed" || len(v.Fields) == 0 || !strings.HasSuffix(v.Fields[0].Message, ".") {
			t.Errorf("%s: got  %s\nwant %s\n%v", name, v.Message, c.want, v.Fields)
		}
	}
}

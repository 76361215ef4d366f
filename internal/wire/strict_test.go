package wire_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"portolan/api"
)

func TestDecode_saysWhereAndWhat(t *testing.T) {
	for _, c := range []struct{ op, body, want string }{
		{"CreateGlobalNetwork", `null`, "an object expected, null found at the top."},
		{"CreateGlobalNetwork", `[]`, "is not a JSON object."},
		{"CreateGlobalNetwork", `{"Tags":[null]}`, "a value expected, null found at /Tags/0."},
		{"CreateGlobalNetwork", `{"Tags":[{"Key":"a","Value":null},null]}`, "a value expected, null found at /Tags/1."},
		{"CreateVpcAttachment", `{"SubnetArns":["a",null]}`, "a value expected, null found at /SubnetArns/1."},
		{"GetNetworkRoutes", `{"States":[null]}`, "a value expected, null found at /States/0."},
		{"GetNetworkRoutes", `{"DestinationFilters":{"a":["x",null]}}`, "a value expected, null found at /DestinationFilters/a/1."},
		{"GetNetworkRoutes", `{"DestinationFilters":{"a":[],"b":null}}`, "a value expected, null found at /DestinationFilters/b."},
		{"UpdateNetworkResourceMetadata", `{"Metadata":{"z":null,"a":null,"b":"x"}}`, "a value expected, null found at /Metadata/a."},
		{"UpdateNetworkResourceMetadata", `{"Metadata":{"a":1,"b":null}}`, "string expected, number found at /Metadata/a"},
		{"CreateLink", `{"Bandwidth":{"UploadSpeed":1.5}}`, "an integer from -2147483648 to 2147483647 expected, 1.5 found at /Bandwidth/UploadSpeed."},
		{"CreateLink", `{"Bandwidth":{"UploadSpeed":2147483648}}`, "2147483648 found at /Bandwidth/UploadSpeed."},
		{"CreateLink", `{"Bandwidth":{"UploadSpeed":-2147483649}}`, "-2147483649 found at /Bandwidth/UploadSpeed."},
		{"CreateLink", `{"Bandwidth":{"UploadSpeed":1` + strings.Repeat("0", 400) + `}}`, "1" + strings.Repeat("0", 39) + " found at /Bandwidth/UploadSpeed."},
		{"CreateLink", `{"Bandwidth":{"UploadSpeed":"1"}}`, "integer expected, string found at /Bandwidth/UploadSpeed"},
		{"CreateLink", `{"Bandwidth":[]}`, "object expected, array found at /Bandwidth"},
		{"CreateConnectPeer", `{"BgpOptions":{"PeerAsn":9223372036854775808}}`, "9223372036854775808 found at /BgpOptions/PeerAsn."},
		{"CreateVpcAttachment", `{"Options":{"Ipv6Support":"true"}}`, "boolean expected, string found at /Options/Ipv6Support"},
		{"CreateGlobalNetwork", `{"Tags":[{"Key":"a","Key":"b"}]}`, "duplicate object member name at /Tags/0/Key"},
		{"CreateGlobalNetwork", `{"Unknown":{"a":1,"a":2}}`, "duplicate object member name at /Unknown/a"},
		{"CreateGlobalNetwork", `{"Description":`, "unexpected EOF at /Description"},
		{"CreateGlobalNetwork", "\ufeff{}", "at byte 0."},
		{"CreateGlobalNetwork", `{"Unknown":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, "nested more than 32 deep."},
	} {
		_, err := decode(c.op, "", c.body)
		var v *api.ValidationException
		if !errors.As(err, &v) || v.Reason != api.ValidationExceptionReasonCannotParse || !strings.Contains(v.Message, c.want) {
			t.Errorf("%.80s: got %v, want %q", c.body, err, c.want)
		}
	}
}

func TestDecode_nullIsAnAbsentMember(t *testing.T) {
	for _, c := range []struct {
		op   string
		body string
		same string
	}{
		{"CreateGlobalNetwork", `{"Description":null,"Tags":null}`, `{}`},
		{"CreateGlobalNetwork", `{"Tags":[{"Key":"null","Value":null}],"Unknown":[null]}`, `{"Tags":[{"Key":"null"}]}`},
		{"CreateLink", `{"SiteId":"s","Bandwidth":{"UploadSpeed":null,"DownloadSpeed":1e1}}`, `{"SiteId":"s","Bandwidth":{"DownloadSpeed":10}}`},
		{"CreateDevice", `{"Location":null,"AWSLocation":{"Zone":null}}`, `{"AWSLocation":{}}`},
		{"GetNetworkRoutes", `{"RouteTableIdentifier":{"CoreNetworkSegmentEdge":null},"DestinationFilters":null}`, `{"RouteTableIdentifier":{}}`},
		{"GetNetworkRoutes", `{"RouteTableIdentifier":{},"States":null,"DestinationFilters":{"a":["x"],"b":[]}}`, `{"RouteTableIdentifier":{},"DestinationFilters":{"a":["x"],"b":[]}}`},
		{"UpdateNetworkResourceMetadata", `{"Metadata":{"a":"x","b":""},"Null":null}`, `{"Metadata":{"a":"x","b":""}}`},
	} {
		got, err := decode(c.op, "", c.body)
		if err != nil {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		want, err := decode(c.op, "", c.same)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v %v", c.body, got, want, err)
		}
	}
}

func TestDecode_requiredNullIsMissing(t *testing.T) {
	_, err := decode("CreateVpcAttachment", "", `{"CoreNetworkId":null,"VpcArn":"arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-0123456789abcdef0","SubnetArns":null}`)
	var v *api.ValidationException
	if !errors.As(err, &v) || len(v.Fields) != 2 || v.Fields[0].Name != "coreNetworkId" || v.Fields[1].Name != "subnetArns" {
		t.Errorf("got %+v", v)
	}
}

package server_test

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"portolan/api"
	"portolan/internal/service"
	"portolan/internal/wire"
)

// facts are the parts of the interface model that this test goes by. It reads the model itself: the generated code it
// checks must not be what it checks it by.
type facts struct {
	Operations map[string]struct{ Input string }
	Shapes     map[string]factShape
}

type factShape struct {
	Type     string
	Required []string
	Members  map[string]struct{ Shape, Location, LocationName string }
	Member   *struct{ Shape string }
	Key      *struct{ Shape string }
	Value    *struct{ Shape string }
	Min, Max *int
	Pattern  string
	Enum     []string
}

// samples are valid values of the shapes with a pattern that excludes something, or that AWS describes in words.
var samples = map[string]string{
	"IPAddress": "10.0.0.1", "Action": "ENABLE", "ConstrainedString": "10.0.0.0/29",
	"CustomerGatewayArn":           "arn:aws:ec2:eu-west-1:111122223333:customer-gateway/cgw-0123456789abcdef0",
	"TransitGatewayArn":            "arn:aws:ec2:eu-west-1:111122223333:transit-gateway/tgw-0123456789abcdef0",
	"TransitGatewayConnectPeerArn": "arn:aws:ec2:eu-west-1:111122223333:transit-gateway-connect-peer/tgw-connect-peer-0123456789abcdef0",
	"TransitGatewayRouteTableArn":  "arn:aws:ec2:eu-west-1:111122223333:transit-gateway-route-table/tgw-rtb-0123456789abcdef0",
	"PrefixListArn":                "arn:aws:ec2:us-west-2:111122223333:prefix-list/pl-0123456789abcdef0",
	"ResourceArn":                  "arn:aws:networkmanager::000000000000:core-network/core-network-0123456789abcdef0",

	"AttachmentId": "attachment-0123456789abcdef0", "ConnectPeerId": "connect-peer-0123456789abcdef0", "CoreNetworkId": "core-network-0123456789abcdef0",
	"DirectConnectGatewayArn": "arn:aws:directconnect::111122223333:dx-gateway/01234567-0123-0123-0123-0123456789ab",
	"FilterName":              "name", "FilterValue": "value", "OrganizationId": "o-0123456789ab", "PeeringId": "peering-0123456789abcdef0",
	"SubnetArn": "arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-0123456789abcdef0", "TransitGatewayPeeringAttachmentId": "tgw-attach-0123456789abcdef0",
	"NatRuleCidr": "10.0.0.0/16",
	"VpcArn":      "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-0123456789abcdef0", "VpnConnectionArn": "arn:aws:ec2:eu-west-1:111122223333:vpn-connection/vpn-0123456789abcdef0",
}

func (f *facts) valid(shape string) any {
	s := f.Shapes[shape]
	switch s.Type {
	case "string":
		switch {
		case len(s.Enum) > 0:
			return s.Enum[0]
		case samples[shape] != "":
			return samples[shape]
		case s.Min != nil && *s.Min > 1:
			return strings.Repeat("1", *s.Min)
		}
		return "x"
	case "integer", "long":
		return 1
	case "boolean":
		return true
	case "list":
		return []any{f.valid(s.Member.Shape)}
	case "map":
		if shape == "NatConfigurationFilterMap" {
			return map[string]any{"nat-gateway-support": f.valid(s.Value.Shape)} // its names are not in the model
		}
		return map[string]any{f.valid(s.Key.Shape).(string): f.valid(s.Value.Shape)}
	default:
		object := map[string]any{}
		for name, m := range s.Members {
			object[name] = f.valid(m.Shape)
		}
		return object
	}
}

// blamed is a member in the spelling of Fields and in that of Message.
type blamed struct{ field, path string }

func (b blamed) then(field, path string) blamed { return blamed{b.field + field, b.path + path} }

// wrong yields values of the shape that violate one constraint each, with the member to blame and the constraint.
func (f *facts) wrong(shape string, at blamed, yield func(value any, at blamed, constraint string)) {
	s := f.Shapes[shape]
	bound := func(what, than string, n int) string {
		return fmt.Sprintf("Member must have %s %s than or equal to %d", what, than, n)
	}
	switch s.Type {
	case "string":
		if len(s.Enum) > 0 {
			yield("NO_SUCH_VALUE", at, "Member must satisfy enum value set: ["+strings.Join(s.Enum, ", ")+"]")
			return
		}
		if s.Max != nil && *s.Max < 1_000_000 { // the others are longer than a body may be
			yield(strings.Repeat("é", *s.Max+1), at, bound("length", "less", *s.Max))
		}
		if s.Min != nil && *s.Min > 1 {
			yield("1", at, bound("length", "greater", *s.Min))
		}
		if s.Min != nil && *s.Min > 0 {
			yield("", at, bound("length", "greater", *s.Min))
		}
		if s.Pattern != "" && s.Pattern != `[\s\S]*` && shape != "FilterName" {
			yield("\u00a0no", at, "Member must satisfy regular expression pattern: "+s.Pattern)
			if !regexp.MustCompile(s.Pattern).MatchString("") {
				yield("", at, "Member must satisfy regular expression pattern: "+s.Pattern)
			}
		}
	case "integer":
		if s.Max != nil {
			yield(*s.Max+1, at, bound("value", "less", *s.Max))
			yield(*s.Min-1, at, bound("value", "greater", *s.Min))
		}
	case "list":
		f.wrong(s.Member.Shape, at.then("[1]", ".2.member"), func(value any, at blamed, constraint string) {
			yield([]any{f.valid(s.Member.Shape), value}, at, constraint)
		})
	case "map":
		if key := f.Shapes[s.Key.Shape]; key.Max != nil {
			k := strings.Repeat("k", *key.Max+1)
			yield(map[string]any{k: f.valid(s.Value.Shape)}, at.then("."+k, "."+k+".member"), bound("length", "less", *key.Max))
		}
		f.wrong(s.Value.Shape, at.then(".k", ".k.member"), func(value any, at blamed, constraint string) {
			yield(map[string]any{"k": value}, at, constraint)
		})
	case "structure":
		for member, m := range s.Members {
			with := func(value any) map[string]any {
				object := f.valid(shape).(map[string]any)
				if delete(object, member); value != nil {
					object[member] = value
				}
				return object
			}
			at := at.then("."+lowerCamel(member), "."+lowerCamel(member))
			if slices.Contains(s.Required, member) {
				yield(with(nil), at, required)
			}
			f.wrong(m.Shape, at, func(value any, at blamed, constraint string) { yield(with(value), at, constraint) })
		}
	}
}

const required = "Member must not be null"

func lowerCamel(name string) string {
	if strings.HasPrefix(name, "AWS") {
		return "aws" + name[3:]
	}
	return strings.ToLower(name[:1]) + name[1:]
}

// mistyped yields values of the shape with one value of another JSON type in each, and says where.
func (f *facts) mistyped(shape, at string, yield func(value any, at string)) {
	s := f.Shapes[shape]
	switch s.Type {
	case "string":
		yield(7, at)
		yield([]any{"x"}, at)
	case "integer", "long":
		yield("7", at)
		yield(1.5, at)
	case "boolean":
		yield("true", at)
	case "list":
		yield(map[string]any{}, at)
		f.mistyped(s.Member.Shape, at+"/0", func(value any, at string) { yield([]any{value}, at) })
	case "map":
		yield([]any{}, at)
		f.mistyped(s.Value.Shape, at+"/k", func(value any, at string) { yield(map[string]any{"k": value}, at) })
	case "structure":
		yield("x", at)
		for member, m := range s.Members {
			f.mistyped(m.Shape, at+"/"+member, func(value any, at string) { yield(map[string]any{member: value}, at) })
		}
	}
}

// request puts members where their location says.
func request(op *api.Operation, input factShape, members map[string]any) (path, query, body string) {
	path = op.Path
	for _, label := range op.Labels {
		value := ""
		for name, m := range input.Members {
			if m.Location == "uri" && m.LocationName == label && members[name] != nil {
				value = fmt.Sprint(members[name])
			}
		}
		path = strings.ReplaceAll(path, "{"+label+"}", url.PathEscape(value))
	}
	q := url.Values{}
	content := map[string]any{}
	for name, value := range members {
		switch m := input.Members[name]; m.Location {
		case "uri":
		case "querystring":
			if list, ok := value.([]any); ok {
				for _, v := range list {
					q.Add(m.LocationName, fmt.Sprint(v))
				}
			} else {
				q.Set(m.LocationName, fmt.Sprint(value))
			}
		default:
			content[name] = value
		}
	}
	if op.HasBody {
		text, err := json.Marshal(content, json.Deterministic(true))
		if err != nil {
			panic(err)
		}
		body = string(text)
	}
	return path, q.Encode(), body
}

func readFacts(t *testing.T) *facts {
	t.Helper()
	text, err := os.ReadFile("../apigen/model/networkmanager-2019-07-05.json")
	if err != nil {
		t.Fatal(err)
	}
	var f facts
	if err := json.Unmarshal(text, &f, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	return &f
}

// TestServe_everyConstraintOfEveryOperation violates the constraints of the model one by one, over HTTP, and expects each
// time the field to blame and no other.
func TestServe_everyConstraintOfEveryOperation(t *testing.T) {
	r, f := start(t), readFacts(t)
	quiet := (*service.Service)(nil)
	violated, mistyped := 0, 0
	for i := range api.Operations {
		op := &api.Operations[i]
		input := f.Shapes[f.Operations[op.Name].Input]
		all := map[string]any{}
		for name, m := range input.Members {
			all[name] = f.valid(m.Shape)
		}
		with := func(name string, value any) map[string]any {
			members := maps.Clone(all)
			if delete(members, name); value != nil {
				members[name] = value
			}
			return members
		}
		path, query, body := request(op, input, all)
		_, labels, err := wire.Match(op.Method, path)
		if err == nil {
			_, err = wire.Decode(op, labels, query, []byte(body), quiet.CheckFields)
		}
		if err != nil {
			t.Errorf("%s with every member: %v", op.Name, err)
			continue
		}
		send := func(members map[string]any) *api.ValidationException {
			path, query, body := request(op, input, members)
			resp, text := r.do(op.Method, path+"?"+query, body)
			v := new(api.ValidationException)
			if err := json.Unmarshal([]byte(text), v); err != nil || resp.StatusCode != 400 || resp.Header.Get("x-amzn-ErrorType") != "ValidationException" {
				t.Errorf("%s %s: got %d %.300s %v", op.Name, path, resp.StatusCode, text, err)
			}
			return v
		}
		expect := func(members map[string]any, at blamed, constraint string) {
			violated++
			v := send(members)
			sentence := "Value at '" + at.path + "' failed to satisfy constraint: " + constraint
			if constraint == required {
				sentence = "Value null at '" + at.path + "' failed to satisfy constraint: " + constraint
			}
			// Too long a value may also miss its pattern.
			first, rest, _ := strings.Cut(v.Message, " detected: ")
			if (first != "1 validation error" || rest != sentence) && (first != "2 validation errors" || !strings.HasPrefix(rest, sentence+"; Value at '"+at.path+"' failed")) ||
				v.Reason != "FieldValidationFailed" || len(v.Fields) != 1 || v.Fields[0].Name != at.field || v.Fields[0].Message != constraint+"." {
				t.Errorf("%s: %s of %s: got %.500v", op.Name, constraint, at.field, v)
			}
		}
		for name, m := range input.Members {
			at := blamed{lowerCamel(name), lowerCamel(name)}
			switch {
			case m.Location == "uri" && f.Shapes[m.Shape].Type == "integer": // the path always has something
				expect(with(name, nil), at, "Member must be an integer")
			case slices.Contains(input.Required, name):
				expect(with(name, nil), at, required)
			}
			f.wrong(m.Shape, at, func(value any, at blamed, constraint string) {
				if value == "" && m.Location == "uri" {
					constraint = required // a path cannot tell an empty label from none
				}
				expect(with(name, value), at, constraint)
			})
			if s := f.Shapes[m.Shape]; s.Type == "string" && m.Location != "uri" && slices.Contains(input.Required, name) {
				path, query, body := request(op, input, with(name, ""))
				resp, text := r.do(op.Method, path+"?"+query, body)
				if resp.StatusCode/100 != 4 || strings.Contains(text, required) {
					t.Errorf("%s with an empty %s: got %d %.300s", op.Name, name, resp.StatusCode, text)
				}
			}
			switch {
			case m.Location == "querystring" && f.Shapes[m.Shape].Type == "integer":
				for _, value := range []string{"x", "1.5", "99999999999", ""} {
					expect(with(name, value), at, "Member must be an integer")
				}
			case m.Location == "":
				f.mistyped(m.Shape, "/"+name, func(value any, at string) {
					mistyped++
					if v := send(with(name, value)); v.Reason != "CannotParse" || v.Fields != nil || !strings.Contains(v.Message, "at "+at) {
						t.Errorf("%s: type of %s: got %.500v", op.Name, at, v)
					}
				})
			}
		}
	}
	if len(api.Operations) != 97 || violated < 680 || mistyped < 425 {
		t.Errorf("%d operations, %d constraints, %d types were tried", len(api.Operations), violated, mistyped)
	}
	t.Logf("%d constraints violated and %d values mistyped, one by one", violated, mistyped)
}

package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"portolan/api"
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

// valid values of the shapes with a pattern that excludes something.
var samples = map[string]string{
	"AttachmentId": "attachment-0123456789abcdef0", "ConnectPeerId": "connect-peer-0123456789abcdef0", "CoreNetworkId": "core-network-0123456789abcdef0",
	"DirectConnectGatewayArn": "arn:aws:directconnect::111122223333:dx-gateway/01234567-0123-0123-0123-0123456789ab",
	"FilterName":              "name", "FilterValue": "value", "OrganizationId": "o-0123456789ab", "PeeringId": "peering-0123456789abcdef0",
	"SubnetArn": "arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-0123456789abcdef0", "TransitGatewayPeeringAttachmentId": "tgw-attach-0123456789abcdef0",
	"VpcArn": "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-0123456789abcdef0", "VpnConnectionArn": "arn:aws:ec2:eu-west-1:111122223333:vpn-connection/vpn-0123456789abcdef0",
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
		return map[string]any{f.valid(s.Key.Shape).(string): f.valid(s.Value.Shape)}
	default:
		object := map[string]any{}
		for name, m := range s.Members {
			object[name] = f.valid(m.Shape)
		}
		return object
	}
}

// wrong yields values of the shape that violate one constraint each, with the name of the field to blame.
func (f *facts) wrong(shape, name string, yield func(value any, field, what string)) {
	s := f.Shapes[shape]
	switch s.Type {
	case "string":
		if len(s.Enum) > 0 {
			yield("NO_SUCH_VALUE", name, "enum")
			return
		}
		if s.Max != nil && *s.Max < 1_000_000 { // the others are longer than a body may be
			yield(strings.Repeat("é", *s.Max+1), name, "max length")
		}
		if s.Min != nil && *s.Min > 1 {
			yield("1", name, "min length")
		}
		if s.Pattern != "" && s.Pattern != `[\s\S]*` && shape != "FilterName" {
			yield("\u00a0no", name, "pattern")
		}
	case "integer":
		if s.Max != nil {
			yield(*s.Max+1, name, "max")
			yield(*s.Min-1, name, "min")
		}
	case "list":
		f.wrong(s.Member.Shape, name+"[1]", func(value any, field, what string) {
			yield([]any{f.valid(s.Member.Shape), value}, field, what)
		})
	case "map":
		f.wrong(s.Value.Shape, name+".k", func(value any, field, what string) { yield(map[string]any{"k": value}, field, what) })
	case "structure":
		for member, m := range s.Members {
			with := func(value any) map[string]any {
				object := f.valid(shape).(map[string]any)
				if delete(object, member); value != nil {
					object[member] = value
				}
				return object
			}
			field := name + "." + lowerCamel(member)
			if slices.Contains(s.Required, member) {
				yield(with(nil), field, "required")
			}
			f.wrong(m.Shape, field, func(value any, field, what string) { yield(with(value), field, what) })
		}
	}
}

func lowerCamel(name string) string {
	if strings.HasPrefix(name, "AWS") {
		return "aws" + name[3:]
	}
	return strings.ToLower(name[:1]) + name[1:]
}

// request puts members where their location says, and decodes the whole.
func (f *facts) request(op *api.Operation, input factShape, members map[string]any) error {
	labels := make([]string, len(op.Labels))
	query := url.Values{}
	body := map[string]any{}
	for name, value := range members {
		switch m := input.Members[name]; m.Location {
		case "uri":
			labels[slices.Index(op.Labels, m.LocationName)] = fmt.Sprint(value)
		case "querystring":
			if list, ok := value.([]any); ok {
				for _, v := range list {
					query.Add(m.LocationName, fmt.Sprint(v))
				}
			} else {
				query.Set(m.LocationName, fmt.Sprint(value))
			}
		default:
			body[name] = value
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, err = wire.Decode(op, labels, query.Encode(), text)
	return err
}

func TestDecode_everyConstraintOfEveryOperation(t *testing.T) {
	text, err := os.ReadFile("../apigen/model/networkmanager-2019-07-05.json")
	if err != nil {
		t.Fatal(err)
	}
	var f facts
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for i := range api.Operations {
		op := &api.Operations[i]
		input := f.Shapes[f.Operations[op.Name].Input]
		all := map[string]any{}
		for name, m := range input.Members {
			all[name] = f.valid(m.Shape)
		}
		if err := f.request(op, input, all); err != nil {
			t.Errorf("%s with every member: %v", op.Name, err)
			continue
		}
		expect := func(members map[string]any, field, what string) {
			tried++
			err := f.request(op, input, members)
			var v *api.ValidationException
			if !errors.As(err, &v) || v.Message != "Incorrect input." || v.Reason != "FieldValidationFailed" || len(v.Fields) != 1 || v.Fields[0].Name != field {
				t.Errorf("%s: %s of %s: got %v %+v", op.Name, what, field, err, v)
			}
		}
		for name, m := range input.Members {
			with := func(value any) map[string]any {
				members := map[string]any{}
				for k, v := range all {
					members[k] = v
				}
				if delete(members, name); value != nil {
					members[name] = value
				}
				return members
			}
			if slices.Contains(input.Required, name) && m.Location != "uri" {
				expect(with(nil), lowerCamel(name), "required")
			}
			f.wrong(m.Shape, lowerCamel(name), func(value any, field, what string) { expect(with(value), field, what) })
		}
	}
	if tried < 475 {
		t.Errorf("only %d constraints were tried", tried)
	}
	t.Logf("%d constraints violated one by one", tried)
}

package wire_test

import (
	"cmp"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/api"
	"portolan/internal/wire"
)

// slowRoute is an operation as two regular expressions: with labels of one segment, and with its ARN's slashes raw.
type slowRoute struct {
	op         *api.Operation
	exact, raw *regexp.Regexp
}

var slowRoutes = func() []slowRoute {
	label := regexp.MustCompile(`\{[^}]*\}`)
	arn := regexp.MustCompile(`\{[^}]*Arn\}`)
	var routes []slowRoute
	for i := range api.Operations {
		op := &api.Operations[i]
		r := slowRoute{op: op, exact: regexp.MustCompile(`(?s)\A` + label.ReplaceAllString(op.Path, `([^/]*)`) + `\z`)}
		if arn.MatchString(op.Path) {
			r.raw = regexp.MustCompile(`(?s)\A` + label.ReplaceAllString(arn.ReplaceAllString(op.Path, `([aA][rR][nN].*/.*)`), `([^/]*)`) + `\z`)
		}
		routes = append(routes, r)
	}
	return routes
}()

// slowMatch does what Match does, the obvious way. ok is false for a path of no operation; labels are nil when one of
// them is not text.
func slowMatch(method, path string) (op *api.Operation, labels []string, ok bool) {
	if strings.Count(path, "/") > 32 {
		return nil, nil, false
	}
	for _, form := range []func(slowRoute) *regexp.Regexp{
		func(r slowRoute) *regexp.Regexp { return r.exact },
		func(r slowRoute) *regexp.Regexp { return r.raw },
	} {
		for _, r := range slowRoutes {
			if r.op.Method != method || form(r) == nil {
				continue
			}
			found := form(r).FindStringSubmatch(path)
			if found == nil {
				continue
			}
			labels := []string{}
			for _, escaped := range found[1:] {
				label, err := url.PathUnescape(escaped)
				if err != nil || !utf8.ValidString(label) || strings.Contains(label, "\x00") {
					return r.op, nil, true
				}
				labels = append(labels, label)
			}
			return r.op, labels, true
		}
	}
	return nil, nil, false
}

func FuzzMatch(f *testing.F) {
	for _, op := range api.Operations {
		f.Add(op.Method, op.Path)
		f.Add(op.Method, strings.ReplaceAll(op.Path, "Arn}", "/}")) // an ARN's slash in the wrong place
	}
	f.Fuzz(func(t *testing.T, method, path string) {
		op, labels, err := wire.Match(method, path)
		wantOp, want, ok := slowMatch(method, path)
		switch {
		case err == nil:
			if op != wantOp || !slices.Equal(labels[:len(op.Labels)], want) || want == nil {
				t.Errorf("%s %q: got %s %q, want %v %q", method, path, op.Name, labels, wantOp, want)
			}
		default:
			reason := api.ValidationExceptionReasonUnknownOperation
			if ok {
				reason = api.ValidationExceptionReasonCannotParse
			}
			v, is := wire.AsException(err).(*api.ValidationException)
			if want != nil || !is || v.Reason != reason {
				t.Errorf("%s %q: got %v, want %s or %q", method, path, err, reason, want)
			}
		}
	})
}

// samples are labels that pass their patterns, by their names.
var samples = map[string]string{
	"attachmentId": "attachment-0123456789abcdef0", "connectPeerId": "connect-peer-0123456789abcdef0",
	"coreNetworkId": "core-network-0123456789abcdef0", "peeringId": "peering-0123456789abcdef0", "policyVersionId": "7",
}

func FuzzDecode(f *testing.F) {
	for i := range api.Operations {
		f.Add(uint8(i), "maxResults=1&nextToken=t", `{"Tags":[{"Key":"k","Value":"v"}]}`)
	}
	f.Fuzz(func(t *testing.T, which uint8, query, body string) {
		op := &api.Operations[int(which)%len(api.Operations)]
		var labels wire.Labels
		noLabels := int(which) >= 2*len(api.Operations)
		for i, name := range op.Labels { // labels that pass, so that more of the rest is reached
			if !noLabels {
				labels[i] = cmp.Or(samples[name], "x")
			}
		}
		in, err := wire.Decode(op, labels, query, []byte(body))
		if err != nil {
			v, ok := wire.AsException(err).(*api.ValidationException)
			if !ok || (v.Reason == api.ValidationExceptionReasonFieldValidationFailed) != (len(v.Fields) > 0) {
				t.Errorf("%s: %v", op.Name, err)
			}
			return
		}
		for _, v := range in.Validate(api.EmptyStrings{}) {
			if !v.Null || !sentEmpty(op, query, body, v.Field) { // an empty string is a value
				t.Errorf("%s: decoded, but %v", op.Name, v)
			}
		}
		if noLabels && len(op.Labels) > 0 {
			t.Errorf("%s: decoded without labels", op.Name)
		}
		// What was decoded, written down and sent again, is the same input.
		again, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := wire.Decode(op, labels, query, again); err != nil || !reflect.DeepEqual(back, in) {
			t.Errorf("%s: %s came back as %+v, %v; want %+v", op.Name, again, back, err, in)
		}
	})
}

// sentEmpty tells whether a member was sent as an empty string, in the place that the model has it in.
func sentEmpty(op *api.Operation, query, body, field string) bool {
	name := strings.ToUpper(field[:1]) + field[1:]
	rules, nested := strings.CutPrefix(name, "NatGatewayRules[") // the only list of structures with required strings
	if nested {
		index, member, _ := strings.Cut(rules, "].")
		name = "/NatGatewayRules/" + index + "/" + strings.ToUpper(member[:1]) + member[1:]
	} else if member, _ := reflect.TypeOf(op.NewInput()).Elem().FieldByName(name); member.Tag.Get("json") == "-" {
		values, _ := url.ParseQuery(query)
		return !slices.Contains(op.Labels, field) && values.Has(field) && values.Get(field) == ""
	} else {
		name = "/" + name
	}
	var value any
	if !op.HasBody || json.Unmarshal([]byte(body), &value) != nil {
		return false
	}
	for token := range jsontext.Pointer(name).Tokens() {
		switch in := value.(type) {
		case map[string]any:
			value = in[token]
		case []any:
			i, _ := strconv.Atoi(token)
			value = in[i]
		}
	}
	return value == ""
}

// FuzzQuery holds the reading of query strings against net/url's.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{"", "maxResults=1&nextToken=t", "deviceIds=a&deviceIds=b&siteId=%20", "&&=&a", "siteId=a+b&x=%zz", "siteId;a", "siteId=%00", "a=1=2"} {
		f.Add(query)
	}
	op := api.OperationByName("GetDevices")
	f.Fuzz(func(t *testing.T, query string) {
		in, err := wire.Decode(op, wire.Labels{"gn"}, query, nil)
		values, parseErr := url.ParseQuery(query)
		for _, list := range values {
			for _, v := range list {
				if v != strings.ToValidUTF8(v, "") || strings.Contains(v, "\x00") {
					parseErr = cmp.Or(parseErr, error(url.EscapeError(v)))
				}
			}
		}
		if (parseErr != nil || len(values) > 100) && err == nil {
			t.Fatalf("%q was taken", query)
		}
		if err != nil {
			if v, ok := wire.AsException(err).(*api.ValidationException); parseErr == nil && len(values) <= 100 && (!ok || v.Reason != api.ValidationExceptionReasonFieldValidationFailed) {
				t.Fatalf("%q: %v", query, err)
			}
			return
		}
		want := &api.GetDevicesInput{GlobalNetworkId: "gn"}
		for name, list := range values {
			want.SetQuery(name, list)
		}
		if !reflect.DeepEqual(in, want) {
			t.Errorf("%q: got %+v, want %+v", query, in, want)
		}
	})
}

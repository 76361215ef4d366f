package api_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	gojson "github.com/go-json-experiment/json"

	"portolan/api"
)

// fill sets every member of v, to depth, so that nothing is left out when it is encoded.
func fill(v reflect.Value, random *rand.Rand) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), random)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[api.Time]() {
			v.Set(reflect.ValueOf(api.Time{Time: time.Unix(random.Int64N(1<<32), 0).UTC()}))
			return
		}
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() && field.Name != "Cause" {
				fill(v.Field(i), random)
			}
		}
	case reflect.Slice:
		n := 1 + random.IntN(2) // what becomes of none has a test of its own
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), random)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 1 + random.IntN(3) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(key, random)
			fill(value, random)
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		alphabet := []string{"plain text ", `"`, `\`, "\n", "\x01", "é", "日本", "\U0001f600", "<&>", "\u2028", "0123456789abcdef"}
		var b strings.Builder
		for range 1 + random.IntN(6) {
			b.WriteString(alphabet[random.IntN(len(alphabet))])
		}
		v.SetString(b.String())
	case reflect.Int32, reflect.Int64, reflect.Int:
		v.SetInt(random.Int64N(1<<31) - 1<<30)
	case reflect.Bool:
		v.SetBool(random.IntN(2) == 0)
	}
}

type appender interface{ AppendJSON([]byte) []byte }

// outputs is one value of the output type of every operation.
func outputs(t *testing.T) []appender {
	var list []appender
	service := reflect.TypeFor[api.Service]()
	for i := range service.NumMethod() {
		list = append(list, reflect.New(service.Method(i).Type.Out(0).Elem()).Interface().(appender))
	}
	if len(list) != 97 {
		t.Fatalf("%d operations", len(list))
	}
	return list
}

func TestAppendJSON_agreesWithTheLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for _, out := range outputs(t) {
		for range 20 {
			fill(reflect.ValueOf(out).Elem(), random)
			ours := out.AppendJSON(nil)
			theirs, err := gojson.Marshal(out, gojson.Deterministic(true))
			if err != nil {
				t.Fatal(err)
			}
			var a, b any
			if err := gojson.Unmarshal(ours, &a); err != nil {
				t.Fatalf("%T: %v\n%s", out, err, ours)
			}
			if err := gojson.Unmarshal(theirs, &b); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(a, b) {
				t.Fatalf("%T:\nours   %s\ntheirs %s", out, ours, theirs)
			}
			back := reflect.New(reflect.TypeOf(out).Elem()).Interface()
			if err := gojson.Unmarshal(ours, back); err != nil || !reflect.DeepEqual(back, out) {
				t.Fatalf("%T does not come back: %v", out, err)
			}
		}
	}
}

// TestAppendJSON_emptyOutput: the list that is asked for is there when it is empty; nothing else is.
func TestAppendJSON_emptyOutput(t *testing.T) {
	for _, out := range outputs(t) {
		want := "{}"
		for i := range api.Operations {
			if op := &api.Operations[i]; op.Paginator != nil && strings.HasSuffix(fmt.Sprintf("%T", out), "."+op.Name+"Output") {
				want = `{"` + op.Paginator.ResultKey + `":[]}`
			}
		}
		switch out.(type) {
		case *api.GetNetworkRoutesOutput:
			want = `{"NetworkRoutes":[]}`
		case *api.ListTagsForResourceOutput:
			want = `{"TagList":[]}`
		}
		if got := string(out.AppendJSON(nil)); got != want {
			t.Errorf("%T: %s, want %s", out, got, want)
		}
	}
}

// TestAppendJSON_emptyLists: what recordings of AWS show of lists without elements.
func TestAppendJSON_emptyLists(t *testing.T) {
	for want, out := range map[string]appender{
		`{"EdgeLocation":"us-east-1","InsideCidrBlocks":[]}`:               &api.CoreNetworkEdge{EdgeLocation: "us-east-1"},
		`{"Name":"prod","SharedSegments":[]}`:                              &api.CoreNetworkSegment{Name: "prod"},
		`{"DestinationCidrBlock":"0.0.0.0/0","State":"BLACKHOLE"}`:         &api.NetworkRoute{DestinationCidrBlock: "0.0.0.0/0", State: "BLACKHOLE", Destinations: []api.NetworkRouteDestination{}},
		`{"DestinationCidrBlock":"10.0.0.0/8","Destinations":[{}]}`:        &api.NetworkRoute{DestinationCidrBlock: "10.0.0.0/8", Destinations: make([]api.NetworkRouteDestination, 1)},
		`{"DeviceId":"device-1"}`:                                          &api.Device{DeviceId: "device-1", Tags: []api.Tag{}},
		`{"CoreNetworkId":"core-network-1"}`:                               &api.CoreNetworkSummary{CoreNetworkId: "core-network-1", Tags: []api.Tag{}},
		`{"Message":"A rule.","Reason":"Other"}`:                           api.BrokenRule("A rule."),
		`{"GlobalNetworks":[]}`:                                            &api.DescribeGlobalNetworksOutput{},
		`{"CoreNetwork":{"CoreNetworkId":"c","NetworkFunctionGroups":[]}}`: &api.GetCoreNetworkOutput{CoreNetwork: &api.CoreNetwork{CoreNetworkId: "c", NetworkFunctionGroups: []api.CoreNetworkNetworkFunctionGroup{}}},
		`{"AttachmentId":"attachment-1","AttachmentPolicyRuleNumber":0}`:   &api.Attachment{AttachmentId: "attachment-1", AttachmentPolicyRuleNumber: new(int32)},
		`{"AttachmentNatConfigurations":[{"NatGatewayRules":[]}]}`:         &api.ListAttachmentNatConfigurationsOutput{AttachmentNatConfigurations: []api.AttachmentNatConfiguration{{NatGatewayRules: []api.NatRule{}}}},
	} {
		if got := string(out.AppendJSON(nil)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestSetEncoded(t *testing.T) {
	out := api.GetSitesOutput{Sites: make([]api.Site, 2), NextToken: "t"}
	out.Sites[0].SiteId = "site-1"
	out.Sites[1].SetEncoded(&[]string{`{"SiteId":"site-2"}`, `{"SiteId":"site-3"}`})
	if got := string(out.AppendJSON(nil)); got != `{"Sites":[{"SiteId":"site-1"},{"SiteId":"site-2"},{"SiteId":"site-3"}],"NextToken":"t"}` {
		t.Error(got)
	}
}

func TestAppendString_everyByte(t *testing.T) {
	for at := range 20 {
		for c := range 256 {
			s := strings.Repeat("a", at) + string([]byte{byte(c)}) + "tail of text"
			var back string
			if err := gojson.Unmarshal(api.AppendString(nil, s), &back); err != nil || back != strings.ToValidUTF8(s, "\uFFFD") {
				t.Fatalf("byte %#x at %d: %q %v", c, at, back, err)
			}
		}
	}
}

func TestOperations_table(t *testing.T) {
	paginators, tokens := 0, 0
	for i, op := range api.Operations {
		if i > 0 && api.Operations[i-1].Name >= op.Name {
			t.Errorf("%s is out of order", op.Name)
		}
		if got := api.OperationByName(op.Name); got == nil || got.Path != op.Path {
			t.Errorf("OperationByName(%s): %v", op.Name, got)
		}
		if _, err := op.Call(t.Context(), api.Unimplemented{}, op.NewInput()); err == nil || !strings.Contains(err.Error(), op.Name+" is not implemented.") {
			t.Errorf("%s: %v", op.Name, err)
		}
		if op.Paginator != nil {
			paginators++
		}
		if _, ok := op.NewInput().(api.ClientTokener); ok != op.ClientToken {
			t.Errorf("%s: client token %t", op.Name, op.ClientToken)
		}
		if op.ClientToken {
			tokens++
		}
	}
	if len(api.Operations) != 97 || paginators != 25 || tokens != 12 || api.OperationByName("NoSuchThing") != nil {
		t.Errorf("%d operations, %d paginators, %d with a client token", len(api.Operations), paginators, tokens)
	}
}

func BenchmarkAppendJSON_pageOf100Sites(b *testing.B) {
	out := api.GetSitesOutput{}
	for range 100 {
		out.Sites = append(out.Sites, api.Site{
			SiteId: "site-0123456789abcdef0", SiteArn: "arn:aws:networkmanager::111122223333:site/global-network-0123456789abcdef0/site-0123456789abcdef0",
			GlobalNetworkId: "global-network-0123456789abcdef0", Description: "a site of the benchmark", State: "AVAILABLE",
			Location: &api.Location{Address: new("1 Main St"), Latitude: new("40.7"), Longitude: new("-74.0")}, CreatedAt: api.Time{Time: time.Unix(1767225600, 0)},
		})
	}
	buf := make([]byte, 0, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		buf = out.AppendJSON(buf[:0])
	}
	b.SetBytes(int64(len(buf)))
}

package routing_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portolan/routing"
)

func TestOptions_Set(t *testing.T) {
	defaults := map[string]bool{
		"filtersDirectional": true, "shareAcrossMissingEdges": true, "staticBeforeInsertion": true, "insertionBeforeShare": true, "carryMed": true,
		"carryLocalPreference": false, "localPreferenceBeforeAsPath": true, "dualHopNfgRemote": true, "dualHopMissingFar": false,
		"remoteStaticIsStatic": false, "isolatedTgwAdvertiseInserted": true, "checkAttachmentLoops": true,
		"overrideNeedsBothEdges": false, "connectEcmpNeedsVpnEcmpSupport": false, "ribBeforeAttachmentPolicies": true, "stripOwnCommunities": true,
		"staticRoutesAdvertisedToTarget": true, "advertiseBetweenConnectPeers": true, "directConnectAnyEdge": true, "typeBeforeAsPath": false,
		"directConnectZeroMed": false, "natInexactVpcRuleRoute": true, "natHidesLearnedExact": false, "natSystemRouteNeedsLearned": false,
	}
	if n := len(routing.Switches(routing.DefaultOptions())); n != len(defaults) {
		t.Errorf("%d switches", n)
	}
	for name, on := range defaults {
		o := routing.DefaultOptions()
		for i, s := range routing.Switches(o) {
			if s.Name != name {
				continue
			}
			if *s.On != on {
				t.Errorf("%s is %t", name, *s.On)
			}
			if err := o.Set(name, map[bool]string{true: "false", false: "true"}[on]); err != nil || *s.On == on {
				t.Errorf("%s is not turned: %v", name, err)
			}
			*s.On = on // it was the only one
			for j, other := range routing.Switches(routing.DefaultOptions()) {
				if *other.On != *routing.Switches(o)[j].On {
					t.Errorf("%s (%d) turned %s", name, i, other.Name)
				}
			}
		}
	}
	o := routing.DefaultOptions()
	for _, set := range [][2]string{{"sendToRouteType", "PROPAGATED"}, {"tieBreak", "hash"}, {"defaultRegionPriority", "eu-west-1,us-east-1"}} {
		if err := o.Set(set[0], set[1]); err != nil {
			t.Error(err)
		}
	}
	if o.SendToStatic || o.TieBreak == nil || strings.Join(o.DefaultRegionPriority, " ") != "eu-west-1 us-east-1" {
		t.Errorf("got %+v", o)
	}
	for _, set := range [][2]string{{"sendToRouteType", "STATIC"}, {"tieBreak", "order"}, {"defaultRegionPriority", ""}} {
		if err := o.Set(set[0], set[1]); err != nil {
			t.Error(err)
		}
	}
	if !o.SendToStatic || o.TieBreak != nil || o.DefaultRegionPriority != nil {
		t.Errorf("got %+v", o)
	}
	for _, c := range []struct{ name, value, want string }{
		{"carryMed", "yes", `carryMed is false or true, not "yes"`},
		{"tieBreak", "", `tieBreak is hash or order, not ""`},
		{"sendToRouteType", "static", `sendToRouteType is PROPAGATED or STATIC, not "static"`},
		{"CarryMED", "true", `there is no routing option "CarryMED"; there are: advertiseBetweenConnectPeers carryLocalPreference carryMed `},
	} {
		if err := o.Set(c.name, c.value); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s=%s: %v", c.name, c.value, err)
		}
	}
}

// TestOptions_documented: the table of options that users read has all of them, with the defaults.
func TestOptions_documented(t *testing.T) {
	text, err := os.ReadFile("../docs/routing.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| option | default | what it decides |")
	table, _, _ = strings.Cut(table, "\n\n")
	o := routing.DefaultOptions()
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\S*) ?\\|").FindAllStringSubmatch(table, -1) {
		documented = append(documented, row[1])
		if err := o.Set(row[1], row[2]); err != nil {
			t.Error(err)
		}
	}
	if !reflect.DeepEqual(o, routing.DefaultOptions()) {
		t.Errorf("the documented defaults make %+v", o)
	}
	_, known, _ := strings.Cut(o.Set("", "").Error(), "there are: ")
	slices.Sort(documented)
	if got := strings.Join(documented, " "); got != known {
		t.Errorf("documented are\n%s\nof\n%s", got, known)
	}
}

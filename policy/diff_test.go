package policy_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/policy"
	"portolan/policy/internal/policytest"
)

// TestDiffScripts runs testdata/diff. `old` and `new` take documents; `attachments` says where attachments are and
// shows nothing; `diff` shows the changes, or with a type only those.
func TestDiffScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/diff", func(t *testing.T, path string) {
		var old, next *policy.Policy
		var attached []policy.Attachment
		labels := map[string]string{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "old":
				old = compiled(t, d.Input, nil)
				return ""
			case "new":
				previous := policy.Previous{}
				if old != nil {
					previous = old.Previous()
				}
				next = compiled(t, d.Input, previous)
				return ""
			case "execute":
				old = next
				return ""
			case "attachments":
				attached = nil
				for line := range strings.Lines(d.Input) {
					a := policytest.Attachment(strings.TrimSpace(line))
					labels[a.ID] = a.Tags["label"]
					delete(a.Tags, "label")
					attached = append(attached, a)
				}
				return ""
			case "diff":
				var only string
				if d.HasArg("type") {
					d.ScanArgs(t, "type", &only)
				}
				return renderChanges(policy.DiffAttached(old, next, placed(old, next, attached, labels)), only)
			}
			t.Fatalf("unknown command %s", d.Cmd)
			return ""
		})
	})
}

// placed is attachments where the old policy puts them and then the new one.
func placed(old, next *policy.Policy, attached []policy.Attachment, labels map[string]string) []policy.Associated {
	list := make([]policy.Attached, len(attached))
	for i, a := range attached {
		list[i] = policy.Attached{Attachment: a, Label: labels[a.ID]}
	}
	if old != nil {
		for i, a := range old.AssociateAll(list) {
			list[i].At = a.Next
		}
	}
	return next.AssociateAll(list)
}

func compiled(t testing.TB, text string, previous policy.Previous) *policy.Policy {
	t.Helper()
	doc, errs := check(text)
	if len(errs) > 0 {
		t.Fatalf("%v", policytest.Render(errs))
	}
	p, errs := policy.Compile(doc, previous)
	if len(errs) > 0 {
		t.Fatalf("%v", policytest.Render(errs))
	}
	return p
}

func renderChanges(changes []policy.Change, only string) string {
	var b strings.Builder
	for _, c := range changes {
		if only != "" && string(c.Type) != only {
			continue
		}
		fmt.Fprintf(&b, "%s %s [%s] at %s\n", c.Action, c.IdentifierPath, c.Identifier, strings.Join(c.Edges, ","))
		if v := renderValues(c.Previous); v != "" {
			b.WriteString("    -" + v + "\n")
		}
		if v := renderValues(c.New); v != "" {
			b.WriteString("    +" + v + "\n")
		}
	}
	if b.Len() == 0 {
		return "no changes\n"
	}
	return b.String()
}

// renderValues shows the members that are filled.
func renderValues(v *policy.ChangeValues) string {
	if v == nil {
		return ""
	}
	var b strings.Builder
	r := reflect.ValueOf(*v)
	for i := range r.NumField() {
		f := r.Field(i)
		if f.IsZero() {
			continue
		}
		if f.Kind() == reflect.Pointer {
			f = f.Elem()
		}
		switch x := f.Interface().(type) {
		case []policy.ServiceInsertion:
			for _, s := range x {
				fmt.Fprintf(&b, " %s(%s to %v via %s", s.Action, s.Mode, s.WhenSentTo, s.Group)
				for _, o := range s.Overrides {
					fmt.Fprintf(&b, ", %v use %s", o.Sets, o.Use)
				}
				b.WriteByte(')')
			}
		default:
			fmt.Fprintf(&b, " %s=%v", r.Type().Field(i).Name, x)
		}
	}
	return b.String()
}

// documents are the example policies and the seed.
func documents(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../examples/policies/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d example policies: %v", len(files), err)
	}
	texts := map[string]string{}
	for _, f := range append(files, "../test/testdata/seed.json") {
		if strings.HasSuffix(f, "plan.json") {
			continue // a plan of Terraform, not a document
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		texts[f] = string(text)
	}
	return texts
}

// sequences are lists whose order means something.
var sequences = map[string]bool{"with-edge-overrides": true, "edge-locations": true, "value": true}

// shuffle gives every list that is a set, and the members of every object, another order. The edge locations of the
// configuration are put in another order by a test of their own.
func shuffle(r *rand.Rand, key string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = shuffle(r, k, v[k])
		}
		return v // maps have no order, and the encoder sorts them: one more order than that of the file
	case []any:
		for i := range v {
			v[i] = shuffle(r, key, v[i])
		}
		if !sequences[key] {
			r.Shuffle(len(v), func(i, j int) { v[i], v[j] = v[j], v[i] })
		}
	}
	return v
}

func TestDiff_sameMeaningIsEmpty(t *testing.T) {
	for name, text := range documents(t) {
		old := compiled(t, text, nil)
		if changes := policy.Diff(old, old); len(changes) > 0 {
			t.Errorf("%s and itself:\n%s", name, renderChanges(changes, ""))
		}
		for seed := range uint64(20) {
			var tree any
			if err := json.Unmarshal([]byte(text), &tree); err != nil {
				t.Fatal(err)
			}
			shuffled, err := json.Marshal(shuffle(rand.New(rand.NewPCG(seed, 1)), "", tree), json.Deterministic(true), jsontext.WithIndent("\t"))
			if err != nil {
				t.Fatal(err)
			}
			if changes := policy.Diff(old, compiled(t, string(shuffled), old.Previous())); len(changes) > 0 {
				t.Fatalf("%s in another order:\n%s\n%s", name, renderChanges(changes, ""), shuffled)
			}
		}
	}
}

// TestDiff_everyPair holds what must be true of any two policies: what one way adds the other way removes, the order is
// always the same, and two policies without a difference have the same meaning to everybody who asks.
func TestDiff_everyPair(t *testing.T) {
	texts := documents(t)
	var names []string
	for name := range texts {
		names = append(names, name)
	}
	slices.Sort(names)
	opposite := map[policy.ChangeAction]policy.ChangeAction{policy.ChangeAdd: policy.ChangeRemove, policy.ChangeRemove: policy.ChangeAdd, policy.ChangeModify: policy.ChangeModify}
	for _, a := range names {
		for _, b := range names {
			old, next := compiled(t, texts[a], nil), compiled(t, texts[b], nil)
			there, back := policy.Diff(old, next), policy.Diff(next, old)
			if again := policy.Diff(old, next); !reflect.DeepEqual(there, again) {
				t.Fatalf("%s to %s: another order the second time", a, b)
			}
			if (a == b) != (len(there) == 0) {
				t.Errorf("%s to %s: %d changes", a, b, len(there))
			}
			if len(there) != len(back) {
				t.Fatalf("%s to %s: %d changes, %d back", a, b, len(there), len(back))
			}
			seen := map[string]bool{}
			for i, c := range there {
				if (c.Previous == nil) && c.Action == policy.ChangeModify && c.New != nil {
					t.Errorf("%s: a modification of nothing: %+v", a, c)
				}
				key := fmt.Sprint(c.Type, c.IdentifierPath, renderValues(c.Previous), renderValues(c.New))
				if seen[key] {
					t.Errorf("%s to %s: twice %s", a, b, key)
				}
				seen[key] = true
				if o := back[i]; o.IdentifierPath == c.IdentifierPath && c.Action != opposite[o.Action] && c.Type != policy.ChangeAttachmentRouteStatic {
					t.Errorf("%s to %s: %s %s and back %s", a, b, c.Action, c.IdentifierPath, o.Action)
				}
			}
		}
	}
}

func TestDiff_withoutOne(t *testing.T) {
	for name, text := range documents(t) {
		p := compiled(t, text, nil)
		for _, c := range policy.Diff(nil, p) {
			if c.Action != policy.ChangeAdd || c.Previous != nil {
				t.Errorf("%s from nothing: %+v", name, c)
			}
		}
		for _, c := range policy.Diff(p, nil) {
			if c.Action != policy.ChangeRemove || c.New != nil {
				t.Errorf("%s to nothing: %+v", name, c)
			}
		}
	}
	if changes := policy.Diff(nil, nil); len(changes) > 0 {
		t.Errorf("nothing to nothing: %+v", changes)
	}
}

// edits calls a function for the document after every small change of it: a member or an element that goes, a word that
// has a letter more, a number that is one more, a flag that turns. The path is that of what changes.
func edits(t *testing.T, text string, do func(path, edited string)) {
	var tree any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatal(err)
	}
	try := func(path string) {
		edited, err := json.Marshal(tree, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		do(path, string(edited))
	}
	var walk func(path string, v any, set func(any))
	walk = func(path string, v any, set func(any)) {
		switch v := v.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				member := v[k]
				walk(path+"."+k, member, func(other any) { v[k] = other })
				delete(v, k)
				try(path + "." + k + " gone")
				v[k] = member
			}
		case []any:
			for i := range v {
				walk(path+"[]", v[i], func(other any) { v[i] = other })
				set(slices.Delete(slices.Clone(v), i, i+1))
				try(path + "[] gone")
			}
		case string:
			set(v + "1")
			try(path)
		case float64:
			set(v + 1)
			try(path)
		case bool:
			set(!v)
			try(path)
		}
		set(v)
	}
	walk("$", tree, func(other any) { tree = other })
}

// meaningless is what may be left out without another meaning.
var meaningless = map[string]string{
	"$.attachment-policies[].condition-logic gone":                   "with one condition",
	"$.core-network-configuration.dns-support gone":                  "the default is written",
	"$.segments[].require-attachment-acceptance gone":                "the default is written",
	"$.network-function-groups[].require-attachment-acceptance gone": "the default is written",
}

// TestDiff_everyPartCounts: whatever small thing of a policy is another, the two do not mean the same.
func TestDiff_everyPartCounts(t *testing.T) {
	for name, text := range documents(t) {
		old := compiled(t, text, nil)
		tried := 0
		edits(t, text, func(path, edited string) {
			doc, errs := check(edited)
			if len(errs) > 0 {
				return
			}
			next, errs := policy.Compile(doc, old.Previous())
			if len(errs) > 0 {
				return
			}
			tried++
			if len(policy.Diff(old, next)) == 0 && meaningless[path] == "" {
				t.Errorf("%s: %s changes nothing", name, path)
			}
		})
		if tried < 10 {
			t.Errorf("%s: only %d edits", name, tried)
		}
	}
}

// TestDiff_orderOfEdgesThatBeginsToCount: the order of edges that AWS's list of Regions lacks begins to count with the first group
// that traffic is sent to. That is no other configuration.
func TestDiff_orderOfEdgesThatBeginsToCount(t *testing.T) {
	document := func(edges, actions string) string {
		return `{"version": "2021.12", "core-network-configuration": {"asn-ranges": ["64512-64600"], "edge-locations": [` + edges + `]},
			"segments": [{"name": "a"}], "network-function-groups": [{"name": "fw", "require-attachment-acceptance": false}]` + actions + `}`
	}
	const sendTo = `, "segment-actions": [{"action": "send-to", "segment": "a", "via": {"network-function-groups": ["fw"]}}]`
	const order, other = `{"location": "ap-east-1"}, {"location": "mx-central-1"}`, `{"location": "mx-central-1"}, {"location": "ap-east-1"}`
	const listed, turned = `{"location": "us-east-1"}, {"location": "eu-west-1"}`, `{"location": "eu-west-1"}, {"location": "us-east-1"}`
	for _, c := range []struct {
		before, edges, actions string
		changed                bool
	}{{order, order, sendTo, false}, {order, other, sendTo, true}, {order, other, "", false}, {listed, turned, sendTo, false}} {
		old := compiled(t, document(c.before, ""), nil)
		got := policy.Diff(old, compiled(t, document(c.edges, c.actions), old.Previous()))
		if slices.ContainsFunc(got, func(ch policy.Change) bool { return ch.Type == policy.ChangeCoreNetworkConfiguration }) != c.changed {
			t.Errorf("edges %s, actions %s: %+v", c.edges, c.actions, got)
		}
	}
}

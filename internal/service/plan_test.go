package service_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"portolan/api"
	"portolan/internal/events"
	"portolan/internal/snapshot"
	"portolan/policy"
	"portolan/routing"
)

// planned is what executing a version of a core network's policy should do, worked out from the network's snapshot.
type planned struct {
	*snapshot.Execution
	at uint64 // of the last event before
}

// rendered is a text that is equal when all is.
func rendered(v any) string {
	text, err := json.Marshal(v, json.Deterministic(true), jsontext.WithIndent(" "))
	if err != nil {
		panic(err)
	}
	return string(text)
}

// plan works out the execution of a version and compares its change set with the server's.
func (w *world) plan(rt failer, cn string, version int32) *planned {
	_, _, at := w.happened(0)
	snap, err := w.Snapshot(w.ctx, cn)
	if err != nil {
		rt.Fatalf("%v", err)
	}
	document := must(w, w.GetCoreNetworkPolicy, api.GetCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyVersionId: &version}).CoreNetworkPolicy.PolicyDocument
	e, err := snap.Execute([]byte(document))
	if err != nil {
		rt.Fatalf("%v", err)
	}
	p := &planned{e, at}
	p.sameChanges(rt, w, cn, version, "generated")
	return p
}

type failer interface {
	Fatalf(format string, args ...any)
}

// sameChanges compares the change set of the plan with the one a version has.
func (p *planned) sameChanges(rt failer, w *world, cn string, version int32, when string) {
	var want, got []string
	for _, c := range p.Changes() {
		want = append(want, fmt.Sprint(c.Type, c.Action, c.Identifier, c.IdentifierPath, planValues(c.Previous), planValues(c.New)))
	}
	for token := ""; ; {
		out := must(w, w.GetCoreNetworkChangeSet, api.GetCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: version, NextToken: &token})
		for _, c := range out.CoreNetworkChanges {
			got = append(got, fmt.Sprint(c.Type, c.Action, c.Identifier, c.IdentifierPath, apiValues(c.PreviousValues), apiValues(c.NewValues)))
		}
		if token = out.NextToken; token == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		rt.Fatalf("the %s change set is\n%s\nthe plan's\n%s", when, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func planValues(v *policy.ChangeValues) string {
	if v == nil {
		return ""
	}
	return strings.Join([]string{v.SegmentName, v.NetworkFunctionGroupName, v.DestinationIdentifier, v.AttachmentID, fmt.Sprint(v.EdgeLocations)}, "/")
}

func apiValues(v *api.CoreNetworkChangeValues) string {
	if v == nil {
		return ""
	}
	return strings.Join([]string{v.SegmentName, v.NetworkFunctionGroupName, v.DestinationIdentifier, v.AttachmentId, fmt.Sprint(v.EdgeLocations)}, "/")
}

// happened compares a network after the execution with the plan: places and states, tables, the stored change set, events.
func (p *planned) happened(rt failer, w *world, gn, cn string, version int32) {
	snap, err := w.Snapshot(w.ctx, cn)
	if err != nil {
		rt.Fatalf("%v", err)
	}
	snap.PolicyVersionID = 0
	if got, want := rendered(snap), rendered(p.Snapshot); got != want {
		rt.Fatalf("the network is\n%s\nthe plan says\n%s", got, want)
	}
	sameRows(rt, "after the execution", w.everyRoute(gn, cn), w.rowsOf(p.Snapshot))
	p.sameChanges(rt, w, cn, version, "executed")
	got, want := w.placeEvents(rt, p.at), p.events()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		rt.Fatalf("events are\n%s\nthe plan says\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// placeEvents are the events since a sequence about where attachments are.
func (w *world) placeEvents(rt failer, since uint64) (list []string) {
	found, _, err := w.Events(w.ctx, events.Query{After: since, Limit: 1000})
	if err != nil {
		rt.Fatalf("%v", err)
	}
	for _, r := range found {
		var d struct {
			AttachmentArn, PreviousSegmentName, SegmentName, PreviousNetworkFunctionGroupName, NewNetworkFunctionGroupName, NetworkFunctionGroupName string
		}
		if err := json.Unmarshal(r.Event.Detail, &d, json.MatchCaseInsensitiveNames(true)); err != nil {
			rt.Fatalf("%v", err)
		}
		if d.AttachmentArn == "" {
			continue
		}
		list = append(list, fmt.Sprint(d.AttachmentArn[strings.LastIndexByte(d.AttachmentArn, '/')+1:], " segment ", d.PreviousSegmentName, ">", d.SegmentName,
			" group ", d.PreviousNetworkFunctionGroupName, ">", d.NewNetworkFunctionGroupName, " full ", d.NetworkFunctionGroupName))
	}
	return list
}

// events are those that the plan leads to.
func (p *planned) events() (list []string) {
	for i := range p.Attachments {
		a := &p.Attachments[i]
		tell := func(segment, next, group, nextGroup, full string) {
			list = append(list, fmt.Sprint(a.ID, " segment ", segment, ">", next, " group ", group, ">", nextGroup, " full ", full))
		}
		waits := p.Snapshot.Attachments[i].State == "PENDING_ATTACHMENT_ACCEPTANCE" // it is in the network once it is accepted
		if !waits && a.At.Segment != a.Next.Segment {
			tell(a.At.Segment, a.Next.Segment, "", "", "")
		}
		if !waits && a.At.NetworkFunctionGroup != a.Next.NetworkFunctionGroup {
			tell("", "", a.At.NetworkFunctionGroup, a.Next.NetworkFunctionGroup, "")
		}
		if a.FullGroup != "" && (a.At != a.Next || p.waited(i)) {
			tell("", "", "", "", a.FullGroup)
		}
	}
	return list
}

// waited says whether a proposal of an attachment ended.
func (p *planned) waited(i int) bool { return p.Attachments[i].Asks }

// drawnPolicy is a policy of random rules over the segments and groups, of which each may require acceptance or be missing.
func drawnPolicy(rt *rapid.T) string {
	accept := func(name string) string {
		return fmt.Sprintf(`{"name":%q,"require-attachment-acceptance":%t}`, name, rapid.Bool().Draw(rt, name+" requires acceptance"))
	}
	segments := []string{accept("prod"), accept("dev")}
	if rapid.Bool().Draw(rt, "guest exists") {
		segments = append(segments, accept("guest"))
	}
	var rules []string
	groups := []string{accept("fw"), accept("ids")}
	for i := range rapid.IntRange(1, 4).Draw(rt, "rules") {
		condition := rapid.SampledFrom([]string{
			`{"type":"tag-exists","key":"a"}`, `{"type":"tag-exists","key":"b"}`, `{"type":"tag-value","operator":"equals","key":"a","value":"prod"}`,
			`{"type":"region","operator":"equals","value":"eu-west-1"}`, `{"type":"any"}`,
		}).Draw(rt, "condition")
		action := rapid.SampledFrom([]string{
			`{"association-method":"tag","tag-value-of-key":"a"}`, `{"association-method":"constant","segment":"prod"}`,
			`{"association-method":"constant","segment":"dev","require-acceptance":true}`, `{"add-to-network-function-group":"fw"}`,
			`{"add-to-network-function-group":"fw"}`, `{"add-to-network-function-group":"ids"}`,
		}).Draw(rt, "action")
		rules = append(rules, fmt.Sprintf(`{"rule-number":%d,"conditions":[%s],"action":%s}`, i+1, condition, action))
	}
	actions := rapid.SampledFrom([]string{
		``, `{"action":"share","mode":"attachment-route","segment":"prod","share-with":["dev"]}`,
		`{"action":"send-via","segment":"prod","mode":"single-hop","when-sent-to":{"segments":["dev"]},"via":{"network-function-groups":["fw"]}}`,
		`{"action":"send-to","segment":"dev","via":{"network-function-groups":["ids"]}}`,
	}).Draw(rt, "actions")
	return `{"version":"2021.12","core-network-configuration":{"asn-ranges":["64512-64599"],"edge-locations":[{"location":"eu-west-1"},{"location":"us-east-1"}]},
		"segments":[` + strings.Join(segments, ",") + `],"network-function-groups":[` + strings.Join(groups, ",") + `],"segment-actions":[` + actions + `],
		"attachment-policies":[` + strings.Join(rules, ",") + `]}`
}

// TestPlan_isTheExecution: a plan is what its execution does: where attachments are, every route, the change set, the
// events.
func TestPlan_isTheExecution(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, withProfile(t, "instant,attachment.DELETING=1000s,attachment.UPDATING=1000s"))
		gn, document := w.globalNetwork(), drawnPolicy(rt)
		cn := must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: &document}).CoreNetwork.CoreNetworkId
		w.settled(0)
		var ids []string
		tags := func() []api.Tag {
			var list []api.Tag
			for _, key := range []string{"a", "b"} {
				if value := rapid.SampledFrom([]string{"", "prod", "dev", "guest"}).Draw(rt, key); value != "" {
					list = append(list, api.Tag{Key: &key, Value: &value})
				}
			}
			return list
		}
		for range rapid.IntRange(1, 10).Draw(rt, "steps") {
			what := rapid.SampledFrom([]string{"attach", "attach", "tag", "delete", "accept", "reject"}).Draw(rt, "what")
			if len(ids) == 0 || what == "attach" {
				account := "arn:aws:ec2:" + rapid.SampledFrom([]string{"eu-west-1", "us-east-1"}).Draw(rt, "edge") + ":111122223333:"
				n := fmt.Sprintf("%017x", len(ids)+1)
				ids = append(ids, must(w, w.CreateVpcAttachment, api.CreateVpcAttachmentInput{
					CoreNetworkId: cn, VpcArn: account + "vpc/vpc-" + n, SubnetArns: []string{account + "subnet/subnet-" + n}, Tags: tags(),
				}).VpcAttachment.Attachment.AttachmentId)
				prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(len(ids)), 0, 0}), 16)
				if err := w.PutAnnouncements(w.ctx, ids[len(ids)-1], []routing.Announcement{{Prefix: prefix}}); err != nil {
					rt.Fatalf("%v", err)
				}
				continue
			}
			// What is refused in the attachment's state changes nothing, which is also right.
			id := rapid.SampledFrom(ids).Draw(rt, "id")
			arn := "arn:aws:networkmanager::111122223333:attachment/" + id
			switch what {
			case "tag":
				_, _ = w.UntagResource(w.ctx, &api.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a", "b"}})
				_, _ = w.TagResource(w.ctx, &api.TagResourceInput{ResourceArn: arn, Tags: tags()})
			case "delete":
				_, _ = w.DeleteAttachment(w.ctx, &api.DeleteAttachmentInput{AttachmentId: id})
			case "accept":
				_, _ = w.AcceptAttachment(w.ctx, &api.AcceptAttachmentInput{AttachmentId: id})
			case "reject":
				_, _ = w.RejectAttachment(w.ctx, &api.RejectAttachmentInput{AttachmentId: id})
			}
		}
		w.settled(0)
		for range 2 { // the second has what the first left
			version := w.putVersion(cn, drawnPolicy(rt))
			w.settled(0)
			plan := w.plan(rt, cn, version)
			w.execute(cn, version)
			w.settled(0)
			plan.happened(rt, w, gn, cn, version)
		}
	})
}

// TestPlan_incumbentKeepsTheGroup: the attachment that is in a group keeps its place there, also against an older one
// that the new policy sends there.
func TestPlan_incumbentKeepsTheGroup(t *testing.T) {
	w := newWorld(t)
	gn := w.globalNetwork()
	rule := func(n int, key, action string) string {
		return fmt.Sprintf(`{"rule-number":%d,"conditions":[{"type":"tag-exists","key":%q}],"action":%s}`, n, key, action)
	}
	document := func(rules ...string) string {
		head, _, _ := strings.Cut(labPolicy("prod"), `"attachment-policies"`)
		return head + `"network-function-groups":[{"name":"firewall","require-attachment-acceptance":false}],"attachment-policies":[` + strings.Join(rules, ",") + `]}`
	}
	const firewall, prod = `{"add-to-network-function-group":"firewall"}`, `{"association-method":"constant","segment":"prod"}`
	before := document(rule(10, "fw", firewall), rule(20, "net", prod))
	cn := must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: &before}).CoreNetwork.CoreNetworkId
	w.settled(0)
	attach := func(n, key string) string {
		return must(w, w.CreateVpcAttachment, api.CreateVpcAttachmentInput{
			CoreNetworkId: cn, VpcArn: ec2 + "vpc/vpc-" + n, SubnetArns: []string{ec2 + "subnet/subnet-" + n}, Tags: []api.Tag{{Key: &key, Value: new("")}},
		}).VpcAttachment.Attachment.AttachmentId
	}
	older, incumbent := attach("0000000000000000a", "net"), attach("0000000000000000b", "fw")
	w.settled(0)
	version := w.putVersion(cn, document(rule(10, "fw", firewall), rule(20, "net", firewall)))
	w.settled(0)
	plan := w.plan(t, cn, version)
	if a := plan.Attachments; a[0].ID != older || a[0].Next != (policy.Association{}) || a[0].FullBy != incumbent || a[1].Next.NetworkFunctionGroup != "firewall" {
		t.Errorf("the plan has %+v and %+v", a[0], a[1])
	}
	w.execute(cn, version)
	w.settled(0)
	plan.happened(t, w, gn, cn, version)
	if got := w.attachment(incumbent); got.NetworkFunctionGroupName != "firewall" {
		t.Errorf("the incumbent is in %q", got.NetworkFunctionGroupName)
	}
	if got := w.attachment(older); got.SegmentName != "" || got.NetworkFunctionGroupName != "" {
		t.Errorf("the older one is in %q %q", got.SegmentName, got.NetworkFunctionGroupName)
	}
}

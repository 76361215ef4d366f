package service_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portolan/api"
	"portolan/internal/lifecycle"
	"portolan/internal/node"
	"portolan/internal/store"
)

// labPolicy is a policy of two edges with the segments given; attachments go where their tag "segment" says.
func labPolicy(segments ...string) string {
	var list []string
	for _, s := range segments {
		list = append(list, fmt.Sprintf(`{"name":%q,"require-attachment-acceptance":false}`, s))
	}
	return `{"version":"2021.12","core-network-configuration":{"asn-ranges":["64512-64599"],"edge-locations":[{"location":"eu-west-1"},{"location":"us-east-1"}]},
		"segments":[` + strings.Join(list, ",") + `],
		"attachment-policies":[{"rule-number":10,"conditions":[{"type":"tag-exists","key":"segment"}],"action":{"association-method":"tag","tag-value-of-key":"segment"}}]}`
}

func (w *world) putVersion(cn, document string) int32 {
	w.t.Helper()
	id := *must(w, w.PutCoreNetworkPolicy, api.PutCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyDocument: document}).CoreNetworkPolicy.PolicyVersionId
	must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn})
	return id
}

func (w *world) changeSet(cn string, version int32) (list []string) {
	w.t.Helper()
	token := ""
	for {
		out := must(w, w.GetCoreNetworkChangeSet, api.GetCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: version, MaxResults: new(int32(3)), NextToken: &token})
		for _, c := range out.CoreNetworkChanges {
			list = append(list, string(c.Type)+" "+string(c.Action)+" "+c.Identifier)
		}
		if token = out.NextToken; token == "" {
			return list
		}
	}
}

func TestChangeSet_lifeOfAVersion(t *testing.T) {
	w := newWorld(t, withProfile(t, "instant,core-network.UPDATING=10s"))
	gn := w.globalNetwork()
	cn := must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: new(labPolicy("prod"))}).CoreNetwork.CoreNetworkId
	must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn})
	vpc := w.vpcAttachment(cn, api.Tag{Key: new("segment"), Value: new("dev")}).Attachment
	if vpc.SegmentName != "" {
		t.Fatalf("associated with %s before there is such a segment", vpc.SegmentName)
	}
	for range 4 {
		must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn})
	}

	same := w.putVersion(cn, strings.ReplaceAll(labPolicy("prod"), `,"`, `, "`))
	if got := w.changeSet(cn, same); len(got) != 0 {
		t.Errorf("the same policy in other words changes %v", got)
	}
	version := w.putVersion(cn, labPolicy("prod", "dev"))
	before := w.changeSet(cn, version)
	joined := strings.Join(before, "\n")
	for _, want := range []string{"CORE_NETWORK_SEGMENT ADD dev", "ATTACHMENT_MAPPING"} {
		if !strings.Contains(joined, want) {
			t.Errorf("no %s in\n%s", want, joined)
		}
	}
	events := func() []api.CoreNetworkChangeEvent {
		return must(w, w.GetCoreNetworkChangeEvents, api.GetCoreNetworkChangeEventsInput{CoreNetworkId: cn, PolicyVersionId: version, MaxResults: new(int32(500))}).CoreNetworkChangeEvents
	}
	if got := events(); len(got) != 0 {
		t.Errorf("events before the execution: %+v", got)
	}
	asked := w.now
	must(w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: version})
	got := events()
	if len(got) == 0 || got[0].Status != api.ChangeStatusInProgress || !got[0].EventTime.Equal(asked) {
		t.Errorf("while it executes: %+v", got)
	}
	w.now = w.now.Add(11 * time.Second)
	for range 3 {
		must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn})
	}
	after := events()
	if len(after) != len(got) || after[0].Status != api.ChangeStatusComplete || !after[0].EventTime.Equal(w.now) {
		t.Errorf("when it has: %d events, %+v", len(after), after)
	}
	edges := map[string]bool{}
	for _, e := range after {
		if e.Type == api.ChangeTypeCoreNetworkSegment && e.Values.SegmentName == "" {
			t.Errorf("a segment's event without its name: %+v", e)
		}
		edges[e.Values.EdgeLocation] = true
	}
	if !edges["eu-west-1"] || !edges["us-east-1"] {
		t.Errorf("events at %v", edges)
	}
	if now := must(w, w.GetVpcAttachment, api.GetVpcAttachmentInput{AttachmentId: vpc.AttachmentId}).VpcAttachment.Attachment; now.SegmentName != "dev" {
		t.Errorf("the attachment is in %q", now.SegmentName)
	}
	// What it changed stays to be seen, as it was.
	if kept := w.changeSet(cn, version); strings.Join(kept, "\n") != joined {
		t.Errorf("kept %v\nwas %v", kept, before)
	}
	if state := must(w, w.GetCoreNetworkPolicy, api.GetCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyVersionId: &same}).CoreNetworkPolicy.ChangeSetState; state != api.ChangeSetStateOutOfDate {
		t.Errorf("the version before is %s", state)
	}

	// A version that waits is compared with what is LIVE by then.
	first, second := w.putVersion(cn, labPolicy("prod", "dev", "test")), w.putVersion(cn, labPolicy("prod", "test"))
	if got := strings.Join(w.changeSet(cn, second), "\n"); !strings.Contains(got, "CORE_NETWORK_SEGMENT ADD test") || !strings.Contains(got, "CORE_NETWORK_SEGMENT REMOVE dev") {
		t.Errorf("got\n%s", got)
	}
	must(w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: first})
	w.now = w.now.Add(11 * time.Second)
	for range 3 {
		must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn})
	}
	if got := strings.Join(w.changeSet(cn, second), "\n"); strings.Contains(got, "ADD test") || !strings.Contains(got, "REMOVE dev") {
		t.Errorf("after another went LIVE\n%s", got)
	}
	fails[notFound](w, w.GetCoreNetworkChangeSet, api.GetCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: 99})
	fails[notFound](w, w.GetCoreNetworkChangeEvents, api.GetCoreNetworkChangeEventsInput{CoreNetworkId: cn, PolicyVersionId: 99})
	must(w, w.DeleteCoreNetworkPolicyVersion, api.DeleteCoreNetworkPolicyVersionInput{CoreNetworkId: cn, PolicyVersionId: second})
	fails[notFound](w, w.GetCoreNetworkChangeSet, api.GetCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: second})
}

// TestExecute_isThereAfterARestart closes the store while an execution is under way.
func TestExecute_isThereAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	open := func() store.Store {
		st, err := store.OpenBolt(path, store.BoltOptions{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	profile, err := lifecycle.ParseProfile("instant,core-network.UPDATING=10s")
	if err != nil {
		t.Fatal(err)
	}
	st := open()
	w := newWorld(t, func(c *node.Config) { c.Store, c.Profile = st, profile })
	cn := must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: w.globalNetwork(), PolicyDocument: new(labPolicy("prod"))}).CoreNetwork.CoreNetworkId
	must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn})
	version := w.putVersion(cn, labPolicy("prod", "dev"))
	must(w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: version})
	want := w.changeSet(cn, version)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}

	later := newWorld(t, func(c *node.Config) { c.Store, c.Profile = open(), profile })
	if state := must(later, later.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn}).CoreNetwork.State; state != api.CoreNetworkStateUpdating {
		t.Errorf("after the restart %s", state)
	}
	if got := later.changeSet(cn, version); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("change set %v, was %v", got, want)
	}
	later.now = later.now.Add(11 * time.Second)
	got := must(later, later.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn}).CoreNetwork
	if got.State != api.CoreNetworkStateAvailable || len(got.Segments) != 2 {
		t.Errorf("in the end %s with %d segments", got.State, len(got.Segments))
	}
}

func BenchmarkExecute_5000Attachments(b *testing.B) {
	s, ctx, cn := benchCoreNetwork(b, store.BoltOptions{}, labPolicy("prod", "dev"))
	settle := func() {
		for range 4 {
			if _, err := s.GetCoreNetwork(ctx, &api.GetCoreNetworkInput{CoreNetworkId: cn}); err != nil {
				b.Fatal(err)
			}
		}
	}
	settle()
	const arn = "arn:aws:ec2:eu-west-1:111122223333:"
	for i := range 5000 {
		if _, err := s.CreateVpcAttachment(ctx, &api.CreateVpcAttachmentInput{
			CoreNetworkId: cn, VpcArn: fmt.Sprintf("%svpc/vpc-%017x", arn, i), SubnetArns: []string{arn + "subnet/subnet-0123456789abcdef0"},
			Tags: []api.Tag{{Key: new("segment"), Value: new("test")}},
		}); err != nil {
			b.Fatal(err)
		}
	}
	settle()
	for i := 0; b.Loop(); i++ {
		segments := []string{"prod", "test"} // every attachment moves in, then out
		if i%2 == 1 {
			segments[1] = "dev"
		}
		b.StopTimer()
		put, err := s.PutCoreNetworkPolicy(ctx, &api.PutCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyDocument: labPolicy(segments...)})
		if err != nil {
			b.Fatal(err)
		}
		settle()
		b.StartTimer()
		if _, err := s.ExecuteCoreNetworkChangeSet(ctx, &api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: *put.CoreNetworkPolicy.PolicyVersionId}); err != nil {
			b.Fatal(err)
		}
		settle()
	}
}

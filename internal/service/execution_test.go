package service_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/api"
	"portolan/internal/node"
	"portolan/internal/store"
)

func (w *world) versionStates(cn string) string {
	w.t.Helper()
	var s []string
	for _, v := range must(w, w.ListCoreNetworkPolicyVersions, api.ListCoreNetworkPolicyVersionsInput{CoreNetworkId: cn}).CoreNetworkPolicyVersions {
		s = append(s, strings.TrimSpace(fmt.Sprintf("%d %s %s", *v.PolicyVersionId, v.ChangeSetState, v.Alias)))
	}
	return strings.Join(s, ", ")
}

func (w *world) execute(cn string, version int32) {
	w.t.Helper()
	must(w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: version})
	for range 2 {
		must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn})
	}
}

// events reads all events in pages of a size.
func (w *world) events(cn string, version, size int32) (list []api.CoreNetworkChangeEvent) {
	w.t.Helper()
	for token := ""; ; {
		out := must(w, w.GetCoreNetworkChangeEvents, api.GetCoreNetworkChangeEventsInput{CoreNetworkId: cn, PolicyVersionId: version, MaxResults: &size, NextToken: &token})
		if len(out.CoreNetworkChangeEvents) > int(size) {
			w.t.Fatalf("%d events on a page of %d", len(out.CoreNetworkChangeEvents), size)
		}
		list = append(list, out.CoreNetworkChangeEvents...)
		if token = out.NextToken; token == "" {
			return list
		}
	}
}

// labNetwork is a core network with the policy LIVE.
func (w *world) labNetwork(document string) string {
	w.t.Helper()
	cn := must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: w.globalNetwork(), PolicyDocument: &document}).CoreNetwork.CoreNetworkId
	must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn})
	return cn
}

// TestExecute_everyStateSurvivesARestart: every state of an execution can be seen, with its time, and a restart in any
// of them changes nothing of what follows.
func TestExecute_everyStateSurvivesARestart(t *testing.T) {
	const profile = "instant,core-network-policy.PENDING_GENERATION=10s,core-network-execution.NOT_STARTED=10s,core-network.UPDATING=30s"
	path := filepath.Join(t.TempDir(), "db")
	var st store.Store
	open := func(now time.Time) *world {
		t.Helper()
		var err error
		if st, err = store.OpenBolt(path, store.BoltOptions{NoSync: true}); err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, withProfile(t, profile), func(c *node.Config) {
			c.Store = st
			clock := c.Now
			c.Now = func() time.Time { // the clock is right when the process starts
				if at := clock(); at.After(now) {
					return at
				}
				return now
			}
		})
		w.now = now
		return w
	}
	w := open(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC))
	cn := w.labNetwork(labPolicy("prod"))
	put := *must(w, w.PutCoreNetworkPolicy, api.PutCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyDocument: labPolicy("prod", "dev")}).CoreNetworkPolicy.PolicyVersionId
	begin := w.now
	execute := func() {
		must(w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: put})
	}
	steps := []struct {
		at      time.Duration
		do      func()
		network api.CoreNetworkState
		states  string
		event   string // status and the second it is of
	}{
		{0, nil, "AVAILABLE", "2 PENDING_GENERATION LATEST, 1 EXECUTION_SUCCEEDED LIVE", ""},
		{10 * time.Second, nil, "AVAILABLE", "2 READY_TO_EXECUTE LATEST, 1 EXECUTION_SUCCEEDED LIVE", ""},
		{20 * time.Second, execute, "UPDATING", "2 EXECUTING LATEST, 1 EXECUTION_SUCCEEDED LIVE", "NOT_STARTED 20"},
		{30 * time.Second, nil, "UPDATING", "2 EXECUTING LATEST, 1 EXECUTION_SUCCEEDED LIVE", "IN_PROGRESS 30"},
		{49 * time.Second, nil, "UPDATING", "2 EXECUTING LATEST, 1 EXECUTION_SUCCEEDED LIVE", "IN_PROGRESS 30"},
		{50 * time.Second, nil, "AVAILABLE", "2 EXECUTION_SUCCEEDED LIVE, 1 OUT_OF_DATE", "COMPLETE 50"},
		{99 * time.Second, nil, "AVAILABLE", "2 EXECUTION_SUCCEEDED LIVE, 1 OUT_OF_DATE", "COMPLETE 50"},
	}
	for _, step := range steps {
		w.now = begin.Add(step.at)
		if step.do != nil {
			step.do()
		}
		for _, when := range []string{"before", "after"} {
			if got := must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn}).CoreNetwork; got.State != step.network || len(got.Segments) != 1+strings.Count(step.event, "COMPLETE") {
				t.Errorf("%s the restart at %s: %s with %d segments, want %s", when, step.at, got.State, len(got.Segments), step.network)
			}
			if got := w.versionStates(cn); got != step.states {
				t.Errorf("%s the restart at %s: %s, want %s", when, step.at, got, step.states)
			}
			events := w.events(cn, put, 100)
			if (len(events) == 0) != (step.event == "") {
				t.Errorf("%s the restart at %s: %d events", when, step.at, len(events))
			}
			for _, e := range events {
				if got := fmt.Sprintf("%s %.0f", e.Status, e.EventTime.Sub(begin).Seconds()); got != step.event {
					t.Errorf("%s the restart at %s: %s, want %s", when, step.at, got, step.event)
				}
			}
			if when == "before" {
				if err := st.Close(); err != nil {
					t.Fatal(err)
				}
				w = open(w.now)
			}
		}
	}
}

func TestGetCoreNetworkChangeSet_onlyOfWhatWasGenerated(t *testing.T) {
	w := newWorld(t, withProfile(t, "instant,core-network-policy.PENDING_GENERATION=10s"))
	cn := w.labNetwork(labPolicy("prod"))
	put := func(document string) int32 {
		return *must(w, w.PutCoreNetworkPolicy, api.PutCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyDocument: document}).CoreNetworkPolicy.PolicyVersionId
	}
	pending, failing := put(labPolicy("prod", "dev")), put(strings.Replace(labPolicy("prod"), `"eu-west-1"}`, `"eu-west-1","asn":64550}`, 1))
	refused := func(version int32, state api.ChangeSetState) {
		t.Helper()
		if got := must(w, w.GetCoreNetworkPolicy, api.GetCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyVersionId: &version}).CoreNetworkPolicy.ChangeSetState; got != state {
			t.Fatalf("version %d is %s, want %s", version, got, state)
		}
		if e := fails[validation](w, w.GetCoreNetworkChangeSet, api.GetCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: version}); e.Message != "Change set state for policy is invalid." {
			t.Errorf("%s: %+v", state, e)
		}
		if got := w.events(cn, version, 100); len(got) > 0 {
			t.Errorf("%s: events %+v", state, got)
		}
	}
	refused(pending, "PENDING_GENERATION")
	w.now = w.now.Add(10 * time.Second)
	refused(failing, "FAILED_GENERATION")
	fails[validation](w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: failing})
	if got := w.changeSet(cn, pending); len(got) == 0 {
		t.Error("generated, but without changes")
	}
}

// TestGetCoreNetworkChangeSet_ofTheFirstVersion: the creation of a core network with a policy is an execution too: from
// nothing.
func TestGetCoreNetworkChangeSet_ofTheFirstVersion(t *testing.T) {
	w := newWorld(t)
	cn := w.labNetwork(labPolicy("prod"))
	want := []string{
		"CORE_NETWORK_CONFIGURATION ADD core-network-configuration", "CORE_NETWORK_EDGE ADD eu-west-1", "CORE_NETWORK_EDGE ADD us-east-1",
		"SEGMENTS_CONFIGURATION ADD segments", "CORE_NETWORK_SEGMENT ADD prod", "CORE_NETWORK_SEGMENT ADD prod", "ATTACHMENT_POLICIES_CONFIGURATION ADD attachment-policies",
	}
	if got := w.changeSet(cn, 1); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	edge := must(w, w.GetCoreNetworkChangeSet, api.GetCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: 1}).CoreNetworkChanges[1]
	if edge.IdentifierPath != "CORE_NETWORK_EDGE/eu-west-1" || edge.PreviousValues != nil || *edge.NewValues.Asn != 64512 || !slices.Equal(edge.NewValues.EdgeLocations, []string{"eu-west-1"}) {
		t.Errorf("edge %+v %+v", edge, edge.NewValues)
	}
	for _, e := range w.events(cn, 1, 100) {
		if e.Status != api.ChangeStatusComplete || !e.EventTime.Equal(w.now) {
			t.Errorf("event %+v", e)
		}
	}
}

// TestExecute_regeneratesWhatWaits: a version that waits is generated anew when LIVE gets other edges under it.
func TestExecute_regeneratesWhatWaits(t *testing.T) {
	w := newWorld(t)
	cn := w.labNetwork(labPolicy("prod"))
	withEdge := func(edge string) string {
		return strings.Replace(labPolicy("prod"), `{"location":"us-east-1"}`, `{"location":"us-east-1"},`+edge, 1)
	}
	second := w.putVersion(cn, withEdge(`{"location":"us-west-2","asn":64550}`))
	third := w.putVersion(cn, withEdge(`{"location":"us-west-2","asn":64560}`))
	fourth := w.putVersion(cn, withEdge(`{"location":"us-west-2"}`))
	if got := strings.Join(w.changeSet(cn, fourth), "|"); !strings.Contains(got, "CORE_NETWORK_EDGE ADD us-west-2") {
		t.Errorf("before: %s", got)
	}
	w.execute(cn, second)
	if got, want := w.versionStates(cn), "4 READY_TO_EXECUTE LATEST, 3 FAILED_GENERATION, 2 EXECUTION_SUCCEEDED LIVE, 1 OUT_OF_DATE"; got != want {
		t.Errorf("got %s", got)
	}
	failed := must(w, w.GetCoreNetworkPolicy, api.GetCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyVersionId: &third}).CoreNetworkPolicy
	if len(failed.PolicyErrors) != 1 || failed.PolicyErrors[0].ErrorCode != "INVALID_ASN_UPDATE" {
		t.Errorf("errors %+v", failed.PolicyErrors)
	}
	if got := strings.Join(w.changeSet(cn, fourth), "|"); strings.Contains(got, "EDGE") {
		t.Errorf("after: %s", got)
	}
}

// TestExecute_placesInAGroup: a place in a network function group that one attachment leaves is taken by the next in
// the same execution, and the change set says so before.
func TestExecute_placesInAGroup(t *testing.T) {
	policyOf := func(tag string) string {
		return `{"version":"2021.12","core-network-configuration":{"asn-ranges":["64512-64599"],"edge-locations":[{"location":"eu-west-1"}]},
			"segments":[{"name":"prod","require-attachment-acceptance":false}],"network-function-groups":[{"name":"firewall","require-attachment-acceptance":false}],
			"attachment-policies":[
				{"rule-number":10,"conditions":[{"type":"tag-exists","key":"` + tag + `"}],"action":{"add-to-network-function-group":"firewall"}},
				{"rule-number":20,"conditions":[{"type":"any"}],"action":{"association-method":"constant","segment":"prod"}}]}`
	}
	w := newWorld(t)
	cn := w.labNetwork(policyOf("fw"))
	tags := func(keys ...string) (list []api.Tag) {
		for _, k := range keys {
			list = append(list, api.Tag{Key: new(k), Value: new("")})
		}
		return list
	}
	newer := w.vpcAttachment(cn, tags("spare")...).Attachment.AttachmentId
	first := w.vpcAttachment(cn, tags("fw")...).Attachment.AttachmentId
	second := w.vpcAttachment(cn, tags("fw", "spare")...).Attachment.AttachmentId
	where := func(id string) string {
		a := must(w, w.GetVpcAttachment, api.GetVpcAttachmentInput{AttachmentId: id}).VpcAttachment.Attachment
		return a.SegmentName + a.NetworkFunctionGroupName
	}
	places := func() string { return where(newer) + " " + where(first) + " " + where(second) }
	if got := places(); got != "prod firewall " {
		t.Fatalf("placed %q", got)
	}
	crowded := func(after uint64) (ids string, next uint64) {
		_, records, next := w.settled(after)
		for _, r := range records {
			if d := string(r.Event.Detail); r.Event.DetailType == "Network Manager Service Advisory" && strings.Contains(d, `"networkFunctionGroupName":"firewall"`) {
				_, id, _ := strings.Cut(d, ":attachment/")
				id, _, _ = strings.Cut(id, `"`)
				ids += id
			}
		}
		return ids, next
	}
	ids, at := crowded(0)
	if ids != second {
		t.Errorf("the place was taken for %q, want %s", ids, second)
	}
	version := w.putVersion(cn, policyOf("spare"))
	mapped := map[string]string{}
	for _, c := range must(w, w.GetCoreNetworkChangeSet, api.GetCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: version}).CoreNetworkChanges {
		if c.Type == api.ChangeTypeAttachmentMapping && c.NewValues != nil {
			mapped[c.Identifier] = c.NewValues.SegmentName + c.NewValues.NetworkFunctionGroupName
		} else if c.Type == api.ChangeTypeAttachmentMapping {
			mapped[c.Identifier] = ""
		}
	}
	if want := map[string]string{newer: "firewall", first: "prod"}; !reflect.DeepEqual(mapped, want) {
		t.Errorf("change set %v, want %v", mapped, want)
	}
	w.execute(cn, version)
	if got := places(); got != "firewall prod " {
		t.Errorf("placed %q", got)
	}
	if ids, at = crowded(at); ids != "" {
		t.Errorf("%s had no place before either", ids)
	}
	must(w, w.TagResource, api.TagResourceInput{ResourceArn: "arn:aws:networkmanager::111122223333:attachment/" + first, Tags: tags("spare")})
	if ids, _ = crowded(at); ids != first || places() != "firewall  " {
		t.Errorf("the place was taken for %q, want %s; placed %q", ids, first, places())
	}
}

// TestGetCoreNetworkChangeEvents_pages: pages of any size show the same, also where what was executed is kept in
// several pieces.
func TestGetCoreNetworkChangeEvents_pages(t *testing.T) {
	w := newWorld(t, withQuota("attachments-per-vpc", 1000))
	cn := w.labNetwork(labPolicy("prod"))
	for range 200 {
		w.vpcAttachment(cn, api.Tag{Key: new("segment"), Value: new("dev")})
	}
	version := w.putVersion(cn, labPolicy("prod", "dev"))
	waiting := w.changeSet(cn, version)
	w.execute(cn, version)
	executed := w.changeSet(cn, version)
	if len(executed) < 400 || !slices.Equal(waiting, executed) {
		t.Errorf("%d changes, then %d", len(waiting), len(executed))
	}
	all := w.events(cn, version, 500)
	for _, size := range []int32{1, 7, 256, 500} {
		if got := w.events(cn, version, size); !reflect.DeepEqual(got, all) {
			t.Errorf("in pages of %d: %d events of %d", size, len(got), len(all))
		}
	}
	token := must(w, w.GetCoreNetworkChangeEvents, api.GetCoreNetworkChangeEventsInput{CoreNetworkId: cn, PolicyVersionId: version, MaxResults: new(int32(1))}).NextToken
	fails[validation](w, w.GetCoreNetworkChangeEvents, api.GetCoreNetworkChangeEventsInput{CoreNetworkId: cn, PolicyVersionId: 1, NextToken: &token})
	fails[validation](w, w.GetCoreNetworkChangeSet, api.GetCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: version, NextToken: &token})
	must(w, w.DeleteCoreNetworkPolicyVersion, api.DeleteCoreNetworkPolicyVersionInput{CoreNetworkId: cn, PolicyVersionId: 1})
}

func TestRestore_makesANewVersion(t *testing.T) {
	w := newWorld(t)
	cn := w.labNetwork(labPolicy("prod"))
	w.execute(cn, w.putVersion(cn, labPolicy("prod", "dev")))
	w.putVersion(cn, labPolicy("prod", "test"))
	restored := must(w, w.RestoreCoreNetworkPolicyVersion, api.RestoreCoreNetworkPolicyVersionInput{CoreNetworkId: cn, PolicyVersionId: 1}).CoreNetworkPolicy
	must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn})
	if got, want := w.versionStates(cn), "4 READY_TO_EXECUTE LATEST, 3 OUT_OF_DATE, 2 EXECUTION_SUCCEEDED LIVE, 1 OUT_OF_DATE"; got != want {
		t.Errorf("got %s", got)
	}
	if restored.PolicyDocument != labPolicy("prod") {
		t.Errorf("document %s", restored.PolicyDocument)
	}
	if got := strings.Join(w.changeSet(cn, 4), "|"); !strings.Contains(got, "CORE_NETWORK_SEGMENT REMOVE dev") || strings.Contains(got, "test") {
		t.Errorf("change set %s", got)
	}
	fails[conflict](w, w.PutCoreNetworkPolicy, api.PutCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyDocument: labPolicy("prod"), LatestVersionId: new(int32(3))})
	w.execute(cn, 4)
	if got := must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn}).CoreNetwork; len(got.Segments) != 1 {
		t.Errorf("segments %+v", got.Segments)
	}
}

func TestExecute_twoClientsOneVersion(t *testing.T) {
	w := newWorld(t)
	cn := w.labNetwork(labPolicy("prod"))
	version := w.putVersion(cn, labPolicy("prod", "dev"))
	won, errs := race(8, func(int) error {
		_, err := w.ExecuteCoreNetworkChangeSet(w.ctx, &api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: version})
		return err
	})
	if won != 1 {
		t.Errorf("%d won: %v", won, errs)
	}
	for range 2 {
		must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn})
	}
	if got, want := w.versionStates(cn), "2 EXECUTION_SUCCEEDED LIVE, 1 OUT_OF_DATE"; got != want {
		t.Errorf("got %s", got)
	}
}

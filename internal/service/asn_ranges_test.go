package service_test

import (
	"fmt"
	"strings"
	"testing"

	"portolan/api"
)

// TestExecute_asnRanges: an ASN that was assigned stays when the ranges leave it, in the plan, the change set and the
// network alike; one that the LIVE policy writes may not leave them.
func TestExecute_asnRanges(t *testing.T) {
	w := newWorld(t)
	document := func(ranges, asn string) string {
		text := strings.Replace(labPolicy("prod"), "64512-64599", ranges, 1)
		if asn != "" {
			text = strings.Replace(text, `"eu-west-1"}`, `"eu-west-1","asn":`+asn+`}`, 1)
		}
		return text
	}
	asns := func(cn string) string {
		edges := must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn}).CoreNetwork.Edges
		return fmt.Sprint(*edges[0].Asn, " ", *edges[1].Asn)
	}
	cn := w.labNetwork(document("64512-65534", ""))
	second := w.putVersion(cn, document("65022-65534", ""))
	if got := w.changeSet(cn, second); !strings.Contains(strings.Join(got, "|"), "CORE_NETWORK_CONFIGURATION") {
		t.Errorf("change set %q", got)
	}
	planned := w.plan(t, cn, second)
	w.execute(cn, second)
	planned.sameChanges(t, w, cn, second, "executed")
	if got := asns(cn); got != "64512 64513" {
		t.Errorf("edges have %s", got)
	}
	w.execute(cn, w.putVersion(cn, document("64512-65534", "64512")))
	refused := w.putVersion(cn, document("65022-65534", ""))
	got := must(w, w.GetCoreNetworkPolicy, api.GetCoreNetworkPolicyInput{CoreNetworkId: cn, PolicyVersionId: &refused}).CoreNetworkPolicy
	if got.ChangeSetState != "FAILED_GENERATION" || len(got.PolicyErrors) != 1 || got.PolicyErrors[0].ErrorCode != "INVALID_ASN_UPDATE" ||
		got.PolicyErrors[0].Message != "ASNs already in use cannot be removed" {
		t.Errorf("a written ASN: %+v", got)
	}
	snap, err := w.Snapshot(w.ctx, cn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := snap.Execute([]byte(document("65022-65534", ""))); err == nil || !strings.Contains(err.Error(), "ASNs already in use cannot be removed") {
		t.Errorf("the plan of it: %v", err)
	}
}

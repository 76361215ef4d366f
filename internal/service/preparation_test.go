package service_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"portolan/api"
	"portolan/internal/node"
	"portolan/internal/state"
	"portolan/internal/store"
)

// heldReads is a store that notes what is read in transactions, in which nobody else writes. It is for one goroutine.
type heldReads struct {
	store.Store
	read   []string // keys and prefixes
	before func()   // runs once, before the next transaction
}

func (s *heldReads) Update(ctx context.Context, f func(store.Txn) error) error {
	if run := s.before; run != nil {
		s.before = nil
		run()
	}
	return s.Store.Update(ctx, func(tx store.Txn) error { return f(&heldTxn{tx, s}) })
}

type heldTxn struct {
	store.Txn
	of *heldReads
}

func (t *heldTxn) Get(key string) ([]byte, bool) {
	t.of.read = append(t.of.read, key)
	return t.Txn.Get(key)
}

func (t *heldTxn) Scan(prefix, after string) iter.Seq2[string, []byte] {
	t.of.read = append(t.of.read, prefix)
	return t.Txn.Scan(prefix, after)
}

func (t *heldTxn) Walk(prefix, after string) store.Walk {
	t.of.read = append(t.of.read, prefix)
	return t.Txn.Walk(prefix, after)
}

// of are the reads of a table since the last look.
func (s *heldReads) of(table string) (list []string) {
	for _, key := range s.read {
		if strings.Contains(key, "/"+table+"/") {
			list = append(list, key)
		}
	}
	s.read = nil
	return list
}

// TestTransactions_leaveTheWorkOutside: what a new version and its execution cost grows with the attachments and with the versions
// that wait; others can write meanwhile, since all of it is done before the transaction.
func TestTransactions_leaveTheWorkOutside(t *testing.T) {
	st := &heldReads{Store: store.OpenMemory()}
	w := newWorld(t, func(c *node.Config) { c.Store = st })
	gn, first := w.globalNetwork(), labPolicy("prod", "dev")
	cn := must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: &first}).CoreNetwork.CoreNetworkId
	w.settled(0)
	for range 3 {
		w.vpcAttachment(cn, api.Tag{Key: new("segment"), Value: new("prod")})
	}
	w.settled(0)
	more := strings.Replace(first, `{"location":"us-east-1"}`, `{"location":"us-east-1"},{"location":"us-west-2"}`, 1)
	version := w.putVersion(cn, more)
	for i := range 3 {
		w.putVersion(cn, strings.Replace(more, `"asn-ranges":["64512-64599"]`, fmt.Sprintf(`"asn-ranges":["64512-6460%d"]`, i), 1))
	}
	w.settled(0)
	st.read = nil
	w.putVersion(cn, more)
	w.settled(0)
	if list := st.of("attachment"); len(list) > 0 {
		t.Errorf("a put reads attachments in its transaction: %v", list)
	}
	w.restart(st) // nothing is remembered
	must(w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: version})
	st.read = nil
	w.settled(0)
	read := st.read
	if list := st.of("core-network-document"); len(list) > 0 {
		t.Errorf("an execution reads documents in its transaction: %v", list)
	}
	st.read = read
	if list := st.of("attachment"); len(list) > 0 {
		t.Errorf("an execution reads attachments in its transaction: %v", list)
	}
	row := must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn}).CoreNetwork
	if row.State != api.CoreNetworkStateAvailable || len(row.Edges) != 3 {
		t.Errorf("the core network is %s with %d edges", row.State, len(row.Edges))
	}
}

// TestExecution_changedSinceItWasWorkedOut: what was worked out before the transaction does not count when an attachment has
// changed since.
func TestExecution_changedSinceItWasWorkedOut(t *testing.T) {
	st := &heldReads{Store: store.OpenMemory()}
	w := newWorld(t, func(c *node.Config) { c.Store = st })
	gn, first := w.globalNetwork(), labPolicy("prod", "dev")
	cn := must(w, w.CreateCoreNetwork, api.CreateCoreNetworkInput{GlobalNetworkId: gn, PolicyDocument: &first}).CoreNetwork.CoreNetworkId
	w.settled(0)
	vpc := w.vpcAttachment(cn, api.Tag{Key: new("segment"), Value: new("prod")}).Attachment
	w.settled(0)
	version := w.putVersion(cn, strings.Replace(first, `"rule-number":10`, `"rule-number":20`, 1))
	w.settled(0)
	must(w, w.ExecuteCoreNetworkChangeSet, api.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: cn, PolicyVersionId: version})
	must(w, w.GetCoreNetwork, api.GetCoreNetworkInput{CoreNetworkId: cn}) // shows UPDATING
	tagged := false
	st.before = func() {
		tagged = true
		db, err := state.Open(w.ctx, state.Config{Store: st.Store})
		if err == nil {
			err = state.Record(w.ctx, db, func(tx *state.Txn) error { // as the call of another would, without the step that is due
				old, _ := state.Attachments.ByID(tx.View, vpc.AttachmentId)
				row := *old
				row.Tags, row.SegmentName = state.Tags{{Key: new("segment"), Value: new("dev")}}, "dev"
				state.Attachments.Put(tx, &row)
				return nil
			})
		}
		if err != nil {
			t.Error(err)
		}
	}
	w.settled(0)
	if !tagged {
		t.Fatal("no transaction")
	}
	row := must(w, w.GetVpcAttachment, api.GetVpcAttachmentInput{AttachmentId: vpc.AttachmentId}).VpcAttachment.Attachment
	if row.SegmentName != "dev" || row.AttachmentPolicyRuleNumber == nil || *row.AttachmentPolicyRuleNumber != 20 || len(row.Tags) != 1 || *row.Tags[0].Value != "dev" {
		t.Errorf("got %+v", row)
	}
}

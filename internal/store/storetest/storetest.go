// Package storetest says what a store.Store must do, as tests. An implementation passes [Run] or is not one.
//
// It knows nothing of how a store works: whatever it asks for is in the documentation of package store. Functions given
// to Update are written so that they may run more than once.
package storetest

import (
	"errors"
	"fmt"
	"testing"

	"portolan/internal/store"
)

// Run runs the contract. Open must return an empty store each time; Run closes it.
func Run(t *testing.T, open func(t testing.TB) store.Store) {
	for _, test := range []struct {
		name string
		f    func(t *testing.T, s store.Store)
	}{
		{"Get_absent", getAbsent},
		{"Get_ownWrites", getOwnWrites},
		{"Set_emptyValue", setEmptyValue},
		{"Set_copiesValue", setCopiesValue},
		{"Set_badKey", setBadKey},
		{"Delete_absent", deleteAbsent},
		{"Scan_order", scanOrder},
		{"Scan_prefixAndAfter", scanPrefixAndAfter},
		{"Scan_stopsEarly", scanStopsEarly},
		{"Scan_seesWritesAhead", scanSeesWritesAhead},
		{"Scan_deletesAll", scanDeletesAll},
		{"Scan_nested", scanNested},

		{"View_snapshot", viewSnapshot},
		{"View_seesNoUncommitted", viewSeesNoUncommitted},
		{"View_seesWhatWasAnswered", viewSeesWhatWasAnswered},
		{"View_transfersKeepTheSum", viewTransfersKeepTheSum},
		{"View_sameBelow", viewSameBelow},
		{"View_sameBelowIsOfUse", viewSameBelowIsOfUse},
		{"Update_noLostUpdate", updateNoLostUpdate},
		{"Update_noWriteSkew", updateNoWriteSkew},
		{"Update_noPhantom", updateNoPhantom},

		{"Update_errorRollsBack", updateErrorRollsBack},
		{"Update_panicRollsBack", updatePanicRollsBack},
		{"Update_goexitRollsBack", updateGoexitRollsBack},
		{"Update_neighboursOfFailures", updateNeighboursOfFailures},
		{"View_errorAndPanic", viewErrorAndPanic},
		{"Context_alreadyOver", contextAlreadyOver},
		{"Context_overWhileWaiting", contextOverWhileWaiting},
		{"Close_everythingAfterwards", closeEverythingAfterwards},
		{"Transaction_usedAfterItsEnd", transactionUsedAfterItsEnd},

		{"Watch_netChangesInOrder", watchNetChangesInOrder},
		{"Watch_notWhatWasAnswered", watchNotWhatWasAnswered},
		{"Watch_prefix", watchPrefix},
		{"Watch_replayGivesTheState", watchReplayGivesTheState},
		{"Watch_cutOffWhenBehind", watchCutOffWhenBehind},
		{"Watch_endsWithContext", watchEndsWithContext},
		{"Watch_endsWithStore", watchEndsWithStore},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			defer func() { _ = s.Close() }()
			test.f(t, s)
		})
	}
	t.Run("Model_randomTransactions", func(t *testing.T) { modelRandomTransactions(t, open) })
}

// errOops is what a failing transaction returns here.
var errOops = errors.New("oops")

func update(t testing.TB, s store.Store, f func(store.Txn)) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx store.Txn) error { f(tx); return nil }); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

func view(t testing.TB, s store.Store, f func(store.Reader)) {
	t.Helper()
	if err := s.View(t.Context(), func(r store.Reader) error { f(r); return nil }); err != nil {
		t.Fatalf("View: %v", err)
	}
}

// set writes keys, each with itself as value.
func set(t testing.TB, s store.Store, keys ...string) {
	t.Helper()
	update(t, s, func(tx store.Txn) {
		for _, k := range keys {
			tx.Set(k, []byte(k))
		}
	})
}

// keys are the keys of a scan.
func keys(r store.Reader, prefix, after string) []string {
	out := []string{}
	for k := range r.Scan(prefix, after) {
		out = append(out, k)
	}
	return out
}

// contents is the whole store.
func contents(t testing.TB, s store.Store) map[string]string {
	t.Helper()
	out := map[string]string{}
	view(t, s, func(r store.Reader) {
		clear(out)
		for k, v := range r.Scan("", "") {
			out[k] = string(v)
		}
	})
	return out
}

func number(r store.Reader, key string) int {
	raw, ok := r.Get(key)
	if !ok {
		return 0
	}
	var n int
	if _, err := fmt.Sscan(string(raw), &n); err != nil {
		panic(err)
	}
	return n
}

func setNumber(tx store.Txn, key string, n int) { tx.Set(key, fmt.Append(nil, n)) }

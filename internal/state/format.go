package state

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/events"
	"portolan/internal/store"
)

// Format is the version of the layout of keys and of the members of rows, which schema.go has. It grows when an older binary
// would not understand what a newer one wrote. A new optional member needs no new version: who does not know a member
// keeps it.
//
//	1  until December 2026: documents inside the rows of policy versions, one log of events for all accounts, no /format
//	2  documents under keys of their own, a log of events for each account, published-* and external-* in place of
//	   announced-* and outside-*
const Format = 2

const formatKey = "/format"

// changingKey has the format that the data is being changed from, for as long as that takes. [Format] is stored before, so that
// older servers on the same store refuse from then on what they would get wrong.
const changingKey = "/format.from"

// NewerFormatError says that a newer binary wrote the state.
type NewerFormatError struct{ Found int }

func (e *NewerFormatError) Error() string {
	return fmt.Sprintf("the data has format %d, written by a newer Portolan; this one reads formats up to %d: run the newer one, or use other data", e.Found, Format)
}

// bringUpToDate checks the format of what is in a store, and changes what has an older one. It may be stopped in between:
// the next start goes on. Several servers may do it at the same time: each step is a transaction, and none does harm twice.
// What has no key for the tokens of pages gets one, which is returned.
func bringUpToDate(ctx context.Context, st store.Store, secrets io.Reader, log *slog.Logger) (key pageKey, err error) {
	var found int
	err = st.Update(ctx, func(tx store.Txn) (err error) {
		if found, err = formatOf(tx); err != nil {
			return err
		}
		if found < Format {
			tx.Set(changingKey, strconv.AppendInt(nil, int64(found), 10))
		}
		if _, stored := tx.Get(formatKey); !stored || found < Format { // every transaction of other servers reads it
			tx.Set(formatKey, strconv.AppendInt(nil, Format, 10))
		}
		key, err = pageKeyOf(tx, secrets)
		return err
	})
	if err != nil || found == Format {
		return key, err
	}
	if err := fromFormat1(ctx, st); err != nil {
		return key, fmt.Errorf("changing the data from format %d to %d: %w", found, Format, err)
	}
	log.Info("the data was changed to another format", "from", found, "to", Format)
	return key, st.Update(ctx, func(tx store.Txn) error {
		tx.Delete(changingKey)
		return nil
	})
}

// formatOf is the version of what is in a store, older than what is stored of it while it is being changed; an empty one has the
// newest. Before version 2 none was written. One that this binary does not know is an error.
func formatOf(r store.Reader) (int, error) {
	for _, key := range []string{changingKey, formatKey} {
		raw, ok := r.Get(key)
		if !ok {
			continue
		}
		found, err := strconv.Atoi(string(raw))
		if err != nil || found < 1 {
			return 0, fmt.Errorf("the format of the data is %.40q, which is none: the data is damaged", raw)
		}
		return found, known(r)
	}
	for range r.Scan("", "") {
		return 1, nil
	}
	return Format, nil
}

// known fails when a newer binary has changed the format of the data.
func known(r store.Reader) error {
	if raw, ok := r.Get(formatKey); ok {
		if found, err := strconv.Atoi(string(raw)); err == nil && found > Format {
			return &NewerFormatError{found}
		}
	}
	return nil
}

// Guard lets a store that several servers share be used for as long as its format is one that this binary knows: a newer
// server may change it at any time. From then on every View and every Update fails with [NewerFormatError]. A store that is not
// shared is given back as it is.
func Guard(st store.Store) store.Store {
	if shared, ok := st.(wholeStore); ok {
		return guarded{shared}
	}
	return st
}

// wholeStore is a shared store with all it can do.
type wholeStore interface {
	store.Shared
	store.Backuper
	store.HealthChecker
}

type guarded struct{ wholeStore }

// View reads as long as the format is known.
func (g guarded) View(ctx context.Context, f func(store.Reader) error) error {
	return g.wholeStore.View(ctx, func(r store.Reader) error {
		if err := known(r); err != nil {
			return err
		}
		return f(r)
	})
}

// Update writes as long as the format is known.
func (g guarded) Update(ctx context.Context, f func(store.Txn) error) error {
	return g.wholeStore.Update(ctx, func(tx store.Txn) error {
		if err := known(tx); err != nil {
			return err
		}
		return f(tx)
	})
}

// keysPerStep bounds one transaction of a change of format.
const keysPerStep = 500

// fromFormat1 moves what format 2 has elsewhere.
func fromFormat1(ctx context.Context, st store.Store) error {
	for _, step := range []func(tx store.Txn) (more bool, err error){
		moveDocuments, renameTables, renameIndex, moveEvents, moveCursors,
	} {
		for more := true; more; {
			err := st.Update(ctx, func(tx store.Txn) (err error) {
				more, err = step(tx)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// some are keys with a prefix, and whether there are more of them.
func some(r store.Reader, prefix string, wanted func(key string) bool) (keys []string, more bool) {
	for key := range r.Scan(prefix, "") {
		if !wanted(key) {
			continue
		}
		if len(keys) == keysPerStep {
			return keys, true
		}
		keys = append(keys, key)
	}
	return keys, false
}

func inTable(name string) func(key string) bool {
	return func(key string) bool {
		f := strings.SplitN(key, "/", 5)
		return len(f) == 5 && f[3] == name
	}
}

// moveDocuments gives the documents of policy versions keys of their own.
func moveDocuments(tx store.Txn) (more bool, err error) {
	versions := inTable("core-network-policy")
	keys, more := some(tx, "/acct/", func(key string) bool {
		if !versions(key) {
			return false
		}
		_, moved := tx.Get(strings.Replace(key, "/core-network-policy/", "/core-network-document/", 1))
		return !moved
	})
	for _, key := range keys {
		raw, _ := tx.Get(key)
		var row map[string]jsontext.Value
		if err := json.Unmarshal(raw, &row); err != nil {
			return false, fmt.Errorf("%s: %w", key, err)
		}
		var document string
		if err := json.Unmarshal(row["PolicyDocument"], &document); err != nil {
			return false, fmt.Errorf("%s: %w", key, err)
		}
		sum := sha256.Sum256([]byte(document))
		delete(row, "PolicyDocument")
		if row["Digest"], err = json.Marshal(hex.EncodeToString(sum[:])); err != nil {
			return false, err
		}
		version, err := json.Marshal(row, json.Deterministic(true))
		if err != nil {
			return false, err
		}
		text, err := json.Marshal(&PolicyDocument{Document: document}, json.Deterministic(true))
		if err != nil {
			return false, err
		}
		tx.Set(key, version)
		tx.Set(strings.Replace(key, "/core-network-policy/", "/core-network-document/", 1), text)
	}
	return more, nil
}

// renamed is the tables of format 1 that format 2 has by other names.
var renamed = [...]struct{ from, to string }{
	{"announced-routes", "published-routes"},
	{"announced-policy", "published-policy"},
	{"announced-attachment", "published-attachment"},
	{"outside", "external"},
	{"outside-table", "external-table"},
}

func renameTables(tx store.Txn) (more bool, err error) {
	for _, t := range renamed {
		keys, more := some(tx, "/acct/", inTable(t.from))
		for _, key := range keys {
			raw, _ := tx.Get(key)
			tx.Set(strings.Replace(key, "/"+t.from+"/", "/"+t.to+"/", 1), raw)
			tx.Delete(key)
		}
		if more {
			return true, nil
		}
	}
	return false, nil
}

func renameIndex(tx store.Txn) (more bool, err error) {
	keys, more := some(tx, "/announced/", func(string) bool { return true })
	for _, key := range keys {
		raw, _ := tx.Get(key)
		tx.Set(strings.Replace(key, "/announced/", publishedIndex, 1), []byte(strings.Replace(string(raw), "/announced-routes/", "/published-routes/", 1)))
		tx.Delete(key)
	}
	return more, nil
}

// moveEvents gives each account its own log. Events keep their sequences: a number may be missing.
func moveEvents(tx store.Txn) (more bool, err error) {
	keys, more := some(tx, events.Prefix, func(key string) bool { return !strings.Contains(key[len(events.Prefix):], "/") })
	for _, key := range keys {
		raw, _ := tx.Get(key)
		sequence, err := strconv.ParseUint(key[len(events.Prefix):], 10, 64)
		if err != nil {
			return false, fmt.Errorf("event key %q: %w", key, err)
		}
		if err := events.Move(tx, sequence, raw); err != nil {
			return false, err
		}
		tx.Delete(key)
	}
	return more, nil
}

// moveCursors gives each sink a cursor for every account, at the place it has come to.
func moveCursors(tx store.Txn) (more bool, err error) {
	keys, _ := some(tx, events.CursorPrefix, func(key string) bool { return !strings.Contains(key[len(events.CursorPrefix):], "/") })
	for _, key := range keys {
		raw, _ := tx.Get(key)
		for _, account := range events.Accounts(tx) {
			tx.Set(key+store.Path(account), raw)
		}
		tx.Delete(key)
	}
	tx.Delete("/events.head")
	tx.Delete("/events.size")
	return false, nil
}

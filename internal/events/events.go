// Package events is what happened: EventBridge envelopes in one durable log, written in the transaction of the change they
// tell of, and the sinks that carry them away, at least once and in order.
//
// It knows envelopes and keys. It must not know what the resources are or which change deserves an event.
package events

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/store"
)

// Event is an EventBridge envelope, as AWS's services put them on a bus.
type Event struct {
	Version    string         `json:"version"`
	ID         string         `json:"id"`
	DetailType string         `json:"detail-type"`
	Source     string         `json:"source"`
	Account    string         `json:"account"`
	Time       string         `json:"time"` // RFC 3339, whole seconds, UTC
	Region     string         `json:"region"`
	Resources  []string       `json:"resources"`
	Detail     jsontext.Value `json:"detail"`
}

// Record is an event with its place in the log of its account. Sequences grow; a number may be missing.
type Record struct {
	Sequence uint64
	Event    Event
}

// Stored is an event as its log holds it, the text of an [Event] in JSON, with its place there.
type Stored struct {
	Sequence uint64
	Text     jsontext.Value
}

// Source and Region of every event: Network Manager's home is us-west-2, wherever the network is.
const (
	Source = "aws.networkmanager"
	Region = "us-west-2"
)

// Keep is how many events the log of an account holds, and KeepBytes how much they may take; older ones are gone.
const (
	Keep      = 100_000
	KeepBytes = 256 << 20
)

// The log:
//
//	/events/ACCOUNT/SEQUENCE      Event
//	/events.head/ACCOUNT          the sequence of its latest event
//	/events.size/ACCOUNT          bytes of its events
//	/events.cursor/SINK/ACCOUNT   up to where a sink has carried them away
const (
	prefix     = "/events/"
	headPrefix = "/events.head/"
	sizePrefix = "/events.size/"

	// CursorPrefix is where sinks keep their places.
	CursorPrefix = "/events.cursor/"
)

func below(account string) string { return "/events" + store.Path(account) + "/" }

func key(account string, sequence uint64) string {
	return fmt.Sprintf("%s%020d", below(account), sequence)
}

func headKey(account string) string { return "/events.head" + store.Path(account) }

func sizeKey(account string) string { return "/events.size" + store.Path(account) }

// Append writes an event to the log of the transaction. detail must be a JSON object when marshalled.
func Append(tx store.Txn, now time.Time, detailType, account string, resources []string, detail any) error {
	text, err := json.Marshal(detail, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("event %s: %w", detailType, err)
	}
	sequence := head(tx, account) + 1
	e := Event{
		Version: "0", ID: id(account, sequence, now), DetailType: detailType, Source: Source, Account: account,
		Time: now.UTC().Format("2006-01-02T15:04:05Z"), Region: Region, Resources: resources, Detail: text,
	}
	value, err := json.Marshal(&e, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("event %s: %w", detailType, err)
	}
	tx.Set(key(account, sequence), value)
	tx.Set(headKey(account), strconv.AppendUint(nil, sequence, 10))
	return trim(tx, account, sequence, len(value), KeepBytes)
}

// Move writes an event that was logged earlier, at its sequence, behind those that the log of its account has.
func Move(tx store.Txn, sequence uint64, raw []byte) error {
	var e Event
	if err := json.Unmarshal(raw, &e); err != nil {
		return fmt.Errorf("event %d: %w", sequence, err)
	}
	size := len(raw)
	if known, ok := tx.Get(sizeKey(e.Account)); ok {
		n, err := strconv.Atoi(string(known))
		if err != nil {
			return fmt.Errorf("the size of the event log: %w", err)
		}
		size += n
	}
	tx.Set(key(e.Account, sequence), raw)
	tx.Set(headKey(e.Account), strconv.AppendUint(nil, max(sequence, head(tx, e.Account)), 10))
	tx.Set(sizeKey(e.Account), strconv.AppendInt(nil, int64(size), 10))
	return nil
}

// trim drops what is older than the log of an account holds, after an event of a size was added.
func trim(tx store.Txn, account string, sequence uint64, added, keep int) error {
	size := added
	if raw, ok := tx.Get(sizeKey(account)); ok {
		before, err := strconv.Atoi(string(raw))
		if err != nil {
			return fmt.Errorf("the size of the event log: %w", err)
		}
		size += before
	}
	for k, raw := range tx.Scan(below(account), "") {
		if k == key(account, sequence) || size <= keep && (sequence <= Keep || k > key(account, sequence-Keep)) {
			break
		}
		size -= len(raw)
		tx.Delete(k)
	}
	tx.Set(sizeKey(account), strconv.AppendInt(nil, int64(size), 10))
	return nil
}

// id is a UUID made of what is known: the same history has the same ids.
func id(account string, sequence uint64, now time.Time) string {
	b := binary.BigEndian.AppendUint64([]byte("event"+account), sequence)
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(b, uint64(now.UnixNano())))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // version 8, of one's own making
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// head is the sequence of the latest event of an account, 0 before the first.
func head(r store.Reader, account string) uint64 {
	raw, _ := r.Get(headKey(account))
	n, _ := strconv.ParseUint(string(raw), 10, 64)
	return n
}

// Accounts are those that have had an event, in order.
func Accounts(r store.Reader) (list []string) {
	for k := range r.Scan(headPrefix, "") {
		list = append(list, store.Segment(k[len(headPrefix):]))
	}
	return list
}

// Query says which events of an account are wanted. Empty members want all.
type Query struct {
	Account    string
	After      uint64 // a sequence: events that came later
	Whole      bool   // no other server writes the log, ahead of what is read here
	Last       int    // where After is 0: the last so many, wanted or not
	Limit      int
	DetailType string
	Resource   string // an ARN among the event's resources
}

func (q *Query) wants(text []byte) (bool, error) {
	if q.DetailType == "" && q.Resource == "" {
		return true, nil
	}
	var e Event
	if err := json.Unmarshal(text, &e); err != nil {
		return false, err
	}
	return (q.DetailType == "" || q.DetailType == e.DetailType) && (q.Resource == "" || slices.Contains(e.Resources, q.Resource)), nil
}

// maxLooked bounds how many events one call looks at, wanted or not.
const maxLooked = 10_000

// Read gives events in order, and the sequence to go on after: that of the last event it looked at.
func Read(r store.Reader, q Query) (records []Record, next uint64, err error) {
	list, next, err := ReadStored(r, q)
	if err != nil {
		return nil, next, err
	}
	records, err = Records(list)
	return records, next, err
}

// Records are events as values.
func Records(list []Stored) ([]Record, error) {
	var records []Record
	for i := range list {
		rec := Record{Sequence: list[i].Sequence}
		if err := json.Unmarshal(list[i].Text, &rec.Event); err != nil {
			return nil, fmt.Errorf("event %d: %w", rec.Sequence, err)
		}
		records = append(records, rec)
	}
	return records, nil
}

// ReadStored is [Read] of the texts. Only a query that wants some of the events has them decoded.
func ReadStored(r store.Reader, q Query) (list []Stored, next uint64, err error) {
	switch end := head(r, q.Account); {
	case q.After == 0 && q.Last > 0 && end > uint64(q.Last):
		q.After = end - uint64(q.Last)
	case q.Whole:
		q.After = min(q.After, end) // it may be of a time before a backup was restored, and the next event comes before it
	}
	next = q.After
	looked := 0
	after := ""
	if q.After > 0 {
		after = key(q.Account, q.After)
	}
	from := below(q.Account)
	for k, raw := range r.Scan(from, after) {
		sequence, err := strconv.ParseUint(k[len(from):], 10, 64)
		if err != nil {
			return nil, q.After, fmt.Errorf("event key %q: %w", k, err)
		}
		if looked++; looked > maxLooked || len(list) == q.Limit {
			return list, next, nil
		}
		wanted, err := q.wants(raw)
		if err != nil {
			return nil, q.After, fmt.Errorf("event %d: %w", sequence, err)
		}
		next = sequence
		if wanted {
			list = append(list, Stored{sequence, bytes.Clone(raw)})
		}
	}
	return list, next, nil
}

// Token is a place in the log of an account as it is given away: what it is made of is nobody's business.
func Token(sequence uint64) string {
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64([]byte{tokenVersion}, sequence))
}

const tokenVersion = 1

// ParseToken reads what [Token] made.
func ParseToken(token string) (sequence uint64, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != 9 || raw[0] != tokenVersion {
		return 0, false
	}
	return binary.BigEndian.Uint64(raw[1:]), true
}

// Clear empties the log of an account, or of all when account is ""; sequences go on, so that no reader sees a number twice.
func Clear(tx store.Txn, account string) {
	events, sizes := prefix, sizePrefix
	if account != "" {
		events, sizes = below(account), sizeKey(account)
	}
	for _, p := range []string{events, sizes} {
		var keys []string
		for k := range tx.Scan(p, "") {
			keys = append(keys, k)
		}
		for _, k := range keys {
			tx.Delete(k)
		}
	}
}

// Changed gives a value whenever events may have been added, until ctx ends or the watcher falls behind; then it is
// closed.
func Changed(watch <-chan store.Commit) <-chan struct{} {
	changed := make(chan struct{}, 1)
	go func() {
		defer close(changed)
		for range watch {
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	}()
	return changed
}

// Prefix is what a store's watch must be given to see new events.
const Prefix = prefix

package events_test

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/events"
	"portolan/internal/leaktest"
	"portolan/internal/store"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func add(t *testing.T, st store.Store, account string, names ...string) {
	t.Helper()
	for _, name := range names {
		err := st.Update(t.Context(), func(tx store.Txn) error {
			return events.Append(tx, noon, "Network Manager "+name, account, []string{"arn:" + name}, map[string]string{"changeType": name})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func readAll(t *testing.T, st store.Store, q events.Query) (list []events.Record, next uint64) {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 1000
	}
	if q.Account == "" {
		q.Account = "111122223333"
	}
	err := st.View(t.Context(), func(r store.Reader) (err error) {
		list, next, err = events.Read(r, q)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list, next
}

func TestAppend_envelopeAndOrder(t *testing.T) {
	st := store.OpenMemory()
	defer func() { _ = st.Close() }()
	add(t, st, "111122223333", "a", "b")
	add(t, st, "444455556666", "c")
	list, next := readAll(t, st, events.Query{})
	if len(list) != 2 || next != 2 || list[0].Sequence != 1 || list[1].Event.Account != "111122223333" {
		t.Fatalf("got %+v, next %d", list, next)
	}
	text, err := json.Marshal(list[0].Event, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	var e map[string]any
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	if e["version"] != "0" || e["source"] != "aws.networkmanager" || e["region"] != "us-west-2" || e["time"] != "2026-01-31T12:00:00Z" ||
		e["detail-type"] != "Network Manager a" || e["detail"].(map[string]any)["changeType"] != "a" || len(e["id"].(string)) != 36 {
		t.Errorf("envelope %s", text)
	}
	theirs, _ := readAll(t, st, events.Query{Account: "444455556666"})
	if len(theirs) != 1 || theirs[0].Sequence != 1 {
		t.Fatalf("the other account has %+v: each counts its own", theirs)
	}
	if list[0].Event.ID == list[1].Event.ID || list[0].Event.ID == theirs[0].Event.ID {
		t.Error("two events with one id")
	}
	for _, c := range []struct {
		q    events.Query
		want int
	}{
		{events.Query{After: 1}, 1},
		{events.Query{Account: "444455556666"}, 1},
		{events.Query{DetailType: "Network Manager b"}, 1},
		{events.Query{Resource: "arn:a"}, 1},
		{events.Query{Limit: 1}, 1},
		{events.Query{After: 2}, 0},
	} {
		if got, _ := readAll(t, st, c.q); len(got) != c.want {
			t.Errorf("%+v: %d events, want %d", c.q, len(got), c.want)
		}
	}
	// A transaction that fails tells of nothing.
	_ = st.Update(t.Context(), func(tx store.Txn) error {
		if err := events.Append(tx, noon, "x", "1", nil, map[string]string{}); err != nil {
			t.Error(err)
		}
		return errors.New("no")
	})
	if got, _ := readAll(t, st, events.Query{Account: "1"}); len(got) != 0 {
		t.Errorf("%d events after a failed transaction", len(got))
	}
	if err := st.Update(t.Context(), func(tx store.Txn) error { events.Clear(tx, "111122223333"); return nil }); err != nil {
		t.Fatal(err)
	}
	add(t, st, "111122223333", "d")
	if got, _ := readAll(t, st, events.Query{After: 2}); len(got) != 1 || got[0].Sequence != 3 {
		t.Errorf("after clearing %+v: sequences must go on", got)
	}
	if got, _ := readAll(t, st, events.Query{Account: "444455556666"}); len(got) != 1 {
		t.Errorf("clearing one account's log left %+v of the other's", got)
	}
}

// failing is a sink that fails when it is told to.
type failing struct {
	mu    sync.Mutex
	fail  int // how many more times
	half  bool
	got   []uint64
	tried int
}

func (s *failing) Name() string { return "test" }

func (s *failing) Send(_ context.Context, batch []events.Record) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried++
	sent := len(batch)
	var err error
	if s.fail > 0 {
		s.fail--
		sent, err = 0, errors.New("not now")
		if s.half {
			sent = len(batch) / 2
		}
	}
	for _, r := range batch[:sent] {
		s.got = append(s.got, r.Sequence)
	}
	return sent, err
}

func (s *failing) seen() []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]uint64(nil), s.got...)
}

// run starts a runner that does not wait between attempts; stop ends it.
func run(t *testing.T, st store.Store, sink events.Sink) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	r := &events.Runner{
		Store: st, Sink: sink, Log: slog.New(slog.DiscardHandler),
		Wait: func(int, *rand.Rand) time.Duration { return 0 },
	}
	wg.Go(func() { r.Run(ctx) })
	return func() { cancel(); wg.Wait() }
}

// until waits for what another goroutine brings about.
func until(ok func() bool) {
	for !ok() {
		runtime.Gosched()
	}
}

func TestRunner_retriesResumesAndKeepsOrder(t *testing.T) {
	st := store.OpenMemory()
	defer func() { _ = st.Close() }()
	names := make([]string, 250)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	add(t, st, "111122223333", names...)
	sink := &failing{fail: 5, half: true}
	stop := run(t, st, sink)
	until(func() bool { return len(sink.seen()) == 250 })
	add(t, st, "111122223333", "later")
	until(func() bool { return len(sink.seen()) == 251 })
	stop()
	add(t, st, "111122223333", "while it is away")
	stop = run(t, st, sink)
	until(func() bool { return len(sink.seen()) == 252 })
	stop()
	for i, sequence := range sink.seen() {
		if sequence != uint64(i+1) {
			t.Fatalf("event %d at place %d", sequence, i)
		}
	}
}

func TestFileSink_appends(t *testing.T) {
	st := store.OpenMemory()
	defer func() { _ = st.Close() }()
	add(t, st, "111122223333", "a", "b")
	path := filepath.Join(t.TempDir(), "events.jsonl")
	for range 2 {
		list, _ := readAll(t, st, events.Query{})
		if n, err := (&events.FileSink{Path: path}).Send(t.Context(), list); n != 2 || err != nil {
			t.Fatal(n, err)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := 0
	for scan := bufio.NewScanner(f); scan.Scan(); lines++ {
		if !jsontext.Value(scan.Bytes()).IsValid() {
			t.Errorf("line %q", scan.Text())
		}
	}
	if lines != 4 {
		t.Errorf("%d lines", lines)
	}
	// What a crash left of a line is no part of the next.
	if err := os.WriteFile(path, []byte(`{"version":"0","id":"7f`), 0o600); err != nil {
		t.Fatal(err)
	}
	list, _ := readAll(t, st, events.Query{})
	if n, err := (&events.FileSink{Path: path}).Send(t.Context(), list); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		if jsontext.Value(line).IsValid() != (i > 0) {
			t.Errorf("after half a line, line %d: %s", i, line)
		}
	}
	if n, err := (&events.FileSink{Path: filepath.Join(path, "x")}).Send(t.Context(), make([]events.Record, 1)); n != 0 || err == nil {
		t.Errorf("an unwritable file took %d events: %v", n, err)
	}
}

func TestWebhookSink_signsAndRetries(t *testing.T) {
	status := http.StatusServiceUnavailable
	var got []events.Event
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte("secret"))
		mac.Write(body)
		if r.Header.Get("X-Portolan-Signature") != "sha256="+hex.EncodeToString(mac.Sum(nil)) {
			t.Errorf("signature %q", r.Header.Get("X-Portolan-Signature"))
		}
		w.WriteHeader(status)
		if status == http.StatusOK {
			if err := json.Unmarshal(body, &got); err != nil {
				t.Error(err)
			}
		}
	}))
	defer srv.Close()
	st := store.OpenMemory()
	defer func() { _ = st.Close() }()
	add(t, st, "111122223333", "a", "b")
	list, _ := readAll(t, st, events.Query{})
	sink := &events.WebhookSink{URL: srv.URL, Secret: []byte("secret"), Client: srv.Client()}
	if n, err := sink.Send(t.Context(), list); n != 0 || err == nil {
		t.Errorf("a 503 took %d events: %v", n, err)
	}
	status = http.StatusOK
	if n, err := sink.Send(t.Context(), list); n != 2 || err != nil || len(got) != 2 || got[1].DetailType != "Network Manager b" {
		t.Errorf("%d %v %+v", n, err, got)
	}
}

func TestEventBridgeSink_partOfABatchFails(t *testing.T) {
	var calls int
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		var in struct{ Entries []map[string]any }
		if err := json.UnmarshalRead(r.Body, &in); err != nil {
			t.Error(err)
		}
		if len(in.Entries) > 10 || r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents" || in.Entries[0]["EventBusName"] != "lab" {
			t.Errorf("%d entries, %v, %v", len(in.Entries), r.Header.Get("X-Amz-Target"), in.Entries[0])
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		out := map[string]any{"FailedEntryCount": 0}
		var entries []map[string]string
		for i := range in.Entries {
			e := map[string]string{"EventId": "x"}
			if calls == 2 && i == 1 {
				e = map[string]string{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
			}
			entries = append(entries, e)
		}
		out["Entries"] = entries
		_ = json.MarshalWrite(w, out)
	}))
	defer srv.Close()
	st := store.OpenMemory()
	defer func() { _ = st.Close() }()
	for i := range 15 {
		add(t, st, "111122223333", fmt.Sprint(i))
	}
	list, _ := readAll(t, st, events.Query{})
	sink := &events.EventBridgeSink{Endpoint: srv.URL, Bus: "lab", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), Client: srv.Client()}
	n, err := sink.Send(t.Context(), list)
	if n != 11 || err == nil {
		t.Errorf("%d delivered, %v; want the ten of the first call and one of the second", n, err)
	}
	if n, err = sink.Send(t.Context(), list[n:]); n != 4 || err != nil {
		t.Errorf("then %d, %v", n, err)
	}
}

// TestRead_afterThePresent: where a backup was restored, a reader may have seen more than there is.
func TestRead_afterThePresent(t *testing.T) {
	st := store.OpenMemory()
	defer func() { _ = st.Close() }()
	add(t, st, "111122223333", "a", "b")
	for _, tt := range []struct {
		whole bool
		next  uint64
	}{{true, 2}, {false, 7}} { // another server may have written the seventh
		if list, next := readAll(t, st, events.Query{Account: "111122223333", After: 7, Whole: tt.whole}); len(list) != 0 || next != tt.next {
			t.Errorf("%+v: %d events, next %d", tt, len(list), next)
		}
	}
}

func TestTrim_dropsTheOldest(t *testing.T) {
	st := store.OpenMemory()
	defer func() { _ = st.Close() }()
	sequences := func() (list []uint64, size int) {
		records, _ := readAll(t, st, events.Query{})
		for _, r := range records {
			list = append(list, r.Sequence)
		}
		_ = st.View(t.Context(), func(r store.Reader) error {
			for _, raw := range r.Scan(events.Prefix, "") {
				size += len(raw)
			}
			return nil
		})
		return list, size
	}
	trim := func(keep int) {
		t.Helper()
		if err := st.Update(t.Context(), func(tx store.Txn) error { return events.Trim(tx, "111122223333", 5, 0, keep) }); err != nil {
			t.Fatal(err)
		}
	}
	add(t, st, "111122223333", "a", "b", "c", "d", "e")
	_, size := sequences()
	trim(size)
	if list, _ := sequences(); len(list) != 5 {
		t.Errorf("what fits is kept: %v", list)
	}
	trim(size - 1)
	if list, _ := sequences(); len(list) != 4 || list[0] != 2 {
		t.Errorf("one byte too many: %v", list)
	}
	add(t, st, "111122223333", "f")
	if _, after := sequences(); after != size { // its size is that of the one that went
		t.Errorf("the log takes %d bytes, want %d", after, size)
	}
	trim(size / 2)
	if list, got := sequences(); got > size/2 || len(list) != 2 || list[1] != 6 {
		t.Errorf("half: %v, %d of %d bytes", list, got, size)
	}
	trim(0)
	if list, _ := sequences(); len(list) != 2 {
		t.Errorf("the event that is being written, and what came later, is never dropped: %v", list)
	}
}

// TestRunner_accountsInTurns: the events of every account are carried away, and a busy account does not keep another's waiting.
func TestRunner_accountsInTurns(t *testing.T) {
	st := store.OpenMemory()
	defer func() { _ = st.Close() }()
	for i := range 250 {
		add(t, st, "111122223333", fmt.Sprint(i))
	}
	add(t, st, "444455556666", "quiet")
	var accounts []string
	sink := sinkFunc(func(batch []events.Record) {
		for i := range batch {
			accounts = append(accounts, batch[i].Event.Account)
		}
	})
	runner := &events.Runner{Store: st, Sink: sink, Log: slog.New(slog.DiscardHandler)}
	for i := range 4 {
		if _, err := runner.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if i == 1 && !slices.Contains(accounts, "444455556666") {
			t.Errorf("after two batches nothing of the second account: %d events", len(accounts))
		}
	}
	if len(accounts) != 251 {
		t.Errorf("%d events, want 251, each once", len(accounts))
	}
}

// sinkFunc is a sink that takes everything.
type sinkFunc func(batch []events.Record)

func (sinkFunc) Name() string { return "func" }

func (f sinkFunc) Send(_ context.Context, batch []events.Record) (int, error) {
	f(batch)
	return len(batch), nil
}

func TestToken_comesBack(t *testing.T) {
	for _, n := range []uint64{0, 1, 41, 1 << 40} {
		if got, ok := events.ParseToken(events.Token(n)); !ok || got != n {
			t.Errorf("%d comes back as %d, %t", n, got, ok)
		}
	}
	for _, text := range []string{"", "41", "x", events.Token(7)[1:], events.Token(7) + "A"} {
		if _, ok := events.ParseToken(text); ok {
			t.Errorf("%q is taken for a token", text)
		}
	}
}

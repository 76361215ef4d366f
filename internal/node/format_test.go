package node_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"portolan/api"
	"portolan/internal/auth"
	"portolan/internal/catalog"
	"portolan/internal/events"
	"portolan/internal/node"
	"portolan/internal/server"
	"portolan/internal/state"
	"portolan/internal/store"
)

// oldStore opens a copy of a folder that a binary of format 1 left.
func oldStore(t *testing.T) store.Store {
	t.Helper()
	packed, err := os.Open("testdata/format1/portolan.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = packed.Close() }()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, err := os.OpenFile(filepath.Join(dir, "portolan.db"), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(file, unpacked); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	st, err := store.OpenBolt(filepath.Join(dir, "portolan.db"), store.BoltOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// soon is a little after the folder was left.
func soon() time.Time { return time.Date(2026, 11, 28, 19, 40, 0, 0, time.UTC) }

func openNode(t *testing.T, st store.Store) *node.Node {
	t.Helper()
	known, err := catalog.OpenFile("testdata/format1/catalog.yaml", catalog.FileOptions{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.New(t.Context(), node.Config{Store: st, Now: soon, Secrets: rand.NewChaCha8([32]byte{}), Catalog: known, Grants: new(auth.ResourcePolicies).Grants})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// get asks as an account.
func get(t *testing.T, h http.Handler, account, path string) (status int, body string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Host = "127.0.0.1"
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+account+"/20260101/us-west-2/networkmanager/aws4_request, SignedHeaders=host, Signature=00")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// TestOpen_format1: a folder of format 1 answers as the binary did that wrote it.
func TestOpen_format1(t *testing.T) {
	text, err := os.ReadFile("testdata/format1/answers.json")
	if err != nil {
		t.Fatal(err)
	}
	var answers []struct{ Account, Path, Body string }
	if err := json.Unmarshal(text, &answers, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	n := openNode(t, oldStore(t))
	srv := server.New(server.Config{Service: n})
	srv.SetReady(true)
	for _, a := range answers {
		status, body := get(t, srv, a.Account, a.Path)
		if status != http.StatusOK || !sameJSON(t, body, a.Body) {
			t.Errorf("%s %s: %d\n%s\nthe older binary answered\n%s", a.Account, a.Path, status, body, a.Body)
		}
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	normal := func(text string) string {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		out, err := json.Marshal(asFormat1(v), json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	return normal(a) == normal(b)
}

// asFormat1 is an answer without what the API and the snapshot have had since format 1: the state of NAT, options and subnets
// of VPC attachments, and Connect peers as objects, whose announcements stood beside those of their attachment.
func asFormat1(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = asFormat1(v[i])
		}
	case map[string]any:
		if v["NatGatewaySupport"] == "DISABLED" {
			delete(v, "NatGatewaySupport")
		}
		delete(v, "options")
		delete(v, "subnetArns")
		if peers, ok := v["peers"].([]any); ok {
			for _, p := range peers {
				peer, _ := p.(map[string]any)
				list, _ := peer["announcements"].([]any)
				own, _ := v["announcements"].([]any)
				v["announcements"] = append(own, list...)
			}
			delete(v, "peers")
		}
		for name := range v {
			v[name] = asFormat1(v[name])
		}
	}
	return v
}

// TestOpen_format1Events: events that were logged are there, of each account, and sinks go on where they were.
func TestOpen_format1Events(t *testing.T) {
	st := oldStore(t)
	n := openNode(t, st)
	count := func(account string) int {
		list, _, err := n.Events(api.WithCaller(t.Context(), api.Caller{Account: account, Partition: "aws"}), events.Query{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for i := range list {
			if list[i].Event.Account != account {
				t.Errorf("%s sees an event of %s", account, list[i].Event.Account)
			}
		}
		return len(list)
	}
	if a, b := count("111122223333"), count("444455556666"); a < 37 || b < 5 {
		t.Errorf("%d and %d events, want at least the 37 and 5 that were logged", a, b)
	}
	cursors := 0
	if err := st.View(t.Context(), func(r store.Reader) error {
		for range r.Scan("/events.cursor/", "") {
			cursors++
		}
		for key := range r.Scan("", "") {
			for _, old := range []string{"/announced", "/outside"} {
				if strings.Contains(key, old) {
					t.Errorf("%s is left of format 1", key)
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if cursors != 2 {
		t.Errorf("%d cursors, want one of each account", cursors)
	}
}

// TestOpen_format1Interrupted: a change of format that was stopped goes on: whatever was moved is not moved again.
func TestOpen_format1Interrupted(t *testing.T) {
	whole, parts := oldStore(t), oldStore(t)
	openNode(t, whole)
	for left := 1; ; left++ {
		_, err := node.New(t.Context(), node.Config{Store: &brittle{Store: parts, left: left}, Now: soon, Secrets: rand.NewChaCha8([32]byte{})})
		if err == nil {
			break
		}
		if !errors.Is(err, errBroken) || left > 100 {
			t.Fatal(err)
		}
	}
	if a, b := dump(t, whole), dump(t, parts); a != b {
		t.Error("what was changed with interruptions is not what was changed at once")
	}
}

var errBroken = errors.New("broken off")

// brittle is a store that takes so many commits and no more.
type brittle struct {
	store.Store
	left int
}

func (b *brittle) Update(ctx context.Context, f func(store.Txn) error) error {
	if b.left == 0 {
		return errBroken
	}
	b.left--
	return b.Store.Update(ctx, f)
}

func dump(t *testing.T, st store.Store) string {
	t.Helper()
	var b bytes.Buffer
	if err := st.View(t.Context(), func(r store.Reader) error { return store.Dump(r, &b) }); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestOpen_refusedFormat: a newer format is refused in one line, and so is one that is none. Neither is touched.
func TestOpen_refusedFormat(t *testing.T) {
	for _, c := range []struct{ format, want string }{
		{"3", "the data has format 3, written by a newer Portolan"},
		{"x", "the format of the data is"},
	} {
		st := store.OpenMemory()
		if err := st.Update(t.Context(), func(tx store.Txn) error { tx.Set("/format", []byte(c.format)); return nil }); err != nil {
			t.Fatal(err)
		}
		before := dump(t, st)
		_, err := node.New(t.Context(), node.Config{Store: st})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("format %s: %v, want one line with %q", c.format, err, c.want)
		}
		if dump(t, st) != before {
			t.Errorf("format %s: the data was changed", c.format)
		}
		_ = st.Close()
	}
	var newer *state.NewerFormatError
	if err := error(&state.NewerFormatError{Found: 7}); !errors.As(err, &newer) {
		t.Error("no NewerFormatError")
	}
}

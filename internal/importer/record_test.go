package importer_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"portolan/internal/importer"
)

func (r *rig) recorded(t *testing.T, dir string, offline bool, redact *importer.Redactor) func(*importer.Config) {
	t.Helper()
	rec, err := importer.NewRecorder(dir, offline, redact, r)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *importer.Config) { c.AWS.HTTPClient = &http.Client{Transport: rec} }
}

// TestRecorder_resumesAndRepeats: what was read is not asked again, and the account is not needed to read it again.
func TestRecorder_resumesAndRepeats(t *testing.T) {
	r := serve(t, load(t, "../../examples/network.yaml"), nil)
	dir := t.TempDir()
	var asked atomic.Int64
	r.before = func(q *http.Request) *http.Response {
		if asked.Add(1) > 8 {
			return &http.Response{} // the connection is gone
		}
		return nil
	}
	cfg := r.config()
	r.recorded(t, dir, false, nil)(&cfg)
	if im, err := importer.Read(t.Context(), cfg); err == nil && im.Report.Complete() {
		t.Fatal("the connection did not break")
	}
	asked.Store(0)
	r.before = func(*http.Request) *http.Response { asked.Add(1); return nil }
	first := r.read(t, r.recorded(t, dir, false, nil))
	if n := int(asked.Load()); n == 0 || n >= first.Report.Calls {
		t.Errorf("%d of %d calls were made again", n, first.Report.Calls)
	}
	asked.Store(0)
	second := r.read(t, r.recorded(t, dir, true, nil), func(c *importer.Config) { c.CoreNetwork = "" })
	if asked.Load() > 0 || second.Snapshot.CoreNetworkID != first.Snapshot.CoreNetworkID || len(second.Snapshot.Attachments) != len(first.Snapshot.Attachments) {
		t.Errorf("%d calls, %+v", asked.Load(), second.Report)
	}
}

// TestRedact_leavesNoAccount: neither the snapshot nor a recorded reply has the id of an account.
func TestRedact_leavesNoAccount(t *testing.T) {
	snap := load(t, "../../examples/network.yaml")
	r := serve(t, snap, nil)
	dir := t.TempDir()
	redactor := &importer.Redactor{}
	r.before = func(q *http.Request) *http.Response {
		if operationOf(q) == "ListCoreNetworkPrefixListAssociations" {
			return answer(403, "AccessDeniedException", `{"Message":"User: arn:aws:iam::`+r.account+`:user/u is not authorized"}`)
		}
		return nil
	}
	im := r.read(t, r.recorded(t, dir, false, redactor))
	if err := im.Redact(redactor); err != nil {
		t.Fatal(err)
	}
	text, err := im.Snapshot.JSON()
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, report(t, im.Report)+im.Report.Unread[0].Error...)
	files, err := filepath.Glob(dir + "/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, b...)
	}
	if strings.Contains(string(text), r.account) || !strings.Contains(string(text), "000000000001") {
		t.Error("an account id is left, or none was there")
	}
	if _, err := importer.NewRecorder(dir, false, redactor, nil); err == nil {
		t.Error("a folder of redacted replies is resumed from")
	}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestRecorder_whatTheEndpointDoesNotServe: that an endpoint does not serve a call is kept, so that a reading of the folder is the
// reading that was recorded; it is asked again when the endpoint can be. Other errors are not kept.
func TestRecorder_whatTheEndpointDoesNotServe(t *testing.T) {
	dir, status, asked := t.TempDir(), http.StatusForbidden, 0
	next := tripper(func(r *http.Request) (*http.Response, error) {
		asked++
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(strings.NewReader(http.StatusText(status))), Request: r}, nil
	})
	get := func(offline bool) (int, string) {
		t.Helper()
		rec, err := importer.NewRecorder(dir, offline, nil, next)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://ec2/", strings.NewReader("Action=DescribeVpcs"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := rec.RoundTrip(r)
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	for i, c := range []struct{ status, offline, asked int }{
		{http.StatusForbidden, 0, 1},
		{http.StatusServiceUnavailable, 0, 2},
		{http.StatusNotImplemented, http.StatusNotImplemented, 3},
		{http.StatusOK, http.StatusOK, 4},
		{http.StatusOK, http.StatusOK, 4}, // from the folder
	} {
		status = c.status
		if code, text := get(false); code != c.status || text != http.StatusText(c.status) || asked != c.asked {
			t.Errorf("%d: %d %s, asked %d times", i, code, text, asked)
		}
		if code, text := get(true); code != c.offline || code != 0 && text != http.StatusText(code) {
			t.Errorf("%d, offline: %d %s", i, code, text)
		}
	}
}

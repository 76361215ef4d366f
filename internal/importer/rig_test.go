package importer_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"portolan/internal/importer"
	"portolan/internal/node"
	"portolan/internal/page"
	"portolan/internal/server"
	"portolan/internal/snapshot"
	"portolan/internal/store"
	"portolan/routing"
)

// rig is a server with the network of a snapshot, to be read as an account of AWS is.
type rig struct {
	url    string
	before func(*http.Request) *http.Response // answers a request in the server's place; nil, or a nil answer: it does not

	account, coreNetwork string
	ids                  map[string]string // that the server gave
	node                 *node.Node
}

func serve(t testing.TB, snap *snapshot.Snapshot, options *routing.Options) *rig {
	t.Helper()
	st := store.OpenMemory()
	t.Cleanup(func() { _ = st.Close() })
	n, err := node.New(t.Context(), node.Config{Store: st, Random: rand.NewPCG(1, 2), Routing: options})
	if err != nil {
		t.Fatal(err)
	}
	done, err := n.ImportSnapshot(t.Context(), snap)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(server.New(server.Config{Service: n}))
	t.Cleanup(h.Close)
	return &rig{url: h.URL, account: done.Account, coreNetwork: done.CoreNetworkID, ids: done.IDs, node: n}
}

func (r *rig) RoundTrip(q *http.Request) (*http.Response, error) {
	if r.before != nil {
		if answer := r.before(q); answer != nil {
			if answer.StatusCode == 0 {
				return nil, errors.New("connection reset by peer")
			}
			return answer, nil
		}
	}
	return http.DefaultTransport.RoundTrip(q)
}

// config reads the rig's server, and retries without waiting.
func (r *rig) config() importer.Config {
	return importer.Config{
		AWS: aws.Config{
			Region: "us-west-2", BaseEndpoint: &r.url, HTTPClient: &http.Client{Transport: r},
			Credentials: credentials.NewStaticCredentialsProvider(r.account, "any", ""),
		},
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.RateLimiter = 3, ratelimit.None
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
		Now: func() time.Time { return time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC) },
	}
}

func (r *rig) read(t testing.TB, change ...func(*importer.Config)) *importer.Import {
	t.Helper()
	cfg := r.config()
	for _, f := range change {
		f(&cfg)
	}
	im, err := importer.Read(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// wantEqual reads the network of a snapshot from a server and wants the tables computed from it to be the server's.
func wantEqual(t *testing.T, snap *snapshot.Snapshot, options *routing.Options) {
	t.Helper()
	r := serve(t, snap, options)
	im := r.read(t)
	v, err := im.Verify(context.Background(), nil, options)
	if err != nil {
		t.Fatal(err)
	}
	if !v.Agrees() || v.Tables == 0 || v.RIB.Missing+v.RIB.Extra > 0 || !im.Report.Complete() {
		t.Errorf("%s\n%s", report(t, v), report(t, im.Report))
	}
}

func report(t *testing.T, v interface{ Page() *page.Page }) string {
	t.Helper()
	var b writer
	if err := v.Page().Text(&b, page.Style{}); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

type writer []byte

func (w *writer) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}

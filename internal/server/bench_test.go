package server_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"portolan/internal/node"
	"portolan/internal/server"
	"portolan/internal/store"
)

// discard is a ResponseWriter that costs nothing.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

func BenchmarkGetSites_pageOf100(b *testing.B) { benchmarkGetSites(b, "?maxResults=100", nil) }

// BenchmarkGetSites_pageOf1: the least a read can be, with its line in the log: what the server's own way costs shows
// here.
func BenchmarkGetSites_pageOf1(b *testing.B) {
	benchmarkGetSites(b, "?maxResults=1", slog.New(slog.NewJSONHandler(io.Discard, nil)))
}

func benchmarkGetSites(b *testing.B, query string, log *slog.Logger) {
	st, err := store.OpenBolt(b.TempDir()+"/db", store.BoltOptions{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = st.Close() })
	svc, err := node.New(b.Context(), node.Config{Store: st})
	if err != nil {
		b.Fatal(err)
	}
	srv := server.New(server.Config{Service: svc, Log: log})
	send := func(method, path, body string) string {
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return w.Body.String()
	}
	_, rest, _ := strings.Cut(send("POST", "/global-networks", "{}"), `"GlobalNetworkId":"`)
	gn, _, _ := strings.Cut(rest, `"`)
	for range 200 {
		send("POST", "/global-networks/"+gn+"/sites", `{"Description":"a site of the benchmark","Location":{"Address":"1 Main St","Latitude":"40.7","Longitude":"-74.0"}}`)
	}
	r := httptest.NewRequest("GET", "/global-networks/"+gn+"/sites"+query, nil)
	w := discard{h: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		srv.ServeHTTP(w, r)
	}
}

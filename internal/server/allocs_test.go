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

// sites is a server on disk whose log is written, with many sites in one global network.
func sites(tb testing.TB) (srv *server.Server, path, site string) {
	st, err := store.OpenBolt(tb.TempDir()+"/db", store.BoltOptions{NoSync: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = st.Close() })
	svc, err := node.New(tb.Context(), node.Config{Store: st})
	if err != nil {
		tb.Fatal(err)
	}
	srv = server.New(server.Config{Service: svc, Log: slog.New(slog.NewJSONHandler(io.Discard, nil))})
	send := func(path, body, id string) string {
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(body)))
		_, rest, _ := strings.Cut(w.Body.String(), `"`+id+`":"`)
		value, _, _ := strings.Cut(rest, `"`)
		return value
	}
	path = "/global-networks/" + send("/global-networks", "{}", "GlobalNetworkId") + "/sites"
	for range 200 {
		site = send(path, `{"Description":"a site","Location":{"Address":"1 Main St","Latitude":"40.7","Longitude":"-74.0"}}`, "SiteId")
	}
	return srv, path, site
}

// discard is a ResponseWriter that costs nothing.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// TestServe_allocations bounds what a read allocates beside what net/http does, its line in the log included. A row more costs
// none.
func TestServe_allocations(t *testing.T) {
	srv, path, site := sites(t)
	for query, most := range map[string]float64{"?siteIds=" + site: 17, "?maxResults=1": 17, "?maxResults=100": 19} {
		r, w := httptest.NewRequest("GET", path+query, nil), discard{h: http.Header{}}
		if n := testing.AllocsPerRun(200, func() { srv.ServeHTTP(w, r) }); n > most+pooled {
			t.Errorf("%s: %v allocations, at most %v", query, n, most+pooled)
		}
	}
}

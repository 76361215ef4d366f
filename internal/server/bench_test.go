package server_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func BenchmarkGetSites_pageOf100(b *testing.B) { benchmarkGetSites(b, "?maxResults=100") }

// BenchmarkGetSites_pageOf1: the least a read can be, with its line in the log: what the server's own way costs shows
// here.
func BenchmarkGetSites_pageOf1(b *testing.B) { benchmarkGetSites(b, "?maxResults=1") }

func benchmarkGetSites(b *testing.B, query string) {
	srv, path, _ := sites(b)
	r, w := httptest.NewRequest("GET", path+query, nil), discard{h: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		srv.ServeHTTP(w, r)
	}
}

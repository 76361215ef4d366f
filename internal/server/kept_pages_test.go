package server_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"portolan/internal/server"
)

// as sends a request in the name of an account and gives the answer.
func as(srv *server.Server, account, method, path, body string) string {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+account+"/20260131/us-west-2/networkmanager/aws4_request, SignedHeaders=host, Signature=0")
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, r)
	return w.Body.String()
}

// TestGetSites_keptPage: a page that was asked for often enough to be kept shows every change, and only to its account.
func TestGetSites_keptPage(t *testing.T) {
	srv, path, site := sites(t)
	const account = "000000000000"
	page := func(query string) string { return as(srv, account, "GET", path+query, "") }
	often := func() (first, second string) {
		for range 4 {
			first, second = page("?maxResults=100"), page("?maxResults=200")
		}
		return first, second
	}
	first, all := often()
	if n, m := strings.Count(first, `"SiteId"`), strings.Count(all, `"SiteId"`); n != 100 || m != 200 || !strings.Contains(first, `"NextToken"`) || strings.Contains(all, `"NextToken"`) {
		t.Fatalf("the pages have %d and %d sites", n, m)
	}
	change := func(method, path, body, want string, sites int) {
		t.Helper()
		if answer := as(srv, account, method, path, body); !strings.Contains(answer, `"SiteId"`) {
			t.Fatalf("%s %s answered %s", method, path, answer)
		}
		for range 4 {
			// A row that is due takes its next step before it is read.
			if all := page("?maxResults=300"); strings.Count(all, `"SiteId"`) != sites || strings.Count(all, want) == 0 {
				t.Errorf("after %s of %s a page has %d sites, %d of them with %s", method, path, strings.Count(all, `"SiteId"`), strings.Count(all, want), want)
			}
		}
	}
	change("PATCH", path+"/"+site, `{"Description":"moved"}`, `"moved"`, 200)
	change("DELETE", path+"/"+site, "", `"a site"`, 199)
	change("POST", path, `{"Description":"one more"}`, `"one more"`, 200)
	often()
	if answer := as(srv, "111122223333", "GET", path+"?maxResults=200", ""); strings.Contains(answer, "SiteId") || !strings.Contains(answer, "Global network") {
		t.Errorf("another account is answered %.200s", answer)
	}
}

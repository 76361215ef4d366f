package console_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"portolan/internal/console"
)

func get(t *testing.T, target string, header map[string]string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	h := console.New()
	if !h.Takes(r) {
		return nil
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r io.Reader) []byte {
	t.Helper()
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestHandler_whatIsTaken(t *testing.T) {
	browser := map[string]string{"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
	for _, c := range []struct {
		method, path string
		header       map[string]string
		want         bool
	}{
		{"GET", "/", browser, true},
		{"HEAD", "/", browser, true},
		{"GET", "/", map[string]string{"Accept": "*/*"}, false},
		{"GET", "/", nil, false},
		{"POST", "/", browser, false},
		{"GET", "/console", nil, true},
		{"GET", "/console/", nil, true},
		{"GET", "/console/cn/core-network-0/routes", nil, true},
		{"POST", "/console/", browser, false},
		{"GET", "/consoles", browser, false},
		{"GET", "/core-networks", browser, false},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil)
		for name, value := range c.header {
			r.Header.Set(name, value)
		}
		if got := console.New().Takes(r); got != c.want {
			t.Errorf("%s %s with %v: taken %v", c.method, c.path, c.header, got)
		}
	}
}

func TestHandler_pageAtEveryAddress(t *testing.T) {
	page := body(t, get(t, "/console/", nil).Body)
	if !bytes.Contains(page, []byte(`src="/console/app.js"`)) {
		t.Fatalf("the page does not load app.js: %s", page)
	}
	for _, path := range []string{"/console", "/console/cn/core-network-0/attachments", "/console/cn/a/b.c/d"} {
		if got := get(t, path, nil); got.StatusCode != http.StatusOK || !bytes.Equal(body(t, got.Body), page) {
			t.Errorf("%s is not the page: %d", path, got.StatusCode)
		}
	}
	if got := get(t, "/console/chunk-OLD.js", nil); got.StatusCode != http.StatusNotFound {
		t.Errorf("a file that is not there: %d", got.StatusCode)
	}
}

func TestHandler_headers(t *testing.T) {
	got := get(t, "/console/app.js", map[string]string{"Accept-Encoding": "br, gzip"})
	if csp := got.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none';") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "require-trusted-types-for 'script'") {
		t.Errorf("Content-Security-Policy: %s", csp)
	}
	if got.Header.Get("Content-Type") != "text/javascript; charset=utf-8" || got.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers: %v", got.Header)
	}
	if got.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("headers: %v", got.Header)
	}
	z, err := gzip.NewReader(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	plain := get(t, "/console/app.js", map[string]string{"Accept-Encoding": "gzip;q=0"})
	if plain.Header.Get("Content-Encoding") != "" || !bytes.Equal(body(t, z), body(t, plain.Body)) {
		t.Errorf("what is compressed is not what is not")
	}
	etag := got.Header.Get("ETag")
	if again := get(t, "/console/app.js", map[string]string{"If-None-Match": `"other", ` + etag}); again.StatusCode != http.StatusNotModified || len(body(t, again.Body)) != 0 {
		t.Errorf("If-None-Match: %d", again.StatusCode)
	}
}

// budget is what all files may weigh as they are sent, in bytes; firstView what the first page loads of them.
const (
	budget    = 300_000
	firstView = 120_000
)

func TestStatic_budget(t *testing.T) {
	total, first := 0, 0
	err := fs.WalkDir(os.DirFS("static"), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		size := len(body(t, get(t, "/console/"+name, map[string]string{"Accept-Encoding": "gzip"}).Body))
		total += size
		if name == "index.html" || name == "app.js" || name == "style.css" {
			first += size
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes, %d of them for the first view", total, first)
	if total > budget || first > firstView || first == 0 {
		t.Errorf("%d bytes of %d, %d of %d for the first view", total, budget, first, firstView)
	}
}

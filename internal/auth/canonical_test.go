package auth

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNormalPath(t *testing.T) {
	for path, want := range map[string]string{
		"/":               "/",
		"//":              "/",
		"/a/b":            "/a/b",
		"/a//b///c/":      "/a/b/c/",
		"/a/./b/../c":     "/a/c",
		"/../..":          "/",
		"/a/..":           "/",
		"/a/../":          "/",
		"/.a/b..":         "/.a/b..",
		"/a/%2E%2E/b%2F/": "/a/%2E%2E/b%2F/", // encoded dots are text
	} {
		if got := normalPath(path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}

func TestReencode(t *testing.T) {
	for text, want := range map[string]string{
		"":           "",
		"aZ09-._~":   "aZ09-._~",
		"a+b%20c d":  "a%20b%20c%20d",
		"%2f%3A%zz%": "%2F%3A%25zz%25",
		"ü%c3%BC":    "%C3%BC%C3%BC",
		"'()*!;=":    "%27%28%29%2A%21%3B%3D",
	} {
		if got := reencode(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		want := strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
		if got := reencode(url.QueryEscape(text)); got != want {
			t.Fatalf("%q is %q, want %q", text, got, want)
		}
	})
}

func TestAppendFolded(t *testing.T) {
	for value, want := range map[string]string{"": "", "  ": "", " a  b c   d ": "a b c d", "\ta\t": "a", `"a  b"`: `"a b"`} {
		if got := string(appendFolded(nil, value)); got != want {
			t.Errorf("%q is %q, want %q", value, got, want)
		}
	}
}

func TestTarget(t *testing.T) {
	for line, want := range map[string][2]string{
		"/a%2Fb?c=%2f":                      {"/a%2Fb", "c=%2f"},
		"//a?":                              {"//a", ""},
		"http://portolan.test:4566/a%2Fb?c": {"/a%2Fb", "c"},
		"http://portolan.test:4566":         {"/", ""},
	} {
		r, _ := parsed(t, []byte("GET "+line+" HTTP/1.1\r\nHost: portolan.test:4566\r\n\r\n"))
		if path, query := target(r); [2]string{path, query} != want {
			t.Errorf("%s is %q, %q", line, path, query)
		}
	}
}

func TestParseQuery_tooMany(t *testing.T) {
	if _, ok := parseQuery(strings.Repeat("a&", maxParameters-1) + "a"); !ok {
		t.Error("the last one allowed is refused")
	}
	if _, ok := parseQuery(strings.Repeat("a&", maxParameters) + "a"); ok {
		t.Error("one too many passes")
	}
}

func TestHeaderValues_takenByTheServer(t *testing.T) {
	r, _ := parsed(t, []byte("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
	if got := headerValues(r, "transfer-encoding"); len(got) != 1 || got[0] != "chunked" {
		t.Errorf("transfer-encoding %q", got)
	}
	if got := headerValues(r, "content-length"); len(got) != 0 {
		t.Errorf("content-length %q", got)
	}
	r.ContentLength = 5
	if got := headerValues(r, "content-length"); len(got) != 1 || got[0] != "5" {
		t.Errorf("content-length %q", got)
	}
}

func TestShown(t *testing.T) {
	if got := shown(strings.Repeat("ü", 65)); got != strings.Repeat("ü", 64)+"…" {
		t.Errorf("%q", got)
	}
	if got := shown("a" + strings.Repeat("ü", 64)); got != "a"+strings.Repeat("ü", 63)+"…" {
		t.Errorf("%q", got)
	}
}

// FuzzAuthenticate: only what a known key signed gets in, whatever the bytes.
func FuzzAuthenticate(f *testing.F) {
	for _, s := range []signing{{}, {presign: true}, {method: "POST", body: "{}", key: "ASIAEXAMPLE", token: testToken}} {
		var wire bytes.Buffer
		if err := s.request(f).Write(&wire); err != nil {
			f.Fatal(err)
		}
		f.Add(wire.Bytes())
	}
	a, open := at(f, testNow), NewAuthenticator(Config{})
	f.Fuzz(func(t *testing.T, wire []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
		if err != nil {
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
		if err != nil {
			return
		}
		p, _, err := a.Authenticate(r, body)
		if (err == nil) != (p != nil) || err != nil && errorType(err) == "" {
			t.Fatalf("%v, %v", p, err)
		}
		if p, _, err = open.Authenticate(r, body); err == nil && !isAccount(p.Caller().Account) {
			t.Fatalf("%+v", p.Caller())
		}
	})
}

package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"portolan/api"
)

func TestAuthenticate_signedByGoSDK(t *testing.T) {
	targets := []string{
		"/global-networks",
		"/global-networks?",
		"/tags/arn%3Aaws%3Anetworkmanager%3A%3A123456789012%3Asite%2Fg%2Fs",
		"/tags/arn%3Aaws%3Anetworkmanager%3A%3A123456789012%3Asite%2Fg%2Fs?tagKeys=b&tagKeys=a%2Fb&tagKeys=a-b&tagKeys=",
		"/tags/arn:aws:networkmanager::123456789012:site/g/s",
		"/global-networks//devices",
		"/global-networks/../devices",
		"/global-networks/",
		"/global-networks/%C3%BC%20n%20~*+(!)/sites?siteIds=%20%2B%25&x",
		"/global-networks/ü/sites?siteIds=ü",
		"/a%2fb?q=%c3%bc",
	}
	for _, target := range targets {
		for _, presign := range []bool{false, true} {
			for _, token := range []string{"", testToken} {
				t.Run(fmt.Sprintf("%s presigned=%v token=%v", target, presign, token != ""), func(t *testing.T) {
					s := signing{target: target, presign: presign, token: token}
					if token != "" {
						s.key = "ASIAEXAMPLE"
					}
					r, body := received(t, s.request(t))
					p, _, err := at(t, testNow.Add(4*time.Minute)).Authenticate(r, body)
					if err != nil {
						t.Fatal(err, errors.Unwrap(err))
					}
					if got := p.Caller().Account; got != "123456789012" {
						t.Errorf("account %s", got)
					}
				})
			}
		}
	}
}

func TestAuthenticate_bodiesAndHeaders(t *testing.T) {
	for name, s := range map[string]signing{
		"a body":             {method: "POST", body: `{"Description":"Ünïcode → 𝄞"}`, header: http.Header{"Content-Type": {"application/json"}}},
		"folded values":      {header: http.Header{"X-Amz-Note": {"  a   b  ", "c"}, "X-Other": {""}}},
		"a declared hash":    {method: "POST", body: "{}", header: http.Header{"X-Amz-Content-Sha256": {"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}}},
		"an unsigned body":   {method: "POST", body: "{}", payload: unsignedPayload, header: http.Header{"X-Amz-Content-Sha256": {unsignedPayload}}},
		"a body, presigned":  {method: "POST", body: "{}", presign: true},
		"unsigned presigned": {method: "POST", body: "{}", payload: unsignedPayload, presign: true, target: "/global-networks?X-Amz-Content-Sha256=UNSIGNED-PAYLOAD"},
		"an expiry":          {presign: true, target: "/global-networks?X-Amz-Expires=604800"},
		"another Region":     {region: "cn-north-1"},
	} {
		t.Run(name, func(t *testing.T) {
			r, body := received(t, s.request(t))
			_, got, err := at(t, testNow).Authenticate(r, body)
			if err != nil {
				t.Fatal(err, errors.Unwrap(err))
			}
			if string(got) != s.body {
				t.Errorf("body %q", got)
			}
		})
	}
}

func TestAuthenticate_signedByBotocore(t *testing.T) {
	text, err := os.ReadFile("testdata/botocore.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Recorded time.Time
		Requests []struct {
			Name, Method, Target, Body string
			Headers                    map[string]string
		}
	}
	if err := json.Unmarshal(text, &file, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	if len(file.Requests) < 15 {
		t.Fatalf("only %d requests", len(file.Requests))
	}
	for _, q := range file.Requests {
		t.Run(q.Name, func(t *testing.T) {
			var wire strings.Builder
			fmt.Fprintf(&wire, "%s %s HTTP/1.1\r\nHost: portolan.test:4566\r\n", q.Method, q.Target)
			for k, v := range q.Headers {
				if k != "Content-Length" {
					fmt.Fprintf(&wire, "%s: %s\r\n", k, v)
				}
			}
			fmt.Fprintf(&wire, "Content-Length: %d\r\n\r\n%s", len(q.Body), q.Body)
			r, body := parsed(t, []byte(wire.String()))
			if _, _, err := at(t, file.Recorded).Authenticate(r, body); err != nil {
				t.Fatal(err, errors.Unwrap(err))
			}
			r, body = parsed(t, []byte(strings.Replace(wire.String(), " HTTP/1.1", "x HTTP/1.1", 1)))
			if _, _, err := at(t, file.Recorded).Authenticate(r, body); errorType(err) != "InvalidSignatureException" {
				t.Errorf("with another target: %v", err)
			}
		})
	}
}

func errorType(err error) string {
	var e api.Exception
	if !errors.As(err, &e) {
		return ""
	}
	return e.ErrorType()
}

const (
	mismatchMessage   = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	wrongTokenMessage = "The security token included in the request is invalid."
)

func TestAuthenticate_refusals(t *testing.T) {
	tampered := func(change func(*http.Request)) func(testing.TB) *http.Request {
		return func(tb testing.TB) *http.Request {
			r := signing{method: "POST", body: "{}", header: http.Header{"X-Amz-Note": {"n"}}}.request(tb)
			change(r)
			return r
		}
	}
	presigned := func(s signing, change func(url.Values)) func(testing.TB) *http.Request {
		return func(tb testing.TB) *http.Request {
			s.presign = true
			r := s.request(tb)
			q := r.URL.Query()
			change(q)
			r.URL.RawQuery = q.Encode()
			return r
		}
	}
	authorization := func(value string) func(testing.TB) *http.Request {
		return tampered(func(r *http.Request) { r.Header.Set("Authorization", value) })
	}
	tests := []struct {
		name      string
		request   func(testing.TB) *http.Request
		errorType string
		message   string // a prefix when it ends in …
	}{
		{
			"no Authorization", tampered(func(r *http.Request) { r.Header.Del("Authorization") }),
			"MissingAuthenticationTokenException", "Missing Authentication Token",
		},
		{
			"Bearer", authorization("Bearer abc"),
			"IncompleteSignatureException", "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. (Hashed with SHA-256 and encoded with Base64) Authorization=…",
		},
		{
			"no signature", authorization("AWS4-HMAC-SHA256 Credential=a/20260304/r/networkmanager/aws4_request, SignedHeaders=host"),
			"IncompleteSignatureException", "Authorization header requires 'Signature' parameter. (Hashed…",
		},
		{
			"another algorithm", authorization("AWS4-HMAC-SHA1 Credential=a"),
			"IncompleteSignatureException", "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA1'.",
		},
		{
			"no equal-sign", authorization("AWS4-HMAC-SHA256 Credential"),
			"IncompleteSignatureException", "'Credential' not a valid key=value pair (missing equal-sign) in Authorization header (hashed…",
		},
		{
			"a short credential", authorization("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=x"),
			"IncompleteSignatureException", "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b'",
		},
		{
			"a header signed twice", authorization("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host;Host, Signature=x"),
			"IncompleteSignatureException", "A header is more than once in 'SignedHeaders'.",
		},
		{
			"an endless header", authorization("AWS4-HMAC-SHA256 Credential=" + strings.Repeat("a", maxAuthorization)),
			"IncompleteSignatureException", "Authorization header is longer than 8192 bytes.",
		},
		{
			"two Authorizations", tampered(func(r *http.Request) { r.Header.Add("Authorization", "x") }),
			"IncompleteSignatureException", "The request is signed more than once: …",
		},
		{
			"header and query", tampered(func(r *http.Request) { r.URL.RawQuery = "X-Amz-Signature=x" }),
			"IncompleteSignatureException", "The request is signed more than once: …",
		},
		{
			"no date", tampered(func(r *http.Request) { r.Header.Del("X-Amz-Date") }),
			"IncompleteSignatureException", "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed…",
		},
		{
			"a wrong date", tampered(func(r *http.Request) { r.Header.Set("X-Amz-Date", "2026-03-04") }),
			"IncompleteSignatureException", "Date must be in ISO-8601 'basic format'. Got '2026-03-04'. See http://en.wikipedia.org/wiki/ISO_8601",
		},
		{
			"a date with a fraction", tampered(func(r *http.Request) { r.Header.Set("X-Amz-Date", "20260304T050607.5Z") }),
			"IncompleteSignatureException", "Date must be in ISO-8601…",
		},
		{
			"another service", signing{service: "ec2"}.request,
			"InvalidSignatureException", "Credential should be scoped to correct service: 'networkmanager'.",
		},
		{"another terminator", tampered(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "aws4_request", "aws5_request", 1))
		}), "InvalidSignatureException", "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'."},
		{
			"another date in the scope", tampered(func(r *http.Request) { r.Header.Set("X-Amz-Date", "20260303T235959Z") }),
			"InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260304' != '20260303', from '20260303T235959Z'.",
		},
		{
			"too old", signing{at: testNow.Add(-5*time.Minute - time.Second)}.request,
			"InvalidSignatureException", "Signature expired: 20260304T050106Z is now earlier than 20260304T050107Z (20260304T050607Z - 5 min.)",
		},
		{
			"too new", signing{at: testNow.Add(5*time.Minute + time.Second)}.request,
			"InvalidSignatureException", "Signature not yet current: 20260304T051108Z is still later than 20260304T051107Z (20260304T050607Z + 5 min.)",
		},
		{"unknown key", signing{key: "AKIDOTHER"}.request, "UnrecognizedClientException", wrongTokenMessage},
		{"no token", signing{key: "ASIAEXAMPLE"}.request, "UnrecognizedClientException", wrongTokenMessage},
		{"another token", signing{key: "ASIAEXAMPLE", token: "x"}.request, "UnrecognizedClientException", wrongTokenMessage},
		{"a token too many", signing{token: "x"}.request, "UnrecognizedClientException", wrongTokenMessage},
		{"wrong secret", signing{secret: "x"}.request, "InvalidSignatureException", mismatchMessage},
		{"an upper-case signature", tampered(func(r *http.Request) {
			head, sig, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			r.Header.Set("Authorization", head+"Signature="+strings.ToUpper(sig))
		}), "InvalidSignatureException", mismatchMessage},
		{
			"another body", tampered(func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("[]")) }),
			"InvalidSignatureException", mismatchMessage,
		},
		{"another body than declared", signing{
			method: "POST", body: "[]", payload: emptySHA256, header: http.Header{"X-Amz-Content-Sha256": {emptySHA256}},
		}.request, "InvalidSignatureException", mismatchMessage},
		{"another method", tampered(func(r *http.Request) { r.Method = "PATCH" }), "InvalidSignatureException", mismatchMessage},
		{"another host", tampered(func(r *http.Request) { r.Host = "elsewhere" }), "InvalidSignatureException", mismatchMessage},
		{"another query", tampered(func(r *http.Request) { r.URL.RawQuery = "maxResults=1" }), "InvalidSignatureException", mismatchMessage},
		{"another header value", tampered(func(r *http.Request) { r.Header.Set("X-Amz-Note", "m") }), "InvalidSignatureException", mismatchMessage},
		{"a signed header gone", tampered(func(r *http.Request) { r.Header.Del("X-Amz-Note") }), "InvalidSignatureException", mismatchMessage},
		{
			"an unsigned header more", tampered(func(r *http.Request) { r.Header.Set("X-Amz-Extra", "m") }),
			"InvalidSignatureException", "'X-Amz-Extra' must be a 'SignedHeader' in the AWS Authorization.",
		},
		{
			"host not signed", authorization("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260304/r/networkmanager/aws4_request, SignedHeaders=x-amz-date, Signature=x"),
			"InvalidSignatureException", "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
		},
		{
			"presigned without headers", presigned(signing{}, func(q url.Values) { q.Del(paramHeaders); q.Del(paramDate) }),
			"IncompleteSignatureException", "AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters.",
		},
		{
			"presigned twice", presigned(signing{}, func(q url.Values) { q.Add(paramSignature, "x") }),
			"IncompleteSignatureException", "Query-string parameter 'X-Amz-Signature' is there more than once. Re-examine the query-string parameters.",
		},
		{
			"presigned, another algorithm", presigned(signing{}, func(q url.Values) { q.Set(paramAlgorithm, "x") }),
			"IncompleteSignatureException", "Unsupported AWS 'algorithm': 'x'.",
		},
		{
			"presigned for more than a week", presigned(signing{}, func(q url.Values) { q.Set(paramExpires, "604801") }),
			"IncompleteSignatureException", "X-Amz-Expires must be less than a week (in seconds) that is 604800.",
		},
		{
			"presigned for no time", presigned(signing{}, func(q url.Values) { q.Set(paramExpires, "-1") }),
			"IncompleteSignatureException", "X-Amz-Expires should be a positive number of seconds.",
		},
		{
			"presigned and longer made", presigned(signing{target: "/global-networks?X-Amz-Expires=60"}, func(q url.Values) { q.Set(paramExpires, "61") }),
			"InvalidSignatureException", mismatchMessage,
		},
		{
			"presigned and expired", signing{presign: true, target: "/?X-Amz-Expires=60", at: testNow.Add(-61 * time.Second)}.request,
			"InvalidSignatureException", "Signature expired: 20260304T050506Z is now earlier than 20260304T050507Z (20260304T050607Z - 60 sec.)",
		},
		{
			"presigned with another token", presigned(signing{key: "ASIAEXAMPLE", token: testToken}, func(q url.Values) { q.Set(securityToken, "x") }),
			"UnrecognizedClientException", wrongTokenMessage,
		},
		{
			"presigned, a parameter more", presigned(signing{}, func(q url.Values) { q.Set("maxResults", "1") }),
			"InvalidSignatureException", mismatchMessage,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, body := received(t, test.request(t))
			p, _, err := at(t, testNow).Authenticate(r, body)
			var e *api.GenericError
			if !errors.As(err, &e) || p != nil {
				t.Fatalf("got %v, %v", p, err)
			}
			if e.Type != test.errorType || e.Status != http.StatusForbidden {
				t.Errorf("%d %s", e.Status, e.Type)
			}
			if want, prefix := strings.CutSuffix(test.message, "…"); e.Message != want && !(prefix && strings.HasPrefix(e.Message, want)) {
				t.Errorf("message\n%s, want\n%s", e.Message, test.message)
			}
			if all := fmt.Sprint(err, errors.Unwrap(err)); strings.Contains(all, testSecret) || strings.Contains(all, testToken) {
				t.Errorf("a secret: %s", all)
			}
		})
	}
}

func TestAuthenticate_expiredToken(t *testing.T) {
	expiry := time.Date(2026, 3, 4, 6, 0, 0, 0, time.UTC)
	r, body := received(t, signing{key: "ASIAEXAMPLE", token: testToken, at: expiry}.request(t))
	if _, _, err := at(t, expiry.Add(-time.Second)).Authenticate(r, body); err != nil {
		t.Fatal(err)
	}
	_, _, err := at(t, expiry).Authenticate(r, body)
	if errorType(err) != "ExpiredTokenException" || !strings.HasSuffix(err.Error(), "The security token included in the request is expired") {
		t.Error(err)
	}
}

func TestAuthenticate_dateHeader(t *testing.T) {
	s := &signature{stamp: "20260304T050607Z", date: testNow}
	s.SignedHeaders = []string{"date", "host"}
	s.Scope = Scope{"20260304", "r", "networkmanager", "aws4_request"}
	r, _ := http.NewRequest("GET", "http://portolan.test/global-networks", nil)
	r.Header.Set("Date", testNow.Format(http.TimeFormat))
	s.path, _ = target(r)
	sum := sha256.Sum256(s.appendCanonical(nil, r, s.path, emptySHA256))
	key := loaded(t, testCredentials).keys["AKIDEXAMPLE"].signingKey(s.Scope)
	sig := mac(key, []byte(algorithm+"\n"+s.stamp+"\n"+s.Scope.String()+"\n"+hex.EncodeToString(sum[:])))
	r.Header.Set("Authorization", fmt.Sprintf("%s Credential=AKIDEXAMPLE/%s,SignedHeaders=date;host,Signature=%x", algorithm, s.Scope, sig))
	got, body := received(t, r)
	if _, _, err := at(t, testNow).Authenticate(got, body); err != nil {
		t.Fatal(err, errors.Unwrap(err))
	}
}

func TestAuthenticate_open(t *testing.T) {
	tests := []struct {
		name, authorization, query string
		want                       api.Caller
	}{
		{"nothing", "", "", api.Caller{Account: "000000000000", Partition: "aws", ARN: "arn:aws:iam::000000000000:root"}},
		{
			"an account", "AWS4-HMAC-SHA256 Credential=123456789012/20260304/eu-west-1/x/y, SignedHeaders=, Signature=", "",
			api.Caller{Account: "123456789012", Partition: "aws", ARN: "arn:aws:iam::123456789012:root"},
		},
		{
			"a key", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260304/us-gov-west-1/x/y", "",
			api.Caller{Account: "000000000000", Partition: "aws-us-gov", ARN: "arn:aws-us-gov:iam::000000000000:root"},
		},
		{
			"presigned", "", "X-Amz-Credential=123456789012%2F20260304%2Fcn-north-1%2Fx%2Fy",
			api.Caller{Account: "123456789012", Partition: "aws-cn", ARN: "arn:aws-cn:iam::123456789012:root"},
		},
		{"nonsense", "Credential=,,,//", "", api.Caller{Account: "000000000000", Partition: "aws", ARN: "arn:aws:iam::000000000000:root"}},
		{"13 digits", "Credential=1234567890123/a/b", "", api.Caller{Account: "000000000000", Partition: "aws", ARN: "arn:aws:iam::000000000000:root"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, _ := http.NewRequest("GET", "http://portolan.test/?"+test.query, nil)
			if test.authorization != "" {
				r.Header.Set("Authorization", test.authorization)
			}
			p, _, err := NewAuthenticator(Config{}).Authenticate(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			test.want.Request = p
			if !reflect.DeepEqual(p.Caller(), test.want) {
				t.Errorf("got %+v", p.Caller())
			}
			if err := new(Authorizer).Authorize(t.Context(), p, api.OperationByName("DeleteSite"), &api.DeleteSiteInput{}); err != nil {
				t.Errorf("not allowed: %v", err)
			}
		})
	}
}

func TestReplace(t *testing.T) {
	a := at(t, testNow)
	if a.Replace(nil) == nil || NewAuthenticator(Config{}).Replace(loaded(t, testCredentials)) == nil {
		t.Error("a reload opened or shut the door")
	}
	if err := a.Replace(loaded(t, `[]`)); err != nil {
		t.Fatal(err)
	}
	r, body := received(t, signing{}.request(t))
	if _, _, err := a.Authenticate(r, body); errorType(err) != "UnrecognizedClientException" {
		t.Errorf("the old key still counts: %v", err)
	}
}

func TestPrincipal_gov(t *testing.T) {
	r, body := received(t, signing{key: "AKIDGOV", secret: "s", region: "eu-west-1"}.request(t))
	p, _, err := at(t, testNow).Authenticate(r, body)
	if err != nil {
		t.Fatal(err)
	}
	want := api.Caller{Account: "210987654321", Partition: "aws-us-gov", ARN: "arn:aws-us-gov:iam::210987654321:root", Request: p}
	if !reflect.DeepEqual(p.Caller(), want) {
		t.Errorf("got %+v", p.Caller())
	}
}

func FuzzParseAuthorization(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260304/eu-west-1/networkmanager/aws4_request, SignedHeaders=host;x-amz-date, Signature=00")
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c/d/e,SignedHeaders=Host;a;a,Signature=x")
	f.Add("AWS4-HMAC-SHA1 x")
	f.Add("Bearer \xff")
	f.Fuzz(func(t *testing.T, header string) {
		a, err := ParseAuthorization(header)
		if err != nil {
			if errorType(err) != "IncompleteSignatureException" || len(err.Error()) > 1024 {
				t.Fatalf("%v", err)
			}
			return
		}
		again := fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s", algorithm, a.AccessKeyID, a.Scope, strings.Join(a.SignedHeaders, ";"), a.Signature)
		b, err := ParseAuthorization(again)
		if err != nil || fmt.Sprint(a) != fmt.Sprint(b) {
			t.Fatalf("%q is %+v, written again %+v, %v", header, a, b, err)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	for name, s := range map[string]signing{
		"get":       {},
		"post":      {method: "POST", body: strings.Repeat("x", 1000), header: http.Header{"Content-Type": {"application/json"}}},
		"presigned": {presign: true},
		"arn":       {target: "/tags/arn%3Aaws%3Anetworkmanager%3A%3A123456789012%3Asite%2Fg%2Fs?tagKeys=b&tagKeys=a"},
	} {
		b.Run(name, func(b *testing.B) {
			a := at(b, testNow)
			r, body := received(b, s.request(b))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := a.Authenticate(r, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("open", func(b *testing.B) {
		a := NewAuthenticator(Config{})
		r, body := received(b, signing{}.request(b))
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := a.Authenticate(r, body); err != nil {
				b.Fatal(err)
			}
		}
	})
}

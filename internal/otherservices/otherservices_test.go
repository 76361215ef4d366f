package otherservices_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"portolan/internal/auth"
	"portolan/internal/otherservices"
)

func handler(upstream *url.URL) *otherservices.Handler {
	return otherservices.New(otherservices.Config{
		Authenticator: auth.NewAuthenticator(auth.Config{}), Authorizer: &auth.Authorizer{}, Upstream: upstream, RequestID: func() string { return "id-1" },
		Now: func() time.Time { return time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC) },
	})
}

// request is one that is signed for the service, as far as its headers say.
func request(service, method, target, contentType, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=111122223333/20260101/us-west-2/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

const form = "application/x-www-form-urlencoded; charset=utf-8"

func TestTakes_whatIsSignedForAnotherService(t *testing.T) {
	unsigned := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("Action=GetCallerIdentity"))
	unsigned.Header.Set("Content-Type", form)
	presigned := httptest.NewRequest(http.MethodGet, "/b/k?X-Amz-Credential=AKIA%2F20260101%2Fus-west-2%2Fs3%2Faws4_request", nil)
	for _, c := range []struct {
		name string
		r    *http.Request
		want bool
	}{
		{"ours", request("networkmanager", "GET", "/global-networks", "", ""), false},
		{"ours, unsigned", httptest.NewRequest("GET", "/global-networks", nil), false},
		{"unsigned, no action", httptest.NewRequest("GET", "/", nil), false},
		{"sts", request("sts", "POST", "/", form, ""), true},
		{"unsigned, by action", unsigned, true},
		{"presigned", presigned, true},
	} {
		if got := otherservices.Takes(c.r); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestServeHTTP_refusesInTheProtocolOfTheRequest(t *testing.T) {
	target := request("dynamodb", "POST", "/", "application/x-amz-json-1.0", "{}")
	target.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	for _, c := range []struct {
		name, contentType, begins string
		r                         *http.Request
	}{
		{"EC2's query", "text/xml", "<Response><Errors><Error><Code>NotImplemented</Code>", request("ec2", "POST", "/", form, "Action=DescribeVpcs")},
		{"query", "text/xml", "<ErrorResponse><Error><Type>Sender</Type><Code>NotImplemented</Code>", request("iam", "POST", "/", form, "Action=GetUser")},
		{"JSON 1.0", "application/x-amz-json-1.0", `{"__type":"NotImplemented","message":"Portolan serves`, target},
		{"REST XML of S3", "text/xml", "<Error><Code>NotImplemented</Code>", request("s3", "GET", "/bucket", "", "")},
		{"REST XML", "text/xml", "<ErrorResponse><Error>", request("route53", "GET", "/2013-04-01/hostedzone", "", "")},
		{"REST JSON", "application/json", `{"message":"Portolan serves`, request("ram", "POST", "/getresourceshares", "application/json", "{}")},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			handler(nil).ServeHTTP(w, c.r)
			body := strings.TrimPrefix(w.Body.String(), "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
			if w.Code != http.StatusNotImplemented || w.Header().Get("Content-Type") != c.contentType || !strings.HasPrefix(body, c.begins) ||
				!strings.Contains(body, "Portolan serves networkmanager") {
				t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
			}
		})
	}
}

// TestServeHTTP_refusalNamesWhatWasAsked: the refusal of an operation does not say that its service is served and is not.
func TestServeHTTP_refusalNamesWhatWasAsked(t *testing.T) {
	unsigned := request("", "POST", "/", form, "Action=GetSessionToken")
	unsigned.Header.Del("Authorization")
	for want, r := range map[string]*http.Request{
		"not sts:GetSessionToken.":    request("sts", "POST", "/", form, "Action=GetSessionToken&Version=2011-06-15"),
		"not sts:GetFederationToken.": request("sts", "GET", "/?Action=GetFederationToken", "", ""),
		"not sts.":                    request("sts", "POST", "/", form, "Version=2011-06-15"),
		"not ec2.":                    request("ec2", "POST", "/", form, "Action=DescribeVpcs"),
		"not GetSessionToken.":        unsigned,
		"not sts:" + strings.Repeat("x", 60) + "…": request("sts", "POST", "/", form, "Action="+strings.Repeat("x", 100)),
	} {
		w := httptest.NewRecorder()
		handler(nil).ServeHTTP(w, r)
		if body := w.Body.String(); w.Code != http.StatusNotImplemented || !strings.Contains(body, want) {
			t.Errorf("want %q in %s", want, body)
		}
	}
}

func TestGetCallerIdentity(t *testing.T) {
	w := httptest.NewRecorder()
	handler(nil).ServeHTTP(w, request("sts", "POST", "/", form, "Action=GetCallerIdentity&Version=2011-06-15"))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<Arn>arn:aws:iam::111122223333:root</Arn><UserId>111122223333</UserId><Account>111122223333</Account>") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestServeHTTP_passesOnUnchanged: what is signed arrives as it was sent, and the answer comes back as it was given.
func TestServeHTTP_passesOnUnchanged(t *testing.T) {
	var got *http.Request
	var body string
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got, body = r, string(text)
		w.Header().Set("X-Answer", "kept")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "as it was")
	}))
	defer upstream.Close()
	address, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	r := request("ec2", "POST", "http://portolan.test:4566/a%2Fb?x=1;y", form, "Action=DescribeVpcs")
	w := httptest.NewRecorder()
	handler(address).ServeHTTP(w, r)
	if got == nil {
		t.Fatal("nothing arrived")
	}
	if got.Host != "portolan.test:4566" || got.URL.EscapedPath() != "/a%2Fb" || got.URL.RawQuery != "x=1;y" || body != "Action=DescribeVpcs" ||
		got.Header.Get("Authorization") != r.Header.Get("Authorization") || got.Header.Get("X-Forwarded-For") != "" {
		t.Errorf("arrived %s %s %q %v", got.Host, got.URL, body, got.Header)
	}
	if w.Code != http.StatusTeapot || w.Body.String() != "as it was" || w.Header().Get("X-Answer") != "kept" {
		t.Errorf("answered %d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestServeHTTP_upstreamAway(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	address, err := url.Parse(gone.URL)
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	w := httptest.NewRecorder()
	handler(address).ServeHTTP(w, request("ec2", "POST", "/", form, "Action=DescribeVpcs"))
	if w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "<Code>BadGateway</Code>") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestServeHTTP_upstreamAnswersNonsense: what is not HTTP, and an answer that ends early, are errors for the client.
func TestServeHTTP_upstreamAnswersNonsense(t *testing.T) {
	for name, reply := range map[string]string{"not HTTP": "SSH-2.0-OpenSSH\r\n", "nothing": ""} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = io.WriteString(c, reply)
					_ = c.Close()
				}
			}()
			w := httptest.NewRecorder()
			handler(&url.URL{Scheme: "http", Host: l.Addr().String()}).ServeHTTP(w, request("ec2", "POST", "/", form, "Action=DescribeVpcs"))
			if w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "<Code>BadGateway</Code>") {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}

// TestServeHTTP_upstreamIsSlow: the client gets an error in its own protocol once the time is over.
func TestServeHTTP_upstreamIsSlow(t *testing.T) {
	release := make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer upstream.Close()
	defer close(release)
	address, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	h := otherservices.New(otherservices.Config{Upstream: address, Timeout: time.Millisecond, RequestID: func() string { return "id-1" }})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request("ec2", "POST", "/", form, "Action=DescribeVpcs"))
	if w.Code != http.StatusGatewayTimeout || !strings.Contains(w.Body.String(), "did not answer within 1ms") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestAssumeRole_accountsByRole(t *testing.T) {
	w := httptest.NewRecorder()
	handler(nil).ServeHTTP(w, request("sts", "POST", "/", form,
		"Action=AssumeRole&RoleArn=arn:aws:iam::222233334444:role/path/network&RoleSessionName=deploy&DurationSeconds=900"))
	for _, want := range []string{
		"<AccessKeyId>222233334444</AccessKeyId>", "<Arn>arn:aws:sts::222233334444:assumed-role/network/deploy</Arn>",
		"<Expiration>2026-11-28T12:15:00Z</Expiration>", "<RequestId>id-1</RequestId>",
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s in %d %s", want, w.Code, w.Body)
		}
	}
	for name, c := range map[string]struct{ query, want string }{
		"no role":  {"RoleSessionName=deploy", "&#39;roleArn&#39;"},
		"no ARN":   {"RoleArn=network&RoleSessionName=deploy", "&#39;roleArn&#39;"},
		"session":  {"RoleArn=arn:aws:iam::222233334444:role/network&RoleSessionName=a+b", "&#39;roleSessionName&#39;"},
		"duration": {"RoleArn=arn:aws:iam::222233334444:role/network&RoleSessionName=deploy&DurationSeconds=10", "&#39;durationSeconds&#39;"},
	} {
		w := httptest.NewRecorder()
		handler(nil).ServeHTTP(w, request("sts", "POST", "/", form, "Action=AssumeRole&"+c.query))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "<Code>ValidationError</Code>") || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: got %d %s", name, w.Code, w.Body)
		}
	}
}

// BenchmarkServeHTTP_passesOn is a call that goes through to an upstream on this machine; compare it with one to the upstream
// itself.
func BenchmarkServeHTTP_passesOn(b *testing.B) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<ok/>") }))
	defer upstream.Close()
	address, err := url.Parse(upstream.URL)
	if err != nil {
		b.Fatal(err)
	}
	through := httptest.NewServer(handler(address))
	defer through.Close()
	for name, to := range map[string]string{"upstream": upstream.URL, "through": through.URL} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := request("ec2", http.MethodPost, to+"/", form, "Action=DescribeVpcs")
				r.RequestURI = ""
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
}

package server_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"portolan/api"
	"portolan/internal/auth"
	"portolan/internal/events"
	"portolan/internal/leaktest"
	"portolan/internal/node"
	"portolan/internal/server"
	"portolan/internal/store"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type rig struct {
	t    *testing.T
	url  string
	addr string
	log  *lockedBuffer
	srv  *server.Server
	http *http.Client
}

func start(t *testing.T, change ...func(*server.Config)) *rig {
	t.Helper()
	st := store.OpenMemory()
	svc, err := node.New(t.Context(), node.Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	log := new(lockedBuffer)
	cfg := server.Config{Service: svc, Log: slog.New(slog.NewJSONHandler(log, nil))}
	for _, f := range change {
		f(&cfg)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := server.New(cfg)
	srv.SetReady(true)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, l, time.Minute) }()
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the server did not end well: %v", err)
		}
		_ = st.Close()
	})
	return &rig{t, "http://" + l.Addr().String(), l.Addr().String(), log, srv, &http.Client{Transport: transport}}
}

func (r *rig) do(method, path, body string, headers ...string) (*http.Response, string) {
	r.t.Helper()
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := r.http.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		r.t.Fatal(err)
	}
	return resp, string(text)
}

func (r *rig) wantError(status int, typ, method, path, body string) {
	r.t.Helper()
	resp, text := r.do(method, path, body)
	var v map[string]any
	if resp.StatusCode != status || resp.Header.Get("x-amzn-ErrorType") != typ || len(resp.Header.Get("x-amzn-RequestId")) != 36 || json.Unmarshal([]byte(text), &v) != nil {
		r.t.Errorf("%s %.80s: got %d %v %s, want %d %s", method, path, resp.StatusCode, resp.Header, text, status, typ)
	}
}

func TestServe_badRequestsAreClean(t *testing.T) {
	r := start(t)
	r.wantError(400, "ValidationException", "GET", "/", "")
	r.wantError(400, "ValidationException", "GET", "/no/such/path", "")
	r.wantError(400, "ValidationException", "PUT", "/global-networks", "{}")
	r.wantError(400, "ValidationException", "OPTIONS", "/global-networks", "")
	r.wantError(400, "ValidationException", "GET", "//global-networks//", "")
	r.wantError(400, "ValidationException", "GET", "/global-networks/%2e%2e/devices", "")
	r.wantError(400, "ValidationException", "GET", "/tags/%ff", "")
	r.wantError(400, "ValidationException", "GET", "/"+strings.Repeat("x", 30_000), "")
	r.wantError(400, "ValidationException", "POST", "/global-networks", "{")
	r.wantError(400, "ValidationException", "POST", "/global-networks", "\xff")
	r.wantError(404, "NotFoundException", "GET", "/_portolan/nothing", "")
	r.wantError(404, "NotFoundException", "GET", "/_portolan/reset", "")
	if resp, text := r.do("POST", "/global-networks", "{}"); resp.StatusCode != 200 {
		t.Errorf("after all that: %d %s", resp.StatusCode, text)
	}
}

func TestServe_headersTooLarge(t *testing.T) {
	r := start(t, func(c *server.Config) { c.MaxHeader = 4 << 10 })
	resp, _, err := r.raw("GET /global-networks HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("x", 100<<10) + "\r\n\r\n")
	if resp == nil { // its text may be lost: the server hangs up on what it did not read, which may reset the connection
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d", resp.StatusCode)
	}
}

// TestServe_slowBodyIsCutOff gives a request longer and longer to arrive: in too short a time a busy machine does not read its
// headers either, and hangs up.
func TestServe_slowBodyIsCutOff(t *testing.T) {
	for _, within := range []time.Duration{200 * time.Millisecond, 2 * time.Second, 20 * time.Second} {
		r := start(t, func(c *server.Config) { c.ReadTime = within })
		resp, text, err := r.raw("POST /global-networks HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
		if resp == nil && within < 20*time.Second {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != 400 || resp.Header.Get("x-amzn-ErrorType") != "ValidationException" || !strings.Contains(text, `"Reason":"CannotParse"`) {
			t.Errorf("got %d %v %s", resp.StatusCode, resp.Header, text)
		}
		return
	}
}

func TestServe_accessLineHasTheRequestID(t *testing.T) {
	r := start(t)
	resp, _ := r.do("DELETE", "/global-networks/gn-1", "", "Authorization", "AWS4-HMAC-SHA256 Credential=111122223333/20260131/eu-west-1/networkmanager/aws4_request, SignedHeaders=host, Signature=0")
	var line map[string]any
	if err := json.Unmarshal([]byte(strings.TrimSpace(r.log.String())), &line); err != nil {
		t.Fatalf("%v: %s", err, r.log)
	}
	if line["request_id"] != resp.Header.Get("x-amzn-RequestId") || line["operation"] != "DeleteGlobalNetwork" || line["account"] != "111122223333" ||
		line["status"] != 404.0 || line["error_type"] != "ResourceNotFoundException" {
		t.Errorf("line %v", line)
	}
}

// panics is a service that panics, and one that fails.
type panics struct {
	server.Service
	err error
}

func (p panics) CreateGlobalNetwork(context.Context, *api.CreateGlobalNetworkInput) (*api.CreateGlobalNetworkOutput, error) {
	if p.err != nil {
		return nil, p.err
	}
	panic("out of the blue")
}

func TestServe_panicsAndFaultsStayInside(t *testing.T) {
	for _, err := range []error{nil, errors.New("out of the blue")} {
		r := start(t, func(c *server.Config) { c.Service = panics{c.Service, err} })
		resp, text := r.do("POST", "/global-networks", "{}")
		if resp.StatusCode != 500 || resp.Header.Get("x-amzn-ErrorType") != "InternalServerException" || strings.Contains(text, "blue") {
			t.Errorf("got %d %s", resp.StatusCode, text)
		}
		if !strings.Contains(r.log.String(), "out of the blue") {
			t.Errorf("the log does not say why: %s", r.log)
		}
	}
}

func TestControl_healthResetFaultsMetrics(t *testing.T) {
	r := start(t)
	for _, path := range []string{"/_portolan/health", "/_localstack/health"} {
		if resp, text := r.do("GET", path, ""); resp.StatusCode != 200 || !strings.Contains(text, "running") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
	r.srv.SetReady(false)
	if resp, _ := r.do("GET", "/_portolan/health", ""); resp.StatusCode != 503 {
		t.Errorf("not ready: %d", resp.StatusCode)
	}
	r.do("POST", "/global-networks", "{}")
	if _, text := r.do("GET", "/global-networks", ""); !strings.Contains(text, "global-network-0") {
		t.Errorf("listed %s", text)
	}
	if resp, text := r.do("POST", "/_portolan/reset?account=000000000000", ""); resp.StatusCode != 200 {
		t.Errorf("reset: %d %s", resp.StatusCode, text)
	}
	if _, text := r.do("GET", "/global-networks", ""); text != `{"GlobalNetworks":[]}` {
		t.Errorf("after reset: %s", text)
	}
	for _, query := range []string{"", "operation=Nothing&error=ConflictException", "operation=DeleteSite&error=Nothing", "operation=DeleteSite&error=ConflictException&count=0"} {
		r.wantError(400, "ValidationException", "POST", "/_portolan/faults?"+query, "")
	}
	r.do("POST", "/_portolan/faults?operation=DescribeGlobalNetworks&error=ThrottlingException&count=2", "")
	for range 2 {
		if resp, _ := r.do("GET", "/global-networks", ""); resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "1" {
			t.Errorf("planned fault: %d %v", resp.StatusCode, resp.Header)
		}
	}
	if resp, _ := r.do("GET", "/global-networks", ""); resp.StatusCode != 200 {
		t.Errorf("after the faults: %d", resp.StatusCode)
	}
	if _, text := r.do("GET", "/metrics", ""); !strings.Contains(text, `portolan_requests_total{operation="DescribeGlobalNetworks",status="429"} 2`) || !strings.Contains(text, `portolan_request_seconds_count{operation="CreateGlobalNetwork"} 1`) {
		t.Errorf("metrics:\n%.2000s", text)
	}
}

func TestCORS_offUnlessAsked(t *testing.T) {
	r := start(t)
	if resp, _ := r.do("GET", "/global-networks", "", "Origin", "http://x.test"); resp.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("got %v", resp.Header)
	}
	r = start(t, func(c *server.Config) { c.CORSOrigin = "http://x.test" })
	if resp, _ := r.do("OPTIONS", "/global-networks", "", "Origin", "http://x.test"); resp.StatusCode != 204 || resp.Header.Get("Access-Control-Allow-Origin") != "http://x.test" {
		t.Errorf("got %d %v", resp.StatusCode, resp.Header)
	}
}

// TestPages_ofAnotherOrigin: what a page fetches or embeds tells it something even where it may not read the answer.
func TestPages_ofAnotherOrigin(t *testing.T) {
	r := start(t)
	trusting := start(t, func(c *server.Config) { c.CORSOrigin = "http://x.test" })
	for _, tt := range []struct {
		site, mode, dest, origin string
		want, trusted            int
	}{
		{"", "", "", "", 200, 200},
		{"same-origin", "cors", "empty", "", 200, 200},
		{"same-origin", "navigate", "iframe", "", 200, 200},
		{"none", "navigate", "document", "", 200, 200},
		{"cross-site", "navigate", "document", "", 200, 200}, // a link
		{"cross-site", "navigate", "", "", 200, 200},
		{"cross-site", "navigate", "iframe", "", 403, 403},
		{"cross-site", "navigate", "frame", "", 403, 403},
		{"cross-site", "navigate", "object", "", 403, 403},
		{"cross-site", "navigate", "embed", "", 403, 403},
		{"cross-site", "no-cors", "image", "", 403, 403}, // <img>, <script>
		{"cross-site", "cors", "empty", "http://evil.example", 403, 403},
		{"cross-site", "cors", "empty", "http://x.test", 403, 200},
		{"same-site", "cors", "empty", "http://localhost:3000", 403, 403},
		{"cross-site", "", "", "", 403, 403},
	} {
		for _, path := range []string{"/global-networks", "/_portolan/events", "/_portolan/caller"} {
			headers := []string{"Sec-Fetch-Site", tt.site, "Sec-Fetch-Mode", tt.mode, "Sec-Fetch-Dest", tt.dest, "Origin", tt.origin}
			if resp, text := r.do("GET", path, "", headers...); resp.StatusCode != tt.want {
				t.Errorf("%s %+v: %d %s", path, tt, resp.StatusCode, text)
			}
			if resp, text := trusting.do("GET", path, "", headers...); resp.StatusCode != tt.trusted {
				t.Errorf("trusting, %s %+v: %d %s", path, tt, resp.StatusCode, text)
			}
		}
	}
}

func TestRateLimit_throttles(t *testing.T) {
	stopped := time.Now() // however long the calls take
	limiter, err := auth.ParseLimits("1000,DescribeGlobalNetworks=1", func() time.Time { return stopped })
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, func(c *server.Config) { c.Limiter = limiter })
	r.do("GET", "/global-networks", "")
	resp, text := r.do("GET", "/global-networks", "")
	if resp.StatusCode != 429 || resp.Header.Get("x-amzn-ErrorType") != "ThrottlingException" || resp.Header.Get("Retry-After") == "" || text != `{"Message":"Rate exceeded"}` {
		t.Errorf("got %d %v %s", resp.StatusCode, resp.Header, text)
	}
	if resp, _ := r.do("GET", "/core-networks", ""); resp.StatusCode != 200 {
		t.Errorf("another operation: %d", resp.StatusCode)
	}
}

func TestCredentials_unsignedIsToldNothing(t *testing.T) {
	credentials, err := auth.ParseCredentials([]byte(`[{"accessKeyId":"AKIAEXAMPLE","secretAccessKey":"secret","account":"111122223333","principalArn":"arn:aws:iam::111122223333:user/a","policies":[]}]`))
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, func(c *server.Config) {
		c.Authenticator = auth.NewAuthenticator(auth.Config{Credentials: credentials})
	})
	r.wantError(403, "MissingAuthenticationTokenException", "GET", "/global-networks", "")
	r.wantError(403, "MissingAuthenticationTokenException", "GET", "/no/such/path", "")
	r.wantError(403, "MissingAuthenticationTokenException", "POST", "/global-networks", "{")
	r.wantError(403, "MissingAuthenticationTokenException", "POST", "/_portolan/reset", "")
	if resp, _ := r.do("GET", "/_portolan/health", ""); resp.StatusCode != 200 {
		t.Errorf("health: %d", resp.StatusCode)
	}
	if strings.Contains(r.log.String(), "secret") {
		t.Error("a secret is in the log")
	}
}

func TestPaths_encodedAndRawARNs(t *testing.T) {
	r := start(t)
	_, text := r.do("POST", "/global-networks", `{"Tags":[{"Key":"k","Value":"v"}]}`)
	var out struct {
		GlobalNetwork struct{ GlobalNetworkArn string }
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	arn := out.GlobalNetwork.GlobalNetworkArn
	for _, path := range []string{arn, url.PathEscape(arn), strings.ReplaceAll(url.PathEscape(arn), ":", "%3A")} {
		if _, text := r.do("GET", "/tags/"+path, ""); text != `{"TagList":[{"Key":"k","Value":"v"}]}` {
			t.Errorf("%s: %s", path, text)
		}
	}
}

// coreNetwork makes a core network with a LIVE policy and returns its id.
func (r *rig) coreNetwork() string {
	r.t.Helper()
	_, text := r.do("POST", "/global-networks", "{}")
	var gn struct {
		GlobalNetwork struct{ GlobalNetworkId string }
	}
	if err := json.Unmarshal([]byte(text), &gn); err != nil {
		r.t.Fatal(err)
	}
	policy := `{\"version\":\"2021.12\",\"core-network-configuration\":{\"asn-ranges\":[\"64512-64599\"],\"edge-locations\":[{\"location\":\"eu-west-1\"}]},\"segments\":[{\"name\":\"prod\"}]}`
	_, text = r.do("POST", "/core-networks", `{"GlobalNetworkId":"`+gn.GlobalNetwork.GlobalNetworkId+`","PolicyDocument":"`+policy+`"}`)
	var cn struct {
		CoreNetwork struct{ CoreNetworkId string }
	}
	if err := json.Unmarshal([]byte(text), &cn); err != nil || cn.CoreNetwork.CoreNetworkId == "" {
		r.t.Fatal(text, err)
	}
	r.do("GET", "/core-networks/"+cn.CoreNetwork.CoreNetworkId, "")
	r.do("GET", "/core-networks/"+cn.CoreNetwork.CoreNetworkId, "")
	return cn.CoreNetwork.CoreNetworkId
}

func TestEvents_pageAndStream(t *testing.T) {
	r := start(t)
	r.coreNetwork()
	resp, text := r.do("GET", "/_portolan/events?limit=1", "")
	var page struct {
		Events []struct {
			Token string
			Event map[string]any
		}
		Next string
	}
	if err := json.Unmarshal([]byte(text), &page, json.MatchCaseInsensitiveNames(true)); err != nil || resp.StatusCode != 200 || len(page.Events) != 1 || page.Next != page.Events[0].Token {
		t.Fatalf("%d %s %v", resp.StatusCode, text, err)
	}
	if page.Events[0].Event["source"] != "aws.networkmanager" {
		t.Errorf("event %v", page.Events[0].Event)
	}
	for _, query := range []string{"after=x", "limit=0", "limit=1001"} {
		r.wantError(400, "ValidationException", "GET", "/_portolan/events?"+query, "")
	}

	// A stream goes on after the last id, and shows what happens from then on.
	req, err := http.NewRequestWithContext(t.Context(), "GET", r.url+"/_portolan/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Last-Event-ID", page.Next)
	stream, err := r.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Body.Close() }()
	if stream.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("content type %s", stream.Header.Get("Content-Type"))
	}
	lines := bufio.NewScanner(stream.Body)
	next := func() (id string) {
		t.Helper()
		for lines.Scan() {
			if text, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				return text
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return ""
	}
	if id := next(); id != events.Token(2) {
		t.Errorf("begins with %s, want the second", id)
	}
	r.coreNetwork()
	if id := next(); id != events.Token(3) {
		t.Errorf("then %s, want the third", id)
	}
}

func TestSnapshotAndAnnouncements_overHTTP(t *testing.T) {
	r := start(t)
	cn := r.coreNetwork()
	if resp, text := r.do("GET", "/_portolan/snapshot?core-network="+cn, ""); resp.StatusCode != 200 || !strings.Contains(text, `"coreNetworkId": "`+cn+`"`) {
		t.Errorf("snapshot: %d %s", resp.StatusCode, text)
	}
	if resp, text := r.do("GET", "/_portolan/snapshot?format=yaml&core-network="+cn, ""); resp.StatusCode != 200 || !strings.Contains(text, "coreNetworkId: "+cn) {
		t.Errorf("snapshot: %d %s", resp.StatusCode, text)
	}
	r.wantError(400, "ValidationException", "GET", "/_portolan/snapshot?format=xml&core-network="+cn, "")
	r.wantError(404, "ResourceNotFoundException", "GET", "/_portolan/snapshot?core-network=core-network-0", "")
	r.wantError(404, "ResourceNotFoundException", "PUT", "/_portolan/announcements/attachment-0", "[]")
	r.wantError(400, "ValidationException", "PUT", "/_portolan/announcements/attachment-0", `{"prefix":"10.0.0.0/8"}`)
	r.wantError(400, "ValidationException", "PUT", "/_portolan/announcements/attachment-0", `[{"prefixes":"10.0.0.0/8"}]`)
	vpc := `{"CoreNetworkId":"` + cn + `","VpcArn":"arn:aws:ec2:eu-west-1:000000000000:vpc/vpc-0123456789abcdef0","SubnetArns":["arn:aws:ec2:eu-west-1:000000000000:subnet/subnet-0123456789abcdef0"]}`
	_, text := r.do("POST", "/vpc-attachments", vpc)
	_, rest, _ := strings.Cut(text, `"AttachmentId":"`)
	id, _, _ := strings.Cut(rest, `"`)
	want := `[{"prefix":"10.0.0.0/8","asPath":[65001],"communities":["65001:1"]}]`
	if resp, text := r.do("PUT", "/_portolan/announcements/"+id, want); resp.StatusCode != 200 || text != want {
		t.Errorf("put: %d %s", resp.StatusCode, text)
	}
	if resp, text := r.do("GET", "/_portolan/announcements/"+id, ""); resp.StatusCode != 200 || text != want {
		t.Errorf("got: %d %s", resp.StatusCode, text)
	}
}

// TestControl_refusalIsNoErrorOfTheLog: what a client asks wrongly is no error of the server's: who watches the log for
// errors is not woken by it.
func TestControl_refusalIsNoErrorOfTheLog(t *testing.T) {
	r := start(t)
	for _, path := range []string{"/_portolan/announcements/attachment-0123456789abcdef0", "/_portolan/core-networks/core-network-0123456789abcdef0/doctor"} {
		r.wantError(404, "ResourceNotFoundException", "GET", path, "")
	}
	if text := r.log.String(); !strings.Contains(text, "control call failed") || strings.Contains(text, `"level":"ERROR"`) {
		t.Errorf("logged %s", text)
	}
}

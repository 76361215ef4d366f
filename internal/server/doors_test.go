package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"portolan/api"
	"portolan/internal/auth"
	"portolan/internal/server"
)

// allMay are credentials whose keys may do everything, each of an account of its own.
func allMay(t *testing.T, ids ...string) *auth.Credentials {
	t.Helper()
	var list []string
	for i, id := range ids {
		list = append(list, fmt.Sprintf(`{"accessKeyId":%q,"secretAccessKey":"secret","account":"%012d","principalArn":"arn:aws:iam::%012d:user/u",`+
			`"policies":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"networkmanager:*","Resource":"*"}]}]}`, id, i+1, i+1))
	}
	c, err := auth.ParseCredentials([]byte("[" + strings.Join(list, ",") + "]"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// open opens n connections and sends the text on each.
func (r *rig) open(n int, text string) []net.Conn {
	r.t.Helper()
	list := make([]net.Conn, n)
	for i := range list {
		c, err := net.Dial("tcp", r.addr)
		if err != nil {
			r.t.Fatal(err)
		}
		r.t.Cleanup(func() { _ = c.Close() })
		_, _ = io.WriteString(c, text) // it may have been closed already
		list[i] = c
	}
	return list
}

// connectionsVariable makes [TestServe_strangersKeepNobodyOut] its long form: so many connections to a server that takes as many
// as it does by default, and a second for each signed call.
const connectionsVariable = "ROBUSTNESS_CONNECTIONS"

// TestServe_strangersKeepNobodyOut opens ten times more connections than the server takes, of each kind that does nothing
// and ends never, and expects a signed call to be answered beside them.
func TestServe_strangersKeepNobodyOut(t *testing.T) {
	limit, many, patience := 30, 300, time.Minute
	if text := os.Getenv(connectionsVariable); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		limit, many, patience = 0, n, time.Second
	}
	mib := strings.Repeat("x", 1<<20-1000)
	signedBy := func(key string) string {
		return "Authorization: AWS4-HMAC-SHA256 Credential=" + key + "/" + time.Now().UTC().Format("20060102") + "/us-west-2/networkmanager/aws4_request, SignedHeaders=host;x-amz-date, Signature=" +
			strings.Repeat("0", 64) + "\r\nX-Amz-Date: " + time.Now().UTC().Format("20060102T150405Z") + "\r\n"
	}
	for name, text := range map[string]string{
		"idle connections":            "",
		"half a request line":         "GET /global-net",
		"headers without end":         "GET /global-networks HTTP/1.1\r\nHost: localhost\r\nX-A: ",
		"an answer, then nothing":     "GET /global-networks HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"half-closed requests":        "POST /global-networks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
		"a body of a stranger":        "POST /global-networks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n" + signedBy("AKIANOBODY") + "\r\n{",
		"a body with a key's name":    "POST /global-networks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n" + signedBy("AKIAEXAMPLE") + "\r\n{",
		"a large one":                 "POST /global-networks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048000\r\n" + signedBy("AKIAEXAMPLE") + "\r\n" + mib,
		"a stream that is not signed": "GET /_portolan/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n",
		"questions that are not":      "POST /_portolan/core-networks/core-network-0/plan HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n" + signedBy("AKIAEXAMPLE") + "\r\n{",
		"streams of another account":  signedStream,
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, func(c *server.Config) {
				c.Authenticator = auth.NewAuthenticator(auth.Config{Credentials: allMay(t, "AKIAEXAMPLE", "AKIAOTHER")})
				c.MaxConnections, c.MaxInFlight = limit, 2
				if limit > 0 {
					c.MaxHeld = 4 << 20
				}
				if limit > 0 && text == signedStream {
					c.MaxConnections = 200 // more than there are streams at a time, those that gave way and have not ended yet included
				}
			})
			n := many
			switch {
			case len(text) > 1<<19:
				n = min(many, 60)
			case text == signedStream:
				text = r.signedText("GET", "/_portolan/events", "AKIAOTHER", "Accept: text/event-stream")
			}
			for _, c := range r.open(n, text) {
				if name == "half-closed requests" {
					_ = c.(*net.TCPConn).CloseWrite() // it may have been closed already
				}
			}
			for range 3 {
				r.http.CloseIdleConnections()
				r.http.Timeout = patience
				if status, text := r.signed("GET", "/global-networks", "AKIAEXAMPLE"); status != 200 {
					t.Errorf("%d %s", status, text)
				}
			}
		})
	}
}

// signedStream stands for a request for a stream that has to be signed for the server it is sent to.
const signedStream = "a stream"

// signedText is a request without a body as it is sent, signed by a key whose secret is "secret", with one more header.
func (r *rig) signedText(method, path, key, header string) string {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.sign(req, key)
	name, value, _ := strings.Cut(header, ": ")
	req.Header.Set(name, value)
	var text strings.Builder
	if err := req.Write(&text); err != nil {
		r.t.Fatal(err)
	}
	return text.String()
}

// TestServe_whoWasAuthenticatedStays: a connection on which somebody was authenticated outlives those of strangers.
func TestServe_whoWasAuthenticatedStays(t *testing.T) {
	r := start(t, func(c *server.Config) { c.MaxConnections = 10 })
	kept := r.open(1, "GET /global-networks HTTP/1.1\r\nHost: localhost\r\n\r\n")[0]
	answered := func() {
		t.Helper()
		resp, err := http.ReadResponse(bufio.NewReader(kept), nil)
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
	}
	answered()
	r.open(50, "")
	if _, err := io.WriteString(kept, "GET /global-networks HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answered()
}

// TestServe_halfClosedIsAnswered: a client that has sent its request and shut its sending side down gets the answer, and what
// it asked for is done.
func TestServe_halfClosedIsAnswered(t *testing.T) {
	r := start(t)
	for range 20 {
		for _, request := range []string{
			"POST /global-networks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
			"GET /global-networks HTTP/1.1\r\nHost: localhost\r\n\r\n",
			"GET /_portolan/events HTTP/1.1\r\nHost: localhost\r\n\r\n",
		} {
			c := r.open(1, request)[0].(*net.TCPConn)
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			if text, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 && resp.StatusCode != 402 { // or the quota is reached
				t.Fatalf("%s: %d %s", request[:30], resp.StatusCode, text)
			}
		}
	}
	if text := r.log.String(); strings.Contains(text, `"level":"ERROR"`) {
		t.Errorf("logged %s", text)
	}
}

// TestServe_canceledIsAnswered: what net/http makes of a half-closed connection, whenever it notices: everything but a question
// and a stream is answered as if it had not been canceled.
func TestServe_canceledIsAnswered(t *testing.T) {
	r := start(t)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for range 5 {
		for _, request := range []string{
			"POST /global-networks {}", "GET /global-networks", "GET /_portolan/events", "GET /_portolan/health", "GET /_portolan/caller",
			"GET /_portolan/openapi.json", "GET /metrics", "POST /_portolan/policy/check {}", "POST /_portolan/reset?account=123456789012",
		} {
			method, target, _ := strings.Cut(request, " ")
			target, body, _ := strings.Cut(target, " ")
			w := httptest.NewRecorder()
			req := httptest.NewRequestWithContext(canceled, method, target, strings.NewReader(body))
			req.Host, req.RemoteAddr = "localhost", "127.0.0.1:1"
			r.srv.ServeHTTP(w, req)
			if w.Code != 200 {
				t.Errorf("%s: %d %s", request, w.Code, w.Body)
			}
		}
	}
	if text := r.log.String(); strings.Contains(text, `"level":"ERROR"`) {
		t.Errorf("logged %s", text)
	}
}

func TestHosts(t *testing.T) {
	loopback := "localhost localhost:4566 LocalHost. networkmanager.localhost:1 127.0.0.1:4566 127.9.9.9 [::1]:4566 [::1] ::ffff:127.0.0.1"
	strange := "evil.example evil.example:4566 localhost.evil.example 127.0.0.1.evil.example localhost@evil.example notlocalhost [::2] 10.0.0.9"
	for _, c := range []struct {
		listen, names  string
		right, refused string
	}{
		{"127.0.0.1:4566", "", loopback, strange + " 10.0.0.1 portolan"},
		{"127.0.0.1:0", "portolan Portolan.Example.", loopback + " portolan:80 portolan.example PORTOLAN.example.", strange + " x.portolan.example"},
		{"10.0.0.1:4566", "", loopback + " 10.0.0.1 10.0.0.1:4566", strange},
		{"nm.internal:4566", "", loopback + " nm.internal NM.internal:4566", strange + " internal"},
		{"0.0.0.0:4566", "", loopback + " 10.0.0.9:4566 [2001:db8::1]:4566", "evil.example:4566 portolan"},
		{":4566", "portolan", loopback + " 10.0.0.9:4566 portolan:4566", "evil.example:4566"},
	} {
		h, err := server.NewHosts(c.listen, strings.Fields(c.names))
		if err != nil {
			t.Fatal(err)
		}
		for want, list := range map[bool]string{true: c.right, false: c.refused} {
			for _, host := range strings.Fields(list) {
				if got := server.HasHost(h, host); got != want {
					t.Errorf("listening on %s, %s: got %t", c.listen, host, got)
				}
			}
		}
	}
	for _, name := range []string{"", "http://a", "a:80", "*.example", "a b"} {
		if _, err := server.NewHosts("127.0.0.1:1", []string{name}); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}

// TestServe_otherHostsAreRefused is DNS rebinding: the page and the server have the same origin then, and only Host tells.
func TestServe_otherHostsAreRefused(t *testing.T) {
	hosts, err := server.NewHosts("127.0.0.1:0", []string{"portolan"})
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, func(c *server.Config) { c.Hosts = hosts })
	status := func(host, method, path string) int {
		req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		if strings.Contains(host, "evil") {
			req.Header.Set("Origin", "http://"+host)
		}
		resp, err := r.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	for _, call := range []string{
		"GET /global-networks", "POST /global-networks", "POST /_portolan/reset", "POST /_portolan/faults?operation=GetSites&error=ConflictException",
		"GET /_portolan/health", "GET /_localstack/health", "GET /metrics", "GET /_portolan/events", "GET /_portolan/snapshot", "GET /_portolan/backup",
		"GET /_portolan/core-networks/core-network-0/doctor", "OPTIONS /global-networks", "GET /",
	} {
		method, path, _ := strings.Cut(call, " ")
		if got := status("evil.example:4566", method, path); got != http.StatusMisdirectedRequest {
			t.Errorf("%s: %d", call, got)
		}
	}
	for _, host := range []string{"portolan:4566", "localhost", r.addr} {
		if got := status(host, "GET", "/global-networks"); got != 200 {
			t.Errorf("%s: %d", host, got)
		}
	}
}

// TestServe_overTLS answers over HTTPS, and a client that does not finish its handshake gives way like any other.
func TestServe_overTLS(t *testing.T) {
	secured := httptest.NewUnstartedServer(nil)
	secured.StartTLS()
	t.Cleanup(secured.Close)
	r := start(t, func(c *server.Config) {
		c.TLS, c.MaxConnections = &tls.Config{Certificates: secured.TLS.Certificates}, 5
	})
	r.open(20, "\x16\x03\x01")
	client := secured.Client()
	t.Cleanup(client.CloseIdleConnections)
	resp, err := client.Get(strings.Replace(r.url, "http:", "https:", 1) + "/global-networks")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 200 || resp.TLS == nil || resp.ProtoMajor != 1 {
		t.Errorf("%d over %s", resp.StatusCode, resp.Proto)
	}
}

// TestServe_handshakesFillNoLog: anybody may send what is none.
func TestServe_handshakesFillNoLog(t *testing.T) {
	secured := httptest.NewUnstartedServer(nil)
	secured.StartTLS()
	t.Cleanup(secured.Close)
	log := new(lockedBuffer)
	r := start(t, func(c *server.Config) {
		c.TLS = &tls.Config{Certificates: secured.TLS.Certificates}
		c.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	c := r.open(1, strings.Repeat("no handshake", 10))[0]
	if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, "TLS handshake error") || strings.Contains(text, `"level":"WARN"`) {
		t.Errorf("the log has %s", text)
	}
}

// TestServeMetrics_onTheirOwnAddress: then they are not at the API's.
func TestServeMetrics_onTheirOwnAddress(t *testing.T) {
	r := start(t, func(c *server.Config) { c.OwnMetrics = true })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := server.NewHosts(l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.srv.ServeMetrics(ctx, l, hosts) }()
	get := func(url, host string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := r.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		return resp.StatusCode, string(text)
	}
	own := "http://" + l.Addr().String()
	if status, text := get(own+"/metrics", ""); status != 200 || !strings.Contains(text, "portolan_requests_total") {
		t.Errorf("%d %.200s", status, text)
	}
	for _, c := range []struct {
		url, host string
		want      int
	}{{own + "/metrics", "evil.example", 421}, {own + "/global-networks", "", 404}, {r.url + "/metrics", "", 404}} {
		if status, _ := get(c.url, c.host); status != c.want {
			t.Errorf("%s as %q: %d, want %d", c.url, c.host, status, c.want)
		}
	}
	r.http.CloseIdleConnections()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestEvents_streamsGiveWay opens more streams than there may be: the oldest ends, and the newest goes on.
func TestEvents_streamsGiveWay(t *testing.T) {
	r := start(t)
	var all []*bufio.Scanner
	for range 65 {
		all = append(all, r.stream(""))
	}
	for all[0].Scan() { // to its end
	}
	r.coreNetwork()
	for all[64].Scan() {
		if strings.HasPrefix(all[64].Text(), "id: ") {
			return
		}
	}
	t.Error("the newest stream ended")
}

// TestEvents_streamEndsWithItsKey: it ends when the credentials that are read again do not have the key any more, and goes on
// when they do.
func TestEvents_streamEndsWithItsKey(t *testing.T) {
	authenticator := auth.NewAuthenticator(auth.Config{Credentials: allMay(t, "AKIAFIRST", "AKIASECOND")})
	r := start(t, func(c *server.Config) { c.Authenticator = authenticator })
	first, second := r.stream("AKIAFIRST"), r.stream("AKIASECOND")
	if err := authenticator.Replace(allMay(t, "AKIAFIRST", "AKIATHIRD")); err != nil {
		t.Fatal(err)
	}
	for second.Scan() { // to its end
	}
	if status, _ := r.signed("POST", "/global-networks", "AKIAFIRST"); status != 200 {
		t.Fatal(status)
	}
	// One more replacement that changes nothing for the first: it is looked at, and goes on.
	if err := authenticator.Replace(allMay(t, "AKIAFIRST")); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for first.Scan() {
		}
	}()
	if err := authenticator.Replace(allMay(t, "AKIAOTHER")); err != nil {
		t.Fatal(err)
	}
	<-ended
}

// TestEvents_streamOfAnExpiredKey: what happens after a key has expired is not told to who opened a stream with it.
func TestEvents_streamOfAnExpiredKey(t *testing.T) {
	credentials, err := auth.ParseCredentials([]byte(`[{"accessKeyId":"ASIAEXAMPLE","secretAccessKey":"secret","sessionToken":"token","expires":"2100-01-01T00:00:00Z",` +
		`"account":"000000000001","principalArn":"arn:aws:sts::000000000001:assumed-role/r/s",` +
		`"policies":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"networkmanager:*","Resource":"*"}]}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	var later atomic.Int64
	var service server.Service
	r := start(t, func(c *server.Config) {
		service = c.Service
		c.Authenticator = auth.NewAuthenticator(auth.Config{Credentials: credentials, Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
	})
	lines := r.stream("ASIAEXAMPLE")
	event := func() (coreNetwork string) {
		ctx := api.WithCaller(t.Context(), api.Caller{Account: "000000000001", Partition: "aws", ARN: "arn:aws:iam::000000000001:root"})
		network, err := service.CreateGlobalNetwork(ctx, &api.CreateGlobalNetworkInput{})
		if err != nil {
			t.Fatal(err)
		}
		policy := `{"version":"2021.12","core-network-configuration":{"asn-ranges":["64512-64599"],"edge-locations":[{"location":"eu-west-1"}]},"segments":[{"name":"prod"}]}`
		core, err := service.CreateCoreNetwork(ctx, &api.CreateCoreNetworkInput{GlobalNetworkId: network.GlobalNetwork.GlobalNetworkId, PolicyDocument: &policy})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // each moves its states on
			if _, err := service.GetCoreNetwork(ctx, &api.GetCoreNetworkInput{CoreNetworkId: core.CoreNetwork.CoreNetworkId}); err != nil {
				t.Fatal(err)
			}
		}
		return core.CoreNetwork.CoreNetworkId
	}
	event()
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") {
	}
	if lines.Err() != nil || lines.Text() == "" {
		t.Fatal("no event came before", lines.Err())
	}
	later.Store(int64(100 * 365 * 24 * time.Hour))
	after := event()
	for lines.Scan() { // to its end
		if strings.Contains(lines.Text(), after) {
			t.Errorf("told after the key had expired: %.100s", lines.Text())
		}
	}
}

// stream begins a stream of events and gives its lines, the first of which has come.
func (r *rig) stream(key string) *bufio.Scanner {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", r.url+"/_portolan/events", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	if key != "" {
		r.sign(req, key)
	}
	resp, err := r.http.Do(req)
	if err != nil || resp.StatusCode != 200 {
		r.t.Fatal(resp, err)
	}
	r.t.Cleanup(func() { _ = resp.Body.Close() })
	lines := bufio.NewScanner(resp.Body)
	lines.Scan()
	return lines
}

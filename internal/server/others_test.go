package server_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"portolan/internal/server"
)

// TestOther_isAnsweredAndRecorded: one endpoint serves all services, and what other services are asked is in the log.
func TestOther_isAnsweredAndRecorded(t *testing.T) {
	r := start(t)
	for _, c := range []struct {
		service, action string
		status          int
		want            string
	}{
		{"sts", "GetCallerIdentity", http.StatusOK, "<Account>111122223333</Account>"},
		{"ec2", "DescribeVpcs", http.StatusNotImplemented, "<Response><Errors><Error><Code>NotImplemented</Code>"},
	} {
		req, err := http.NewRequest(http.MethodPost, r.url+"/", strings.NewReader("Action="+c.action))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=111122223333/20261128/us-west-2/"+c.service+"/aws4_request, SignedHeaders=host, Signature=0")
		resp, err := r.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || !strings.Contains(string(body), c.want) {
			t.Errorf("%s: %v %d %s", c.service, err, resp.StatusCode, body)
		}
	}
	if log := r.log.String(); strings.Count(log, `"operation":"other"`) != 2 || !strings.Contains(log, `"status":501`) {
		t.Errorf("the log has %s", log)
	}
}

// TestOther_hasTheLimitsOfAll: a request over a limit is refused in the protocol it was made in.
func TestOther_hasTheLimitsOfAll(t *testing.T) {
	r := start(t, func(c *server.Config) { c.MaxHeader = 200 })
	req, err := http.NewRequest(http.MethodGet, r.url+"/bucket?"+strings.Repeat("x", 300), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=111122223333/20261128/us-west-2/s3/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := r.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge || !strings.Contains(string(body), "<Error><Code>MalformedHttpRequestException</Code>") {
		t.Errorf("%v %d %s", err, resp.StatusCode, body)
	}
}

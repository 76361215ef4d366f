package awsjson

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
)

// answers is a server that gives one answer after the other, the last one for ever.
func answers(t *testing.T, list ...func(w http.ResponseWriter)) (c *Client, requests *[]*http.Request) {
	t.Helper()
	requests = new([]*http.Request)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		*requests = append(*requests, r)
		list[min(len(*requests), len(list))-1](w)
	}))
	t.Cleanup(server.Close)
	return &Client{
		Service: "events", Target: "AWSEvents", Region: "us-west-2", Endpoint: server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "token"),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.Backoff = 2, retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	}, requests
}

func says(status int, text string, header ...string) func(w http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

func TestCall_isSignedAndRepeated(t *testing.T) {
	c, requests := answers(t, says(http.StatusServiceUnavailable, "<html>"), says(http.StatusOK, `{"Answer":"é"}`))
	var out struct{ Answer string }
	if err := c.Call(t.Context(), "PutEvents", map[string]string{"a": "b"}, &out); err != nil || out.Answer != "é" {
		t.Fatal(err, out)
	}
	if len(*requests) != 2 {
		t.Fatalf("%d requests", len(*requests))
	}
	for _, r := range *requests {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != `{"a":"b"}` || r.Method != http.MethodPost || r.URL.Path != "/" || r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents" {
			t.Errorf("%s %s %v %s", r.Method, r.URL, r.Header, body)
		}
		signed := r.Header.Get("Authorization")
		for _, part := range []string{"AWS4-HMAC-SHA256 Credential=AKID/", "/us-west-2/events/aws4_request", "content-type", "x-amz-security-token", "x-amz-target", "Signature="} {
			if !strings.Contains(signed, part) {
				t.Errorf("no %q in %s", part, signed)
			}
		}
	}
}

// TestCall_failures: what fails, fails as with the SDK's own clients.
func TestCall_failures(t *testing.T) {
	for name, c := range map[string]struct {
		answer   func(w http.ResponseWriter)
		code     string // "": it is no error of the service
		status   int
		requests int
	}{
		"a type":               {says(400, `{"__type":"com.amazonaws.events#InternalException","message":"m"}`), "InternalException", 400, 1},
		"a header":             {says(400, `{"Message":"m"}`, "X-Amzn-ErrorType", "ValidationException:http://x/"), "ValidationException", 400, 1},
		"a header, no JSON":    {says(400, `no`, "X-Amzn-ErrorType", "ValidationException"), "ValidationException", 400, 1},
		"throttled":            {says(400, `{"__type":"ThrottlingException"}`), "ThrottlingException", 400, 2},
		"no code":              {says(403, `{}`), "UnknownError", 403, 1},
		"another form":         {says(400, `<Error/>`), "", 400, 1},
		"a form that is wrong": {says(200, `<Answer/>`), "", 200, 1},
	} {
		t.Run(name, func(t *testing.T) {
			client, requests := answers(t, c.answer)
			err := client.Call(t.Context(), "PutEvents", struct{}{}, &struct{}{})
			response, ok := errors.AsType[interface {
				error
				HTTPStatusCode() int
			}](err)
			if !ok || response.HTTPStatusCode() != c.status || len(*requests) != c.requests {
				t.Fatalf("%v after %d requests", err, len(*requests))
			}
			refusal, refused := errors.AsType[smithy.APIError](err)
			_, malformed := errors.AsType[*smithy.DeserializationError](err)
			if refused != (c.code != "") || malformed == refused || refused && refusal.ErrorCode() != c.code {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCall_nobodyAnswers(t *testing.T) {
	c, _ := answers(t, says(200, "{}"))
	c.Endpoint = "http://127.0.0.1:1"
	err := c.Call(t.Context(), "PutEvents", struct{}{}, &struct{}{})
	if _, ok := errors.AsType[*retry.MaxAttemptsError](err); !ok {
		t.Errorf("it was not tried again: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Call(ctx, "PutEvents", struct{}{}, &struct{}{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	c.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("none") })
	if err := c.Call(t.Context(), "PutEvents", struct{}{}, &struct{}{}); err == nil || !strings.Contains(err.Error(), "credentials: none") {
		t.Error(err)
	}
}

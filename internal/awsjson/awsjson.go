// Package awsjson makes calls of AWS services that speak JSON 1.1, signed and repeated by AWS's SDK: for services of which
// this program makes one call or two, and whose clients would make the binary 0.3 MB larger each.
//
// It must not know what is asked.
package awsjson

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/go-json-experiment/json"
)

// Client calls one service.
type Client struct {
	Service     string // as signatures and AWS's own endpoint name it
	Target      string // what the names of operations are prefixed with
	Region      string
	Endpoint    string // "": AWS's own
	Credentials aws.CredentialsProvider
	HTTPClient  aws.HTTPClient // nil: the default
	Retryer     aws.Retryer    // nil: a call is made once
}

// Call makes a call. What it fails with is what the SDK's own clients fail with.
func (c *Client) Call(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	once := middleware.FinalizeHandlerFunc(func(ctx context.Context, _ middleware.FinalizeInput) (o middleware.FinalizeOutput, m middleware.Metadata, err error) {
		return o, m, c.once(ctx, operation, body, out)
	})
	if c.Retryer == nil {
		_, _, err = once(ctx, middleware.FinalizeInput{})
	} else {
		same := func(request any) any { return request } // made anew for each attempt
		_, _, err = retry.NewAttemptMiddleware(c.Retryer, same).HandleFinalize(ctx, middleware.FinalizeInput{}, once)
	}
	if err != nil {
		return &smithy.OperationError{ServiceID: c.Service, OperationName: operation, Err: err}
	}
	return nil
}

func (c *Client) once(ctx context.Context, operation string, body []byte, out any) error {
	endpoint := cmp.Or(c.Endpoint, "https://"+c.Service+"."+c.Region+".amazonaws.com")
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.URL.Path = cmp.Or(r.URL.Path, "/")
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("User-Agent", "portolan")
	r.Header.Set("X-Amz-Target", c.Target+"."+operation)
	credentials, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), c.Service, c.Region, time.Now()); err != nil {
		return err
	}
	client := c.HTTPClient
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return &aws.RequestCanceledError{Err: err}
		}
		return &smithyhttp.RequestSendError{Err: err}
	}
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // it was read
	switch {
	case err != nil:
		err = &smithy.DeserializationError{Err: err}
	case resp.StatusCode/100 != 2:
		err = refusal(resp.Header, text)
	default:
		if err = json.Unmarshal(text, out); err == nil {
			return nil
		}
		err = &smithy.DeserializationError{Err: err, Snapshot: text[:min(len(text), 1024)]}
	}
	return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: resp}, Err: err}
}

// refusal is the error in a reply, "UnknownError" where it has no code.
func refusal(header http.Header, text []byte) error {
	var said struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"`
		Upper   string `json:"Message"`
	}
	if err := json.Unmarshal(text, &said); err != nil && header.Get("X-Amzn-Errortype") == "" {
		return &smithy.DeserializationError{Err: err, Snapshot: text[:min(len(text), 1024)]}
	}
	code, _, _ := strings.Cut(cmp.Or(header.Get("X-Amzn-Errortype"), said.Code, said.Type), ":")
	if _, name, ok := strings.Cut(code, "#"); ok {
		code = name
	}
	return &smithy.GenericAPIError{Code: cmp.Or(code, "UnknownError"), Message: cmp.Or(said.Message, said.Upper, "UnknownError")}
}

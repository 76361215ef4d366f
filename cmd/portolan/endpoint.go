package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/go-json-experiment/json"
)

const (
	defaultEndpoint = "http://127.0.0.1:4566"
	defaultRegion   = "us-west-2" // where AWS has Network Manager
	serviceID       = "NetworkManager"
)

// client is who asks a server, as AWS's own clients are set up: by AWS_* variables, else by the profile in ~/.aws/config and
// ~/.aws/credentials.
type client struct {
	endpoint string
	keys     aws.Credentials
	region   string
}

// newClient reads how AWS's clients are set up. Without keys it is the account 000000000000, as AWS's local tools are. Keys
// that a profile gets from elsewhere, such as SSO, are not looked for.
func newClient(ctx context.Context, endpoint string) (*client, error) {
	env, err := config.NewEnvConfig()
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	profile, err := config.LoadSharedConfigProfile(ctx, cmp.Or(env.SharedConfigProfile, "default"), func(o *config.LoadSharedConfigOptions) {
		if env.SharedConfigFile != "" {
			o.ConfigFiles = []string{env.SharedConfigFile}
		}
		if env.SharedCredentialsFile != "" {
			o.CredentialsFiles = []string{env.SharedCredentialsFile}
		}
	})
	if _, none := errors.AsType[config.SharedConfigProfileNotExistError](err); err != nil && (!none || env.SharedConfigProfile != "") {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	c := &client{endpoint: endpoint, keys: env.Credentials, region: cmp.Or(env.Region, profile.Region, defaultRegion)}
	if c.endpoint == "" {
		if c.endpoint, err = configuredEndpoint(ctx, &env, &profile); err != nil {
			return nil, fmt.Errorf("AWS configuration: %w", err)
		}
	}
	if !c.keys.HasKeys() {
		c.keys = profile.Credentials
	}
	if !c.keys.HasKeys() {
		c.keys = aws.Credentials{AccessKeyID: "000000000000", SecretAccessKey: "any"}
	}
	return c, nil
}

// configuredEndpoint is the endpoint that the environment or the profile names for Network Manager or for all services, in
// AWS's order.
func configuredEndpoint(ctx context.Context, env *config.EnvConfig, profile *config.SharedConfig) (string, error) {
	if aws.ToBool(env.IgnoreConfiguredEndpoints) || env.IgnoreConfiguredEndpoints == nil && aws.ToBool(profile.IgnoreConfiguredEndpoints) {
		return defaultEndpoint, nil
	}
	own, _, err := env.GetServiceBaseEndpoint(ctx, serviceID)
	if err != nil {
		return "", err
	}
	services, _, err := profile.GetServiceBaseEndpoint(ctx, serviceID)
	return cmp.Or(own, env.BaseEndpoint, services, profile.BaseEndpoint, defaultEndpoint), err
}

// ask sends a signed GET to a server.
func ask(ctx context.Context, endpoint, path string) (*http.Response, error) {
	return send(ctx, endpoint, http.MethodGet, path)
}

// send makes a signed call without a body. Any status but 200 is an error with what the server says; an error names the server, and
// what can be done. All of them end a command with 2, as the question could not be answered.
func send(ctx context.Context, endpoint, method, path string) (*http.Response, error) {
	c, err := newClient(ctx, endpoint)
	if err != nil {
		return nil, usage(err)
	}
	if u, err := url.Parse(c.endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usage(fmt.Errorf("the server URL %q is not an address such as %s", c.endpoint, defaultEndpoint))
	}
	r, err := http.NewRequestWithContext(ctx, method, c.endpoint+path, nil)
	if err != nil {
		return nil, usage(err)
	}
	empty := sha256.Sum256(nil)
	if err := v4.NewSigner().SignHTTP(ctx, c.keys, r, hex.EncodeToString(empty[:]), "networkmanager", c.region, time.Now()); err != nil {
		return nil, usage(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return nil, usage(fmt.Errorf("no answer from the server at %s: %w; %s", c.endpoint, failed.Err, remedy(failed.Err)))
	}
	if err != nil || resp.StatusCode == http.StatusOK {
		return resp, err
	}
	defer resp.Body.Close() // only read
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, usage(err)
	}
	return nil, usage(refusal(resp.Status, text))
}

// remedy is what can be done about a server that does not answer.
func remedy(err error) string {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "put the certificate authority of its certificate into a file that SSL_CERT_FILE names"
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return "write http:// if it serves no HTTPS"
	}
	return `start one with "portolan serve", or name another with --endpoint`
}

// answer makes a control call and reads up to most bytes of what is answered.
func answer(ctx context.Context, endpoint, method, path string, most int64) ([]byte, error) {
	resp, err := send(ctx, endpoint, method, path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() // only read
	data, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return nil, brokenOff(err)
	}
	return data, nil
}

func brokenOff(err error) error { return usage(fmt.Errorf("the server's answer breaks off: %w", err)) }

// understood reads an answer into out.
func understood(data []byte, out any) error {
	if err := json.Unmarshal(data, out); err != nil {
		return usage(fmt.Errorf("the answer is not one of a Portolan server: %w", err))
	}
	return nil
}

// refusal is what a server answers in the place of what it was asked for, as a sentence.
func refusal(status string, body []byte) error {
	var said struct {
		Message, ResourceID, ResourceType string
		Fields                            []struct{ Name, Message string }
		Status, Reason                    string // of the health check
	}
	if err := json.Unmarshal(body, &said, json.MatchCaseInsensitiveNames(true)); err != nil || said.Message+said.Status == "" {
		return fmt.Errorf("the server answers %s: %.500s", status, body)
	}
	if said.ResourceID != "" {
		_, account, _ := strings.Cut(strings.TrimSuffix(said.Message, "."), "asked for by account ")
		return fmt.Errorf("account %s has no %s %s on this server: check the ID, or set AWS_PROFILE or AWS_ACCESS_KEY_ID to the account that has it",
			account, strings.ReplaceAll(said.ResourceType, "-", " "), said.ResourceID)
	}
	text := strings.TrimSuffix(cmp.Or(said.Message, strings.TrimSpace(said.Status+" "+said.Reason)), ".")
	for _, f := range said.Fields {
		text += fmt.Sprintf("; %s: %s", f.Name, strings.TrimSuffix(f.Message, "."))
	}
	return fmt.Errorf("the server refuses: %s", text)
}

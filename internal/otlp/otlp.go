// Package otlp makes spans and sends them to a collector: OTLP over HTTP in its binary form, as OpenTelemetry's own SDK sends
// them by default, which would make the binary 1.1 MB larger. It has what the spans of this server have: one span a request,
// no events and no links.
//
// It must not know what the spans are of.
package otlp

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

const (
	defaultTimeout = 10 * time.Second
	maxTries       = 5
	firstWait      = 2 * time.Second // doubled with each try
	maxAnswer      = 64 << 10        // bytes read of what a collector answers
)

// Exporter posts spans to one collector.
type Exporter struct {
	url     string
	header  http.Header
	gzip    bool
	timeout time.Duration // of one request
	client  *http.Client
	wait    func(ctx context.Context, d time.Duration) error
}

// New is an exporter with the OTEL_EXPORTER_OTLP variables that env has; those for traces go before those for all signals.
func New(env func(name string) string) (*Exporter, error) {
	of := func(name string) string {
		return cmp.Or(env("OTEL_EXPORTER_OTLP_TRACES_"+name), env("OTEL_EXPORTER_OTLP_"+name))
	}
	e := &Exporter{header: http.Header{}, gzip: of("COMPRESSION") == "gzip", timeout: defaultTimeout, wait: wait}
	var err error
	if e.url, err = endpoint(env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), env("OTEL_EXPORTER_OTLP_ENDPOINT")); err != nil {
		return nil, err
	}
	if text := of("TIMEOUT"); text != "" {
		ms, err := strconv.Atoi(text)
		if err != nil || ms <= 0 {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_TIMEOUT: %q is no number of milliseconds", text)
		}
		e.timeout = time.Duration(ms) * time.Millisecond
	}
	for _, names := range []string{env("OTEL_EXPORTER_OTLP_HEADERS"), env("OTEL_EXPORTER_OTLP_TRACES_HEADERS")} {
		if err := setHeaders(e.header, names); err != nil {
			return nil, err
		}
	}
	e.header.Set("Content-Type", "application/x-protobuf")
	e.header.Set("User-Agent", "portolan")
	if e.gzip {
		e.header.Set("Content-Encoding", "gzip")
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute}
	if transport.TLSClientConfig, err = tlsConfig(of("CERTIFICATE"), of("CLIENT_CERTIFICATE"), of("CLIENT_KEY")); err != nil {
		return nil, err
	}
	e.client = &http.Client{Transport: transport}
	return e, nil
}

// endpoint is the URL of traces as it is given, or below the one of all signals.
func endpoint(traces, all string) (string, error) {
	u, err := url.Parse(cmp.Or(traces, all))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %q is no URL of HTTP", cmp.Or(traces, all))
	}
	if traces == "" {
		u.Path = path.Join("/", u.Path, "v1/traces")
	}
	return u.String(), nil
}

// setHeaders takes headers from a list a=1,b=2 with percent-encoded values.
func setHeaders(header http.Header, list string) error {
	for pair := range strings.SplitSeq(list, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(value)
		if name = strings.TrimSpace(name); !ok || name == "" || err != nil {
			return errors.New("OTEL_EXPORTER_OTLP_HEADERS: a header is not name=value") // which may be secret
		}
		header.Set(name, strings.TrimSpace(value))
	}
	return nil
}

// tlsConfig is nil where nothing is asked for.
func tlsConfig(authority, certificate, key string) (*tls.Config, error) {
	if authority == "" && certificate == "" {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if authority != "" {
		text, err := os.ReadFile(authority)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: no certificate is in %s", authority)
		}
	}
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// send posts spans. What a collector has no room for at the moment is sent again, a few times.
func (e *Exporter) send(ctx context.Context, body []byte) error {
	if e.gzip {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write(body); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		body = b.Bytes()
	}
	pause := firstWait
	for try := 1; ; try++ {
		again, err := e.post(ctx, body)
		if again < 0 || try == maxTries {
			return err
		}
		if e.wait(ctx, max(again, pause)) != nil {
			return err
		}
		pause *= 2
	}
}

// post sends a request once. again is how long the collector wants to be left alone before the next try, -1 for no next try.
func (e *Exporter) post(ctx context.Context, body []byte) (again time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	r.Header = e.header
	resp, err := e.client.Do(r)
	if err != nil {
		return -1, err
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	err = errors.Join(err, resp.Body.Close())
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return time.Duration(max(seconds, 0)) * time.Second, fmt.Errorf("the collector answered %s: %.200q", resp.Status, answer)
	}
	if resp.StatusCode/100 != 2 {
		return -1, fmt.Errorf("the collector answered %s: %.200q", resp.Status, answer)
	}
	return -1, cmp.Or(err, partial(answer))
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// close lets go of connections.
func (e *Exporter) close() { e.client.CloseIdleConnections() }

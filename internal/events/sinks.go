package events

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/go-json-experiment/json"

	"portolan/internal/awsjson"
)

// FileSink appends events to a file, one JSON object on a line.
type FileSink struct {
	Path string

	mu sync.Mutex
}

// Name is the sink's name.
func (s *FileSink) Name() string { return "file " + s.Path }

// Send writes the batch as a whole and waits for the disk. What a full disk or a crash left of a line does not spoil the
// next one.
func (s *FileSink) Send(_ context.Context, batch []Record) (sent int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b bytes.Buffer
	for i := range batch {
		line, err := json.Marshal(&batch[i].Event, json.Deterministic(true))
		if err != nil {
			return 0, err
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	f, err := os.OpenFile(s.Path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() {
		if closeErr := f.Close(); err == nil && closeErr != nil {
			sent, err = 0, closeErr
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	text, last := b.Bytes(), []byte{'\n'}
	if info.Mode().IsRegular() && info.Size() > 0 {
		if _, err := f.ReadAt(last, info.Size()-1); err != nil {
			return 0, err
		}
	}
	if last[0] != '\n' {
		text = append([]byte{'\n'}, text...)
	}
	if _, err := f.Write(text); err != nil {
		return 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	return len(batch), nil
}

// WebhookSink posts events to a URL: a JSON list of envelopes. With a secret the header X-Portolan-Signature is
// "sha256=" and the HMAC of the body in hexadecimal.
type WebhookSink struct {
	URL    string
	Secret []byte
	Client *http.Client // default: one with a timeout
}

const sendTimeout = 10 * time.Second

// Name is the sink's name.
func (s *WebhookSink) Name() string { return "webhook " + s.URL }

// Send delivers the batch when the answer is 2xx.
func (s *WebhookSink) Send(ctx context.Context, batch []Record) (int, error) {
	list := make([]*Event, len(batch))
	for i := range batch {
		list[i] = &batch[i].Event
	}
	body, err := json.Marshal(list, json.Deterministic(true))
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	if len(s.Secret) > 0 {
		mac := hmac.New(sha256.New, s.Secret)
		mac.Write(body)
		req.Header.Set("X-Portolan-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	client := s.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close() // nothing depends on it
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return 0, fmt.Errorf("the webhook answered %s", resp.Status)
	}
	return len(batch), nil
}

// EventBridgeSink puts events on the bus of an EventBridge-compatible endpoint.
type EventBridgeSink struct {
	Endpoint    string
	Bus         string // "" is the default bus
	Credentials aws.CredentialsProvider
	Client      *http.Client
}

// maxEntries is what PutEvents takes at a time.
const maxEntries = 10

// Name is the sink's name.
func (s *EventBridgeSink) Name() string { return "eventbridge " + s.Endpoint + " " + s.Bus }

// Send puts ten events at a time; of those that failed, everything from the first on is sent again.
func (s *EventBridgeSink) Send(ctx context.Context, batch []Record) (sent int, err error) {
	client := &awsjson.Client{Service: "events", Target: "AWSEvents", Region: Region, Endpoint: s.Endpoint, Credentials: s.Credentials}
	if s.Client != nil {
		client.HTTPClient = s.Client
	}
	for len(batch) > 0 {
		some := batch[:min(maxEntries, len(batch))]
		var in entries
		for i := range some {
			in.Entries = append(in.Entries, s.entry(&some[i].Event))
		}
		var out outcomes
		one, cancel := context.WithTimeout(ctx, sendTimeout)
		err := client.Call(one, "PutEvents", &in, &out)
		cancel()
		if err != nil {
			return sent, err
		}
		for i, e := range out.Entries {
			if e.ErrorCode != "" {
				return sent + i, fmt.Errorf("the bus refused an event: %s: %s", e.ErrorCode, e.ErrorMessage)
			}
		}
		sent += len(some)
		batch = batch[len(some):]
	}
	return sent, nil
}

// entries is the input of PutEvents.
type entries struct{ Entries []entry }

type entry struct {
	Detail       string
	DetailType   string
	EventBusName string   `json:",omitzero"`
	Resources    []string `json:",omitzero"`
	Source       string
	Time         int64 `json:",omitzero"` // seconds since 1970
}

// outcomes is the output of PutEvents: one for each entry, in their order.
type outcomes struct {
	Entries []struct{ ErrorCode, ErrorMessage string }
}

func (s *EventBridgeSink) entry(e *Event) entry {
	one := entry{Detail: string(e.Detail), DetailType: e.DetailType, EventBusName: s.Bus, Resources: e.Resources, Source: e.Source}
	if at, err := time.Parse(time.RFC3339, e.Time); err == nil {
		one.Time = at.Unix()
	}
	return one
}

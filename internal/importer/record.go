package importer

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Recorder keeps the replies of an account in a folder, and gives those that are there instead of asking again: a reading
// that broke off goes on where it was, and one that was recorded can be repeated without the account. Signatures and keys
// are not kept.
type Recorder struct {
	Dir     string
	Offline bool      // only what is in the folder is given
	Redact  *Redactor // of what is written; nil: nothing is replaced
	Next    http.RoundTripper
}

// NewRecorder returns a recorder over a folder, which is made. With a redactor the folder must be empty: what it holds names
// accounts that cannot be asked.
func NewRecorder(dir string, offline bool, redact *Redactor, next http.RoundTripper) (*Recorder, error) {
	if next == nil {
		next = http.DefaultTransport
	}
	if offline {
		if _, err := os.Stat(dir); err != nil {
			return nil, err
		}
		return &Recorder{dir, true, nil, next}, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if redact != nil && len(list) > 0 {
		return nil, fmt.Errorf("%s is not empty: redacted replies cannot be resumed from", dir)
	}
	return &Recorder{dir, false, redact, next}, nil
}

// recorded is a reply as a file.
type recorded struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Asked  string `json:"asked,omitempty"` // the body of the request
	Status int    `json:"status,omitzero"` // 0 is 200
	Type   string `json:"contentType"`
	Reply  string `json:"reply"`
}

// recordError is what fails in the folder, and so whenever it is tried.
type recordError struct{ error }

func (e *recordError) Unwrap() error { return e.error }

// RoundTrip gives the reply that is in the folder, or asks and keeps it. Errors are not kept, they may be over next time, but for
// 501: that an endpoint does not serve EC2 is part of the account as it was read. It is asked again where that can be.
func (c *Recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	one := recorded{Method: r.Method, Path: c.Redact.Text(r.URL.RequestURI()), Asked: c.Redact.Text(string(body))}
	sum := sha256.Sum256([]byte(one.Method + " " + one.Path + "\n" + one.Asked))
	file := filepath.Join(c.Dir, hex.EncodeToString(sum[:16])+".json")
	text, err := os.ReadFile(file)
	switch {
	case err == nil:
		if err := json.Unmarshal(text, &one); err != nil {
			return nil, &recordError{fmt.Errorf("%s: %w", file, err)}
		}
		if one.Status == 0 || c.Offline {
			return one.response(r), nil
		}
	case !errors.Is(err, os.ErrNotExist):
		return nil, &recordError{err}
	case c.Offline:
		return nil, &recordError{fmt.Errorf("%s has no reply to %s %s", c.Dir, one.Method, one.Path)}
	}
	resp, err := c.Next.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNotImplemented {
		return resp, err
	}
	reply, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(reply))
	one.Status, one.Type, one.Reply = 0, resp.Header.Get("Content-Type"), c.Redact.Text(string(reply))
	if resp.StatusCode != http.StatusOK {
		one.Status = resp.StatusCode
	}
	if err := one.write(file); err != nil {
		return nil, &recordError{err}
	}
	return resp, nil
}

func (one *recorded) response(r *http.Request) *http.Response {
	status := cmp.Or(one.Status, http.StatusOK)
	return &http.Response{
		Status: fmt.Sprint(status, " ", http.StatusText(status)), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {one.Type}}, Body: io.NopCloser(bytes.NewReader([]byte(one.Reply))), ContentLength: int64(len(one.Reply)),
	}
}

// write puts the file in its place as a whole.
func (one *recorded) write(file string) error {
	text, err := json.Marshal(one, jsontext.WithIndent("  "), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".part", text, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".part", file)
}

// Redactor replaces account ids by others, the same by the same: 000000000001 and so on, in the order in which they come. It
// is safe for concurrent use, and can be called on nil, which replaces nothing.
type Redactor struct {
	mu    sync.Mutex
	given map[string]string
}

var digits = regexp.MustCompile(`[0-9]+`)

// Text is a text with other account ids: every number of exactly twelve digits counts as one.
func (r *Redactor) Text(text string) string {
	if r == nil {
		return text
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return digits.ReplaceAllStringFunc(text, func(number string) string {
		if len(number) != 12 {
			return number
		}
		if r.given == nil {
			r.given = map[string]string{}
		}
		if r.given[number] == "" {
			r.given[number] = fmt.Sprintf("%012d", len(r.given)+1)
		}
		return r.given[number]
	})
}

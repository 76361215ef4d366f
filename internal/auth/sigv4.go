package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
)

const (
	unsignedPayload = "UNSIGNED-PAYLOAD"
	streaming       = "STREAMING-"
)

// verify checks the signature against the key and gives the body it covers, decoded when it came in chunks.
func (s *signature) verify(r *http.Request, key *credential, body []byte) ([]byte, error) {
	if err := s.checkHeaders(r); err != nil {
		return nil, err
	}
	payload, err := s.payload(r, body)
	if err != nil {
		return nil, err
	}
	signingKey := key.signingKey(s.Scope)
	canonical := s.appendCanonical(make([]byte, 0, 1024), r, normalPath(s.path), payload)
	if !s.matches(signingKey, canonical) {
		// Go's SDK signs the path as it is.
		if raw := s.appendCanonical(canonical[:0:0], r, s.path, payload); normalPath(s.path) == s.path || !s.matches(signingKey, raw) {
			return nil, mismatch(s.explain(r, canonical, payload))
		}
	}
	if !strings.HasPrefix(payload, streaming) {
		return body, nil
	}
	return decodeChunked(r, payload, body, &chunkSigner{key: signingKey, stamp: s.stamp, scope: s.Scope.String(), previous: s.Signature})
}

func (s *signature) matches(signingKey, canonical []byte) bool {
	sum := sha256.Sum256(canonical)
	text := make([]byte, 0, 192)
	text = append(text, algorithm+"\n"...)
	text = append(append(text, s.stamp...), '\n')
	text = append(append(text, s.Scope.String()...), '\n')
	text = hex.AppendEncode(text, sum[:])
	return sameHex(mac(signingKey, text), s.Signature)
}

// sameHex compares in a time that does not tell how much is right.
func sameHex(sum []byte, text string) bool {
	var b [2 * sha256.Size]byte
	hex.Encode(b[:], sum)
	return subtle.ConstantTimeCompare(b[:], []byte(text)) == 1
}

func mac(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(text)
	return h.Sum(nil)
}

// checkHeaders demands that Host and every x-amz- header is signed and that every signed header is there.
func (s *signature) checkHeaders(r *http.Request) error {
	signed := make(map[string]bool, len(s.SignedHeaders))
	for _, name := range s.SignedHeaders {
		signed[name] = true
	}
	if !signed["host"] {
		return invalidSignature("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for name := range r.Header {
		if len(name) > 6 && strings.EqualFold(name[:6], "x-amz-") && !signed[strings.ToLower(name)] {
			return invalidSignature("'%s' must be a 'SignedHeader' in the AWS Authorization.", shown(name))
		}
	}
	for _, name := range s.SignedHeaders {
		if len(headerValues(r, name)) == 0 {
			return mismatch(fmt.Errorf("%w: the signed header %q is not there", errSignature, shown(name)))
		}
	}
	return nil
}

// payload is what is signed in the place of the body's hash. A hash that is not the body's is refused here: the
// signature of a header is good for any body.
func (s *signature) payload(r *http.Request, body []byte) (string, error) {
	declared := r.Header.Get(contentSHA256)
	if declared == "" && s.presigned {
		if at := find(s.query, contentSHA256); at >= 0 {
			declared = s.query[at].value
		}
	}
	if declared == unsignedPayload {
		return declared, nil
	}
	if strings.HasPrefix(declared, streaming) {
		return declared, nil // its chunks are checked when they are decoded
	}
	sum := sha256.Sum256(body)
	actual := hex.EncodeToString(sum[:])
	if declared != "" && declared != actual {
		return "", mismatch(fmt.Errorf("%w: x-amz-content-sha256 is not the hash of the body, which is %s", errSignature, actual))
	}
	return actual, nil
}

// explain says for the log what was verified. Values of headers and of the query stay out: some are secrets.
func (s *signature) explain(r *http.Request, canonical []byte, payload string) error {
	return fmt.Errorf("%w: access key %s, scope %s, canonical request of %s %s with host %q, headers %s, payload %s has SHA-256 %x",
		errSignature, shown(s.AccessKeyID), shown(s.Scope.String()), r.Method, shown(s.path), shown(r.Host),
		shown(strings.Join(s.SignedHeaders, ";")), payload, sha256.Sum256(canonical))
}

// signingKey is the key for a scope. The last one is kept: a client stays with its day and its Region.
func (c *credential) signingKey(scope Scope) []byte {
	if last := c.last.Load(); last != nil && last.scope == scope {
		return last.key
	}
	key := mac([]byte("AWS4"+c.secret), []byte(scope.Date))
	for _, part := range []string{scope.Region, scope.Service, scope.Terminator} {
		key = mac(key, []byte(part))
	}
	c.last.Store(&scopedKey{scope: scope, key: key})
	return key
}

type scopedKey struct {
	scope Scope
	key   []byte
}

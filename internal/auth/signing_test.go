package auth

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	testSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	testToken  = "IQoJb3JpZ2luX2VjE+/=token=="
)

var testNow = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

const testCredentials = `[
  {"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "` + testSecret + `", "account": "123456789012",
   "principalArn": "arn:aws:iam::123456789012:user/ops/alice",
   "policies": [{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "networkmanager:*", "Resource": "*"}}]},
  {"accessKeyId": "ASIAEXAMPLE", "secretAccessKey": "` + testSecret + `", "sessionToken": "` + testToken + `",
   "expires": "2026-03-04T06:00:00Z", "account": "123456789012",
   "principalArn": "arn:aws:sts::123456789012:assumed-role/Net/alice", "policies": []},
  {"accessKeyId": "AKIDGOV", "secretAccessKey": "s", "account": "210987654321", "principalArn": "arn:aws-us-gov:iam::210987654321:root"}
]`

func loaded(tb testing.TB, text string) *Credentials {
	tb.Helper()
	c, err := ParseCredentials([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// at is an Authenticator with the test's credentials and a clock that stands still.
func at(tb testing.TB, now time.Time) *Authenticator {
	return NewAuthenticator(Config{Credentials: loaded(tb, testCredentials), Now: func() time.Time { return now }})
}

// received sends r through the wire format and gives what a server's handler gets, body apart.
func received(tb testing.TB, r *http.Request) (*http.Request, []byte) {
	tb.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		tb.Fatal(err)
	}
	return parsed(tb, wire.Bytes())
}

func parsed(tb testing.TB, wire []byte) (*http.Request, []byte) {
	tb.Helper()
	got, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
	if err != nil {
		tb.Fatal(err)
	}
	body, err := io.ReadAll(got.Body)
	if err != nil {
		tb.Fatal(err)
	}
	got.RemoteAddr = "203.0.113.7:4321"
	return got, body
}

// signing is what a client sends and how it signs it. The zero values are a correct GET.
type signing struct {
	method, target, body string
	key, secret, token   string
	service, region      string
	payload              string // in the place of the body's hash
	at                   time.Time
	header               http.Header
	presign              bool
}

func (s signing) request(tb testing.TB) *http.Request {
	tb.Helper()
	or := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	or(&s.method, "GET")
	or(&s.target, "/global-networks")
	or(&s.key, "AKIDEXAMPLE")
	or(&s.secret, testSecret)
	or(&s.service, "networkmanager")
	or(&s.region, "eu-west-1")
	sum := sha256.Sum256([]byte(s.body))
	or(&s.payload, hex.EncodeToString(sum[:]))
	if s.at.IsZero() {
		s.at = testNow
	}
	r, err := http.NewRequest(s.method, "http://portolan.test:4566"+s.target, strings.NewReader(s.body))
	if err != nil {
		tb.Fatal(err)
	}
	for k, v := range s.header {
		r.Header[k] = v
	}
	credentials := aws.Credentials{AccessKeyID: s.key, SecretAccessKey: s.secret, SessionToken: s.token}
	signer := v4.NewSigner()
	if !s.presign {
		if err := signer.SignHTTP(tb.Context(), credentials, r, s.payload, s.service, s.region, s.at); err != nil {
			tb.Fatal(err)
		}
		return r
	}
	text, header, err := signer.PresignHTTP(tb.Context(), credentials, r, s.payload, s.service, s.region, s.at)
	if err != nil {
		tb.Fatal(err)
	}
	if r.URL, err = url.Parse(text); err != nil {
		tb.Fatal(err)
	}
	r.Header = header
	r.Header.Del("Host")
	return r
}

// Package auth decides who is calling, whether they may, and how fast: accounts, SigV4 signatures, IAM policies, token
// buckets. It knows requests and the table of operations. It must not know how replies are written, what resources
// hold, or where they are stored; what it needs of them it asks through [TagSource] and [SharingSource].
package auth

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"portolan/api"
)

// DefaultAccount is who calls without credentials, or with an access key that is no account.
const DefaultAccount = "000000000000"

// Config is what an Authenticator is made of. Its zero value accepts everybody.
type Config struct {
	Credentials *Credentials     // nil: any credentials are accepted, and none
	Now         func() time.Time // nil: time.Now
}

// Authenticator tells who sent a request. It is safe for concurrent use.
type Authenticator struct {
	credentials atomic.Pointer[Credentials]
	now         func() time.Time
	changed     atomic.Pointer[chan struct{}] // closed when others take the credentials' place
	last        atomic.Pointer[api.Caller]    // welcomed; mostly the next is the same
}

// NewAuthenticator returns an Authenticator that checks signatures when cfg has credentials.
func NewAuthenticator(cfg Config) *Authenticator {
	a := &Authenticator{now: cfg.Now}
	if a.now == nil {
		a.now = time.Now
	}
	a.credentials.Store(cfg.Credentials)
	changed := make(chan struct{})
	a.changed.Store(&changed)
	return a
}

// Replace makes c count from the next request on. Nil is refused: a reload must not open the door.
func (a *Authenticator) Replace(c *Credentials) error {
	if c == nil || a.credentials.Load() == nil {
		return errors.New("credentials can only be replaced by others")
	}
	a.credentials.Store(c)
	next := make(chan struct{})
	close(*a.changed.Swap(&next))
	return nil
}

// Checks tells whether signatures are checked.
func (a *Authenticator) Checks() bool { return a.credentials.Load() != nil }

// Changed is closed when the credentials are replaced the next time.
func (a *Authenticator) Changed() <-chan struct{} { return *a.changed.Load() }

// Now is a principal with what its key may do now, nil when there is no such key any more, another secret or account goes
// with it, or it has expired.
func (a *Authenticator) Now(p *Principal) *Principal {
	if p.key == nil {
		return p
	}
	key := a.credentials.Load().keys[p.key.id]
	if key == nil || key.secret != p.key.secret || key.arn != p.key.arn || key.checkToken(p.key.token, a.now().UTC()) != nil {
		return nil
	}
	now := *p
	now.key = key
	return &now
}

// Expect refuses, by its headers, a request that [Authenticator.Authenticate] is going to refuse whatever its body is, as
// far as that takes no computing: one that is not signed, for too long, or with a key that is not known.
func (a *Authenticator) Expect(r *http.Request) error {
	credentials := a.credentials.Load()
	if credentials == nil {
		return nil
	}
	_, _, err := a.claim(serviceName, r, credentials, a.now().UTC())
	return err
}

// claim is the signature of a request for a service and the key that it says it was made with.
func (a *Authenticator) claim(service string, r *http.Request, credentials *Credentials, now time.Time) (*signature, *credential, error) {
	s, err := readSignature(r)
	if err != nil {
		return nil, nil, err
	}
	if err := s.checkScope(service); err != nil {
		return nil, nil, err
	}
	key := credentials.keys[s.AccessKeyID]
	if key == nil {
		return nil, nil, unrecognizedClient(errUnknownKey)
	}
	if err := key.checkToken(s.token, now); err != nil {
		return nil, nil, err
	}
	return s, key, s.checkTime(now)
}

// Authenticate tells who sent r, whose body has been read into body, and gives the body to decode: that of a chunked
// upload is not the one on the wire.
//
// With credentials the error is one AWS's front end sends: an [api.GenericError] of status 403 for a request that is
// not, or wrongly, signed. Chunks that cannot be read are an [api.ValidationException], with or without credentials.
func (a *Authenticator) Authenticate(r *http.Request, body []byte) (*Principal, []byte, error) {
	return a.AuthenticateFor(serviceName, r, body)
}

// AuthenticateFor is Authenticate for a request that is signed for another service, such as "sts".
func (a *Authenticator) AuthenticateFor(service string, r *http.Request, body []byte) (*Principal, []byte, error) {
	credentials := a.credentials.Load()
	if credentials == nil {
		return a.welcome(r, body)
	}
	now := a.now().UTC()
	s, key, err := a.claim(service, r, credentials, now)
	if err != nil {
		return nil, nil, err
	}
	body, err = s.verify(r, key, body)
	if err != nil {
		return nil, nil, err
	}
	return &Principal{
		caller: api.Caller{Account: key.account, Partition: key.partition, ARN: key.arn},
		key:    key, request: r, region: s.Scope.Region, at: now,
	}, body, nil
}

// welcome takes any credentials or none, as people expect of a local AWS.
func (a *Authenticator) welcome(r *http.Request, body []byte) (*Principal, []byte, error) {
	if form := r.Header.Get(contentSHA256); strings.HasPrefix(form, streaming) {
		var err error
		if body, err = decodeChunked(r, form, body, nil); err != nil {
			return nil, nil, err
		}
	}
	key, region := claimedCredential(r)
	caller := api.Caller{Account: DefaultAccount, Partition: PartitionOf(region)}
	if isAccount(key) {
		caller.Account = key
	}
	if last := a.last.Load(); last != nil && last.Account == caller.Account && last.Partition == caller.Partition {
		caller.ARN = last.ARN
	} else {
		caller.ARN = "arn:" + caller.Partition + ":iam::" + caller.Account + ":root"
		next := caller
		a.last.Store(&next)
	}
	return &Principal{caller: caller, request: r, region: region, at: a.now().UTC()}, body, nil
}

// claimedCredential is the access key and the Region a request names, wherever it does, unchecked.
func claimedCredential(r *http.Request) (key, region string) {
	_, credential, found := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !found && strings.Contains(r.URL.RawQuery, paramPrefix) {
		credential = r.URL.Query().Get(paramCredential)
	}
	credential, _, _ = strings.Cut(credential, ",")
	key, rest, _ := strings.Cut(strings.TrimSpace(credential), "/")
	_, rest, _ = strings.Cut(rest, "/")
	region, _, _ = strings.Cut(rest, "/")
	return key, region
}

// PartitionOf is the partition of a Region's ARNs: aws-us-gov, aws-cn, or aws for all others.
func PartitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	}
	return "aws"
}

func isAccount(s string) bool { return len(s) == 12 && allDigits(s) }

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// Principal is the sender of one request. It prints as its ARN, never with a secret.
type Principal struct {
	caller  api.Caller
	key     *credential // nil: nothing was checked, everything is allowed
	request *http.Request
	region  string
	at      time.Time
}

// Caller is the account, partition and ARN the request is made for.
func (p *Principal) Caller() api.Caller {
	caller := p.caller
	caller.Request = p
	return caller
}

// String is the ARN.
func (p *Principal) String() string { return p.caller.ARN }

// LogValue is the ARN.
func (p *Principal) LogValue() slog.Value { return slog.StringValue(p.caller.ARN) }

// AccessKeyID is the id of the key that signed the request, "" when nothing was checked.
func (p *Principal) AccessKeyID() string {
	if p.key == nil {
		return ""
	}
	return p.key.id
}

// Format keeps every verb from looking inside.
func (p *Principal) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.caller.ARN)) }

// sourceIP is where the request came from, "" when that is no address.
func (p *Principal) sourceIP() string {
	from, err := netip.ParseAddrPort(p.request.RemoteAddr)
	if err != nil {
		return ""
	}
	return from.Addr().Unmap().WithZone("").String()
}

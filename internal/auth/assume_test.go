package auth

import (
	"strings"
	"testing"
	"time"
)

func TestAssumeRole_takesTheKeyOfTheFile(t *testing.T) {
	const role = "arn:aws:iam::210987654321:role/network"
	keys, err := ParseCredentials([]byte(`[
{"accessKeyId": "MAY", "secretAccessKey": "s", "account": "123456789012", "principalArn": "arn:aws:iam::123456789012:user/may",
 "policies": [{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::210987654321:role/*"}}]},
{"accessKeyId": "MAYNOT", "secretAccessKey": "s", "account": "123456789012", "principalArn": "arn:aws:iam::123456789012:user/maynot",
 "policies": [{"Statement": {"Effect": "Allow", "Action": "networkmanager:*", "Resource": "*"}}]},
{"accessKeyId": "OLD", "secretAccessKey": "s", "sessionToken": "t", "expires": "2026-01-01T00:00:00Z", "account": "210987654321",
 "principalArn": "arn:aws:sts::210987654321:assumed-role/network/old"},
{"accessKeyId": "ROLE", "secretAccessKey": "of the role", "account": "210987654321", "principalArn": "arn:aws:iam::210987654321:role/network"}
]`))
	if err != nil {
		t.Fatal(err)
	}
	by := NewAuthenticator(Config{Credentials: keys, Now: func() time.Time { return time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC) }})
	principal := func(id string) *Principal {
		p := &Principal{key: keys.keys[id]}
		p.caller.ARN = p.key.arn
		return p
	}
	a := &Authorizer{}
	got, err := a.AssumeRole(by, principal("MAY"), role, "deploy")
	if err != nil || got.AccessKeyID != "ROLE" || got.SecretAccessKey != "of the role" || got.ARN != "arn:aws:sts::210987654321:assumed-role/network/deploy" {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, c := range map[string]struct{ id, role string }{
		"not allowed": {"MAYNOT", role}, "no key of the role": {"MAY", "arn:aws:iam::210987654321:role/other"},
	} {
		_, err := a.AssumeRole(by, principal(c.id), c.role, "deploy")
		if err == nil || !strings.Contains(err.Error(), "is not authorized to perform: sts:AssumeRole on resource: "+c.role) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

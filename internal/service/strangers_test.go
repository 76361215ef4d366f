package service_test

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"portolan/api"
	"portolan/internal/auth"
)

const stranger = "999988887777"

// signedBy is a principal of an account whose signature was checked and whose policies allow everything.
func signedBy(t *testing.T, account string, now time.Time, header ...string) *auth.Principal {
	t.Helper()
	credentials, err := auth.ParseCredentials([]byte(`[{"accessKeyId":"AKIAEXAMPLE","secretAccessKey":"secret","account":"` + account + `","principalArn":"arn:aws:iam::` + account + `:user/a",` +
		`"policies":[{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/core-networks", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = "192.0.2.7:1234"
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	keys := aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}
	if err := v4.NewSigner().SignHTTP(t.Context(), keys, r, empty, "networkmanager", "us-west-2", now); err != nil {
		t.Fatal(err)
	}
	p, _, err := auth.NewAuthenticator(auth.Config{Credentials: credentials, Now: func() time.Time { return now }}).Authenticate(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// authorized calls as a server does: permissions first.
func (b *bed) authorized(p *auth.Principal, text string) ([]byte, error) {
	name, input, _ := strings.Cut(text, " ")
	op := api.OperationByName(name)
	in := op.NewInput()
	if err := setMembers(in, b.filled(input)); err != nil {
		return nil, err
	}
	caller := p.Caller()
	caller.Operation = name
	ctx := api.WithCaller(context.WithoutCancel(b.ctx), caller)
	authorizer := &auth.Authorizer{Tags: b.Node, Sharing: b.Node}
	if err := authorizer.Authorize(ctx, p, op, in); err != nil {
		return nil, err
	}
	b.ctx = ctx
	return b.call(text)
}

var lastHex = regexp.MustCompile(`[0-9a-f]{4}$`)

// ghosts is a bed in the same world whose ids were never given out.
func (b *bed) ghosts() *bed {
	g := &bed{world: b.world, ids: map[string]string{}}
	for name, id := range b.ids {
		if g.ids[name] = id; slices.Contains([]string{"ec2", "tgw", "tgw2", "policy", "policy2", "policy3"}, name) {
			continue
		}
		g.ids[name] = lastHex.ReplaceAllStringFunc(id, func(s string) string {
			if s == "0000" {
				return "1111"
			}
			return "0000"
		})
	}
	return g
}

// TestStrangers_learnNothing: to another account each operation answers about a core network, and all else that exists, what
// it answers about ids that were never given out, whether permissions are checked or not.
func TestStrangers_learnNothing(t *testing.T) {
	tried := map[string]bool{}
	for _, f := range families() {
		t.Run(f.name, func(t *testing.T) {
			exists := newBed(t)
			at := slices.IndexFunc(f.states, func(s stateOf) bool {
				return slices.Contains([]string{"AVAILABLE", "EXECUTION_SUCCEEDED", "present", "COMPLETED"}, s.name)
			})
			for _, step := range f.states[at].steps {
				if err := exists.step(step); err != nil {
					t.Fatal(err)
				}
			}
			ghosts, signed := exists.ghosts(), signedBy(t, stranger, exists.now)
			answer := func(b *bed, call string, checked bool) string {
				b.ctx = b.as(stranger)
				var out []byte
				var err error
				if checked {
					out, err = b.authorized(signed, call)
				} else {
					out, err = b.call(call)
				}
				switch {
				case err != nil:
					return b.named(refusal(err))
				case isRead(call):
					return b.named(string(out))
				}
				return "200"
			}
			for _, call := range f.calls {
				name, _, _ := strings.Cut(call, " ")
				tried[name] = true
				for _, checked := range []bool{false, true} {
					known, ghost := answer(exists, call, checked), answer(ghosts, call, checked)
					if known != ghost {
						t.Errorf("%s, permissions checked %t:\nof what exists     %s\nof what does not   %s", call, checked, known, ghost)
					}
					if strings.Contains(known, "111122223333") {
						t.Errorf("%s, permissions checked %t: names the owner: %s", call, checked, known)
					}
				}
			}
		})
	}
	for i := range api.Operations {
		if name := api.Operations[i].Name; !tried[name] {
			t.Errorf("%s was not tried", name)
		}
	}
}

// TestSharing_conditions: a share counts for whom its conditions hold, in lists as in everything else.
func TestSharing_conditions(t *testing.T) {
	w := newWorld(t, withSharing)
	_, cn := w.network()
	owner := w.ctx
	b := &bed{world: w, ids: map[string]string{"cn": cn}}
	p := signedBy(t, guest, w.now, "User-Agent", "portolan-test")
	for _, c := range []struct {
		name, effect, condition string
		listed                  bool
	}{
		{"none", "Allow", `{}`, true},
		{"an address it has", "Allow", `{"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}`, true},
		{"an address it has not", "Allow", `{"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}`, false},
		{"a time that has come", "Allow", `{"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}`, true},
		{"a time that is over", "Allow", `{"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}`, false},
		{"a tag the core network has not", "Allow", `{"StringEquals": {"aws:ResourceTag/team": "net"}}`, false},
		{"its user agent", "Allow", `{"StringEquals": {"aws:UserAgent": "portolan-test"}}`, true},
		{"its principal", "Allow", `{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::` + guest + `:user/*"}}`, true},
		{"another principal", "Allow", `{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::` + guest + `:role/*"}}`, false},
		{"what an operation is asked to do", "Allow", `{"StringLike": {"networkmanager:vpcArn": "arn:aws:ec2:*"}}`, true},
		{"denied under a condition that holds", "Deny", `{"StringEquals": {"aws:UserAgent": "portolan-test"}}`, false},
		{"denied under one that does not", "Deny", `{"StringEquals": {"aws:UserAgent": "curl"}}`, true},
	} {
		w.ctx = owner
		statement := func(effect, condition string) string {
			return `{"Effect": "` + effect + `", "Principal": {"AWS": "` + guest + `"}, "Action": "networkmanager:*", "Resource": "*", "Condition": ` + condition + `}`
		}
		list := statement(c.effect, c.condition)
		if c.effect == "Deny" {
			list += "," + statement("Allow", "{}")
		}
		must(w, w.PutResourcePolicy, api.PutResourcePolicyInput{
			ResourceArn: "arn:aws:networkmanager::111122223333:core-network/" + cn, PolicyDocument: `{"Version": "2012-10-17", "Statement": [` + list + `]}`,
		})
		out, err := b.authorized(p, "ListCoreNetworks {}")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(out), cn); got != c.listed {
			t.Errorf("%s: listed %t", c.name, got)
		}
		got := "200"
		if _, err := b.authorized(p, "GetCoreNetwork {'CoreNetworkId':'$cn'}"); err != nil {
			got, _, _ = strings.Cut(refusal(err), ":")
		}
		want := map[bool]string{true: "200", false: "ResourceNotFoundException"}[c.listed]
		if c.name == "what an operation is asked to do" {
			want = "AccessDeniedException" // GetCoreNetwork has no such key
		}
		if got != want {
			t.Errorf("%s: GetCoreNetwork answers %s, want %s", c.name, got, want)
		}
	}
}

package auth

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseCredentials_refusals(t *testing.T) {
	key := func(more string) string {
		return `[{"accessKeyId": "A", "secretAccessKey": "` + testSecret + `", "account": "123456789012",` + "\n" + more + `}]`
	}
	const user = `"principalArn": "arn:aws:iam::123456789012:user/u"`
	for _, test := range []struct{ name, text, want string }{
		{"an object", `{}`, "line 1, column 1: the file must be a list, not an object"},
		{"an item", `[1]`, "line 1, column 2: an access key must be an object, not a number"},
		{"empty", ``, "line 1, column 1: unexpected end of JSON input"},
		{"no principal", key(`"policies": []`), "line 1, column 2: principalArn is missing"},
		{"unknown member", key(user + `, "policy": []`), `line 2, column 53: "policy" is no member of an access key`},
		{"twice in a key", key(user + `, "account": "123456789012"`), `line 2, column 53: "account" is there twice`},
		{"two of one id", `[{"accessKeyId": "A", "secretAccessKey": "s", "account": "123456789012", ` + user + `},
{"accessKeyId": "A", "secretAccessKey": "s", "account": "123456789012", ` + user + `}]`, `line 2, column 1: the access key "A" is there twice`},
		{"id", `[{"accessKeyId": "a-b"}]`, "line 1, column 18: accessKeyId must be 1 to 128 letters, digits and underscores"},
		{"secret", `[{"secretAccessKey": 12345}]`, "line 1, column 22: secretAccessKey must be a string, not a number"},
		{"empty secret", `[{"secretAccessKey": ""}]`, "line 1, column 22: secretAccessKey must be 1 to 1024 characters"},
		{"token", `[{"sessionToken": "a b"}]`, "line 1, column 19: sessionToken must be 1 to 16384 printable characters without spaces"},
		{"account", `[{"account": "12345678901x"}]`, "line 1, column 14: account must be 12 digits"},
		{"another account", key(`"principalArn": "arn:aws:iam::210987654321:user/u"`), "line 2, column 17: principalArn is of another account than 123456789012"},
		{"partition", key(`"principalArn": "arn:aws-iso:iam::123456789012:user/u"`), "line 2, column 17: the partition of principalArn must be aws, aws-us-gov or aws-cn"},
		{"expires", key(user + `, "sessionToken": "t", "expires": "tomorrow"`), "line 2, column 85: expires must be a time such as 2027-01-01T00:00:00Z"},
		{"expires without a token", key(user + `, "expires": "2027-01-01T00:00:00Z"`), "line 2, column 64: only credentials with a sessionToken expire"},
		{"policies", key(user + `, "policies": {}`), "line 2, column 65: policies must be a list, not an object"},
		{"in a policy", key(user + `, "policies": [{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "x"}}]`), "line 2, column 127: a resource must be an ARN or *"},
		{
			"root's policies", key(`"principalArn": "arn:aws:iam::123456789012:root", "policies": [{"Statement": []}]`),
			"line 2, column 63: root may do everything and has no policies: name a user or a role",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseCredentials([]byte(test.text))
			var e *FileError
			if !errors.As(err, &e) || e.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	for _, arn := range []string{
		"", "arn:aws:iam::123456789012:user", "arn:aws:iam::123456789012:user/", "arn:aws:iam:eu-west-1:123456789012:user/u", "arn:aws:iam::1:user/u",
		"arn:aws:sts::123456789012:assumed-role/r", "arn:aws:iam::123456789012:group/g", "arn:aws:iam::123456789012:user/a b", "arn:aws:iam::123456789012:user/u:x",
	} {
		if _, err := ParseCredentials([]byte(key(fmt.Sprintf(`"principalArn": %q`, arn)))); err == nil || !strings.Contains(err.Error(), "principalArn must be arn:") {
			t.Errorf("%q: %v", arn, err)
		}
	}
}

func TestParseCredentials_principals(t *testing.T) {
	for arn, want := range map[string][3]string{
		"arn:aws:iam::123456789012:user/path/bob":            {"User", "bob", "arn:aws:iam::123456789012:user/path/bob"},
		"arn:aws:iam::123456789012:root":                     {"Account", "", "arn:aws:iam::123456789012:root"},
		"arn:aws-cn:iam::123456789012:role/r":                {"AssumedRole", "", "arn:aws-cn:iam::123456789012:role/r"},
		"arn:aws-us-gov:sts::123456789012:assumed-role/r/s":  {"AssumedRole", "", "arn:aws-us-gov:iam::123456789012:role/r"},
		"arn:aws:sts::123456789012:federated-user/somebody@": {"FederatedUser", "", "arn:aws:sts::123456789012:federated-user/somebody@"},
	} {
		c := loaded(t, `[{"accessKeyId": "A", "secretAccessKey": "s", "account": "123456789012", "principalArn": "`+arn+`"}]`)
		p := &Principal{key: c.keys["A"]}
		p.caller.ARN = arn
		if got := [3]string{p.ConditionKey("aws:principaltype"), p.ConditionKey("aws:username"), p.ConditionKey("aws:principalarn")}; got != want {
			t.Errorf("%s: %q", arn, got)
		}
	}
}

func TestLoadCredentials(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := os.WriteFile(path, []byte(testCredentials), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := LoadCredentials(path)
	if err != nil || c.Len() != 3 || len(c.Warnings) != 0 {
		t.Fatalf("%v, %v", c, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if c, err = LoadCredentials(path); err != nil || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "(mode 0644): chmod 600 "+path) {
		t.Errorf("%v, %v", c.Warnings, err)
	}
	if err := os.WriteFile(path, []byte("[\n {}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err = LoadCredentials(path); err == nil || err.Error() != path+": line 2, column 2: accessKeyId is missing" {
		t.Error(err)
	}
	if _, err = LoadCredentials(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestSecrets_areNotPrinted(t *testing.T) {
	c := loaded(t, testCredentials)
	r, body := received(t, signing{key: "ASIAEXAMPLE", token: testToken}.request(t))
	p, _, err := at(t, testNow).Authenticate(r, body)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "principal", p, "key", p.AccessKeyID(), "credentials", c, "value", *p)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb, p, c)
	}
	for _, secret := range []string{testSecret, testToken, fmt.Sprintf("%x", testSecret), fmt.Sprintf("%x", testToken)} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("printed: %s", out.String())
		}
	}
	if !strings.Contains(out.String(), "ASIAEXAMPLE") || !strings.Contains(out.String(), "3 access keys") {
		t.Errorf("not printed: %s", out.String())
	}
}

func FuzzParseCredentials(f *testing.F) {
	f.Add(testCredentials)
	f.Add("[\n{\"accessKeyId\": 1}]")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCredentials([]byte(text))
		if err != nil {
			if strings.Contains(err.Error(), testSecret) || strings.Contains(err.Error(), testToken) {
				t.Fatalf("a secret: %v", err)
			}
			return
		}
		for id, key := range c.keys {
			if !isAccessKeyID(id) || !isAccount(key.account) || key.secret == "" || key.arn == "" {
				t.Fatalf("%q has no account, secret or principal", id)
			}
		}
	})
}

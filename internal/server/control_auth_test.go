package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"portolan/internal/auth"
	"portolan/internal/server"
)

// TestControl_whoMay: every control call that the description does not open to anybody, or to any key, is refused to a key that may
// only read; what is about all accounts is refused to a key that may do everything in its own.
func TestControl_whoMay(t *testing.T) {
	credentials, err := auth.ParseCredentials([]byte(`[{"accessKeyId":"AKIAREADER","secretAccessKey":"secret","account":"111122223333",` +
		`"principalArn":"arn:aws:iam::111122223333:user/a","policies":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"networkmanager:Get*","Resource":"*"}]}]},` +
		`{"accessKeyId":"AKIAOWNER","secretAccessKey":"secret","account":"111122223333",` +
		`"principalArn":"arn:aws:iam::111122223333:user/b","policies":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"networkmanager:*","Resource":"*"}]}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, func(c *server.Config) {
		c.Authenticator = auth.NewAuthenticator(auth.Config{Credentials: credentials})
	})
	var document struct {
		Paths map[string]map[string]struct{ Description, OperationId string }
	}
	if err := json.Unmarshal(server.OpenAPI(), &document, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	calls := 0
	for path, methods := range document.Paths {
		for method, call := range methods {
			if strings.HasPrefix(call.Description, "Whoever") {
				continue
			}
			calls++
			method, path := strings.ToUpper(method), strings.NewReplacer("{", "", "}", "").Replace(path)
			for _, key := range []string{"", "AKIAREADER"} {
				if status, text := r.signed(method, path, key); status != http.StatusForbidden {
					t.Errorf("%s %s with key %q: %d %.200s", method, path, key, status, text)
				}
			}
			if strings.HasPrefix(call.Description, "Peers on the same machine") {
				if status, text := r.signed(method, path, "AKIAOWNER"); status != http.StatusForbidden {
					t.Errorf("%s %s about all accounts with the key of one: %d %.200s", method, path, status, text)
				}
			}
		}
	}
	if calls < 20 {
		t.Errorf("only %d calls were looked at", calls)
	}
}

package importer_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"portolan/internal/importer"
)

// TestRetryer_permanent: what cannot succeed is tried once, and its error has nothing of the SDK.
func TestRetryer_permanent(t *testing.T) {
	r := serve(t, load(t, "../../examples/network.yaml"), nil)
	damaged := t.TempDir()
	r.read(t, r.recorded(t, damaged, false, nil))
	files, err := filepath.Glob(damaged + "/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	empty, gone := t.TempDir(), filepath.Join(t.TempDir(), "gone")
	writes := r.recorded(t, gone, false, nil)
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	to := func(url string) func(*importer.Config) {
		return func(c *importer.Config) { c.AWS.BaseEndpoint, c.AWS.HTTPClient = &url, &http.Client{} }
	}
	for name, c := range map[string]struct {
		change func(*importer.Config)
		want   string
	}{
		"no reply":              {r.recorded(t, empty, true, nil), "ListCoreNetworks: " + empty + " has no reply to GET /core-networks"},
		"a reply that is none":  {r.recorded(t, damaged, true, nil), "ListCoreNetworks: " + damaged},
		"nowhere to keep it":    {writes, "ListCoreNetworks: open " + gone},
		"certificate of nobody": {to(untrusted.URL), "ListCoreNetworks: no answer from " + untrusted.URL + ": tls: failed to verify certificate"},
		"no HTTPS":              {to(strings.Replace(r.url, "http:", "https:", 1)), "http: server gave HTTP response to HTTPS client"},
	} {
		cfg := r.config()
		cfg.Retryer = importer.Retryer(func(wait time.Duration, reason error) { t.Errorf("%s: waits %s: %v", name, wait, reason) })
		c.change(&cfg)
		if _, err := importer.Read(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "operation error") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRetryer_says: a wait is said with what AWS answers.
func TestRetryer_says(t *testing.T) {
	var said []string
	r := importer.Retryer(func(_ time.Duration, reason error) { said = append(said, reason.Error()) })
	throttled := &smithy.OperationError{ServiceID: "NetworkManager", OperationName: "GetSites", Err: &smithy.GenericAPIError{Code: "ThrottlingException", Message: "Rate exceeded"}}
	if !r.IsErrorRetryable(throttled) {
		t.Error("a throttled call is not made again")
	}
	if _, err := r.RetryDelay(1, throttled); err != nil || len(said) != 1 || said[0] != "ThrottlingException: Rate exceeded" {
		t.Errorf("said %q, %v", said, err)
	}
}

package server_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portolan/internal/auth"
	"portolan/internal/failpoint"
	"portolan/internal/node"
	"portolan/internal/server"
	"portolan/internal/store"
)

// onDisk serves the data of a file.
func onDisk(t *testing.T, path string) func(*server.Config) { return onDiskThatFails(t, path, nil) }

func onDiskThatFails(t *testing.T, path string, fail *failpoint.Points) func(*server.Config) {
	t.Helper()
	st, err := store.OpenBolt(path, store.BoltOptions{NoSync: true, Fail: fail})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	svc, err := node.New(t.Context(), node.Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	return func(cfg *server.Config) {
		cfg.Service = svc
		cfg.Backup = st.(store.Backuper).Backup
	}
}

func TestHealth_fileLostAndBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portolan.db")
	r := start(t, onDisk(t, path))
	r.do("POST", "/global-networks", `{"Description":"before"}`)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if resp, text := r.do("POST", "/global-networks", "{}"); resp.StatusCode != 500 || !strings.Contains(text, "cannot write") {
		t.Errorf("a write without a file: %d %s", resp.StatusCode, text)
	}
	if resp, text := r.do("GET", "/global-networks", ""); resp.StatusCode != 200 || strings.Count(text, "global-network-0") != 2 {
		t.Errorf("a read without a file: %d %s", resp.StatusCode, text)
	}
	if resp, text := r.do("GET", "/_portolan/health", ""); resp.StatusCode != 503 || !strings.Contains(text, `"reason":"store takes no writes: the data file is gone`) {
		t.Errorf("health: %d %s", resp.StatusCode, text)
	}
	if _, text := r.do("GET", "/metrics", ""); !strings.Contains(text, "\nportolan_store_writable 0\n") {
		t.Error("the metrics do not show it")
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if resp, text := r.do("GET", "/_portolan/health", ""); resp.StatusCode != 200 {
		t.Errorf("health with the file back: %d %s", resp.StatusCode, text)
	}
	if resp, text := r.do("POST", "/global-networks", "{}"); resp.StatusCode != 200 {
		t.Errorf("a write with the file back: %d %s", resp.StatusCode, text)
	}
	if _, text := r.do("GET", "/metrics", ""); !strings.Contains(text, "\nportolan_store_writable 1\n") {
		t.Error("the metrics do not show that it can write again")
	}
}

// TestHealth_commitsFail: the client is told where the reason is, and gets none of it.
func TestHealth_commitsFail(t *testing.T) {
	fail := failpoint.New()
	r := start(t, onDiskThatFails(t, filepath.Join(t.TempDir(), "portolan.db"), fail))
	if err := fail.Set("store.commit", "error"); err != nil {
		t.Fatal(err)
	}
	if resp, text := r.do("POST", "/global-networks", "{}"); resp.StatusCode != 500 || !strings.Contains(text, "The server cannot write at the moment. Its health has the reason.") {
		t.Errorf("a write: %d %s", resp.StatusCode, text)
	}
	if resp, text := r.do("GET", "/global-networks", ""); resp.StatusCode != 200 {
		t.Errorf("a read: %d %s", resp.StatusCode, text)
	}
	if resp, text := r.do("GET", "/_portolan/health", ""); resp.StatusCode != 503 || !strings.Contains(text, `"reason":"store takes no writes: commit: `) {
		t.Errorf("health: %d %s", resp.StatusCode, text)
	}
	if err := fail.Set("store.commit", ""); err != nil {
		t.Fatal(err)
	}
	if resp, text := r.do("POST", "/global-networks", "{}"); resp.StatusCode != 200 {
		t.Errorf("a write with room again: %d %s", resp.StatusCode, text)
	}
}

func TestDamage_isAClearError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portolan.db")
	st, err := store.OpenBolt(path, store.BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = st.Update(t.Context(), func(tx store.Txn) error {
		tx.Set("/format", []byte("2"))
		tx.Set("/acct/000000000000/global-network/global-network-01", []byte(`{"Description":"as written"}`))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte("as written"), []byte("as altered")), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, onDisk(t, path))
	if resp, text := r.do("GET", "/global-networks", ""); resp.StatusCode != 500 || !strings.Contains(text, "The stored data is damaged.") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	if !strings.Contains(r.log.String(), "/acct/000000000000/global-network/global-network-01") {
		t.Errorf("the log has no key:\n%s", r.log)
	}
}

func TestBackup_forOperatorsOnly(t *testing.T) {
	const policy = `"policies":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"networkmanager:*","Resource":"*"}]}]`
	credentials, err := auth.ParseCredentials([]byte(`[
		{"accessKeyId":"AKIATENANT","secretAccessKey":"secret","account":"111122223333","principalArn":"arn:aws:iam::111122223333:user/a",` + policy + `},
		{"accessKeyId":"AKIANOTQUITE","secretAccessKey":"secret","account":"111122223333","principalArn":"arn:aws:iam::111122223333:user/b","operator":false,` + policy + `},
		{"accessKeyId":"AKIALIMITED","secretAccessKey":"secret","account":"111122223333","principalArn":"arn:aws:iam::111122223333:user/c","operator":true},
		{"accessKeyId":"AKIAOPERATOR","secretAccessKey":"secret","account":"111122223333","principalArn":"arn:aws:iam::111122223333:user/d","operator":true,` + policy + `}]`))
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, onDisk(t, filepath.Join(t.TempDir(), "portolan.db")), func(c *server.Config) {
		c.Authenticator = auth.NewAuthenticator(auth.Config{Credentials: credentials})
	})
	for key, want := range map[string]int{"": 403, "AKIATENANT": 403, "AKIANOTQUITE": 403, "AKIALIMITED": 403, "AKIAOPERATOR": 200} {
		status, text := r.signed("GET", "/_portolan/backup", key)
		if status != want {
			t.Errorf("key %q: %d, want %d: %.300s", key, status, want, text)
		}
		if status != 200 {
			continue
		}
		copied := filepath.Join(t.TempDir(), "copy.db")
		if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := store.CheckFile(t.Context(), copied, func(d *store.DamageError) { t.Error(d) }); err != nil {
			t.Error(err)
		}
	}
}

func TestBackup_notForWebPages(t *testing.T) {
	r := start(t, onDisk(t, filepath.Join(t.TempDir(), "portolan.db")))
	if resp, text := r.do("GET", "/_portolan/backup", "", "Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site"); resp.StatusCode != 403 {
		t.Errorf("%d %.300s", resp.StatusCode, text)
	}
	if resp, _ := r.do("GET", "/_portolan/backup", ""); resp.StatusCode != 200 {
		t.Errorf("without a page: %d", resp.StatusCode)
	}
}

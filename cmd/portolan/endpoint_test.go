package main

import (
	"os"
	"path/filepath"
	"testing"
)

const awsConfig = `
[default]
region = eu-west-1
[profile lab]
services = lab
endpoint_url = http://127.0.0.1:1
[services lab]
networkmanager =
  endpoint_url = http://127.0.0.1:2
[profile all]
endpoint_url = http://127.0.0.1:3
ignore_configured_endpoint_urls = false
[profile silent]
endpoint_url = http://127.0.0.1:4
ignore_configured_endpoint_urls = true
`

const awsCredentials = `
[lab]
aws_access_key_id = 111122223333
aws_secret_access_key = any
`

func TestNewClient_asAWSClientsAreSetUp(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"config": awsConfig, "credentials": awsCredentials} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name                  string
		env                   map[string]string
		flag                  string
		endpoint, key, region string
	}{
		{"nothing", nil, "", "http://127.0.0.1:4566", "000000000000", "eu-west-1"},
		{"a flag", map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:8"}, "http://127.0.0.1:9", "http://127.0.0.1:9", "000000000000", "eu-west-1"},
		{"all services", map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:8", "AWS_REGION": "us-east-1"}, "", "http://127.0.0.1:8", "000000000000", "us-east-1"},
		{"one service", map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:8", "AWS_ENDPOINT_URL_NETWORKMANAGER": "http://127.0.0.1:7"}, "", "http://127.0.0.1:7", "000000000000", "eu-west-1"},
		{"services section of a profile", map[string]string{"AWS_PROFILE": "lab"}, "", "http://127.0.0.1:2", "111122223333", "us-west-2"},
		{"endpoint of a profile", map[string]string{"AWS_PROFILE": "all"}, "", "http://127.0.0.1:3", "000000000000", "us-west-2"},
		{"ignored", map[string]string{"AWS_PROFILE": "silent"}, "", "http://127.0.0.1:4566", "000000000000", "us-west-2"},
		{"keys of the environment", map[string]string{"AWS_PROFILE": "lab", "AWS_ACCESS_KEY_ID": "222233334444", "AWS_SECRET_ACCESS_KEY": "x"}, "", "http://127.0.0.1:2", "222233334444", "us-west-2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{
				"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_NETWORKMANAGER", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
				"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_DEFAULT_PROFILE",
			} {
				t.Setenv(name, "")
			}
			t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "credentials"))
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			got, err := newClient(t.Context(), c.flag)
			if err != nil {
				t.Fatal(err)
			}
			if got.endpoint != c.endpoint || got.keys.AccessKeyID != c.key || got.region != c.region {
				t.Errorf("got %s as %s in %s", got.endpoint, got.keys.AccessKeyID, got.region)
			}
		})
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
	t.Setenv("AWS_PROFILE", "none")
	if _, err := newClient(t.Context(), ""); err == nil {
		t.Error("a profile that does not exist is taken")
	}
}

package test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// TestEvents_reachAFileAcrossKill follows a life in the log and in a file, with a power cut in between.
func TestEvents_reachAFileAcrossKill(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "events.jsonl")
	args := []string{"--data", dir, "--events-file", file}
	p := Start(t, args...)
	document, err := os.ReadFile("testdata/seed.json")
	if err != nil {
		t.Fatal(err)
	}
	nm := sdkClient(p, "100000000000")
	gn, err := nm.CreateGlobalNetwork(t.Context(), &networkmanager.CreateGlobalNetworkInput{})
	if err != nil {
		t.Fatal(err)
	}
	cn, err := nm.CreateCoreNetwork(t.Context(), &networkmanager.CreateCoreNetworkInput{
		GlobalNetworkId: gn.GlobalNetwork.GlobalNetworkId, PolicyDocument: aws.String(string(document)),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	p = Start(t, args...)
	nm = sdkClient(p, "100000000000")
	for range 100_000 {
		got, err := nm.GetCoreNetwork(t.Context(), &networkmanager.GetCoreNetworkInput{CoreNetworkId: cn.CoreNetwork.CoreNetworkId})
		if err == nil && got.CoreNetwork.State == "AVAILABLE" {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	status, text := call(t, "GET", p.URL+"/_portolan/events", "", firstAccount)
	if status != http.StatusOK {
		t.Fatal(status, text)
	}
	var page struct {
		Events []struct{ Event jsontext.Value }
	}
	if err := json.Unmarshal([]byte(text), &page, json.MatchCaseInsensitiveNames(true)); err != nil || len(page.Events) != 3 {
		t.Fatalf("%v: %s", err, text)
	}
	for {
		data, _ := os.ReadFile(file)
		lines := strings.Split(strings.TrimSpace(string(data)), "\n")
		if len(lines) >= 3 {
			for i := range 3 {
				if !strings.Contains(lines[i], `"source":"aws.networkmanager"`) {
					t.Errorf("line %d: %s", i+1, lines[i])
				}
			}
			break
		}
		call(t, "GET", p.URL+"/_portolan/health", "", firstAccount) // leaves the server the processor
	}
}

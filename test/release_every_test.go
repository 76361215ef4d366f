//go:build release

package test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestRelease_everyPlatform cross-compiles all six, which takes minutes: `make release-check`.
func TestRelease_everyPlatform(t *testing.T) {
	out := t.TempDir()
	cmd := exec.Command("go", "run", "./scripts/release", "-version", "v0.0.0-test", "-out", out)
	cmd.Dir = ".."
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if n := strings.Count(contents(t, out+"/SHA256SUMS"), "\n"); n != 6*2+2*2+1 {
		t.Errorf("%d files", n)
	}
}

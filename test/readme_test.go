package test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadme_whatIf: the session of the README does what it says, typed as it stands there.
func TestReadme_whatIf(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "## What if")
	_, block, _ := strings.Cut(section, "```sh\n")
	block, _, found := strings.Cut(block, "```")
	build, session, _ := strings.Cut(block, "\n")
	if !found || !strings.HasPrefix(build, "make build") {
		t.Fatalf("the session begins with %q", build)
	}
	cmd := exec.Command("bash", "-e", "-c", session)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(Binary(t))+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 { // the last command tells that an assertion does not hold
		t.Errorf("it ends with %v", err)
	}
	for _, want := range []string{
		"10.11.0.0/16  PROPAGATED  ACTIVE  nfg:a6", "selected: a4, next hop nfg:a6", "verdict: delivered", "INSPECTED BY", "0 findings",
		"prod → dev: no longer inspected by fw", "6 of 6 assertions hold", "prod reaches dev via fw", "4 of 6 assertions hold",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("want %q in\n%s", want, out)
		}
	}
}

package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// session is the commands of a section of the README, after the line that builds.
func session(t *testing.T, section string) string {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "## "+section)
	_, block, _ := strings.Cut(rest, "```sh\n")
	block, _, found := strings.Cut(block, "```")
	build, commands, _ := strings.Cut(block, "\n")
	if !found || !strings.HasPrefix(build, "make build") {
		t.Fatalf("the session of %q begins with %q", section, build)
	}
	return commands
}

// typed runs the lines of a session one after the other, as they stand there, in the folder of a fresh clone. A line that ends
// with 2 is one that does not work.
func typed(t *testing.T, commands string) string {
	t.Helper()
	cmd := exec.Command("bash", "-c", `while IFS= read -r line; do eval "$line" </dev/null; code=$?; if [ $code -gt 1 ]; then echo "ends with $code: $line"; exit $code; fi; done`)
	cmd.Stdin = strings.NewReader(strings.ReplaceAll(commands, "/tmp/", t.TempDir()+"/"))
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(Binary(t))+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return string(out)
}

// TestReadme_sessions: the sessions of the README do what it says, typed as they stand there.
func TestReadme_sessions(t *testing.T) {
	for section, lines := range map[string][]string{
		"Policies before they are sent": {
			"examples/policies/hybrid-multi-region.json: ok", "rule-admits-anyone", "segment prod, by rule 200", "the policies mean the same",
		},
		"What if": {
			"10.11.0.0/16  PROPAGATED  ACTIVE  nfg:a6", "selected: a4, next hop nfg:a6", "verdict: delivered", "INSPECTED BY", "0 findings",
			"prod → dev: no longer inspected by fw", "attachments move", "6 of 6 assertions hold", "prod reaches dev via fw", "4 of 6 assertions hold",
		},
	} {
		t.Run(section, func(t *testing.T) {
			out := typed(t, session(t, section))
			for _, want := range lines {
				if !strings.Contains(out, want) {
					t.Errorf("want %q in\n%s", want, out)
				}
			}
		})
	}
}

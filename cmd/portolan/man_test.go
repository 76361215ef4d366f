package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestMan_everyCommand: each command that help shows has a page with its options and examples, and nothing else has one.
func TestMan_everyCommand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	cmd := root()
	cmd.SetArgs([]string{"man", "--dir", dir})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	everyCommand(root(), func(cmd *cobra.Command) {
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
		want[name+".1"] = true
		text, err := os.ReadFile(filepath.Join(dir, name+".1"))
		if err != nil {
			t.Error(err)
			return
		}
		plain := strings.NewReplacer(`\-`, "-", `\e`, `\`, `\&`, "").Replace(string(text))
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if _, usage := pflag.UnquoteUsage(f); !f.Hidden && (!strings.Contains(plain, "--"+f.Name+`\fR`) || !strings.Contains(plain, usage)) {
				t.Errorf("%s has no --%s", name, f.Name)
			}
		})
		if !strings.Contains(plain, cmd.Short) || !strings.Contains(plain, strings.TrimRight(cmd.Example, "\n")) {
			t.Errorf("%s lacks the summary or the examples", name)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, ".") && !manMacro.MatchString(line) || strings.HasPrefix(line, "'") {
				t.Errorf("%s: %q is read as a command", name, line)
			}
		}
	})
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if sorted := slices.Sorted(maps.Keys(want)); !slices.Equal(got, sorted) {
		t.Errorf("got %v, want %v", got, sorted)
	}
}

var manMacro = regexp.MustCompile(`^\.(TH|SH|TP|PP|B|BR|nf|fi|nh)( |\n)`)

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// forbidden are words that no router and no page of AWS uses in this sense.
var forbidden = regexp.MustCompile(`(?i)\b(told|tells?|winners?|luck|nobody|nowhere|not part of the network|the house|rooms|floors|from door to door|graver?|speaks?|never settles?|passes no appliance|belongs nowhere)\b`)

// exempt are places where a forbidden word is what has to be written: it is another's name.
var exempt = regexp.MustCompile(`former name|.told. still works`)

func checkWording(t *testing.T, at, text string) {
	t.Helper()
	if word := forbidden.FindString(exempt.ReplaceAllString(text, "")); word != "" {
		t.Errorf("%s: %q in %.200q", at, word, text)
	}
}

// everyCommand calls f for each command that people see.
func everyCommand(cmd *cobra.Command, f func(*cobra.Command)) {
	if cmd.Hidden {
		return
	}
	f(cmd)
	for _, sub := range cmd.Commands() {
		everyCommand(sub, f)
	}
}

func TestHelp_speaksPlainly(t *testing.T) {
	everyCommand(root(), func(cmd *cobra.Command) {
		for _, text := range []string{cmd.Short, cmd.Long, cmd.Example} {
			checkWording(t, cmd.CommandPath(), text)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) { checkWording(t, cmd.CommandPath()+" --"+f.Name, f.Usage) })
	})
}

func TestHelp_hasExamples(t *testing.T) {
	everyCommand(root(), func(cmd *cobra.Command) {
		if cmd.HasParent() && !strings.Contains(cmd.Example, "  "+cmd.CommandPath()) {
			t.Errorf("%s has no example of itself: %q", cmd.CommandPath(), cmd.Example)
		}
	})
}

func TestDocs_speakPlainly(t *testing.T) {
	docs, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(docs, "../../README.md", "../../CONTRIBUTING.md", "../../CHANGELOG.md") {
		if name := filepath.Base(file); name == "architecture.md" || name == "lint.md" {
			continue // about the code; generated from package policy
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for number, line := range strings.Split(string(text), "\n") {
			checkWording(t, file+":"+strconv.Itoa(number+1), line)
		}
	}
}

// TestTexts_speakPlainly: what commands and reports print are the strings of these packages.
func TestTexts_speakPlainly(t *testing.T) {
	for _, dir := range []string{".", "../../internal/analysis", "../../internal/snapshot"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			parsed, err := parser.ParseFile(set, file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if text, err := strconv.Unquote(lit.Value); err == nil && !strings.HasPrefix(text, "told") {
						at := set.Position(lit.Pos()).String()
						checkWording(t, at, text)
						if strings.Contains(text, "? ") {
							t.Errorf("%s: %q asks; a text says what is wrong and what to do", at, text)
						}
					}
				}
				return true
			})
		}
	}
}

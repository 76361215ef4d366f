package main

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"portolan/policy"
	"portolan/policy/source"
)

// TestPolicyScripts runs testdata/scripts. POLICY_UPDATE=1 writes what the commands print into them.
func TestPolicyScripts(t *testing.T) {
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/scripts",
		UpdateScripts: os.Getenv("POLICY_UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("EXAMPLES", examples)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"step": writeStep,
			// exits CODE ARGUMENT…: how portolan ends
			"exits": func(ts *testscript.TestScript, _ bool, args []string) {
				code := 0
				if failed, ok := errors.AsType[*exec.ExitError](ts.Exec("portolan", args[1:]...)); ok {
					code = failed.ExitCode()
				}
				if strconv.Itoa(code) != args[0] {
					ts.Fatalf("portolan %s ended with %d", strings.Join(args[1:], " "), code)
				}
			},
		},
	})
}

// TestCodes_complete: every code that an error can have is described, once.
func TestCodes_complete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../policy/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	docs, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Code") {
			want = append(want, strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`))
		}
		return true
	})
	for _, c := range codes() {
		got = append(got, c.ID)
		if c.Summary == "" || c.Help == "" {
			t.Errorf("%s is not described", c.ID)
		}
		if row := "| `" + c.ID + "` | " + c.Summary + " " + c.Help + " |\n"; !strings.Contains(string(docs), row) {
			t.Errorf("docs/policy.md lacks %s", row)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestGitHub_escapes(t *testing.T) {
	r := report{documents: []examined{{
		asInput("a,b:c%.json", nil),
		[]finding{{Rule: "R,1", Level: "note", Message: "100%\r\n::error::x", Line: 2, Column: 3}},
	}}}
	var out strings.Builder
	if err := r.github(&out); err != nil {
		t.Fatal(err)
	}
	want := "::notice file=a%2Cb%3Ac%25.json,line=2,col=3,title=R%2C1::100%25%0D%0A::error::x\n"
	if out.String() != want {
		t.Errorf("got %q", out.String())
	}
}

func TestExcerpt_caretBelowTheCharacter(t *testing.T) {
	for _, test := range []struct {
		line   string
		column int // bytes
		want   rune
	}{
		{"abc", 2, 'b'},
		{"\té x", 5, 'x'},
		{strings.Repeat("é", 200) + "X" + strings.Repeat("y", 200), 401, 'X'},
		{"X" + strings.Repeat("y", 500), 1, 'X'},
		{strings.Repeat("y", 500) + "X", 501, 'X'},
		{"a\x1b[2J", 1, 'a'},
	} {
		var out strings.Builder
		excerpt(&out, false, test.line, 7, test.column)
		lines := strings.Split(out.String(), "\n")
		caret := []rune(lines[1])
		shown := []rune(lines[0])
		if caret[len(caret)-1] != '^' || shown[len(caret)-1] != test.want || len(shown) > excerptWidth+10 || strings.Contains(out.String(), "\x1b") {
			t.Errorf("%.20q:\n%s", test.line, out.String())
		}
	}
	var out strings.Builder
	excerpt(&out, false, "ab", 1, 3) // an error at the end of the text
	if !strings.Contains(out.String(), "ab\n      |   ^") {
		t.Errorf("%q", out.String())
	}
}

// asInput is a file that is a policy document.
func asInput(name string, text []byte) *input {
	return &input{source.Policy{Form: source.Document, Text: text, Line: 1, Column: 1, InPlace: true}, name, text}
}

// TestSARIF_wellFormed: the log has what the standard requires of the parts it has, and every result points at its
// rule.
func TestSARIF_wellFormed(t *testing.T) {
	in := asInput("a b.json", []byte("{}"))
	_, _, errs := parseChecked(in, nil)
	r := report{documents: []examined{{in, errorFindings(errs)}}, rules: codes()}
	place(in.shown(), r.documents[0].findings)
	var out strings.Builder
	if err := r.sarif(&out); err != nil {
		t.Fatal(err)
	}
	var log sarifLog
	if err := json.Unmarshal([]byte(out.String()), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if log.Version != "2.1.0" || len(run.Results) != 3 || len(run.Tool.Driver.Rules) != len(codes()) {
		t.Fatalf("%s", out.String())
	}
	for _, result := range run.Results {
		if run.Tool.Driver.Rules[result.RuleIndex].ID != result.RuleID || !slices.Contains(levels, result.Level) {
			t.Errorf("%+v", result)
		}
		at := result.Locations[0].PhysicalLocation
		if at.ArtifactLocation.URI != "a%20b.json" || at.Region.StartLine < 1 || at.Region.StartColumn < 1 {
			t.Errorf("%+v", at)
		}
	}
	if err := (&report{documents: r.documents}).sarif(&out); err == nil {
		t.Error("a finding of a rule that is not described was printed")
	}
}

// FuzzReport: whatever a document holds, it says nothing to the terminal, and a workflow command ends with its line.
func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"version": "\u001b[31m", "a\nb": 1, "\u0000": [}`))
	f.Add([]byte("{\"segments\":\r\n[{\"name\":\t\"é\u202e%\"}]}"))
	f.Add([]byte("\xff\xfe"))
	f.Fuzz(func(t *testing.T, text []byte) {
		in := asInput("a", text)
		_, _, errs := parseChecked(in, nil)
		r := report{documents: []examined{{in, errorFindings(errs)}}, rules: codes()}
		place(text, r.documents[0].findings)
		var plain, github, sarif, all strings.Builder
		if err := errors.Join(r.text(&plain, false), r.github(&github), r.sarif(&sarif), r.json(&all)); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(plain.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			t.Fatalf("%q", plain.String())
		}
		for line := range strings.Lines(github.String()) {
			if !strings.HasPrefix(line, "::error file=a,line=") {
				t.Fatalf("%q", line)
			}
		}
		if !jsontext.Value(sarif.String()).IsValid() || !jsontext.Value(all.String()).IsValid() {
			t.Fatal("not JSON")
		}
	})
}

// TestExamples_clean: the examples are what people copy: correct, formatted, and no cause for more than notes.
func TestExamples_clean(t *testing.T) {
	files, err := filepath.Glob("../../examples/policies/*.json")
	if err != nil || len(files) < 9 {
		t.Fatal(files, err)
	}
	var documents []string
	for _, f := range files {
		if !strings.Contains(f, "terraform") {
			documents = append(documents, f)
		}
	}
	for _, args := range [][]string{
		append([]string{"check"}, files...),
		append([]string{"lint", "--severity", "warning"}, files...),
		append([]string{"fmt", "--check"}, documents...),
	} {
		var out strings.Builder
		cmd := root()
		cmd.SetArgs(append([]string{"policy"}, args...))
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		if err := cmd.Execute(); err != nil {
			t.Errorf("%s: %v\n%s", args[0], err, out.String())
		}
	}
}

// TestReport_longLine: a thousand errors on one line of a megabyte are each shown with their part of it.
func TestReport_longLine(t *testing.T) {
	text := []byte(`{"segments":[` + strings.TrimSuffix(strings.Repeat(`{"é":1},`, policy.MaxSize/10), ",") + `]}`)
	in := asInput("a", text)
	_, _, errs := parseChecked(in, nil)
	found := errorFindings(errs)
	place(text, found)
	for _, f := range found[len(found)-2:] {
		if want := utf8.RuneCount(text[:f.bytes-1]) + 1; f.Column != want {
			t.Errorf("column %d, not %d", f.Column, want)
		}
	}
	var out strings.Builder
	allocations := testing.AllocsPerRun(1, func() {
		out.Reset()
		if err := (&report{documents: []examined{{in, found}}}).text(&out, false); err != nil {
			t.Fatal(err)
		}
	})
	if len(found) != 1000 || allocations > 100*1000 || out.Len() > policy.MaxSize {
		t.Errorf("%d findings take %v allocations and %d bytes", len(found), allocations, out.Len())
	}
}

package test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// source is one parsed file of the repository, generated ones left out.
type source struct {
	path string // from the top of the repository
	set  *token.FileSet
	file *ast.File
}

// at is a position as editors take it.
func (s *source) at(p token.Pos) string {
	return fmt.Sprintf("%s:%d", s.path, s.set.Position(p).Line)
}

func (s *source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// sources parses every Go file that is written by hand.
func sources(t *testing.T) []*source {
	t.Helper()
	set := token.NewFileSet()
	var all []*source
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "testdata" || len(name) > 2 && name[0] == '.'):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasPrefix(name, "zz_"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(set, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		all = append(all, &source{path: filepath.ToSlash(strings.TrimPrefix(path, "../")), set: set, file: file})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 300 {
		t.Fatalf("only %d files were found", len(all))
	}
	return all
}

// TestArchitecture_docCommentsBeginWithTheName: a comment that has come to stand on another declaration begins with
// another name.
func TestArchitecture_docCommentsBeginWithTheName(t *testing.T) {
	for _, s := range sources(t) {
		check := func(doc *ast.CommentGroup, name string) {
			if doc == nil || len(doc.Text()) == 0 { // directives alone have no text
				return
			}
			text := doc.Text()
			for _, article := range []string{"A ", "An ", "The "} {
				text = strings.TrimPrefix(text, article)
			}
			if word := regexp.MustCompile(`^\w+`).FindString(text); word != name {
				t.Errorf("%s: the doc comment of %s begins with %q", s.at(doc.Pos()), name, strings.SplitN(doc.Text(), "\n", 2)[0])
			}
		}
		for _, decl := range s.file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				check(d.Doc, d.Name.Name)
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					doc, name := (*ast.CommentGroup)(nil), ""
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						doc, name = spec.Doc, spec.Name.Name
					case *ast.ValueSpec:
						if doc = spec.Doc; len(spec.Names) == 1 {
							name = spec.Names[0].Name
						} else {
							continue // of several names at once
						}
					default:
						continue
					}
					if !d.Lparen.IsValid() {
						doc = d.Doc
					}
					check(doc, name)
				}
			}
		}
	}
}

// TestArchitecture_contextsAreParameters: a context in a struct outlives the call it belongs to.
func TestArchitecture_contextsAreParameters(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if st, ok := n.(*ast.StructType); ok {
				for _, f := range st.Fields.List {
					if len(f.Names) > 0 && isSelector(f.Type, "context", "Context") { // one that is embedded makes another context of it
						t.Errorf("%s: a context is a parameter, not a field", s.at(f.Pos()))
					}
				}
			}
			return true
		})
	}
}

func isSelector(e ast.Expr, pkg, name string) bool {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg && sel.Sel.Name == name
}

// TestArchitecture_oneJSONLibrary: two of them differ in what is a duplicate, an empty value, a nil list and a name in another
// case.
func TestArchitecture_oneJSONLibrary(t *testing.T) {
	for _, s := range sources(t) {
		for _, imported := range s.file.Imports {
			if strings.HasPrefix(imported.Path.Value, `"encoding/json`) {
				t.Errorf("%s: JSON is read and written with github.com/go-json-experiment/json", s.at(imported.Pos()))
			}
		}
	}
}

// TestArchitecture_nolint: what runs here needs no such comment.
func TestArchitecture_nolint(t *testing.T) {
	for _, s := range sources(t) {
		for _, group := range s.file.Comments {
			for _, c := range group.List {
				if strings.HasPrefix(c.Text, "//nolint") {
					t.Errorf("%s: %s is for a linter that does not run here", s.at(c.Pos()), c.Text)
				}
			}
		}
	}
}

// timing are the functions that a test has no use for, and what it does instead.
var timing = map[string]string{
	"Sleep": "wait for what happens, or use testing/synctest", "Since": "bound allocations, steps or bytes", "Until": "bound allocations, steps or bytes",
	"After": "wait for what happens: go test ends a test that hangs", "NewTimer": "wait for what happens", "Tick": "wait for what happens", "NewTicker": "wait for what happens",
}

// TestArchitecture_testsMeasureNoTime: a busy machine must not decide whether a test passes. Benchmarks may measure, and in
// a synctest bubble, where alone synctest.Wait can be called, the time is not the machine's. The routers of test/bgp are programs of others that have to be asked again
// and again.
func TestArchitecture_testsMeasureNoTime(t *testing.T) {
	for _, s := range sources(t) {
		if !s.isTest() || strings.HasPrefix(s.path, "test/bgp/") {
			continue
		}
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Body == nil || takes(f, "testing", "B") || calls(f.Body, "synctest", "Test") || calls(f.Body, "synctest", "Wait") {
				continue
			}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				for name, instead := range timing {
					if isSelector(call.Fun, "time", name) {
						t.Errorf("%s: %s calls time.%s: %s", s.at(call.Pos()), f.Name.Name, name, instead)
					}
				}
				return true
			})
		}
	}
}

// takes reports whether a function takes a pointer to the type.
func takes(f *ast.FuncDecl, pkg, name string) bool {
	return slices.ContainsFunc(f.Type.Params.List, func(p *ast.Field) bool {
		star, ok := p.Type.(*ast.StarExpr)
		return ok && isSelector(star.X, pkg, name)
	})
}

// longestFile is how many lines a file has at most that is written by hand.
const longestFile = 500

func TestArchitecture_lengthOfFiles(t *testing.T) {
	for _, s := range sources(t) {
		if lines := s.set.Position(s.file.FileEnd).Line - 1; lines > longestFile {
			t.Errorf("%s has %d lines, at most %d are allowed: what in it is a thing of its own has a file of its own", s.path, lines, longestFile)
		}
	}
}

// longTest is how many lines a test may have before it is made of named parts.
const longTest = 100

func TestArchitecture_longTestsHaveNamedParts(t *testing.T) {
	for _, s := range sources(t) {
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Body == nil || !takes(f, "testing", "T") {
				continue
			}
			lines := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1
			if lines > longTest && !calls(f.Body, "t", "Run") {
				t.Errorf("%s: %s has %d lines and no part that is run by a name of its own (t.Run)", s.at(f.Pos()), f.Name.Name, lines)
			}
		}
	}
}

// calls reports whether a body calls the function.
func calls(body *ast.BlockStmt, x, name string) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && isSelector(call.Fun, x, name) {
			found = true
		}
		return !found
	})
	return found
}

// TestArchitecture_noMutableGlobals: what a package keeps in a variable of its own is never written after it was made.
func TestArchitecture_noMutableGlobals(t *testing.T) {
	packages := map[string][]*source{}
	for _, s := range sources(t) {
		if !s.isTest() {
			packages[filepath.Dir(s.path)] = append(packages[filepath.Dir(s.path)], s)
		}
	}
	for _, files := range packages {
		globals := map[string]*ast.ValueSpec{}
		for _, s := range files {
			for _, decl := range s.file.Decls {
				if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.VAR {
					for _, spec := range d.Specs {
						for _, name := range spec.(*ast.ValueSpec).Names {
							globals[name.Name] = spec.(*ast.ValueSpec)
						}
					}
				}
			}
		}
		for _, s := range files {
			ast.Inspect(s.file, func(n ast.Node) bool {
				for _, e := range written(n) {
					id := root(e)
					// The parser resolves what is declared in the same file; a name without a declaration there is another file's.
					if id == nil || id.Name == "_" || globals[id.Name] == nil || id.Obj != nil && id.Obj.Decl != globals[id.Name] {
						continue
					}
					t.Errorf("%s: %s is a variable of the package, and is written here", s.at(n.Pos()), id.Name)
				}
				return true
			})
		}
	}
}

// written is what a node writes to: an assignment, a count, a deletion, an address that is taken.
func written(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	case *ast.UnaryExpr:
		if _, element := n.X.(*ast.IndexExpr); n.Op == token.AND && !element {
			return []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		if id, ok := n.Fun.(*ast.Ident); ok && (id.Name == "delete" || id.Name == "clear") {
			return n.Args[:1]
		}
	}
	return nil
}

// root is the variable at the left of x.y[z].
func root(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.IndexExpr:
		return root(e.X)
	case *ast.SelectorExpr:
		return root(e.X)
	case *ast.StarExpr:
		return root(e.X)
	case *ast.ParenExpr:
		return root(e.X)
	}
	return nil
}

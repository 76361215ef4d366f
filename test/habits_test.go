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

func isSelector(e ast.Expr, pkg, name string) bool {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg && sel.Sel.Name == name
}

// takes reports whether a function takes a pointer to the type.
func takes(f *ast.FuncDecl, pkg, name string) bool {
	return slices.ContainsFunc(f.Type.Params.List, func(p *ast.Field) bool {
		star, ok := p.Type.(*ast.StarExpr)
		return ok && isSelector(star.X, pkg, name)
	})
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
			if lines > longTest && !runsParts(f.Body) {
				t.Errorf("%s: %s has %d lines and no part that is run by a name of its own (t.Run)", s.at(f.Pos()), f.Name.Name, lines)
			}
		}
	}
}

func runsParts(body *ast.BlockStmt) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && isSelector(call.Fun, "t", "Run") {
			found = true
		}
		return !found
	})
	return found
}

package routing_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEngineDocument_pointsAtCode checks that the document of the algorithm points at code that is there: file: function,
// type or method.
func TestEngineDocument_pointsAtCode(t *testing.T) {
	text, err := os.ReadFile("../docs/routing-engine.md")
	if err != nil {
		t.Fatal(err)
	}
	declared := declarations(t)
	pointers := regexp.MustCompile("`routing/([a-z_]+\\.go): ([A-Za-z.]+)`").FindAllStringSubmatch(string(text), -1)
	if len(pointers) < 20 {
		t.Fatalf("%d pointers", len(pointers))
	}
	for _, p := range pointers {
		if !declared[p[1]+": "+p[2]] {
			t.Errorf("routing/%s has no %s", p[1], p[2])
		}
	}
	if n := strings.Count(string(text), "`routing/"); n != len(pointers) {
		t.Errorf("%d pointers of %d are not written as file: function", n-len(pointers), n)
	}
}

// declarations are the functions, methods and types of the package, as file: name.
func declarations(t *testing.T) map[string]bool {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				name := d.Name.Name
				if d.Recv != nil {
					recv := d.Recv.List[0].Type
					if star, ok := recv.(*ast.StarExpr); ok {
						recv = star.X
					}
					name = recv.(*ast.Ident).Name + "." + name
				}
				declared[file+": "+name] = true
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if s, ok := spec.(*ast.TypeSpec); ok {
						declared[file+": "+s.Name.Name] = true
					}
				}
			}
		}
	}
	return declared
}

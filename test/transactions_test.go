package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// inTransactions are the packages whose functions hold a View or a Txn of package state.
var inTransactions = []string{"state", "service", "network", "inventory", "gatewaypath", "connectpeer", "notify", "node"}

// TestArchitecture_noContextInATransaction: a function that holds a View or a Txn has no context in reach. Whatever may have
// to wait takes one: the catalog, another operation, another transaction.
func TestArchitecture_noContextInATransaction(t *testing.T) {
	for _, name := range inTransactions {
		eachFile(t, "../internal/"+name, func(set *token.FileSet, file *ast.File) {
			ast.Inspect(file, func(n ast.Node) bool {
				var kind *ast.FuncType
				var body *ast.BlockStmt
				var held *ast.FieldList
				switch f := n.(type) {
				case *ast.FuncDecl:
					kind, body, held = f.Type, f.Body, f.Recv
				case *ast.FuncLit:
					kind, body = f.Type, f.Body
				default:
					return true
				}
				if body == nil || !holdsTransaction(kind.Params, file.Name.Name) && !holdsTransaction(held, file.Name.Name) {
					return true
				}
				contextsIn(kind, body, func(at token.Pos, what string) {
					t.Errorf("%s: %s in a function that holds a transaction", set.Position(at), what)
				})
				return true
			})
		})
	}
}

// holdsTransaction tells whether a parameter is a *View or a *Txn of package state.
func holdsTransaction(list *ast.FieldList, in string) bool {
	if list == nil {
		return false
	}
	for _, field := range list.List {
		star, ok := field.Type.(*ast.StarExpr)
		if !ok {
			continue
		}
		name := ""
		switch x := star.X.(type) {
		case *ast.SelectorExpr:
			if pkg, ok := x.X.(*ast.Ident); ok && pkg.Name == "state" {
				name = x.Sel.Name
			}
		case *ast.Ident:
			if in == "state" {
				name = x.Name
			}
		}
		if name == "View" || name == "Txn" {
			return true
		}
	}
	return false
}

// contextsIn finds contexts: of a parameter, by the name that every parameter has which is one, and from package context.
func contextsIn(kind *ast.FuncType, body *ast.BlockStmt, found func(at token.Pos, what string)) {
	look := func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.Ident:
			if x.Name == "ctx" {
				found(x.Pos(), "a context")
			}
		case *ast.SelectorExpr:
			if pkg, ok := x.X.(*ast.Ident); ok && pkg.Name == "context" {
				found(x.Pos(), "context."+x.Sel.Name)
			}
		}
		return true
	}
	ast.Inspect(kind, look)
	ast.Inspect(body, look)
}

// mostMethods is how many methods one receiver may have; generated code, and the value that implements the API by
// forwarding, are exempt.
const mostMethods = 60

func TestArchitecture_receiversAndOperations(t *testing.T) {
	methods, lines := map[string]int{}, 0
	look := func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.Contains(path, "zz_") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		forwards := filepath.Base(path) == "forward.go"
		if dir == "../internal/service" && !forwards {
			lines += set.Position(file.FileEnd).Line - 1
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || forwards {
				continue
			}
			of := f.Recv.List[0].Type
			if star, ok := of.(*ast.StarExpr); ok {
				of = star.X
			}
			if index, ok := of.(*ast.IndexExpr); ok {
				of = index.X
			}
			if name, ok := of.(*ast.Ident); ok {
				methods[dir+" "+name.Name]++
			}
		}
		return nil
	}
	for _, top := range []string{"../internal", "../policy", "../routing", "../cmd", "../servertest"} {
		if err := filepath.WalkDir(top, look); err != nil {
			t.Fatal(err)
		}
	}
	for receiver, n := range methods {
		if n > mostMethods {
			t.Errorf("%s has %d methods, at most %d are allowed: what they share is too much", receiver, n, mostMethods)
		}
	}
	if lines > 7000 || lines < 1000 {
		t.Errorf("internal/service has %d lines, at most 7000 are allowed: what runs by itself, and what is made of rows, belongs elsewhere", lines)
	}
}

func eachFile(t *testing.T, dir string, f func(*token.FileSet, *ast.File)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		f(set, file)
	}
}

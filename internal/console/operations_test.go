package console_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"portolan/api"
)

//go:generate go test -run ^TestOperations_current$ . -rewrite

var rewrite = flag.Bool("rewrite", false, "write console/src/operations.js")

// TestOperations_current: the console calls operations by the methods and paths of the API's own table.
func TestOperations_current(t *testing.T) {
	var b strings.Builder
	b.WriteString("// Code generated from the table of operations. DO NOT EDIT.\n\nexport const operations = {\n")
	for i := range api.Operations {
		op := &api.Operations[i]
		fmt.Fprintf(&b, "\t%s: '%s %s',\n", op.Name, op.Method, op.Path)
	}
	b.WriteString("}\n")
	const path = "../../console/src/operations.js"
	if *rewrite {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Errorf("%s is not what the table of operations gives: run go generate ./internal/console", path)
	}
}

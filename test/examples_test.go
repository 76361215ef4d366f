package test

import (
	"os"
	"os/exec"
	"testing"
)

// TestExamples_secondModule: another module imports servertest by the replace that docs/install.md shows.
func TestExamples_secondModule(t *testing.T) {
	cmd := exec.Command("go", "test", "./...")
	cmd.Dir = "testdata/module"
	cmd.Env = append(os.Environ(), "GOFLAGS=-tags=grpcnotrace -mod=readonly")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestExamples_pytest runs the fixture of the examples.
func TestExamples_pytest(t *testing.T) {
	interpreter := pythonWith("boto3, pytest")
	if interpreter == "" {
		t.Fatal("no python3 with boto3 and pytest: run scripts/setup")
	}
	cmd := exec.Command(interpreter, "-m", "pytest", "-q", "-p", "no:cacheprovider")
	cmd.Dir = "../examples/python"
	cmd.Env = append(os.Environ(), "PORTOLAN="+Binary(t), "PYTHONDONTWRITEBYTECODE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

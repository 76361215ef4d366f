package test

import (
	"os/exec"
	"testing"
)

func TestBoto3_changeSets(t *testing.T) {
	p := Start(t, "--data", t.TempDir())
	cmd := exec.Command(python(t), "testdata/change_sets.py")
	cmd.Env = p.Env()
	if out, err := cmd.CombinedOutput(); err != nil {
		p.Kill()
		t.Fatalf("%v\n%s\n%s", err, out, p.Log)
	}
}

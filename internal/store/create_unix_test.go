//go:build unix

package store

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// openAndDie opens a store in another process that is killed at a named place.
func openAndDie(t *testing.T, path, place string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], path)
	cmd.Env = append(os.Environ(), "STORE_TEST_CHILD=open", "STORE_TEST_FAIL="+place+"=kill")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the process was not killed at %s: %v\n%s", place, err, out)
	}
}

func TestOpenBolt_killedWhileMakingTheFile(t *testing.T) {
	for _, place := range []string{"store.create", "store.created"} {
		t.Run(place, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data", "portolan.db")
			openAndDie(t, path, place)
			_, err := os.Stat(path)
			if made := err == nil; made != (place == "store.created") || !made && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("killed at %s: %v", place, err)
			}
			s, err := OpenBolt(path, BoltOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(put(s, "/a", "1"), s.Close()); err != nil {
				t.Fatal(err)
			}
			checkFile(t, path)
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*"+newSuffix)); left != nil {
				t.Errorf("%v is left over", left)
			}
		})
	}
}

func TestOpenBolt_killedWhileMigrating(t *testing.T) {
	for _, place := range []string{"store.migrate", "store.create", "store.created"} {
		t.Run(place, func(t *testing.T) {
			path := unpack(t, 1)
			want := rawFormat1(t, path)
			openAndDie(t, path, place)
			checkFile(t, path) // whichever it is, it is whole
			s, err := OpenBolt(path, BoltOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			checkAll(t, s, want)
		})
	}
}

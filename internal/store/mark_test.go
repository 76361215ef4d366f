package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestOpenBolt_pagesThatLeadAstray opens files of which bbolt would follow the pages without end, or write over them.
func TestOpenBolt_pagesThatLeadAstray(t *testing.T) {
	for name, alter := range map[string]func(image []byte, m *metaPage){
		"is used twice": func(image []byte, m *metaPage) {
			for id := 2; id < int(m.pages); id++ {
				if p := image[id*m.pageSize:]; native.Uint16(p[8:]) == branchPage {
					native.PutUint64(p[pageHeader+8:], uint64(id)) // its first child is itself
				}
			}
		},
		"is said to be free although it is used": saidToBeFree,
	} {
		t.Run(name, func(t *testing.T) {
			path := astray(t, alter)
			for range 2 { // a file that was refused is looked at again
				_, err := OpenBolt(path, BoltOptions{NoSync: true})
				var damage *DamageError
				if !errors.As(err, &damage) || !strings.Contains(damage.What, name) {
					t.Fatalf("the file was opened: %v", err)
				}
			}
		})
	}
}

func saidToBeFree(image []byte, m *metaPage) {
	native.PutUint64(image[int(m.freelist)*m.pageSize+pageHeader:], m.root)
}

// filled is an open store with entries on many pages.
func filled(t *testing.T) (path string, s *boltStore) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store.db")
	opened, err := OpenBolt(path, BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	sample(t, opened, 500)
	return path, opened.(*boltStore)
}

// altered is what is in a file, altered.
func altered(t *testing.T, path string, alter func(image []byte, m *metaPage)) (image []byte) {
	t.Helper()
	image = bytesOf(t, path)
	m, err := latestMeta(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	alter(image, m)
	return image
}

// astray makes a store that was closed, and alters its file in its place.
func astray(t *testing.T, alter func(image []byte, m *metaPage)) (path string) {
	t.Helper()
	path, s := filled(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	writeOver(t, path, altered(t, path, alter))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	later := info.ModTime().Add(time.Second) // the clock of a file system stands still for some milliseconds
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOpenBolt_readsNoPagesOfAFileThatIsAsItWasClosed: where the mark says so, damage is left to the check after the start.
func TestOpenBolt_readsNoPagesOfAFileThatIsAsItWasClosed(t *testing.T) {
	path := astray(t, saidToBeFree)
	mark := stateOf(t, path)
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), lockName), []byte(mark), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := OpenBolt(path, BoltOptions{NoSync: true})
	if known := mark != ""; (err == nil) != known {
		t.Fatalf("the mark is %q, and the open: %v", mark, err)
	}
	if err == nil {
		_ = s.Close()
	}
}

// TestClose_leavesTheMark: the next open finds the file as it was closed; a store that was not closed leaves no mark that fits.
func TestClose_leavesTheMark(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	for i := range 2 {
		s, err := OpenBolt(path, BoltOptions{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := put(s, "/a", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		if mark := s.(*boltStore).marked(); mark != "" && mark == stateOf(t, path) {
			t.Error("the mark fits a file that was written since")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if got, want := string(bytesOf(t, filepath.Join(filepath.Dir(path), lockName))), stateOf(t, path); got != want {
			t.Errorf("the mark is %q, want %q", got, want)
		}
	}
}

// stateOf is the mark that a file should have.
func stateOf(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := latestMeta(bytes.NewReader(bytesOf(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	return markOf(info, m.id)
}

// TestClose_leavesNoMarkOfDamage: what was written over an open file is looked at when it is opened again.
func TestClose_leavesNoMarkOfDamage(t *testing.T) {
	for name, c := range map[string]struct {
		later bool // commits come between the image and when it is written over the file
		look  func(s *boltStore)
	}{
		"a write": {true, func(s *boltStore) { _ = put(s, "/a", "x") }},
		"a read":  {true, func(s *boltStore) { _ = s.View(t.Context(), func(Reader) error { return nil }) }},
		"a check": {false, func(s *boltStore) { _, _ = s.Check(t.Context(), func(*DamageError) {}, nil) }},
	} {
		path, s := filled(t)
		image := altered(t, path, saidToBeFree)
		for i := range 4 {
			if !c.later {
				break
			}
			if err := put(s, "/a", fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		writeOver(t, path, image)
		c.look(s)
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := OpenBolt(path, BoltOptions{NoSync: true}); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: the file was opened: %v", name, err)
		}
	}
}

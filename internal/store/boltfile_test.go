package store

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// folders are the data folders that releases left behind, by the format of their file.
const folders = "testdata/folders"

// unpack puts the file of a format into a folder of its own.
func unpack(t testing.TB, format int) (path string) {
	t.Helper()
	in, err := os.Open(filepath.Join(folders, fmt.Sprintf("format-%d.db.gz", format)))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "portolan.db")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// rawFormat1 is what a file of format 1 holds, read without this package.
func rawFormat1(t testing.TB, path string) map[string]string {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out := map[string]string{}
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("portolan/1")).ForEach(func(k, v []byte) error {
			out[string(k)] = string(v)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOpenBolt_foldersOfEveryRelease(t *testing.T) {
	path := unpack(t, 1)
	want := rawFormat1(t, path)
	if len(want) < 200 {
		t.Fatalf("the folder holds %d entries: it is not the one it should be", len(want))
	}
	for range 2 { // the second time there is nothing to migrate
		s, err := OpenBolt(path, BoltOptions{})
		if err != nil {
			t.Fatal(err)
		}
		checkAll(t, s, want)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		checkFile(t, path)
	}
	checkFile(t, path+".format-1")
	if kept := rawFormat1(t, path+".format-1"); len(kept) != len(want) {
		t.Errorf("the old file is kept with %d entries, want %d", len(kept), len(want))
	}
}

// TestOpenBolt_folderOfThisFormat fails when the format goes up and no folder of the one before is kept.
func TestOpenBolt_folderOfThisFormat(t *testing.T) {
	for n := 1; n < format; n++ {
		if _, err := os.Stat(filepath.Join(folders, fmt.Sprintf("format-%d.db.gz", n))); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenBolt_refusesNewerFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portolan.db")
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket(formatBucket(format + 1)); return err })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path)
	_, err = OpenBolt(path, BoltOptions{})
	if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), fmt.Sprintf("format %d", format+1)) {
		t.Errorf("err = %v", err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the file was changed")
	}
}

func TestOpenBolt_emptyFileIsNoStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portolan.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenBolt(path, BoltOptions{}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "empty") {
		t.Errorf("err = %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 0 {
		t.Error("the empty file was touched")
	}
}

// TestOpenBolt_cutFile: of a file that was cut, wherever that was, is said that and not what bbolt made of it.
func TestOpenBolt_cutFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "portolan.db")
	s, err := OpenBolt(path, BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(tx Txn) error {
		for i := range 2000 {
			tx.Set(fmt.Sprintf("/key/%04d", i), bytes.Repeat([]byte("v"), 100))
		}
		return nil
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := latestMeta(f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	for size := int64(m.pages)*int64(m.pageSize) - 1; size > 64; size = size * 2 / 3 {
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		s, err := OpenBolt(path, BoltOptions{NoSync: true})
		if err == nil {
			t.Fatalf("cut to %d bytes it is opened: %v", size, s.Close())
		}
		text := fmt.Sprint(err)
		told := strings.Contains(text, fmt.Sprintf("the file was cut to %d bytes of ", size)) || size < 4096 && strings.Contains(text, "the file is not a store")
		if !errors.Is(err, ErrDamaged) || !told || strings.Contains(text, "panic") || strings.Contains(text, "nil pointer") {
			t.Errorf("cut to %d bytes: %v", size, err)
		}
	}
}

// TestOpenBolt_linkToNothing: where the data should be on a disk that is not there, no new store is made in its place.
func TestOpenBolt_linkToNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portolan.db")
	if err := os.Symlink(filepath.Join(t.TempDir(), "gone", "portolan.db"), path); err != nil {
		t.Skip(err) // a system without links
	}
	if s, err := OpenBolt(path, BoltOptions{NoSync: true}); err == nil {
		t.Error("a new store was made", s.Close())
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}
}

func TestOpenBolt_folderLocked(t *testing.T) {
	folder := t.TempDir()
	s, err := OpenBolt(filepath.Join(folder, "portolan.db"), BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	// The database is gone, the lock on the folder is not.
	if err := os.Remove(filepath.Join(folder, "portolan.db")); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenBolt(filepath.Join(folder, "portolan.db"), BoltOptions{NoSync: true}); !errors.Is(err, ErrInUse) {
		t.Errorf("err = %v, want ErrInUse", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenBolt(filepath.Join(folder, "portolan.db"), BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

// TestUpdate_fileLost takes the file away in three ways: no write is acknowledged from then on, what is there can be read,
// and writes go on when the same file is back.
func TestUpdate_fileLost(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, path string) error{
		"deleted": func(_ *testing.T, path string) error { return os.Rename(path, path+".away") },
		"replaced": func(_ *testing.T, path string) error {
			return errors.Join(os.Rename(path, path+".away"), os.WriteFile(path, []byte("another"), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "portolan.db")
			opened, err := OpenBolt(path, BoltOptions{NoSync: true})
			if err != nil {
				t.Fatal(err)
			}
			s := opened.(*boltStore)
			defer s.Close()
			if err := errors.Join(put(s, "/a", "1"), s.Health(t.Context())); err != nil {
				t.Fatal(err)
			}
			if err := lose(t, path); err != nil {
				t.Fatal(err)
			}
			if err := put(s, "/b", "1"); !errors.Is(err, ErrBroken) {
				t.Errorf("Update: %v", err)
			}
			if err := s.Health(t.Context()); !errors.Is(err, ErrBroken) {
				t.Errorf("Health: %v", err)
			}
			checkAll(t, s, map[string]string{"/a": "1"})
			if err := os.Rename(path+".away", path); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.Health(t.Context()), put(s, "/b", "1")); err != nil {
				t.Errorf("with the file back: %v", err)
			}
			checkAll(t, s, map[string]string{"/a": "1", "/b": "1"})
		})
	}
}

package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// backupTo writes a backup of a store into a file.
func backupTo(t testing.TB, s Store, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	var stated int64
	err = s.(Backuper).Backup(context.Background(), func(size int64) (io.Writer, error) { stated = size; return f, nil })
	info, _ := f.Stat()
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if info.Size() != stated {
		t.Errorf("the backup has %d bytes, %d were announced", info.Size(), stated)
	}
}

// TestBackup_isOneSnapshot takes backups while a writer moves a number between two keys: in each their sum is the same.
func TestBackup_isOneSnapshot(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenBolt(filepath.Join(dir, "data", "portolan.db"), BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := sample(t, s, 300)
	if err := put(s, "/left", strings.Repeat("x", 1000)); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	moved := make(chan struct{}, 1)
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			err := s.Update(context.Background(), func(tx Txn) error {
				tx.Set("/left", bytes.Repeat([]byte("x"), 1000-i%1000))
				tx.Set("/right", bytes.Repeat([]byte("x"), i%1000))
				return nil
			})
			if err != nil {
				t.Error(err)
				return
			}
			select {
			case moved <- struct{}{}:
			default:
			}
		}
	})
	for i := range 10 {
		<-moved
		copied := filepath.Join(dir, fmt.Sprint("backup", i))
		backupTo(t, s, copied)
		checkFile(t, copied)
		path := filepath.Join(dir, fmt.Sprint("restored", i), "portolan.db")
		if _, err := Restore(t.Context(), copied, path); err != nil {
			t.Fatal(err)
		}
		checkFile(t, path)
		restored, err := OpenBolt(path, BoltOptions{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		got := all(t, restored)
		if n := len(got["/left"]) + len(got["/right"]); n != 1000 || len(got) < len(want) {
			t.Errorf("backup %d: the halves are %d long and not 1000; %d keys", i, n, len(got))
		}
		restored.Close()
	}
	close(stop)
	wg.Wait()
}

func TestRestore_refuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "data", "portolan.db")
	s, err := OpenBolt(path, BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := put(s, "/a", "as written"); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "backup")
	backupTo(t, s, copied)
	if _, err := Restore(t.Context(), copied, path); !errors.Is(err, ErrInUse) {
		t.Errorf("into the folder of a running server: %v", err)
	}
	s.Close()
	if _, err := Restore(t.Context(), copied, path); err == nil {
		t.Error("what is there was written over")
	}
	text, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	altered, cut := filepath.Join(dir, "altered"), filepath.Join(dir, "cut")
	if err := errors.Join(
		os.WriteFile(altered, bytes.ReplaceAll(text, []byte("as written"), []byte("as altered")), 0o600),
		os.WriteFile(cut, text[:len(text)-5000], 0o600),
	); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{altered, cut} {
		if _, err := Restore(t.Context(), bad, filepath.Join(dir, "new", "portolan.db")); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "new", "portolan.db")); err == nil {
		t.Error("a refused backup left a file")
	}
}

func TestRestore_ofAnOlderFormat(t *testing.T) {
	old := unpack(t, 1)
	want := rawFormat1(t, old)
	path := filepath.Join(t.TempDir(), "portolan.db")
	if _, err := Restore(t.Context(), old, path); err != nil {
		t.Fatal(err)
	}
	s, err := OpenBolt(path, BoltOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	checkAll(t, s, want)
}

func TestCompact_givesBackSpace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portolan.db")
	s, err := OpenBolt(path, BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	sample(t, s, 2000)
	want := map[string]string{}
	err = s.Update(t.Context(), func(tx Txn) error {
		for k, v := range tx.Scan("", "") {
			if strings.HasSuffix(k, "7") {
				want[k] = string(v)
			} else {
				tx.Delete(k)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Compact(t.Context(), path); !errors.Is(err, ErrInUse) {
		t.Errorf("an open store: %v", err)
	}
	s.Close()
	before, after, err := Compact(t.Context(), path)
	if err != nil || after > before/2 {
		t.Fatalf("%d bytes became %d, %v", before, after, err)
	}
	checkFile(t, path)
	if s, err = OpenBolt(path, BoltOptions{}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	checkAll(t, s, want)
}

// TestBackup_openedAsItIs: both pages at the start of a backup are of its only commit, wherever that commit was.
func TestBackup_openedAsItIs(t *testing.T) {
	s, err := OpenBolt(filepath.Join(t.TempDir(), "store.db"), BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, value := range []string{"1", "2"} {
		if err := put(s, "/a", value); err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := s.(Backuper).Backup(t.Context(), func(int64) (io.Writer, error) { return &file, nil }); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "store.db")
		if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		copied, err := OpenBolt(path, BoltOptions{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, next := range []string{value, "3", "4", "5"} {
			err := copied.View(t.Context(), func(r Reader) error {
				if got, _ := r.Get("/a"); string(got) != value {
					t.Errorf("%q, want %q", got, value)
				}
				return nil
			})
			if err := errors.Join(err, copied.(HealthChecker).Health(t.Context()), put(copied, "/a", next)); err != nil {
				t.Error(err)
			}
			value = next
		}
		if err := copied.Close(); err != nil {
			t.Error(err)
		}
	}
}

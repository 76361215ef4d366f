package store

// Tests that need to get at the file behind the store.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"
)

// disk is a store's file whose writes can be made to fail, and to work again.
type disk struct {
	file, spare *os.File
}

func openOnDisk(t *testing.T, opts BoltOptions) (*boltStore, *disk) {
	t.Helper()
	d := &disk{}
	opts.openFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		f, err := os.OpenFile(name, flag, mode)
		if err != nil {
			return nil, err
		}
		fd, err := syscall.Dup(int(f.Fd()))
		if err != nil {
			return nil, err
		}
		d.file, d.spare = f, os.NewFile(uintptr(fd), name)
		return f, nil
	}
	s, err := OpenBolt(filepath.Join(t.TempDir(), "store.db"), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); d.spare.Close() })
	s.(*boltStore).file = d.spare // what is not bbolt's own reading and writing is about the file itself
	return s.(*boltStore), d
}

// become makes every write go to another file from now on.
func (d *disk) become(t *testing.T, name string) {
	t.Helper()
	other, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := syscall.Dup3(int(other.Fd()), int(d.file.Fd()), syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
}

func (d *disk) heal(t *testing.T) {
	t.Helper()
	if err := syscall.Dup3(int(d.spare.Fd()), int(d.file.Fd()), syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
}

func TestUpdate_diskFullThenFree(t *testing.T) {
	s, disk := openOnDisk(t, BoltOptions{})
	want := map[string]string{"/before": "1"}
	if err := put(s, "/before", "1"); err != nil {
		t.Fatal(err)
	}
	watch, err := s.Watch(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}

	disk.become(t, "/dev/full")
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			err := s.Update(context.Background(), func(tx Txn) error {
				tx.Set(fmt.Sprint("/lost/", i), []byte("1"))
				if i%4 == 0 {
					return errors.New("its own error") // but it may have seen what the others wrote
				}
				return nil
			})
			if err == nil {
				t.Error("an update succeeded on a full disk")
			}
			if i%4 != 0 && !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("err = %v, want the disk's", err)
			}
		})
	}
	wg.Wait()
	checkAll(t, s, want)

	disk.heal(t)
	if err := put(s, "/after", "1"); err != nil {
		t.Fatalf("after the disk had room again: %v", err)
	}
	want["/after"] = "1"
	checkAll(t, s, want)
	if c := <-watch; len(c.Changes) != 1 || c.Changes[0].Key != "/after" || c.Revision != 2 {
		t.Errorf("the watcher saw %v, want revision 2 with /after alone", c)
	}

	path := s.db.Path()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	checkFile(t, path)
	again, err := OpenBolt(path, BoltOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	checkAll(t, again, want)
}

func TestUpdate_diskFullAtEveryMoment(t *testing.T) {
	// A file that may not grow fails commits at different points, depending on how many pages they free and need.
	s, _ := openOnDisk(t, BoltOptions{NoSync: true, MaxSize: 18 << 20})
	want := map[string]string{}
	failed := 0
	for i := range 300 {
		key := fmt.Sprintf("/k/%d", i%40)
		value := string(bytes.Repeat([]byte{'a' + byte(i%26)}, (i*7919)%(1<<20)))
		err := s.Update(t.Context(), func(tx Txn) error {
			tx.Set(key, []byte(value))
			tx.Delete(fmt.Sprintf("/k/%d", (i+13)%40))
			return nil
		})
		if err != nil {
			if failed++; !errors.Is(err, ErrBroken) {
				t.Errorf("a full disk: %v, want ErrBroken", err)
			}
		} else {
			want[key] = value
			delete(want, fmt.Sprintf("/k/%d", (i+13)%40))
		}
		if i%20 == 0 {
			checkAll(t, s, want)
		}
	}
	checkAll(t, s, want)
	if failed < 10 || failed > 290 {
		t.Errorf("%d of 300 updates failed: the test does not test what it should", failed)
	}
	path := s.db.Path()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	checkFile(t, path)
}

func TestUpdate_unknownWhetherDurable(t *testing.T) {
	s, _ := openOnDisk(t, BoltOptions{})
	if err := put(s, "/a", "1"); err != nil {
		t.Fatal(err)
	}
	watch, err := s.Watch(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	// What a failing last sync leaves behind: an error although readers see the commit.
	lost := errors.New("sync failed")
	s.commit = func(tx *bbolt.Tx) error { return errors.Join(tx.Commit(), lost) }
	if err := put(s, "/b", "1"); !errors.Is(err, lost) {
		t.Errorf("err = %v", err)
	}
	s.commit = (*bbolt.Tx).Commit
	if c := <-watch; c.Changes[0].Key != "/b" {
		t.Errorf("the watcher saw %v", c)
	}
	s.settle = func(*os.File) error { return lost }
	for range 2 {
		if err := put(s, "/c", "1"); !errors.Is(err, ErrBroken) || !errors.Is(err, lost) {
			t.Errorf("the next update: %v, want ErrBroken with its cause", err)
		}
		if err := s.Health(t.Context()); !errors.Is(err, lost) {
			t.Errorf("health: %v", err)
		}
	}
	checkAll(t, s, map[string]string{"/a": "1", "/b": "1"})
	s.settle = settle
	if err := s.Health(t.Context()); err != nil {
		t.Errorf("health with a disk that works again: %v", err)
	}
	if err := put(s, "/c", "1"); err != nil {
		t.Error(err)
	}
	checkAll(t, s, map[string]string{"/a": "1", "/b": "1", "/c": "1"})
}

func TestUpdate_panicInCommit(t *testing.T) {
	s, _ := openOnDisk(t, BoltOptions{})
	s.commit = func(tx *bbolt.Tx) error { panic("page 7 already freed") }
	var p *PanicError
	if err := put(s, "/a", "1"); !errors.As(err, &p) {
		t.Errorf("err = %v, want a PanicError", err)
	}
	s.commit = (*bbolt.Tx).Commit
	if err := put(s, "/b", "1"); !errors.Is(err, ErrBroken) {
		t.Errorf("the next update: %v, want ErrBroken", err)
	}
	checkAll(t, s, map[string]string{})
	if err := s.Close(); err != nil { // and does not hang
		t.Error(err)
	}
}

// TestView_fileCutOff: reading mapped memory with no file behind it is a signal, which must not end the process.
func TestView_fileCutOff(t *testing.T) {
	s, disk := openOnDisk(t, BoltOptions{NoSync: true})
	err := s.Update(t.Context(), func(tx Txn) error {
		for i := range 1000 {
			tx.Set(fmt.Sprintf("/k/%04d", i), bytes.Repeat([]byte("v"), 300))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := disk.file.Truncate(4 * 4096); err != nil {
		t.Fatal(err)
	}
	var p *PanicError
	err = s.View(t.Context(), func(r Reader) error {
		for range r.Scan("", "") {
		}
		return nil
	})
	if !errors.As(err, &p) {
		t.Errorf("View: %v, want a PanicError", err)
	}
	if err := put(s, "/k/0500", "1"); !errors.As(err, &p) {
		t.Errorf("Update: %v, want a PanicError", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenBolt_inUse(t *testing.T) {
	s, _ := openOnDisk(t, BoltOptions{})
	if _, err := OpenBolt(s.db.Path(), BoltOptions{}); !errors.Is(err, ErrInUse) {
		t.Errorf("err = %v, want ErrInUse", err)
	}
	path := s.db.Path()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenBolt(path, BoltOptions{})
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	again.Close()
}

func TestOpenBolt_notAStore(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other.db")
	db, err := bbolt.Open(other, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "text")
	short := filepath.Join(dir, "short")
	for name, content := range map[string][]byte{text: bytes.Repeat([]byte("not a store\n"), 5000), short: []byte("x")} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{other, text, short, dir, filepath.Join(text, "below-a-file"), "/dev/full"} {
		s, err := OpenBolt(path, BoltOptions{})
		if err == nil {
			s.Close()
			t.Errorf("%s was opened", path)
			continue
		}
		t.Log(err) // to be read by people: go test -v
	}
	if _, err := OpenBolt(other, BoltOptions{}); errors.Is(err, ErrInUse) {
		t.Error("a refused file stays locked")
	}
}

func TestOpenBolt_folderNotWritable(t *testing.T) {
	path := "/proc/self/store.db" // not even root may create this
	if os.Geteuid() != 0 {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(dir, "store.db")
	}
	s, err := OpenBolt(path, BoltOptions{})
	if err == nil {
		s.Close()
		t.Fatal("opened")
	}
	var pathErr *os.PathError
	if !errors.As(err, &pathErr) {
		t.Errorf("err = %v, want one that names the path and the cause", err)
	}
}

func TestOpenBolt_revisionContinues(t *testing.T) {
	s, _ := openOnDisk(t, BoltOptions{})
	for i := range 5 {
		if err := put(s, "/n", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	path := s.db.Path()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenBolt(path, BoltOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	watch, err := again.Watch(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := put(again, "/n", "5"); err != nil {
		t.Fatal(err)
	}
	if c := <-watch; c.Revision != 6 {
		t.Errorf("revision %d, want 6", c.Revision)
	}
}

package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// sample fills a store with keys of two tables and values of all sizes, and frees some pages.
func sample(t testing.TB, s Store, rows int) map[string]string {
	t.Helper()
	want := map[string]string{}
	for from := 0; from < rows; from += 100 {
		err := s.Update(context.Background(), func(tx Txn) error {
			for i := from; i < min(from+100, rows); i++ {
				key, value := fmt.Sprintf("/acct/111122223333/row/%05d", i), strings.Repeat("v", i*131%700)
				if i%97 == 0 {
					value = strings.Repeat("big", 3000)
				}
				tx.Set(key, []byte(value))
				tx.Set(fmt.Sprintf("/acct/111122223333/row.index/%05d", i), []byte(key))
				want[key], want[fmt.Sprintf("/acct/111122223333/row.index/%05d", i)] = value, key
				if old := fmt.Sprintf("/acct/111122223333/row/%05d", i-150); i%3 == 0 && i >= 150 {
					tx.Delete(old)
					delete(want, old)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return want
}

// served is what came out of a damaged file.
type served struct {
	wrong   string // something that was never written, "" for nothing
	missing bool   // something that was written, without an error
	failed  bool   // an error was returned
}

// serve reads everything that is in a file in every way there is.
func serve(path string, want map[string]string) (out served) {
	s, err := OpenBolt(path, BoltOptions{NoSync: true})
	if err != nil {
		return served{failed: true}
	}
	defer s.Close()
	for key, value := range want {
		var got []byte
		var ok bool
		err := s.View(context.Background(), func(r Reader) error {
			v, found := r.Get(key)
			got, ok = bytes.Clone(v), found
			return nil
		})
		switch {
		case err != nil:
			out.failed = true
		case !ok:
			out.missing = true
		case string(got) != value:
			out.wrong = "Get of " + key
		}
	}
	for _, prefix := range []string{"", "/acct/111122223333/row/", "/acct/111122223333/row.index/", "/nothing/"} {
		got := map[string]string{}
		err := s.View(context.Background(), func(r Reader) error {
			for k, v := range r.Scan(prefix, "") {
				got[k] = string(v)
			}
			return nil
		})
		if err != nil {
			out.failed = true
			continue
		}
		for k, v := range got {
			if want[k] != v {
				out.wrong = "Scan has " + k
			}
		}
		for k := range want {
			if _, ok := got[k]; !ok && strings.HasPrefix(k, prefix) {
				out.missing = true
			}
		}
	}
	return out
}

// TestBolt_damageIsNeverServed flips single bits of a file: what is read then is right, or an error. What a flip hides
// without a trace in what is read, the check of the whole file finds.
func TestBolt_damageIsNeverServed(t *testing.T) {
	flips := 400
	if testing.Short() {
		flips = 100
	}
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := OpenBolt(path, BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	want := sample(t, s, 600)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	checkDamage(t, path, 0)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := latestMeta(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	used := int(m.pages) * m.pageSize
	random := rand.New(rand.NewPCG(1, 2))
	var right, failed, onlyCheck int
	for range flips {
		bit := random.IntN(used * 8)
		hurt := bytes.Clone(whole[:used])
		hurt[bit/8] ^= 1 << (bit % 8)
		broken := filepath.Join(t.TempDir(), "store.db")
		if err := os.WriteFile(broken, hurt, 0o600); err != nil {
			t.Fatal(err)
		}
		out := serve(broken, want)
		found := 0
		_, err := CheckFile(t.Context(), broken, func(*DamageError) { found++ })
		switch {
		case out.wrong != "":
			t.Fatalf("bit %d of byte %d: wrong without an error: %s", bit%8, bit/8, out.wrong)
		case out.failed:
			failed++
		case out.missing && (found > 0 || err != nil):
			onlyCheck++
		case out.missing:
			t.Fatalf("bit %d of byte %d: something is missing and the check finds nothing", bit%8, bit/8)
		default:
			right++
		}
	}
	t.Logf("%d flips: %d made an error, %d were found by the check only, %d hit what is not used", flips, failed, onlyCheck, right)
	if failed == 0 || right == 0 {
		t.Error("the flips do not hit what they should")
	}
}

// checkDamage expects so many findings of a check.
func checkDamage(t testing.TB, path string, want int) {
	t.Helper()
	var found []string
	checked, err := CheckFile(t.Context(), path, func(d *DamageError) { found = append(found, d.Error()) })
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != want {
		t.Errorf("%+v: %d findings, want %d:\n%s", checked, len(found), want, strings.Join(found, "\n"))
	}
}

func TestBolt_damagedValueNamesItsKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := OpenBolt(path, BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(put(s, "/a", "first value"), put(s, "/b", "second value"), s.Close()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte("second value"), []byte("sEcond value")), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = OpenBolt(path, BoltOptions{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	read := func(r Reader) error { r.Get("/b"); return nil }
	var d *DamageError
	if err := s.View(t.Context(), read); !errors.As(err, &d) || d.Key != "/b" || !errors.Is(err, ErrDamaged) {
		t.Errorf("View: %v", err)
	}
	if err := put(s, "/b", "new"); !errors.As(err, &d) || d.Key != "/b" {
		t.Errorf("Update: %v", err)
	}
	if err := errors.Join(put(s, "/c", "1"), put(s, "/0", "1"), put(s, "/a", "2")); err != nil {
		t.Errorf("a write beside it: %v", err)
	}
	found := 0
	if _, err := s.(Checker).Check(t.Context(), func(d *DamageError) {
		if found++; d.Key != "/b" {
			t.Error(d)
		}
	}, nil); err != nil || found != 1 {
		t.Errorf("%d findings, %v", found, err)
	}
}

// TestBolt_fileWrittenOver puts other bytes into the file of an open store, where bbolt would panic or take them for its own:
// everything fails until they are what they were, and nothing waits for a lock that nobody gives back.
func TestBolt_fileWrittenOver(t *testing.T) {
	for name, alter := range map[string]func(now, before []byte) []byte{
		"pages of zeros at the start": func(now, _ []byte) []byte {
			return append(make([]byte, 2*os.Getpagesize()), now[2*os.Getpagesize():]...)
		},
		"a file of zeros":              func(now, _ []byte) []byte { return make([]byte, len(now)) },
		"an older state of the file":   func(_, before []byte) []byte { return before },
		"the page of the last commit":  func(now, before []byte) []byte { return lastCommitLost(t, now) },
		"what is no file of the store": func(now, _ []byte) []byte { return bytes.Repeat([]byte("text"), len(now)/4) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			s, err := OpenBolt(path, BoltOptions{NoSync: true})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			read := func() error {
				return s.View(t.Context(), func(r Reader) error { r.Get("/a"); return nil })
			}
			before := bytesOf(t, path)
			if err := errors.Join(put(s, "/a", "1"), put(s, "/a", "2"), put(s, "/a", "3")); err != nil {
				t.Fatal(err)
			}
			now := bytesOf(t, path)
			writeOver(t, path, alter(bytes.Clone(now), before))
			if err := read(); !errors.Is(err, ErrDamaged) {
				t.Errorf("View: %v", err)
			}
			if err := put(s, "/a", "4"); !errors.Is(err, ErrDamaged) {
				t.Errorf("Update: %v", err)
			}
			if err := s.(HealthChecker).Health(t.Context()); !errors.Is(err, ErrBroken) || !errors.Is(err, ErrDamaged) {
				t.Errorf("Health: %v", err)
			}
			writeOver(t, path, now)
			if err := errors.Join(s.(HealthChecker).Health(t.Context()), put(s, "/a", "5"), read()); err != nil {
				t.Errorf("with its own bytes again: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			checkDamage(t, path, 0)
		})
	}
}

// lastCommitLost is a file with the page damaged that its latest commit ended with.
func lastCommitLost(t *testing.T, file []byte) []byte {
	t.Helper()
	m, err := latestMeta(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	file[m.at+pageHeader+16] ^= 1
	return file
}

func bytesOf(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// writeOver writes into a file as it is.
func writeOver(t *testing.T, path string, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt(b, 0)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestBolt_panicInsideBegin: where bbolt panics although its pages were looked at, it keeps its locks, and nobody waits for them.
func TestBolt_panicInsideBegin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := OpenBolt(path, BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := put(s, "/a", "1"); err != nil {
		t.Fatal(err)
	}
	now := bytesOf(t, path)
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(copied, now, 0o600); err != nil {
		t.Fatal(err)
	}
	real := s.(*boltStore).file
	if s.(*boltStore).file, err = os.Open(copied); err != nil { // the look sees this, bbolt the file
		t.Fatal(err)
	}
	defer real.Close()
	writeOver(t, path, make([]byte, len(now)))
	for range 2 {
		if err := s.View(t.Context(), func(Reader) error { return nil }); err == nil {
			t.Error("View succeeded")
		}
		if err := put(s, "/a", "2"); err == nil {
			t.Error("Update succeeded")
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestCheckFile_onePageAtTheStart: a store opens with one of the two pages that commits end with, and the check tells that a
// commit may be missing, also after the next one.
func TestCheckFile_onePageAtTheStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := OpenBolt(path, BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(put(s, "/a", "1"), put(s, "/b", "1"), s.Close()); err != nil {
		t.Fatal(err)
	}
	writeOver(t, path, lastCommitLost(t, bytesOf(t, path)))
	checkDamage(t, path, 1)
	if s, err = OpenBolt(path, BoltOptions{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	if err := put(s, "/c", "1"); err != nil {
		t.Fatal(err)
	}
	found := 0
	if _, err := s.(Checker).Check(t.Context(), func(*DamageError) { found++ }, nil); err != nil || found != 1 {
		t.Errorf("%d findings, %v", found, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	checkDamage(t, path, 0)
}

// TestCheckFile_entryTakenForABucket: bbolt has no value for an entry that is marked as a bucket.
func TestCheckFile_entryTakenForABucket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := OpenBolt(path, BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(put(s, "/a", strings.Repeat("v", 3000)), s.Close()); err != nil {
		t.Fatal(err)
	}
	file := bytesOf(t, path)
	page := bytes.Index(file, []byte("/avvv")) / os.Getpagesize() * os.Getpagesize()
	file[page+pageHeader] ^= 1 // flags of the page's only element
	writeOver(t, path, file)
	checkDamage(t, path, 1)
}

// TestBolt_diskThatCannotBeRead: a disk that fails is no damage, and what is in memory is read.
func TestBolt_diskThatCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := OpenBolt(path, BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := put(s, "/a", "1"); err != nil {
		t.Fatal(err)
	}
	own := s.(*boltStore).file
	defer func() { s.(*boltStore).file = own }()
	if s.(*boltStore).file, err = os.Open(t.TempDir()); err != nil { // every read of it fails
		t.Fatal(err)
	}
	defer s.(*boltStore).file.Close()
	if err := s.View(t.Context(), func(r Reader) error { r.Get("/a"); return nil }); err != nil {
		t.Error(err)
	}
	if _, err := CheckFile(t.Context(), t.TempDir(), func(d *DamageError) { t.Error(d) }); err == nil {
		t.Error("what cannot be read was checked")
	}
}

// TestUpdate_nobodyKnowsWhetherItIsThere: a commit fails, and the file cannot be asked whether it has it. No write follows one that may be there.
func TestUpdate_nobodyKnowsWhetherItIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	opened, err := OpenBolt(path, BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	s := opened.(*boltStore)
	zeros, err := os.Create(filepath.Join(t.TempDir(), "zeros"))
	if err != nil {
		t.Fatal(err)
	}
	defer zeros.Close()
	if err := zeros.Truncate(1 << 20); err != nil {
		t.Fatal(err)
	}
	real := s.file
	s.commit = func(tx *bbolt.Tx) error {
		err := tx.Commit()
		s.file = zeros
		return errors.Join(err, errors.New("input/output error"))
	}
	if err := put(s, "/a", "1"); !errors.Is(err, ErrBroken) {
		t.Errorf("the first write: %v", err)
	}
	s.file, s.commit = real, (*bbolt.Tx).Commit
	if err := put(s, "/b", "1"); !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "until it is opened again") {
		t.Errorf("the second write: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if opened, err = OpenBolt(path, BoltOptions{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	if err := put(opened, "/b", "1"); err != nil {
		t.Error(err)
	}
	checkAll(t, opened, map[string]string{"/a": "1", "/b": "1"})
	if err := opened.Close(); err != nil {
		t.Error(err)
	}
	checkDamage(t, path, 0)
}

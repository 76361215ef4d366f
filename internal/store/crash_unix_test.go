//go:build unix

package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"portolan/internal/failpoint"
	"portolan/internal/leaktest"
	"portolan/internal/store"
)

// children are what the tests of this file run the test binary once more for.
var children = map[string]func(path string) error{
	"write-until-killed": writeUntilKilled,
	"outgrow-limit":      outgrowLimit,
	"open":               openFailing,
}

// openFailing opens a store with the failures that a variable names.
func openFailing(path string) error {
	fail, err := failpoint.Parse(os.Getenv("STORE_TEST_FAIL"))
	if err != nil {
		return err
	}
	s, err := store.OpenBolt(path, store.BoltOptions{Fail: fail})
	if err != nil {
		return err
	}
	return s.Close()
}

const childEnv = "STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if run, ok := children[os.Getenv(childEnv)]; ok {
		if err := run(os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	leaktest.Main(m) // a closed store leaves nothing running
}

func child(name, path string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], path)
	cmd.Env = append(os.Environ(), childEnv+"="+name)
	cmd.Stderr = os.Stderr
	return cmd
}

const (
	crashWriters = 4
	crashWindow  = 40 // rows each writer leaves behind it
)

func crashRow(table, writer, n int) string { return fmt.Sprintf("/row/%d/%d/%06d", table, writer, n) }
func crashCounter(writer int) string       { return fmt.Sprintf("/counter/%d", writer) }

// writeUntilKilled lets each writer count upwards. Its n-th transaction adds two rows, removes the two that fall out of
// the window, and sets the counter; once answered, the writer says so on stdout.
func writeUntilKilled(path string) error {
	s, err := store.OpenBolt(path, store.BoltOptions{})
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for w := range crashWriters {
		wg.Go(func() {
			for {
				var n int
				err := s.Update(context.Background(), func(tx store.Txn) error {
					n = readInt(tx, crashCounter(w)) + 1
					for table := range 2 {
						value := strings.Repeat("v", (n*131+table*7)%3000) // pages of all kinds
						tx.Set(crashRow(table, w, n), []byte(value))
						tx.Delete(crashRow(table, w, n-crashWindow))
					}
					tx.Set(crashCounter(w), fmt.Append(nil, n))
					return nil
				})
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				os.Stdout.WriteString(fmt.Sprintf("%d %d\n", w, n))
			}
		})
	}
	wg.Wait()
	return nil
}

func readInt(r store.Reader, key string) (n int) {
	if raw, ok := r.Get(key); ok {
		if _, err := fmt.Sscan(string(raw), &n); err != nil {
			panic(err)
		}
	}
	return n
}

func TestBolt_killedAtAnyMoment(t *testing.T) {
	random, _ := store.CutSeed(t)
	path := filepath.Join(t.TempDir(), "store.db")
	for round := range 20 {
		answered := runAndKill(t, path, random.IntN(400))

		s, err := store.OpenBolt(path, store.BoltOptions{NoSync: true})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		want := map[string]bool{}
		err = s.View(t.Context(), func(r store.Reader) error {
			for w := range crashWriters {
				n := readInt(r, crashCounter(w))
				if n < answered[w] {
					t.Errorf("round %d: writer %d was answered %d, the store has %d", round, w, answered[w], n)
				}
				if n > 0 {
					want[crashCounter(w)] = true
				}
				for i := max(1, n-crashWindow+1); i <= n; i++ {
					want[crashRow(0, w, i)], want[crashRow(1, w, i)] = true, true
				}
			}
			for k := range r.Scan("", "") {
				if !want[k] {
					t.Errorf("round %d: %s is there, half of its transaction is not", round, k)
				}
				delete(want, k)
			}
			return nil
		})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for k := range want {
			t.Errorf("round %d: %s is missing", round, k)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			return
		}
	}
}

// runAndKill kills the child after it has answered so many updates, and returns the last answer of each writer.
func runAndKill(t *testing.T, path string, after int) (answered [crashWriters]int) {
	cmd := child("write-until-killed", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; ; n++ {
		if n == after {
			cmd.Process.Kill() // what it wrote before is still in the pipe
		}
		if !lines.Scan() {
			break
		}
		var w, i int
		if _, err := fmt.Sscan(lines.Text(), &w, &i); err != nil {
			t.Fatalf("child wrote %q: %v", lines.Text(), err)
		}
		answered[w] = i
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("child ended with %v, want killed", err)
	}
	return answered
}

// outgrowLimit writes until the operating system lets the file grow no more, which must fail an update but nothing
// else, then goes on with the limit lifted.
func outgrowLimit(path string) error {
	signal.Ignore(syscall.SIGXFSZ) // the limit's way to say it besides the error
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 20 << 20, Max: old.Max}); err != nil {
		return err
	}
	s, err := store.OpenBolt(path, store.BoltOptions{NoSync: true})
	if err != nil {
		return err
	}
	value := []byte(strings.Repeat("v", 100<<10))
	put := func(n int) error {
		return s.Update(context.Background(), func(tx store.Txn) error {
			tx.Set(fmt.Sprintf("/big/%04d", n), value)
			return nil
		})
	}
	n := 0
	for ; err == nil && n < 1000; n++ {
		err = put(n)
	}
	if err == nil || !strings.Contains(err.Error(), syscall.EFBIG.Error()) {
		return fmt.Errorf("after %d rows: %v, want %v", n, err, syscall.EFBIG)
	}
	for range 3 { // it stays an error, and a small one that needs no new page may pass
		if err := put(n - 1); err == nil {
			return errors.New("a row was stored beyond the limit")
		}
	}
	err = s.Update(context.Background(), func(tx store.Txn) error { tx.Delete("/big/0000"); return nil })
	if err != nil {
		return fmt.Errorf("delete, which frees space: %w", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	if err := put(n - 1); err != nil {
		return fmt.Errorf("with the limit lifted: %w", err)
	}
	fmt.Println(n)
	return s.Close()
}

func TestBolt_fileSizeLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	out, err := child("outgrow-limit", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var rows int
	if _, err := fmt.Sscan(string(out), &rows); err != nil || rows < 10 {
		t.Fatalf("child wrote %q", out)
	}
	s, err := store.OpenBolt(path, store.BoltOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.View(t.Context(), func(r store.Reader) error {
		n := 1
		for k, v := range r.Scan("", "") {
			if k != fmt.Sprintf("/big/%04d", n) || len(v) != 100<<10 {
				t.Errorf("row %d is %s with %d bytes", n, k, len(v))
			}
			n++
		}
		if n != rows {
			t.Errorf("rows up to %d, want %d", n, rows)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

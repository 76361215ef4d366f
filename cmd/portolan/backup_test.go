package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portolan/internal/store"
)

// TestWriteWhole_interrupted: what was interrupted leaves no part of a file behind.
func TestWriteWhole_interrupted(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	err := writeWhole(ctx, filepath.Join(dir, "copy.db"), func(w io.Writer) error {
		if _, err := w.Write([]byte("one half")); err != nil {
			t.Error(err)
		}
		cancel()
		_, err := w.Write([]byte("the other"))
		return err
	})
	if left, readErr := os.ReadDir(dir); !errors.Is(err, context.Canceled) || readErr != nil || len(left) != 0 {
		t.Errorf("%v, and there are %v, %v", err, left, readErr)
	}
}

// TestMakeBackup_interrupted: a backup that was whole when the interrupt came is kept, and is not called one that is not there.
func TestMakeBackup_interrupted(t *testing.T) {
	source := filepath.Join(t.TempDir(), dataFile)
	st, err := store.OpenBolt(source, store.BoltOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	for want, half := range map[string]int{"is whole, and was not checked": len(text), "there is no backup": len(text) / 2} {
		ctx, cancel := context.WithCancel(t.Context())
		path := filepath.Join(t.TempDir(), "copy.db")
		_, err = makeBackup(ctx, path, func(w io.Writer) error {
			if _, err := w.Write(text[:half]); err != nil {
				t.Error(err)
			}
			cancel()
			if half == len(text) {
				return nil
			}
			_, err := w.Write(text[half:])
			return err
		})
		if err == nil || exitCode(err) != exitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if _, err := os.Stat(path); (err == nil) != (half == len(text)) {
			t.Errorf("%s: the file: %v", want, err)
		}
	}
}

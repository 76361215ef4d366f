package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
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

package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"portolan/internal/node"
	"portolan/internal/snapshot"
)

// readBeginning reads the network that an empty server begins with; nil for none.
func readBeginning(file string) (*snapshot.Snapshot, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("--snapshot: %w", pathError(file, err))
	}
	defer func() { _ = f.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(f, snapshot.MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("--snapshot: %w", pathError(file, err))
	}
	s, err := snapshot.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("--snapshot %s: %w", file, err)
	}
	return s, nil
}

// begin makes the network of a file on an empty server, and tells which ids its names have become.
func begin(ctx context.Context, file string, s *snapshot.Snapshot, svc *node.Node, w io.Writer) error {
	if s == nil {
		return nil
	}
	done, err := svc.ImportSnapshot(ctx, s)
	if err != nil {
		return fmt.Errorf("--snapshot %s: %w", file, err)
	}
	word := "made from"
	if done.Before {
		word = "was made from"
	}
	fmt.Fprintf(w, "%s of account %s %s %s\n", done.CoreNetworkID, done.Account, word, file)
	for _, name := range slices.Sorted(maps.Keys(done.IDs)) {
		fmt.Fprintf(w, "  %s is %s\n", name, done.IDs[name])
	}
	return nil
}

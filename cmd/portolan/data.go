package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"portolan/internal/failpoint"
	"portolan/internal/state"
	"portolan/internal/store"
)

// dataFile is the database in the data folder.
const dataFile = "portolan.db"

// failpointsVariable makes named places fail, for tests of the whole program.
const failpointsVariable = "PORTOLAN_FAILPOINTS"

// openStore opens the store of a server. fail is called when the store ends by itself.
type openStore func(ctx context.Context, log *slog.Logger, fail func(error)) (store.Store, error)

// chooseStore reads the flags of the store, and what they name.
func (o *serveOptions) chooseStore() (openStore, error) {
	if err := o.store.check(); err != nil {
		return nil, err
	}
	switch {
	case o.store.member.name != "" && (o.ephemeral || o.store.address != ""):
		return nil, errors.New("--cluster excludes --ephemeral and --store")
	case o.ephemeral && o.store.address != "":
		return nil, errors.New("--ephemeral and --store exclude each other")
	case o.ephemeral:
		return func(context.Context, *slog.Logger, func(error)) (store.Store, error) { return store.OpenMemory(), nil }, nil
	case o.store.address != "":
		opts, err := o.store.options()
		return func(ctx context.Context, log *slog.Logger, _ func(error)) (store.Store, error) {
			log.Info("waiting for the cluster that holds the data", "store", o.store.address)
			return o.store.openAs(ctx, opts, o.listen.address)
		}, err
	case o.store.member.name != "":
		opts, err := o.store.member.options(o.data)
		return func(ctx context.Context, log *slog.Logger, fail func(error)) (store.Store, error) {
			opts.Log = log
			return o.store.openMember(ctx, opts, o.data, o.listen.address, fail)
		}, err
	}
	return func(context.Context, *slog.Logger, func(error)) (store.Store, error) { return openFolder(o.data) }, nil
}

// openFolder opens the store in a data folder, which is made when it is not there.
func openFolder(data string) (store.Store, error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be made: %w", data, errors.Unwrap(err))
	}
	fail, err := failpoints()
	if err != nil {
		return nil, err
	}
	st, err := store.OpenBolt(filepath.Join(data, dataFile), store.BoltOptions{Fail: fail})
	if err != nil {
		return nil, dataError(data, err)
	}
	return st, nil
}

// holdsData refuses a folder without data: to lock one makes a file in it.
func holdsData(folder string) error {
	if _, err := os.Stat(filepath.Join(folder, dataFile)); err != nil {
		return usage(fmt.Errorf("the data folder %s has no data: %w", folder, pathError(dataFile, err)))
	}
	return nil
}

// failpoints are the places that are to fail. Each part of the server has its own: it knows its places alone.
func failpoints() (*failpoint.Points, error) {
	fail, err := failpoint.Parse(os.Getenv(failpointsVariable))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", failpointsVariable, err)
	}
	return fail, nil
}

// dataError says why a data folder cannot be used, and what to do.
func dataError(folder string, err error) error {
	switch {
	case errors.Is(err, store.ErrInUse):
		return fmt.Errorf("the data folder %s is in use by another process", folder)
	case errors.Is(err, store.ErrDamaged):
		return fmt.Errorf("the data folder %s cannot be opened: %w; \"portolan check %s\" lists the damage, \"portolan restore\" puts a backup in its place", folder, err, folder)
	case errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EROFS):
		return fmt.Errorf("the data folder %s is not writable", folder)
	}
	return fmt.Errorf("the data folder %s cannot be opened: %w", folder, err)
}

// startError is dataError for what is read of the data after it was opened: damage alone is about the folder.
func startError(folder string, err error) error {
	if errors.Is(err, store.ErrDamaged) {
		return dataError(folder, err)
	}
	return err
}

// dataWatch is the check of the stored data that runs beside a server that has just started.
type dataWatch struct {
	found   atomic.Int64
	running sync.WaitGroup
}

func (d *dataWatch) damage() float64 { return float64(d.found.Load()) }

func (d *dataWatch) wait() { d.running.Wait() }

// watchData begins the check, which ends with ctx.
func watchData(ctx context.Context, st store.Store, log *slog.Logger) *dataWatch {
	d := &dataWatch{}
	checker, ok := st.(store.Checker)
	if !ok {
		return d
	}
	d.running.Go(func() {
		start := time.Now()
		checked, err := checker.Check(ctx, func(damage *store.DamageError) {
			d.found.Add(1)
			log.Error("the stored data is damaged: restore a backup", "key", damage.Key, "error", damage)
		}, gently(ctx))
		if err == nil {
			err = state.Verify(ctx, st, func(f store.Finding) {
				d.found.Add(1)
				log.Error("the stored data contradicts itself", "key", f.Key, "error", f.What)
			})
		}
		switch {
		case ctx.Err() != nil:
		case err != nil:
			log.Error("the stored data could not be checked", "error", err)
		default:
			log.Info("the stored data was checked", "pages", checked.Pages, "entries", checked.Entries, "found", d.found.Load(), "took", time.Since(start))
		}
	})
	return d
}

// gently pauses for as long as was worked since the last pause, so that a check takes half a processor at most.
func gently(ctx context.Context) func() {
	last := time.Now()
	return func() {
		select {
		case <-ctx.Done():
		case <-time.After(min(time.Since(last), time.Second)):
		}
		last = time.Now()
	}
}

// clusterOf is the store where several servers share it, nil for one that is not shared.
func clusterOf(st store.Store) store.Shared {
	shared, _ := st.(store.Shared)
	return shared
}

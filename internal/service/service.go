// Package service is the operations of Network Manager and their rules: plain functions, one file per resource family.
//
// A function reads as the documentation of its operation: look up, check, change, answer, in the transaction it is given.
// One that has to ask the catalog first takes a context and an env, asks, and then opens its transaction. Nothing here
// runs by itself, and nothing knows of HTTP, of signatures or of where time, ids and bytes on disk come from.
package service

import (
	"context"
	"io"
	"log/slog"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/network"
	"portolan/internal/state"
)

// Config is what a Service is made of, besides the state. Networks is required; everything else has a default.
type Config struct {
	Networks *network.Networks
	Catalog  catalog.Catalog // of what EC2 and Direct Connect own; nil knows nothing and takes every well-formed ARN
	Log      *slog.Logger    // default discards

	// CheckResourcePolicy reads a resource policy as those who decide by it will; nil takes what has a Statement.
	CheckResourcePolicy func(document string) error
}

// Service implements [api.Service] by handing each input to the function of the operation.
type Service struct {
	api.Unimplemented
	*env
}

var _ api.Service = (*Service)(nil)

// env is what operations work with besides a transaction.
type env struct {
	db       *state.DB
	networks *network.Networks
	refs     references
	log      *slog.Logger

	checkResourcePolicy func(string) error
}

// New returns the operations over a state, and registers how its rows move from state to state.
func New(db *state.DB, cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	registerTransitions(db)
	return &Service{env: &env{
		db:       db,
		networks: cfg.Networks,
		refs:     references{cfg.Catalog},
		log:      cfg.Log,

		checkResourcePolicy: cfg.CheckResourcePolicy,
	}}
}

// view answers an input from one snapshot.
func view[I, O any](ctx context.Context, e *env, in *I, f func(*state.View, *I) (*O, error)) (*O, error) {
	return state.Answer(ctx, e.db, in, f)
}

// change answers an input in one transaction.
func change[I, O any](ctx context.Context, e *env, in *I, f func(*state.Txn, *I) (*O, error)) (*O, error) {
	return state.Update(ctx, e.db, func(tx *state.Txn) (*O, error) { return f(tx, in) })
}
